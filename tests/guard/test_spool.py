"""The spool: what is written is read in order, once, by whoever has it; whatever becomes of the process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.guard import spool as module
from caponier.guard.spool import ExchangeSpool, Place, SpoolFullError, SpoolProgress, free_spools

LIMIT = 10**9


def contents(spool: ExchangeSpool) -> Iterator[bytes]:
    while spool.wanted is not None:
        data = spool.read()
        if data is not None:
            yield data


def abandoned(spool: ExchangeSpool) -> None:
    """Do what the end of a process does: the lock goes, and nothing else."""
    module.os.close(spool._state)


@given(st.lists(st.lists(st.binary(min_size=1, max_size=40), max_size=8), max_size=6), st.data())
def test_every_run_reads_on_where_the_one_before_it_was_done(
    tmp_path_factory: pytest.TempPathFactory, runs: list[list[bytes]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    expected: list[bytes] = []
    done: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SEGMENT", 60)
        for records in [[b"first"], *runs, []]:
            spool = ExchangeSpool(folder, LIMIT)
            for record in records:
                spool.append([record[:3], record[3:]])
                expected.append(record)
            wanted = data.draw(st.integers(0, len(expected) - len(done)))
            read = [spool.read() for _ in range(wanted)]
            done += [one for one in read if one is not None]
            spool.commit(SpoolProgress(spool.taken, "file", 7))
            abandoned(spool)
        with ExchangeSpool(folder, LIMIT) as last:
            done += contents(last)
    assert done == expected


def test_what_is_not_done_is_read_again(tmp_path: Path) -> None:
    spool = ExchangeSpool(tmp_path, LIMIT)
    for n in range(3):
        spool.append([b"%d" % n])
    assert spool.read() == b"0"
    spool.commit(SpoolProgress(spool.taken, "lake/a.jsonl", 12))
    assert spool.read() == b"1"
    abandoned(spool)
    with ExchangeSpool(tmp_path, LIMIT) as again:
        assert (again.progress.file, again.progress.size) == ("lake/a.jsonl", 12)
        again.append([b"3"])
        assert list(contents(again)) == [b"1", b"2", b"3"]


def test_segments_that_are_done_with_are_deleted_and_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT", 100)
    with ExchangeSpool(tmp_path, 500) as spool:
        for _ in range(30):
            for _ in range(4):
                spool.append([b"x" * 90])
            assert len(list(contents(spool))) == 4
            spool.commit(SpoolProgress(spool.taken))
            assert len(list(tmp_path.glob("*.segment"))) <= 2
        for _ in range(3):
            spool.append([b"x" * 90])
        with pytest.raises(SpoolFullError):
            spool.append([b"x" * 400])
    assert len(list(tmp_path.glob("*.segment"))) >= 1, "what waits stays"


def test_after_a_clean_end_nothing_is_left(tmp_path: Path) -> None:
    with ExchangeSpool(tmp_path, LIMIT) as spool:
        spool.append([b"x"])
        assert list(contents(spool)) == [b"x"]
        spool.commit(SpoolProgress(spool.taken))
    assert not list(tmp_path.glob("*.segment"))
    with ExchangeSpool(tmp_path, LIMIT) as spool:
        assert spool.wanted is None
        assert spool.append([b"y"]) > Place(0, 0)
        assert spool.read() == b"y"


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_half_a_record_at_the_end_is_left_out(tmp_path: Path, cut: int) -> None:
    spool = ExchangeSpool(tmp_path, LIMIT)
    spool.append([b"whole"])
    spool.append([b"half"])
    abandoned(spool)
    (segment,) = tmp_path.glob("*.segment")
    held = segment.read_bytes()
    end = held.index(b"half") + 4
    segment.write_bytes(held[: end - cut] + bytes(len(held) - end + cut))
    with ExchangeSpool(tmp_path, LIMIT) as again:
        again.append([b"new"])
        assert list(contents(again)) == [b"whole", b"new"]
        # Twelve bytes are its head, too: then there is no record.
        assert again.broken == (cut < 12)


def test_a_broken_note_of_the_progress_leaves_the_one_before(tmp_path: Path) -> None:
    spool = ExchangeSpool(tmp_path, LIMIT)
    for n in range(2):
        spool.append([b"%d" % n])
        spool.read()
        spool.commit(SpoolProgress(spool.taken, f"{n}"))
    abandoned(spool)
    state = tmp_path / "progress"
    state.write_bytes(state.read_bytes().replace(b'"1"', b'"9"'))
    with ExchangeSpool(tmp_path, LIMIT) as again:
        assert again.progress.file == "0"
        assert again.read() == b"1"


def test_guards_that_share_a_folder_each_have_their_own(tmp_path: Path) -> None:
    first, *none = free_spools(tmp_path / "spool", LIMIT)
    assert not none
    second, *none = free_spools(tmp_path / "spool", LIMIT)
    assert not none
    assert first.folder != second.folder
    second.append([b"left behind"])
    abandoned(second)
    (left,) = free_spools(tmp_path / "spool", LIMIT)
    assert left.folder == second.folder
    assert left.read() == b"left behind"
    assert (first.folder / "progress").stat().st_mode & 0o777 == 0o600
    for one in (first, left):
        one.close()


def test_a_folder_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    with pytest.raises(InputError, match="spool cannot be used"):
        next(free_spools(tmp_path / "spool", LIMIT))


def test_where_the_system_cannot_allocate_zeros_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(module.os, "posix_fallocate")
    with ExchangeSpool(tmp_path, LIMIT) as spool:
        spool.append([b"x" * 100])
        (segment,) = tmp_path.glob("*.segment")
        assert segment.stat().st_size == module.SEGMENT
        assert segment.stat().st_blocks * 512 >= module.SEGMENT
        assert spool.read() == b"x" * 100
