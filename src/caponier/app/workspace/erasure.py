"""Erase what a workspace holds of a caller: events in the lake and the spool, names in the store, state in guards."""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from caponier.detect.wording import how_many
from caponier.errors import InputError
from caponier.formats.append_file import append_whole
from caponier.formats.atomic_file import HALF, replacing
from caponier.formats.walk_files import shown, walk
from caponier.guard.settings import read_settings
from caponier.guard.spool import ExchangeSpool
from caponier.guard.spooled import from_bytes
from caponier.records.inventory import Workspace
from caponier.records.skip import Skip
from caponier.store import audit, erasure, response_actions
from caponier.store.database import open_store
from caponier.telemetry.readers.cloud_event import COLLECTED, attributes

FORGET: Final = Path(".caponier/forget")
"""Digests of the names that guards which are running forget, one a line."""
MODE: Final = 0o600
_ANY_SIZE: Final = 2**62


@dataclass
class Erasure:
    """What was erased."""

    events: int = 0
    """Of the lake, and of what waits for it."""
    requests: int = 0
    """Of spools."""
    records: int = 0
    """Of the store, in which another name stands now."""
    states: int = 0
    """Of the checkpoint of a stream, and rows that wait there."""
    skipped: list[Skip] = field(default_factory=list)
    """What may still hold something of the caller."""


def digest_of(name: str) -> str:
    """Return what stands for an erased name where it must not be read any more."""
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16, person=b"caponier erased").hexdigest()


def erase(workspace: Workspace, name: str, *, actor: str) -> Erasure:
    """Erase what there is of a caller.

    Findings and incidents stay, with a made-up name in the place of the caller's. Guards that are running go on: in
    files to which they append a line becomes blanks, and they forget the caller within a second or so.

    Args:
        workspace: Where.
        name: Of the principal, as events have it (`k-…`).
        actor: Who does it, for the audit log; that holds no name.

    Raises:
        InputError: If something is in force against the caller, or the lake is no folder.
        OSError: If a file cannot be written.
    """
    if not name or not name.isprintable():
        raise InputError("no name of a principal", hint="caponier key-hash tells that of a key")
    if "://" in workspace.lake:
        raise InputError("callers are erased from a folder only", where=f"{workspace.file}: lake")
    done = Erasure()
    _erase_from_store(workspace, name, actor, done)
    _tell_guards(workspace, name)
    spools = read_settings(workspace.guard, str(workspace.file)).spool
    if spools:
        _erase_from_spools(workspace.root / spools, name, done)
    _erase_from_lake(Path(workspace.lake), name, done)
    return done


def _erase_from_lake(lake: Path, name: str, done: Erasure) -> None:
    within = lake.resolve()
    for found in walk([lake]) if lake.exists() else ():
        path, problem = found.path, found.problem
        if problem is None and path.is_symlink():
            if path.resolve().is_relative_to(within):
                continue
            problem = f"is a link to a log elsewhere, {path.resolve()}; look into it yourself"
        elif problem is None and path.name.startswith(HALF):
            problem = "is what a write that was cut off has left; delete it"
        if problem is not None:
            done.skipped.append(Skip(shown(path), problem))
        elif not path.name.startswith("."):
            # A hidden file, such as .gitignore, is nobody's log.
            _erase_from_file(path, name, done)


def _erase_from_store(workspace: Workspace, name: str, actor: str, done: Erasure) -> None:
    with open_store(workspace.store) as store, store.write() as connection:
        now = datetime.now(UTC)
        live = response_actions.search(connection, states=response_actions.LIVE)
        held = [one.action_id for one in live if one.scope.id == name and one.expires > now]
        if held:
            raise InputError(
                f"a response action is in force against this caller, or waits for an approver: {held[0]}",
                hint=f"Undo it first: caponier respond undo {held[0]}",
            )
        if erasure.is_word(connection, name):
            done.skipped.append(Skip("the store", "the name is a word of the store's own; nothing is changed"))
        else:
            done.records = erasure.rename(connection, name, f"erased-{secrets.token_hex(6)}")
        audit.append(connection, actor, "principal.erased", digest_of(name), {"records": done.records})


def _tell_guards(workspace: Workspace, name: str) -> None:
    path = workspace.root / FORGET
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, MODE)
    try:
        append_whole(opened, f"{digest_of(name)}\n".encode())
    finally:
        os.close(opened)


def _erase_from_spools(folder: Path, name: str, done: Erasure) -> None:
    for slot in sorted(path for path in folder.glob("*") if path.name.isdecimal() and path.is_dir()):
        for path in sorted(slot.rglob("*.jsonl")):
            _erase_from_file(path, name, done)
        try:
            with ExchangeSpool(slot, _ANY_SIZE) as spool:
                done.requests += spool.erase(lambda data: _asked_by(data, name))
        except BlockingIOError:
            done.skipped.append(
                Skip(
                    str(slot),
                    "a guard is running: what it has not written yet may be of this caller; erase again later",
                )
            )


def _asked_by(data: bytes, name: str) -> bool:
    try:
        caller = from_bytes(data).caller
    except (ValueError, KeyError, TypeError):
        return False
    return name == caller.principal or name in caller.possible


def _erase_from_file(path: Path, name: str, done: Erasure) -> None:
    """Erase from one file; one that is broken or may not be written keeps nobody's events in the others."""
    try:
        if path.suffix in (".jsonl", ".ndjson"):
            done.events += _erase_lines(path, name, done)
        elif path.suffix == ".parquet":
            done.events += _erase_rows(path, name)
        else:
            done.skipped.append(Skip(str(path), "neither Parquet nor plain lines of JSON; look into it yourself"))
    except (OSError, InputError, pa.ArrowException) as failed:
        # A guard deletes what it has written elsewhere, and what is old.
        if path.exists():
            why = getattr(failed, "strerror", None) or str(failed).split("\n", 1)[0]
            done.skipped.append(
                Skip(str(path), f"cannot be read or written: {why}; correct or delete it, and erase again")
            )


def _erase_lines(path: Path, name: str, done: Erasure) -> int:
    """Put blanks in the place of a caller's lines: whoever appends to the file goes on, and nothing moves."""
    plain, asked, torn = name.encode("utf-8", "surrogatepass"), list[tuple[int, bytes]](), 0
    with path.open("r+b", buffering=0) as file:
        for at, line in _lines(path):
            # Whoever wrote the line may have escaped any letter.
            if plain not in line and b"\\" not in line:
                continue
            if _names(line, name):
                asked.append((at, line))
            elif plain in line and _parsed(line) is None:
                torn += 1
        if torn:
            left = f"{how_many(torn, 'line')} left that cannot be parsed, with this name in it"
            done.skipped.append(Skip(str(path), left))
        ids = {id_ for _, line in asked if (id_ := _pair_of(line)) is not None}
        # Of a request and its answer that were logged apart, the answer names nobody.
        answers = [(at, line) for at, line in _lines(path) if ids and _pair_of(line) in ids]
        for at, line in dict((*asked, *answers)).items():
            file.seek(at)
            file.write(b" " * len(line.rstrip(b"\r\n")))
    return len(asked)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    at = 0
    with path.open("rb") as file:
        for line in file:
            yield at, line
            at += len(line)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _names(line: bytes, name: str) -> bool:
    """Tell whether a line is an event of a caller, or a logged request that was put down to it."""
    record = _parsed(line)
    if not isinstance(record, dict):
        return False
    collected = record.get(COLLECTED)
    return name == record.get("principal") or (isinstance(collected, dict) and name == collected.get("principal"))


def _pair_of(line: bytes) -> str | None:
    """Return what a request and its answer have in common, where they were logged apart."""
    record = _parsed(line)
    if not isinstance(record, dict) or COLLECTED not in record:
        return None
    found = attributes(record).get("id")
    return found if isinstance(found, str) else None


def _erase_rows(path: Path, name: str) -> int:
    table = pq.read_table(path, partitioning=None)
    if "principal" not in table.column_names:
        return 0
    kept = table.filter(pc.fill_null(pc.not_equal(table["principal"], name), True))
    if len(kept) < len(table):
        with replacing(path) as beside:
            pq.write_table(kept, beside, compression="zstd")
        path.chmod(MODE)
    return len(table) - len(kept)


def forgotten(workspace: Workspace) -> Callable[[], Sequence[str]]:
    """Return a function that tells which names were erased since it was asked last, by their digests.

    Args:
        workspace: Of a guard that is running.
    """
    path = workspace.root / FORGET
    known = path.stat().st_size if path.is_file() else 0

    def since() -> Sequence[str]:
        nonlocal known
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            size = 0
        if size <= known:
            known = size
            return ()
        with path.open("rb") as file:
            file.seek(known)
            added = file.read(size - known)
        known = size
        return added.decode("ascii", "replace").split()

    return since
