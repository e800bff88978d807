"""The events of a guard on their way to the lake; while that cannot be written, beside the spool."""

import os
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

import numpy as np
import orjson
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.formats.append_file import append_whole
from caponier.formats.atomic_file import replacing
from caponier.guard.events import Row
from caponier.records.inventory import Workspace
from caponier.telemetry.digests import input_digest, typed_rows

MODE: Final = 0o600
"""What callers ask is nobody else's business."""
RETRY_S: Final = 1.0
"""Between two attempts to write to a lake that could not be written."""
SPILLED: Final = "spilled"
_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z

Coarse = Callable[[str, NDArray[np.float32]], NDArray[np.float32] | None]
Switching = Callable[[str, int], None]
"""Told, before anything is appended to another file, which one that is, and how large."""


class GuardLog:
    """Writes events to the lake: a JSON Lines file an hour and process, in a folder a day.

    What the lake does not take goes to files of the same names beside the spool, and from there to the lake as soon as
    that can be written again.

    Args:
        workspace: Whose lake it is; its `keep_inputs` says whether inputs are written, rounded, or only their digests.
        salt: For the digests.
        beside: Folder for what the lake does not take; None if that is to fail. It may be changed.

    Raises:
        InputError: If the lake is no folder.
    """

    def __init__(self, workspace: Workspace, salt: bytes, beside: Path | None = None) -> None:
        if "://" in workspace.lake:
            raise InputError("the guard writes to a folder only", where=f"{workspace.file}: lake")
        self._root, self._salt = Path(workspace.lake), salt
        self.beside = beside
        self._keep = workspace.privacy.keep_inputs
        self._types = {model.name: model.features.dtype for model in workspace.models if model.features}
        self._name = f"{os.getpid()}-{secrets.token_hex(3)}"
        self._file: Path | None = None
        self._open, self._size = -1, 0
        self._tried = -RETRY_S
        self._again = 0
        self.coarse: Coarse = lambda *_: None
        """Rounds an input of a model; None where that cannot be done, and then only its digest is kept."""
        self.switching: Switching = lambda *_: None
        self.failing: Callable[[OSError], None] = lambda _: None
        """Told when the lake cannot be written."""

    @property
    def place(self) -> tuple[str, int]:
        """The file that was written last, and how much of it holds what was to be written."""
        return str(self._file or ""), self._size

    @property
    def spilled(self) -> int:
        """Bytes that wait for the lake."""
        return sum(path.stat().st_size for path in self._waiting())

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows at once, in one piece.

        Raises:
            OSError: If that is not possible, such as when the disk is full.
            TypeError: If a row holds what is no JSON; nothing was written.
        """
        data = b"".join(orjson.dumps(self._kept(row), option=_OPTIONS, default=str) for row in rows)
        hour = f"{datetime.now(UTC):%Y-%m-%d/guard-%H}"
        if self.beside is None:
            self._append(self._root / f"{hour}-{self._name}.jsonl", data)
            return
        if monotonic() - self._tried >= RETRY_S:
            try:
                self._append(self._root / f"{hour}-{self._name}{self._suffix}.jsonl", data)
                return
            except OSError as failure:
                self._tried, self._again = monotonic(), self._again + 1
                self.failing(failure)
        self._append(self.beside / f"{hour}-{self._name}-spilled{self._suffix}.jsonl", data)

    @property
    def _suffix(self) -> str:
        # After a failure nothing is appended to a file of which nobody knows how it ends.
        return f"-{self._again}" if self._again else ""

    def drain(self) -> int:
        """Put what was written beside the spool into the lake, if that can be written; return how many files.

        A file that is moved again, because the process was killed in between, takes the place of itself.

        Raises:
            OSError, InputError: If it cannot.
        """
        waiting = self._waiting()
        if not waiting or self.beside is None or monotonic() - self._tried < RETRY_S:
            return 0
        self._tried = monotonic()
        for path in waiting:
            if path == self._file:
                self.close()
                self._again += 1
            target = self._root / path.relative_to(self.beside)
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as beside:
                beside.write_bytes(path.read_bytes())
                beside.chmod(MODE)
            target.chmod(MODE)
            path.unlink()
        self._tried = -RETRY_S
        return len(waiting)

    def close(self) -> None:
        """Close the file."""
        if self._open >= 0:
            os.close(self._open)
        self._open, self._file, self._size = -1, None, 0

    def _waiting(self) -> list[Path]:
        return sorted(self.beside.rglob("*.jsonl")) if self.beside is not None and self.beside.is_dir() else []

    def _append(self, path: Path, data: bytes) -> None:
        if path != self._file:
            self._begin(path)
        try:
            append_whole(self._open, data)
        except OSError:
            self.close()
            raise
        self._size += len(data)

    def _begin(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, MODE)
        size = os.fstat(opened).st_size
        self.close()
        self._file, self._open, self._size = path, opened, size
        self.switching(str(path), size)

    def _kept(self, row: Row) -> Row:
        kept = {name: value for name, value in row.items() if value is not None}
        if self._keep == "exact" or "input" not in kept:
            return kept
        values = kept.pop("input")
        typed = typed_rows(values, self._types.get(row["model"], "float32"))
        kept["input_digest"] = input_digest(typed, self._salt)
        rounded = self.coarse(row["model"], values) if self._keep == "quantised" else None
        if rounded is not None:
            kept["input"] = rounded
        return kept


def cut_back(file: str, size: int) -> None:
    """Cut from a file what was appended to it and not noted as done: it is written again.

    Args:
        file: As `GuardLog.place` gave it; empty or gone is nothing to do.
        size: Too.

    Raises:
        OSError: If that is not possible.
    """
    path = Path(file)
    if file and path.is_file() and path.stat().st_size > size:
        os.truncate(path, size)
