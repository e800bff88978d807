"""Checkpoints that somebody edited, cut off, mixed up or shares are told before anything is read; nothing else goes."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from bench.machinery.many_machines.stream_in_process import Follower

from app.stream.conftest import BEGIN, StreamWorld, event, lines
from caponier.app.inference.live import cases_of
from caponier.app.inference.plan import DetectionSettings, Diagnostics, ModelDetection
from caponier.app.stream.checkpoint import Checkpoint, StreamPosition
from caponier.app.workspace.workspace import load_workspace
from caponier.engines.shards import refuse_damaged
from caponier.errors import InputError
from caponier.records.inventory import Workspace
from once import once


def some(seconds: range) -> bytes:
    return lines([event(BEGIN + at * 1_000, f"c{at % 7}", [0.1, 0.2, at / 99], event_id=f"e{at}") for at in seconds])


@pytest.fixture(scope="session")
def half_way(stream_world: StreamWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace, and a checkpoint that holds states and rows that wait."""

    def made(folder: Path) -> Path:
        home = stream_world.copy(folder / "w")
        Path(home.lake).mkdir(exist_ok=True)
        (Path(home.lake) / "a.jsonl").write_bytes(some(range(30)))
        Follower(home, folder / "c").look()
        return folder

    return once(tmp_path_factory, "stream-half-way", made)


@pytest.fixture
def folder(half_way: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(half_way / "c", tmp_path / "c"))


@pytest.fixture(scope="session")
def watched(half_way: Path) -> Workspace:
    home = load_workspace(half_way / "w")
    assert home is not None
    return home


@pytest.fixture
def opened(watched: Workspace, folder: Path) -> Callable[[], Follower]:
    return lambda: Follower(watched, folder)


@pytest.fixture(scope="session")
def cases(watched: Workspace) -> Mapping[str, ModelDetection]:
    return cases_of(DetectionSettings.of(watched), Diagnostics([]))


@pytest.fixture
def read(cases: Mapping[str, ModelDetection], folder: Path) -> Callable[[], StreamPosition]:
    return lambda: Checkpoint(folder).read(cases, 2)


def edit(folder: Path, **changes: Any) -> None:
    file = folder / "position.json"
    file.write_bytes(orjson.dumps({**orjson.loads(file.read_bytes()), **changes}))


def test_one_that_nobody_touched_goes_on(opened: Callable[[], Follower]) -> None:
    follower = opened()
    assert follower.stream.position.waiting
    assert follower.stream.position.files
    follower.drain()
    assert follower.stream.position.events == 30


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"7",
        b'"x"',
        b"{}",
        b'{"form": 2}',
        b"\xff\xfe",
        b"\0" * 500,
        b'{"made_by": {}, "x": 1}',
    ],
)
def test_what_is_no_position_is_damaged(content: bytes, folder: Path, read: Callable[[], StreamPosition]) -> None:
    (folder / "position.json").write_bytes(content)
    with pytest.raises(InputError, match="is damaged") as told:
        read()
    assert told.value.hint == "Begin anew with --rebuild"


@pytest.mark.parametrize("kept", [1, 10, 100, -1])
def test_so_is_one_that_was_cut_off(kept: int, folder: Path, read: Callable[[], StreamPosition]) -> None:
    file = folder / "position.json"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(InputError, match="is damaged"):
        read()


@pytest.mark.parametrize(
    "changes",
    [
        {"made_by": 5},
        {"made_by": {"m": "x"}},
        {"shards": 0},
        {"shards": -2},
        {"shards": "two"},
        {"shards": 1},
        {"step": None},
        {"batch": "0"},
        {"batch": 0.5},
        {"released": {}},
        {"waiting": "abc"},
        {"waiting": [1]},
        {"waiting": ["../../../etc/passwd"]},
        {"files": []},
        {"files": {"0": "x"}},
        {"files": {"0": ["000000001-/../../position.json"]}},
        {"files": {"zero": []}},
        {"own": [["m", "c"]]},
        {"own": [["m", "c", "yesterday"]]},
        {"own": [["m", "c", "2026-01-01T00:00:00"]]},
        {"left_out": {"late": "many"}},
        {"form": "1"},
    ],
)
def test_so_is_one_that_no_stream_writes(
    changes: dict[str, Any], folder: Path, read: Callable[[], StreamPosition]
) -> None:
    edit(folder, **changes)
    with pytest.raises(InputError, match="is damaged"):
        read()


def test_another_form_is_named_whatever_else_is_in_it(folder: Path, read: Callable[[], StreamPosition]) -> None:
    (folder / "position.json").write_bytes(b'{"form": 3, "of": "a time to come"}')
    with pytest.raises(InputError, match=r"\bform 3\b.*\bform 2\b"):
        read()


@pytest.mark.parametrize("kind", ["state", "parquet"])
@pytest.mark.parametrize("damage", ["gone", "empty", "half", "other"])
def test_a_file_that_it_names_must_be_whole(
    kind: str, damage: str, folder: Path, read: Callable[[], StreamPosition]
) -> None:
    file = next((folder / "state").glob(f"*.{kind}"))
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes({"empty": b"", "half": content[: len(content) // 2], "other": b"x" * len(content)}[damage])
    before = sorted(path.name for path in (folder / "state").iterdir())
    with pytest.raises(InputError, match="is gone or damaged") as told:
        read()
    assert file.name in str(told.value)
    assert sorted(path.name for path in (folder / "state").iterdir()) == before
    with pytest.raises((OSError, ValueError)):
        refuse_damaged(file)


def test_states_with_other_columns_are_none(folder: Path, read: Callable[[], StreamPosition]) -> None:
    file = next((folder / "state").glob("*.state"))
    table = pa.table({"key": ["m"]})
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(InputError, match="is gone or damaged"):
        read()


def test_how_far_it_read_must_be_there(folder: Path, read: Callable[[], StreamPosition]) -> None:
    shutil.rmtree(folder / "spark")
    with pytest.raises(InputError, match="how far the lake was read is gone"):
        read()


@pytest.mark.parametrize("damage", [b"", b"{", b'{"shards": 0}'])
def test_to_rebuild_mends_any_damage(damage: bytes, folder: Path, opened: Callable[[], Follower]) -> None:
    (folder / "position.json").write_bytes(damage)
    for file in (folder / "state").iterdir():
        file.write_bytes(b"")
    Checkpoint(folder).clear()
    assert not list((folder / "state").iterdir())
    follower = opened()
    follower.drain()
    assert follower.stream.position.events == 30


def test_what_a_look_that_was_cut_off_has_left_goes(folder: Path, opened: Callable[[], Follower]) -> None:
    left = [folder / "state" / name for name in ("000000009-ab-0.state", "000000009-ab-read.parquet", ".caponier-x")]
    for path in left:
        path.write_bytes(b"x")
    opened()
    assert not any(path.exists() for path in left)


def test_what_no_look_wrote_stays(folder: Path, opened: Callable[[], Follower]) -> None:
    """Nobody's file is deleted for lying there, and a folder there stops no stream."""
    mine = folder / "state" / "notes.txt"
    mine.write_text("mine")
    (folder / "state" / "lost+found").mkdir()
    opened().drain()
    assert mine.read_text() == "mine"


class TestFolderOfOthers:
    """`--checkpoint /opt` must not delete /opt/spark."""

    @pytest.mark.parametrize("names", [("spark",), ("spark", "hadoop"), ("state", "terraform"), ("position.json", "x")])
    def test_it_is_refused_and_stays_as_it_is(self, names: tuple[str, ...], tmp_path: Path) -> None:
        for name in names:
            (tmp_path / "opt" / name).mkdir(parents=True)
            (tmp_path / "opt" / name / "file").write_text("theirs")
        with pytest.raises(InputError, match="is not a checkpoint of a stream"):
            Checkpoint(tmp_path / "opt")
        assert sorted(path.name for path in (tmp_path / "opt").iterdir()) == sorted(names)
        assert all((tmp_path / "opt" / name / "file").exists() for name in names)

    def test_a_file_is_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("theirs")
        with pytest.raises(InputError, match="no checkpoint can be kept there"):
            Checkpoint(tmp_path / "file")

    def test_what_a_write_that_was_cut_off_has_left_makes_it_nobody_elses(self, tmp_path: Path) -> None:
        checkpoint = Checkpoint(tmp_path / "c")
        (tmp_path / "c" / ".caponier-half").write_bytes(b"x")
        checkpoint.write(StreamPosition({}, 2))
        assert Checkpoint(tmp_path / "c").folder == tmp_path / "c"


class TestTwoStreams:
    def test_the_second_is_refused_until_the_first_has_ended(self, tmp_path: Path) -> None:
        first, second = Checkpoint(tmp_path / "c"), Checkpoint(tmp_path / "c")
        with first.alone(), pytest.raises(InputError, match="another stream is at work here"), second.alone():
            pytest.fail("both are at work")
        with second.alone():
            pass
        # What keeps others away is part of a checkpoint.
        with Checkpoint(tmp_path / "c").alone():
            pass

    def test_one_that_fails_lets_the_next_one_in(self, tmp_path: Path) -> None:
        with pytest.raises(RuntimeError), Checkpoint(tmp_path / "c").alone():
            raise RuntimeError
        with Checkpoint(tmp_path / "c").alone():
            pass

    def test_two_folders_keep_nobody_away(self, tmp_path: Path) -> None:
        with Checkpoint(tmp_path / "c").alone(), Checkpoint(tmp_path / "d").alone():
            pass


@pytest.mark.parametrize("changes", [{"m": {}, "n": {}}, {}, {"n": {}}])
def test_models_that_come_or_go_are_named(
    changes: dict[str, Any], folder: Path, read: Callable[[], StreamPosition]
) -> None:
    edit(folder, made_by=changes)
    with pytest.raises(InputError, match=r"n is not watched any more|m was not watched") as told:
        read()
    assert "--rebuild" in str(told.value)
