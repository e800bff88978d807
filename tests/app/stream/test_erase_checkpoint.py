"""An erased caller is gone from the states of a stream and from rows that wait; others lose nothing by it."""

from pathlib import Path

import pytest
from bench.machinery.many_machines.stream_in_process import Follower

from app.stream.conftest import BEGIN, StreamWorld, event, lines
from caponier.app.stream.checkpoint import Checkpoint
from caponier.app.stream.erasure import erase_from_checkpoint
from caponier.app.workspace.erasure import Erasure
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from cli.command import run

LONGEST = 40


def some(seconds: range) -> bytes:
    names = ("k-gone", "k-stays", "k-gone2")
    return lines([event(BEGIN + at * 1_000, names[at % 3], [0.1, 0.2, at / 99], event_id=f"e{at}") for at in seconds])


@pytest.fixture
def follower(home: Workspace, tmp_path: Path) -> Follower:
    Path(home.lake).mkdir(exist_ok=True)
    (Path(home.lake) / "a.jsonl").write_bytes(some(range(30)))
    follower = Follower(home, tmp_path / "c")
    follower.look()
    assert follower.stream.position.waiting, "some rows must still wait"
    return follower


def held(folder: Path) -> bytes:
    """All bytes that a checkpoint keeps, as far as they are not packed."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def erased(folder: Path, name: str) -> Erasure:
    done = Erasure()
    erase_from_checkpoint(folder, name, done)
    return done


def test_a_caller_is_gone_from_states_and_waiting_rows(follower: Follower) -> None:
    assert b"principal\x1fk-gone" in held(follower.folder)
    done = erased(follower.folder, "k-gone")
    assert done.states
    assert not done.skipped
    rest = held(follower.folder)
    assert b"principal\x1fk-gone2" in rest
    assert b"principal\x1fk-stays" in rest
    assert b"k-gone" not in rest.replace(b"k-gone2", b"")
    assert not erased(follower.folder, "k-gone").states


def test_a_name_that_ends_alike_is_another_caller(follower: Follower) -> None:
    assert not erased(follower.folder, "gone").states


def test_others_are_looked_at_as_if_nothing_had_happened(follower: Follower, home: Workspace) -> None:
    erased(follower.folder, "k-gone")
    lake = Path(home.lake) / "a.jsonl"
    lake.write_bytes(lake.read_bytes() + some(range(30, LONGEST)))
    again = Follower(home, follower.folder)
    again.drain()
    assert not again.stream.position.waiting
    counted = again.stream.position
    # Ten rows of the erased caller were looked at, or waited and are gone.
    waited = sum(1 for at in range(30) if at % 3 == 0) - follower_events(follower)
    assert counted.events == LONGEST - waited
    assert counted.left_out == {}


def follower_events(follower: Follower) -> int:
    """How many events of the caller had been looked at before it was erased: of those that are older than the rest."""
    due = follower.stream.position.released
    return sum(1 for at in range(0, 30, 3) if (BEGIN + at * 1_000) * 1_000 < due)


def test_findings_come_as_without_for_all_others(
    home: Workspace, stream_world: StreamWorld, tmp_path: Path, scanned: list[Finding]
) -> None:
    day = Path(home.lake) / "2026-01-01"
    day.mkdir(parents=True)
    half = len(stream_world.events) // 2
    log = day / "guard-0.jsonl"
    log.write_bytes(lines(stream_world.events[:half]))
    Follower(home, tmp_path / "c").look()
    assert erased(tmp_path / "c", "v0").states
    with log.open("ab") as file:
        file.write(lines(stream_world.events[half:]))
    again = Follower(home, tmp_path / "c")
    again.drain()
    assert again.stream.position.findings
    wanted = {one.subject.id for one in scanned if one.subject.id.startswith("search-")}
    kept = {one[1] for one in again.stream.position.own}
    assert wanted
    assert wanted <= kept


def test_a_stream_that_is_at_work_is_told(follower: Follower) -> None:
    with Checkpoint(follower.folder).alone():
        done = erased(follower.folder, "k-gone")
    assert len(done.skipped) == 1
    assert "stream is at work" in done.skipped[0].reason
    assert not done.states
    assert b"k-gone" in held(follower.folder)


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"form": 99}', b"\xff"])
def test_a_damaged_position_is_told(follower: Follower, damage: bytes) -> None:
    (follower.folder / "position.json").write_bytes(damage)
    done = erased(follower.folder, "k-gone")
    assert len(done.skipped) == 1
    assert "--rebuild" in done.skipped[0].reason


def test_a_damaged_state_is_told(follower: Follower) -> None:
    file = sorted((follower.folder / "state").glob("*.state"))[0]
    file.write_bytes(file.read_bytes()[:40])
    done = erased(follower.folder, "k-gone")
    assert len(done.skipped) == 1
    assert done.skipped[0].what == str(file)


def test_a_state_that_is_gone_is_told(follower: Follower) -> None:
    file = sorted((follower.folder / "state").glob("*.state"))[0]
    file.unlink()
    done = erased(follower.folder, "k-gone")
    assert [one.what for one in done.skipped] == [str(file)]


def test_no_checkpoint_is_nothing_to_erase_from(tmp_path: Path) -> None:
    (tmp_path / "stream").mkdir()
    done = erased(tmp_path / "stream", "k-gone")
    assert not done.states
    assert not done.skipped
    assert not list((tmp_path / "stream").iterdir())


def test_rows_of_a_look_that_was_cut_off_go_with_it(follower: Follower) -> None:
    (follower.folder / "position.json").unlink()
    assert b"principal\x1fk-gone" in held(follower.folder)
    erased(follower.folder, "k-gone")
    assert b"k-gone" not in held(follower.folder)


def test_the_command_reaches_a_checkpoint_that_is_named(
    follower: Follower, home: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(capsys, "erase", "k-gone", "--yes", "--checkpoint", follower.folder, "--workspace", home.root)
    assert done.code == 0
    assert "of a stream" in done.out
    assert b"k-gone" not in held(follower.folder).replace(b"k-gone2", b"")


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_a_checkpoint_that_is_none_is_refused_before_anything_is_erased(
    name: str, home: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(home.lake).mkdir(exist_ok=True)
    log = Path(home.lake) / "a.jsonl"
    log.write_bytes(some(range(9)))
    done = run(capsys, "erase", "k-gone", "--yes", "--checkpoint", tmp_path / name, "--workspace", home.root)
    assert done.code == 2
    assert "is not a checkpoint of a stream" in " ".join(done.err.split())
    assert log.read_bytes() == some(range(9))
