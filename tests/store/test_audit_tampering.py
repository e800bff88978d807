"""Whatever is done to the audit log behind its back is seen, unless everything after it was computed anew."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from caponier.errors import CaponierError
from caponier.store import audit
from caponier.store.audit import AuditHead, ChainReport
from caponier.store.database import Store, open_store

ROWS = 6
Row = list[object]
COLUMNS = ("seq", "at", "actor", "action", "object", "details", "previous_hash", "hash")


def write(store: Store) -> None:
    with store.write() as connection:
        for n in range(1, ROWS + 1):
            audit.append(connection, f"user{n}", "thing.done", f"t-{n}", {"n": n})


@pytest.fixture
def log(store: Store) -> Store:
    write(store)
    return store


def rewrite(path: Path, change: Callable[[list[Row]], list[Row]], head: Callable[[Row], Row] | None = None) -> None:
    """Replace the log by somebody who may write the file and knows how to switch the triggers off."""
    database = sqlite3.connect(path, isolation_level=None)
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{name}"')
    before = [list(row) for row in database.execute(f"SELECT {', '.join(COLUMNS)} FROM audit ORDER BY seq")]
    after = change([list(row) for row in before])
    database.execute("DELETE FROM audit")
    database.executemany(f"INSERT OR REPLACE INTO audit VALUES ({', '.join('?' * len(COLUMNS))})", after)
    if head is not None:
        old = list(database.execute("SELECT length, hash FROM audit_head").fetchone())
        database.execute("UPDATE audit_head SET length = ?, hash = ?", head(old))
    database.close()


def verified(store: Store, noted: AuditHead | None = None) -> ChainReport:
    with store.read() as connection:
        return audit.verify(connection, noted)


def head(store: Store) -> AuditHead:
    with store.read() as connection:
        return audit.head(connection)


def swapped(rows: list[Row], left: int, right: int) -> list[Row]:
    rows[left][1:], rows[right][1:] = rows[right][1:], rows[left][1:]
    return rows


def changed(rows: list[Row], at: int, column: int, value: object) -> list[Row]:
    rows[at][column] = value
    return rows


PLACES = st.integers(0, ROWS - 1)
TAMPERINGS = st.one_of(
    st.builds(
        lambda at, column, value: lambda rows: changed(rows, at, column, value),
        PLACES,
        st.integers(1, 7),
        st.sampled_from(["", "x", "{}", "0" * 64, b"\xff", "ada"]),
    ),
    st.builds(lambda at: lambda rows: rows[:at] + rows[at + 1 :], PLACES),
    st.builds(lambda at: lambda rows: rows[:at], PLACES),
    st.tuples(PLACES, PLACES)
    .filter(lambda pair: pair[0] != pair[1])
    .map(lambda pair: lambda rows: swapped(rows, *pair)),
    st.builds(lambda at: lambda rows: [*rows, [ROWS + 1, *rows[at][1:]]], PLACES),
    st.builds(lambda: lambda rows: [[row[0] + 1, *row[1:]] for row in rows]),
    st.builds(
        lambda at: lambda rows: [row if n < at else [row[0] + 5, *row[1:]] for n, row in enumerate(rows)], PLACES
    ),
)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log in a file of its own, to be copied: making one takes longer than all else."""
    path = tmp_path_factory.mktemp("log") / "store.db"
    with open_store(f"sqlite:///{path}") as store:
        write(store)
    return path


@settings(max_examples=80, deadline=None)
@given(tampering=TAMPERINGS)
def test_any_tampering_is_seen_where_it_was_done(original: Path, tampering: Callable[[list[Row]], list[Row]]) -> None:
    path = original.with_name("copy.db")
    for old in original.parent.glob("copy.db*"):
        old.unlink()
    shutil.copyfile(original, path)
    with open_store(f"sqlite:///{path}") as store:
        before = head(store)
        assert verified(store, before).ok
        first: list[int] = []

        def compared(rows: list[Row]) -> list[Row]:
            after = tampering([list(row) for row in rows])
            assume(after != rows)
            differing = [n for n in range(ROWS) if n >= len(after) or after[n] != rows[n]]
            first.append((differing or [ROWS])[0] + 1)
            return after

        rewrite(path, compared)
        report = verified(store, before)
        assert not report.ok
        assert report.kind in ("changed", "removed", "reordered")
        assert report.broken_seq is not None
        assert report.why
        # Found at the first row that differs or at the one that no longer follows on it.
        assert first[0] <= report.broken_seq + 1
        assert report.broken_seq <= first[0] + 1


@pytest.mark.parametrize("last", range(ROWS))
def test_a_tail_cut_together_with_its_head_is_seen_by_a_noted_head_only(log: Store, path: Path, last: int) -> None:
    noted = head(log)
    kept: list[str] = [audit.GENESIS]

    def cut(rows: list[Row]) -> list[Row]:
        kept.extend(str(row[-1]) for row in rows[:last])
        return rows[:last]

    rewrite(path, cut, lambda _: [last, kept[-1]])
    assert verified(log).ok, "nothing inside the file can tell"
    report = verified(log, noted)
    assert (report.ok, report.kind, report.broken_seq) == (False, "removed", last + 1)


def test_a_log_that_was_emptied_with_its_head_is_not_a_new_one(log: Store, path: Path) -> None:
    rewrite(path, lambda rows: [])
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("DELETE FROM audit_head")
    database.close()
    report = verified(log)
    assert (report.ok, report.rows, report.broken_seq, report.kind) == (False, 0, 1, "removed")
    assert "head record" in str(report.why)
    with pytest.raises(CaponierError, match="lost its head record"), log.write() as connection:
        audit.append(connection, "ada", "a", "b", {})


def test_a_new_store_is_whole_and_empty(store: Store) -> None:
    report = verified(store)
    assert (report.ok, report.rows, report.head) == (True, 0, AuditHead(0, audit.GENESIS))


@pytest.mark.parametrize("clock", ["1999-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"])
def test_a_clock_that_was_set_breaks_no_chain(log: Store, clock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order is the order of writing; the time of a row is what the machine believed."""

    class Stopped(audit.datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Stopped":
            del tz
            return cls.fromisoformat(clock)

    monkeypatch.setattr(audit, "datetime", Stopped)
    with log.write() as connection:
        audit.append(connection, "ada", "late.done", "x", {})
    monkeypatch.undo()
    with log.write() as connection:
        audit.append(connection, "ada", "now.done", "x", {})
        newest, before, *_ = audit.rows(connection)
    assert (newest.action, before.action) == ("now.done", "late.done")
    assert before.at.isoformat() == clock
    assert verified(log).ok
