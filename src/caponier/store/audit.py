"""The audit log: who did what, when, as a chain of hashes that shows later changes.

Each row's hash covers its content and the hash of the row before it; a head record holds the number of rows and the
last hash. So whoever changes, removes, swaps or cuts off rows, without computing everything after them again, is seen.

What this cannot show: the hash has no secret. Whoever may write the database can rebuild the whole chain and its head
from any row on, and the result is valid in itself. Only a head that was noted elsewhere (paper, another machine, a
ticket) tells such a rebuilt chain, or an older copy of the whole file, from the true one: give it to `verify`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from caponier.errors import CaponierError
from caponier.store.tables import audit, audit_head

GENESIS: Final = "0" * 64
"""The hash before the first row."""


@dataclass(frozen=True, slots=True)
class AuditHead:
    """How long the log is and where it ends: note it outside the store to prove later that nothing was rebuilt."""

    count: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One thing that was done."""

    seq: int
    """From 1, without gaps."""
    at: datetime
    actor: str
    action: str
    object: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChainReport:
    """Whether the log is whole, and if not, where it first breaks."""

    ok: bool
    rows: int
    head: AuditHead
    broken_seq: int | None = None
    kind: str | None = None
    """`changed`, `removed` or `reordered`."""
    why: str | None = None


@dataclass(frozen=True, slots=True)
class _Break:
    seq: int
    kind: str
    why: str


def append(connection: Connection, actor: str, action: str, object: str, details: dict[str, Any]) -> int:  # noqa: A002
    """Add one row at the end of the log, within the caller's write transaction.

    Args:
        connection: From `Store.write`: it holds the lock that keeps concurrent writers in one chain.
        actor: Who did it: a user, or a part of the program.
        action: What was done, such as `findings.recorded`.
        object: To what: an id, a path, a name.
        details: Anything that JSON can hold; no secrets.

    Returns:
        The row's number.

    Raises:
        ValueError: If the details are not JSON.
    """
    end = lock(connection)
    row = {
        "seq": end.count + 1,
        "at": datetime.now(UTC).isoformat(timespec="microseconds"),
        "actor": actor,
        "action": action,
        "object": object,
        "details": canonical(details),
        "previous_hash": end.hash,
    }
    digest = _digest(row)
    connection.execute(insert(audit).values(**row, hash=digest))
    connection.execute(update(audit_head).values(length=row["seq"], hash=digest))
    return end.count + 1


def lock(connection: Connection) -> AuditHead:
    """Let no other writer append until this transaction ends, and return where the log ends."""
    # SQLite has locked the whole database already; on PostgreSQL this row is what writers queue for.
    end = _read_head(connection, select(audit_head).with_for_update())
    if end is None:
        raise CaponierError("the audit log has lost its head record", hint="Restore the store from a backup.")
    return end


def rows(connection: Connection, *, limit: int = 100, offset: int = 0) -> list[AuditRow]:
    """Return rows of the log, newest first."""
    newest = select(audit).order_by(audit.c.seq.desc()).limit(limit).offset(offset)
    return [
        AuditRow(
            row.seq,
            datetime.fromisoformat(row.at),
            row.actor,
            row.action,
            row.object,
            json.loads(row.details),
        )
        for row in connection.execute(newest)
    ]


def head(connection: Connection) -> AuditHead:
    """Return where the log ends, to be noted outside the store."""
    return _read_head(connection, select(audit_head)) or AuditHead(0, GENESIS)


def verify(connection: Connection, noted: AuditHead | None = None) -> ChainReport:
    """Walk the whole chain.

    Detects a changed, removed, inserted or reordered row, and a cut-off tail, as long as the one who did it did not
    rebuild the chain behind it. A rebuilt chain is detected only by a `noted` head, and only in the rows up to it.

    Args:
        connection: From `Store.read`: one state of the log and its head.
        noted: A head that was kept outside the store.
    """
    end = head(connection)
    count, last, broken = 0, GENESIS, None
    with connection.execute(select(audit).order_by(audit.c.seq), execution_options={"yield_per": 1000}) as chain:
        for row in chain:
            broken = _break_at(connection, row, count + 1, last)
            if broken:
                break
            count, last = row.seq, row.hash
    broken = broken or _break_at_end(connection, end, count, last) or _break_from_noted(connection, noted, count)
    total = connection.scalar(select(func.count()).select_from(audit)) or 0
    if broken is None:
        return ChainReport(True, total, end)
    return ChainReport(False, total, end, broken.seq, broken.kind, broken.why)


def canonical(content: Any) -> str:
    """Write JSON in the one way that is hashed: sorted keys, no spaces, ASCII, no NaN.

    Raises:
        ValueError: If the content is not JSON.
    """
    try:
        return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except TypeError as wrong:
        raise ValueError(str(wrong)) from wrong


def _read_head(connection: Connection, query: Select[Any]) -> AuditHead | None:
    found = connection.execute(query).one_or_none()
    return None if found is None else AuditHead(found.length, found.hash)


def _digest(row: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(row).encode()).hexdigest()


def _digest_as(row: Row[Any], seq: int) -> str:
    # str(), because a column that was overwritten with a blob is a change to report, not a reason to stop.
    texts = {key: str(value) for key, value in row._mapping.items() if key not in ("seq", "hash")}
    return _digest({"seq": seq, **texts})


def _break_at(connection: Connection, row: Row[Any], seq: int, last: str) -> _Break | None:
    if row.seq == seq and row.previous_hash == last and _digest_as(row, seq) == row.hash:
        return None
    if row.seq != seq:
        return _Break(seq, "removed", f"row {seq} is missing; the next one there is has the number {row.seq}")
    return _moved(connection, row) or _Break(seq, "changed", f"row {seq} does not match its hash or the row before it")


def _moved(connection: Connection, row: Row[Any]) -> _Break | None:
    """Tell a row that is whole but stands in the wrong place from one whose content was changed."""
    longest = max(head(connection).count, row.seq) + 1
    written_as = next((seq for seq in range(1, longest + 1) if _digest_as(row, seq) == row.hash), None)
    if written_as is None or written_as == row.seq:
        return None
    before = connection.scalar(select(func.count()).where(audit.c.hash == row.previous_hash))
    if before or row.previous_hash == GENESIS:
        return _Break(row.seq, "reordered", f"row {row.seq} was written as row {written_as}")
    return _Break(row.seq, "removed", f"row {row.seq} was written as row {written_as}, and the row before it is gone")


def _break_at_end(connection: Connection, end: AuditHead, count: int, last: str) -> _Break | None:
    if count == 0 and _read_head(connection, select(audit_head)) is None:
        # Every store has one from the beginning: without it an emptied log would look like a new one.
        return _Break(1, "removed", "the rows and the head record are gone, so nothing says how long the log was")
    if count < end.count:
        return _Break(count + 1, "removed", f"the log ends with row {count}, but {end.count} rows were written")
    if (count, last) != (end.count, end.hash):
        return _Break(max(count, 1), "changed", "the end of the log does not match its head record")
    return None


def _break_from_noted(connection: Connection, noted: AuditHead | None, count: int) -> _Break | None:
    if noted is None or noted.count == 0:
        return None
    if count < noted.count:
        return _Break(count + 1, "removed", f"the log has {count} rows, but {noted.count} had been noted")
    found = connection.scalar(select(audit.c.hash).where(audit.c.seq == noted.count))
    if found == noted.hash:
        return None
    return _Break(noted.count, "changed", f"row {noted.count} is not the one that was noted: the chain was rebuilt")
