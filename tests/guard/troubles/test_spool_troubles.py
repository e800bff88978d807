"""The spool in trouble: a full disk, several processes, kills between two steps, and notes that are torn."""

import errno
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.guard import spool as module
from caponier.guard.spool import ExchangeSpool, Place, SpoolFullError, SpoolProgress, free_spools
from pace import HANG

LIMIT = 10**9
fork = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT", 256)


def contents(spool: ExchangeSpool) -> Iterator[bytes]:
    while spool.wanted is not None:
        data = spool.read()
        if data is not None:
            yield data


def abandoned(spool: ExchangeSpool) -> None:
    os.close(spool._state)


def segments(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.segment"))


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("name", ["posix_fallocate", "open"])
def test_while_the_disk_is_full_nothing_is_half_there_and_afterwards_it_goes_on(tmp_path: Path, name: str) -> None:
    with ExchangeSpool(tmp_path, LIMIT) as spool:
        spool.append([b"a" * 200])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module.os, name, full)
            for _ in range(3):
                with pytest.raises(OSError, match="No space") as failed:
                    spool.append([b"b" * 200])
                assert not isinstance(failed.value, SpoolFullError)
        assert len(segments(tmp_path)) == 1
        assert spool.waiting == 256
        spool.append([b"c" * 20])
        spool.append([b"d" * 200])
        assert list(contents(spool)) == [b"a" * 200, b"c" * 20, b"d" * 200]
        assert spool.broken == 0


def test_a_record_of_any_size_fits_or_is_too_much(tmp_path: Path) -> None:
    with ExchangeSpool(tmp_path, 2_000) as spool:
        for size in (1, 247, 248, 249, 700):
            spool.append([b"x" * size])
        with pytest.raises(SpoolFullError, match="2,000"):
            spool.append([b"x" * 1_000])
        assert [len(one) for one in contents(spool)] == [1, 247, 248, 249, 700]
        spool.commit(SpoolProgress(spool.taken))
        spool.append([b"x" * 1_000])
        assert [len(one) for one in contents(spool)] == [1_000]


def test_what_was_done_with_before_a_kill_takes_no_room_for_ever(tmp_path: Path) -> None:
    spool = ExchangeSpool(tmp_path, 1_024)
    for n in range(3):
        spool.append([b"%d" % n * 200])
    assert len(list(contents(spool))) == 3
    with pytest.MonkeyPatch.context() as patch:
        # The note is written, and the process is killed before anything is deleted.
        patch.setattr(Path, "unlink", full)
        with pytest.raises(OSError, match="No space"):
            spool.commit(SpoolProgress(spool.taken))
    abandoned(spool)
    assert len(segments(tmp_path)) == 3
    with ExchangeSpool(tmp_path, 1_024) as again:
        assert again.waiting <= 256
        for n in range(3):
            again.append([b"%d" % n * 200])
        assert [one[:1] for one in contents(again)] == [b"0", b"1", b"2"]


def test_no_record_is_put_before_what_the_reader_is_done_with(tmp_path: Path) -> None:
    spool = ExchangeSpool(tmp_path, LIMIT)
    for n in range(4):
        spool.append([b"%d" % n * 200])
    list(contents(spool))
    spool.commit(SpoolProgress(Place(9, 0)))
    abandoned(spool)
    (tmp_path / f"{2:012}.segment").write_bytes(bytes(256))
    with ExchangeSpool(tmp_path, LIMIT) as again:
        assert again.append([b"new"]) >= Place(9, 0)
        assert list(contents(again)) == [b"new"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=90), min_size=1, max_size=8), st.integers(0, 2**31), st.integers(0, 255))
def test_a_byte_that_changed_is_never_read_as_something_else(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], where: int, value: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = ExchangeSpool(folder, LIMIT)
    for record in records:
        spool.append([record])
    abandoned(spool)
    files = sorted(folder.glob("*.segment"))
    file = files[where % len(files)]
    held = bytearray(file.read_bytes())
    held[where % len(held)] = value
    file.write_bytes(held)
    with ExchangeSpool(folder, LIMIT) as again:
        again.append([b"the next process goes on"])
        found = list(contents(again))
    assert found[-1] == b"the next process goes on"
    left = iter(records)
    assert all(one in left for one in found[:-1]), "in order, and nothing that was not written"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 4_095))
def test_a_torn_note_is_the_one_before_it_or_the_beginning(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes, at: int
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    spool = ExchangeSpool(folder, LIMIT)
    for n in range(4):
        spool.append([b"%d" % n])
        spool.read()
        if n < 3:
            spool.commit(SpoolProgress(spool.taken, f"file {n}", n))
    abandoned(spool)
    state = folder / "progress"
    whole = state.read_bytes()
    state.write_bytes((whole[:at] + rubbish + whole[at + len(rubbish) :])[: len(whole)])
    with ExchangeSpool(folder, LIMIT) as again:
        assert again.progress.file in {"file 2", "file 1", "file 0", ""}
        found = list(contents(again))
        assert found == [b"0", b"1", b"2", b"3"][-len(found) :]
        assert b"3" in found, "what nobody was done with is read again"


@pytest.mark.parametrize("name", ["x" * 3_000, "ü" * 1_500])
def test_a_name_that_no_note_can_hold_is_an_error_and_changes_nothing(tmp_path: Path, name: str) -> None:
    with ExchangeSpool(tmp_path, LIMIT) as spool:
        spool.append([b"a"])
        spool.read()
        before = spool.progress
        with pytest.raises(OSError, match="too long"):
            spool.commit(SpoolProgress(spool.taken, name))
        assert spool.progress == before
        spool.commit(SpoolProgress(spool.taken, "short"))
        assert spool.progress.file == "short"


def in_processes(work: Callable[[int], None], count: int) -> list[int]:
    """Run something in as many processes at once; return how each ended."""
    running = [fork.Process(target=work, args=(n,)) for n in range(count)]
    for one in running:
        one.start()
    for one in running:
        one.join(HANG)
    return [one.exitcode or 0 for one in running]


def test_many_processes_share_a_folder_and_nothing_is_lost_or_read_twice(tmp_path: Path) -> None:
    def work(number: int) -> None:
        with next(free_spools(tmp_path, LIMIT)) as spool:
            for n in range(20):
                spool.append([b"%d/%d " % (number, n), b"x" * (37 * n % 90)])
            if number % 2:
                os.kill(os.getpid(), signal.SIGKILL)

    assert sorted(set(in_processes(work, 6))) == [-signal.SIGKILL, 0]
    found: list[bytes] = []
    while any(segments(folder) for folder in tmp_path.iterdir()):
        spools = list(free_spools(tmp_path, LIMIT))
        for spool in spools:
            found += contents(spool)
            spool.commit(SpoolProgress(spool.taken))
            spool.close()
    read = [tuple(map(int, one.split()[0].split(b"/"))) for one in found]
    assert sorted(read) == [(number, n) for number in range(6) for n in range(20)]
    for number in range(6):
        own = [n for who, n in read if who == number]
        assert own == sorted(own), "each in its order"


def test_more_guards_than_there_are_places_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SLOTS", 3)
    held = [next(free_spools(tmp_path, LIMIT)) for _ in range(3)]
    assert {spool.folder.name for spool in held} == {"0", "1", "2"}
    with pytest.raises(InputError, match="3 guards use this spool"):
        next(free_spools(tmp_path, LIMIT))
    held[1].close()
    last = next(free_spools(tmp_path, LIMIT))
    assert last.folder.name == "1"
    for spool in (held[0], held[2], last):
        spool.close()


def test_strange_files_in_the_folder_are_nobodys_records(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    for name in ("notes.segment", "1.segment.tmp", "README", "-1.segment", "²³.segment"):
        (tmp_path / "0" / name).write_bytes(b"not ours")
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "²").mkdir()
    with next(free_spools(tmp_path, LIMIT)) as spool:
        spool.append([b"ours"])
        assert list(contents(spool)) == [b"ours"]
        spool.commit(SpoolProgress(spool.taken))
    assert (tmp_path / "0" / "notes.segment").read_bytes() == b"not ours"
    assert segments(tmp_path / "0") == ["-1.segment", "notes.segment", "²³.segment"]


def test_nobody_else_may_read_what_waits(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with next(free_spools(tmp_path / "spool", LIMIT)) as spool:
            spool.append([b"a body"])
            assert {path.stat().st_mode & 0o777 for path in spool.folder.iterdir()} == {0o600}
            assert spool.folder.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)
