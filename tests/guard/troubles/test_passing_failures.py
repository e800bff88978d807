"""A spool that cannot be read for a while, such as with too many open files, loses nothing and keeps nobody waiting."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.guard.test_work import exchange, guard_in
from caponier.app.guard import work as guard_work
from caponier.app.guard.backlog import ExchangeQueue
from caponier.guard import spool as module
from caponier.guard.spool import ExchangeSpool, SpoolProgress, free_spools
from guard.troubles.test_spool_troubles import LIMIT, abandoned, contents


@contextmanager
def unreadable(name: str = "open", segment: str = "") -> Iterator[None]:
    """Have what is read fail; `open` of one segment alone, if it is said."""
    plain = getattr(os, name)

    def failing(path: Any, *arguments: Any) -> Any:
        if segment in str(path) and str(path).endswith("segment"):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return plain(path, *arguments)

    def never(*_: Any) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.os, name, failing if name == "open" else never)
        yield


def filled(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ExchangeSpool:
    """Make a spool of two segments with two records each that a process left behind, and a third of this one."""
    monkeypatch.setattr(module, "SEGMENT", 100)
    spool = ExchangeSpool(folder, LIMIT)
    for n in range(5):
        spool.append([b"%d" % n * 40])
    return spool


@pytest.mark.parametrize("name", ["open", "pread"])
def test_what_cannot_be_read_for_a_while_is_read_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with filled(tmp_path, monkeypatch) as spool:
        if name == "pread":
            spool.read()
        with unreadable(name):
            for _ in range(3):
                with pytest.raises(OSError, match=r"open files|output"):
                    spool.read()
        rest = list(contents(spool))
        assert [one[:1] for one in rest] == [b"0", b"1", b"2", b"3", b"4"][5 - len(rest) :]
        assert (len(rest), spool.broken) == (4 if name == "pread" else 5, 0)


@pytest.mark.parametrize("read", [0, 1])
def test_a_segment_that_cannot_be_read_for_long_is_read_once_after_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: int
) -> None:
    monkeypatch.setattr(module, "GIVE_UP_S", 0.0)
    spool = filled(tmp_path, monkeypatch)
    before = [spool.read() for _ in range(read)]
    spool.commit(SpoolProgress(spool.taken))
    with unreadable("pread"), pytest.raises(OSError, match="output"):
        spool.read()
    others = list(contents(spool))
    assert [one[:1] for one in others] == [b"2", b"3", b"4"]
    spool.commit(SpoolProgress(spool.taken))
    abandoned(spool)
    for _ in range(2):
        # The second start has nothing left to take back.
        with ExchangeSpool(tmp_path, LIMIT) as again:
            before += list(contents(again))
            assert again.broken == 0
            again.commit(SpoolProgress(again.taken))
    assert [(one or b"")[:1] for one in before] == [b"0", b"1"]
    assert not list(tmp_path.glob("*.aside"))


def test_nothing_is_put_aside_before_what_stands_before_it_is_done_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GIVE_UP_S", 0.0)
    with filled(tmp_path, monkeypatch) as spool:
        spool.read()
        with unreadable("pread"), pytest.raises(OSError, match="output"):
            spool.read()
        assert not list(tmp_path.glob("*.aside")), "a kill would lose the first record"
        assert [one[:1] for one in contents(spool)] == [b"1", b"2", b"3", b"4"]


def test_a_segment_that_is_gone_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with filled(tmp_path, monkeypatch) as spool:
        min(tmp_path.glob("*.segment")).unlink()
        assert [one[:1] for one in contents(spool)] == [b"2", b"3", b"4"]
        assert spool.broken == 1


def test_a_guard_reads_on_and_ends_while_its_spool_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_work, "PAUSE_S", 0.001)
    told: list[str] = []
    work = guard_in(tmp_path, told).work
    work.backlog.queue = ExchangeQueue(length=0)
    work.backlog.spool = next(free_spools(tmp_path / "spool", LIMIT))
    for _ in range(4):
        work.keep(exchange())
    with unreadable():
        assert work._work() == 0
        work.start()
        work.close()
    assert work.metrics.total("events") == 0
    why = "spool: OSError (Too many open files)"
    assert told[0] == f"warning: {why}; the guard goes on, and counts how often this happens"
    again = guard_in(tmp_path / "again", []).work
    again.backlog.spool = next(free_spools(tmp_path / "spool", LIMIT))
    assert again.recover() == 4
    assert (again.metrics.total("events"), again.metrics.total("lost_events")) == (4, 0)
    again.close()
