import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from caponier.errors import CaponierError
from caponier.store import audit
from caponier.store.audit import AuditHead, ChainReport
from caponier.store.database import Store, open_store
from pace import HANG

TRIGGERS = ("audit_keeps_rows", "audit_keeps_content", "audit_only_grows", "audit_keeps_head", "audit_counts_up")


def write(store: Store, times: int = 5) -> None:
    for number in range(times):
        with store.write() as connection:
            audit.append(connection, "alice", "finding.judged", f"f-{number}", {"verdict": "benign", "n": number})


def verified(store: Store, noted: AuditHead | None = None) -> ChainReport:
    with store.read() as connection:
        return audit.verify(connection, noted)


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for trigger in TRIGGERS:
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)


def test_an_empty_log_is_whole(store: Store) -> None:
    assert verified(store) == ChainReport(True, 0, AuditHead(0, audit.GENESIS))


def test_rows_are_numbered_and_chained(store: Store) -> None:
    write(store)
    report = verified(store)
    assert (report.ok, report.rows, report.head.count, report.why) == (True, 5, 5, None)
    with store.read() as connection:
        rows = audit.rows(connection, limit=2, offset=1)
    assert [row.seq for row in rows] == [4, 3]
    assert rows[0].details == {"verdict": "benign", "n": 3}
    assert abs((datetime.now(UTC) - rows[0].at).total_seconds()) < 60


@pytest.mark.parametrize(
    "details", [{}, {"a": (1, 2)}, {1: "number"}, {"ü": "🜚", "f": 0.1}, {"nested": {"b": 1, "a": [None, True]}}]
)
def test_any_json_keeps_the_chain(store: Store, details: dict[str, Any]) -> None:
    with store.write() as connection:
        assert audit.append(connection, "bob", "tried", "x", details) == 1
    assert verified(store).ok


@pytest.mark.parametrize("details", [{"a": float("nan")}, {"a": object()}, {"a": {1, 2}}])
def test_what_is_not_json_is_refused_and_leaves_no_row(store: Store, details: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="JSON"), store.write() as connection:
        audit.append(connection, "bob", "tried", "x", details)
    assert verified(store).rows == 0


def test_a_transaction_that_fails_leaves_no_row(store: Store) -> None:
    def append_and_fail() -> None:
        with store.write() as connection:
            audit.append(connection, "bob", "tried", "x", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        append_and_fail()
    assert verified(store) == ChainReport(True, 0, AuditHead(0, audit.GENESIS))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'mallory' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "INSERT OR REPLACE INTO audit SELECT 2, at, 'mallory', action, object, details, previous_hash, hash FROM audit",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET length = 1",
    ],
)
def test_the_database_forbids_changes(store: Store, path: Path, statement: str) -> None:
    write(store)
    with pytest.raises(IntegrityError, match="append-only"), store.write() as connection:
        connection.exec_driver_sql(statement)
    assert verified(store).rows == 5


@pytest.mark.parametrize("column", ["at", "actor", "action", "object", "details", "previous_hash", "hash"])
@pytest.mark.parametrize("value", ["'forged'", "x'00ff'"])
def test_a_changed_row_is_seen(store: Store, path: Path, column: str, value: str) -> None:
    write(store)
    tamper(path, f"UPDATE audit SET {column} = {value} WHERE seq = 3")
    report = verified(store)
    assert (report.ok, report.broken_seq, report.kind, report.rows) == (False, 3, "changed", 5)


def test_a_changed_last_row_is_seen(store: Store, path: Path) -> None:
    write(store)
    tamper(path, "UPDATE audit SET actor = 'mallory' WHERE seq = 5")
    assert verified(store).broken_seq == 5


def test_a_removed_row_is_seen(store: Store, path: Path) -> None:
    write(store)
    tamper(path, "DELETE FROM audit WHERE seq = 2")
    report = verified(store)
    assert (report.broken_seq, report.kind) == (2, "removed")
    assert report.why == "row 2 is missing; the next one there is has the number 3"


def test_a_removed_row_is_seen_though_the_rest_was_renumbered(store: Store, path: Path) -> None:
    write(store)
    tamper(
        path,
        "DELETE FROM audit WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 4",
        "UPDATE audit SET seq = 4 WHERE seq = 5",
        "UPDATE audit_head SET length = 4",
    )
    report = verified(store)
    assert (report.broken_seq, report.kind) == (2, "removed")


@pytest.mark.parametrize("last", [1, 2, 5])
def test_a_cut_tail_is_seen(store: Store, path: Path, last: int) -> None:
    write(store)
    tamper(path, f"DELETE FROM audit WHERE seq > {5 - last}")
    report = verified(store)
    assert (report.ok, report.broken_seq, report.kind) == (False, 6 - last, "removed")


def test_two_swapped_rows_are_seen(store: Store, path: Path) -> None:
    write(store)
    tamper(
        path,
        "UPDATE audit SET seq = -1 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 4",
        "UPDATE audit SET seq = 4 WHERE seq = -1",
    )
    report = verified(store)
    assert (report.broken_seq, report.kind) == (2, "reordered")
    assert report.why == "row 2 was written as row 4"


def test_an_added_row_is_seen(store: Store, path: Path) -> None:
    write(store)
    tamper(path, "INSERT INTO audit SELECT 6, at, actor, action, object, details, hash, 'x' FROM audit WHERE seq = 5")
    assert verified(store).broken_seq == 6


@pytest.mark.parametrize("statement", ["DELETE FROM audit_head", "UPDATE audit_head SET hash = 'x'"])
def test_a_lost_or_changed_head_is_seen(store: Store, path: Path, statement: str) -> None:
    write(store)
    tamper(path, statement)
    report = verified(store)
    assert (report.ok, report.broken_seq, report.kind) == (False, 5, "changed")


def test_nothing_is_added_to_a_log_without_its_head(store: Store, path: Path) -> None:
    write(store)
    tamper(path, "DELETE FROM audit_head")
    with pytest.raises(CaponierError, match="lost its head"), store.write() as connection:
        audit.append(connection, "alice", "tried", "x", {})


@pytest.fixture
def rebuilt(tmp_path: Path) -> Iterator[Callable[[int], Store]]:
    """A log of so many rows with valid hashes, but not the rows that were written first."""
    opened: list[Store] = []

    def build(times: int) -> Store:
        opened.append(open_store(f"sqlite:///{tmp_path / 'forged.db'}"))
        write(opened[-1], times)
        return opened[-1]

    yield build
    for store in opened:
        store.close()


def test_a_rebuilt_chain_is_seen_by_a_noted_head_only(store: Store, rebuilt: Callable[[int], Store]) -> None:
    write(store)
    noted = verified(store).head
    assert verified(store, noted).ok
    write(store, 2)
    assert verified(store, noted).ok

    forged = rebuilt(7)
    assert verified(forged).ok
    report = verified(forged, noted)
    assert (report.ok, report.broken_seq, report.kind) == (False, 5, "changed")


def test_an_older_copy_is_seen_by_a_noted_head_only(store: Store) -> None:
    write(store, 3)
    report = verified(store, AuditHead(5, "f" * 64))
    assert (report.ok, report.broken_seq, report.kind) == (False, 4, "removed")


def append_many(url: str, actor: str, times: int) -> None:
    with open_store(url) as store:
        for number in range(times):
            with store.write() as connection:
                audit.append(connection, actor, "counted", str(number), {})


def test_processes_that_write_at_once_keep_one_chain(path: Path) -> None:
    # Nobody has opened the database before: they also race to create it.
    url = f"sqlite:///{path}"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=append_many, args=(url, f"writer-{n}", 40)) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=HANG)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with open_store(url) as store:
        report = verified(store)
        assert (report.ok, report.rows) == (True, 120)
        with store.read() as connection:
            assert {row.actor for row in audit.rows(connection, limit=200)} == {"writer-0", "writer-1", "writer-2"}
