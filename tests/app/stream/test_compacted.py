"""A stream whose lake is compacted, or forgets old days, meanwhile: each event is looked at once."""

import os
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest
from bench.machinery.many_machines.stream_in_process import Follower

from app.stream.conftest import BEGIN, event, lines
from caponier.app.incidents.findings import list_findings
from caponier.app.workspace import compact_lake as compaction
from caponier.app.workspace.compact_lake import compact_lake
from caponier.app.workspace.retention import forget_old_events
from caponier.engines.lake_offsets import latest
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace

DAY = "2026-01-01"


def write(home: Workspace, *names: str, seconds: range = range(10)) -> None:
    """Let some guards write events of callers of their own to a day that is long over."""
    folder = Path(home.lake) / DAY
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        events = [
            event(BEGIN + at * 1_000, f"caller-{name}", [0.1, 0.2, at / 100], event_id=f"{name}-{at}") for at in seconds
        ]
        with (folder / f"guard-{name}.jsonl").open("ab") as file:
            file.write(lines(events))


def age(home: Workspace) -> None:
    """Make all lines as old as their day is."""
    for path in Path(home.lake).rglob("*.jsonl"):
        os.utime(path, (BEGIN / 1_000, BEGIN / 1_000))


@pytest.fixture
def follower(home: Workspace, tmp_path: Path) -> Callable[[], Follower]:
    return lambda: Follower(home, tmp_path / "c")


def test_what_was_read_as_lines_is_not_read_as_parquet(home: Workspace, follower: Callable[[], Follower]) -> None:
    write(home, "a", "b")
    age(home)
    follower().drain()
    assert compact_lake(home).sources == 2
    after = follower()
    after.drain()
    after.drain()
    assert after.stream.position.events == 20
    assert not after.stream.position.left_out


def test_a_guard_that_wakes_up_after_a_compaction_is_read(home: Workspace, follower: Callable[[], Follower]) -> None:
    write(home, "a")
    age(home)
    follower().drain()
    compact_lake(home)
    write(home, "c", seconds=range(20, 25))
    after = follower()
    after.drain()
    assert after.stream.position.events == 15
    assert not after.stream.position.left_out


def test_what_was_compacted_before_the_first_look_is_read_in_its_new_form(
    home: Workspace, lay: Callable[..., None], follower: Callable[[], Follower], scanned: list[Finding]
) -> None:
    lay()
    compact_lake(home)
    after = follower()
    after.drain()
    found = {(one.detector, one.subject.id) for one in list_findings(home)}
    assert found == {(one.detector, one.subject.id) for one in scanned}
    assert "late" not in after.stream.position.left_out


@pytest.mark.parametrize("looked", [True, False])
def test_a_compaction_that_was_cut_off_is_nobodys_log(
    looked: bool, home: Workspace, follower: Callable[[], Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its Parquet stands beside the lines that it was made of, until the next one makes it again."""

    class KilledError(BaseException):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    write(home, "a", "b")
    age(home)
    if looked:
        follower().drain()
    with monkeypatch.context() as patched:
        patched.setattr(compaction, "write_new", killed)
        with pytest.raises(KilledError):
            compact_lake(home)
    assert list(Path(home.lake).glob("date=*/model=*/*.parquet"))
    half = follower()
    half.drain()
    assert half.stream.position.events == 20
    assert not half.stream.position.left_out
    compact_lake(home)
    after = follower()
    after.drain()
    assert after.stream.position.events == 20
    assert not after.stream.position.left_out


def test_one_that_was_cut_off_after_its_note_has_lines_beside_it(
    home: Workspace, follower: Callable[[], Follower]
) -> None:
    write(home, "a")
    age(home)
    follower().drain()
    kept = Path(home.lake) / DAY / "guard-a.jsonl"
    content = kept.read_bytes()
    compact_lake(home)
    kept.parent.mkdir(exist_ok=True)
    kept.write_bytes(content)
    age(home)
    after = follower()
    after.drain()
    assert after.stream.position.events == 10
    assert not after.stream.position.left_out


def noted(follower: Follower) -> None:
    """Note a batch and be killed before it is taken."""
    offsets = follower.offsets
    offsets.append(latest(follower.stream.lake, offsets[-1]))
    (follower.checkpoint.spark / "offsets.json").write_bytes(orjson.dumps(offsets))


def test_a_batch_comes_again_after_its_lines_became_parquet(home: Workspace, follower: Callable[[], Follower]) -> None:
    write(home, "a", "b", "c")
    age(home)
    noted(follower())
    compact_lake(home)
    after = follower()
    after.look()
    after.drain()
    assert after.stream.position.events == 30
    assert not after.stream.position.left_out
    assert {path.suffix for path in Path(home.lake).rglob("guard-*")} == {".parquet"}


def test_rows_of_parquet_are_not_taken_for_lines_of_the_file_that_they_stand_for(
    home: Workspace, follower: Callable[[], Follower]
) -> None:
    """Line 3 of a file that was read, and row 3 of the Parquet that was made of it and others, are two events."""
    write(home, "a", seconds=range(5))
    follower().look()
    write(home, "a", "b", seconds=range(100, 105))
    age(home)
    noted(follower())
    compact_lake(home)
    after = follower()
    after.look()
    after.stream.flush(after.engine, at_once=True)
    # Five still waited when the batch was noted, and stand in the Parquet too: they are known by their ids.
    assert after.stream.position.events == 20
    assert after.stream.position.left_out == {"duplicate": 5}


def test_a_batch_comes_again_after_retention(home: Workspace, follower: Callable[[], Follower]) -> None:
    write(home, "a")
    noted(follower())
    old = home.model_copy(update={"privacy": home.privacy.model_copy(update={"retention_days": 1})})
    assert forget_old_events(old) == 1
    write(home, "z", seconds=range(3))
    after = follower()
    after.look()
    after.drain()
    assert after.stream.position.events == 3
    assert after.stream.position.batch == 1


def test_days_that_go_take_nothing_of_what_waits(home: Workspace, follower: Callable[[], Follower]) -> None:
    write(home, "a")
    follower().look()
    old = home.model_copy(update={"privacy": home.privacy.model_copy(update={"retention_days": 1})})
    forget_old_events(old)
    after = follower()
    assert after.stream.position.waiting
    after.drain()
    assert after.stream.position.events == 10


def test_parquet_of_others_is_read_wherever_it_lies(home: Workspace, follower: Callable[[], Follower]) -> None:
    write(home, "a")
    compact_lake(home)
    (made,) = Path(home.lake).glob("date=*/model=*/*.parquet")
    table = pq.read_table(made, partitioning=None)
    for path in Path(home.lake).rglob("guard-*"):
        path.unlink()
    other = Path(home.lake) / "date=2026-01-01" / "model=m" / "part-0001.parquet"
    pq.write_table(table, other)
    after = follower()
    after.drain()
    assert after.stream.position.events == 10


def test_parquet_that_is_broken_is_told_and_stops_nothing(home: Workspace, tmp_path: Path) -> None:
    said: list[str] = []
    write(home, "a")
    (Path(home.lake) / "x.parquet").write_bytes(b"PAR1 and no more")
    after = Follower(home, tmp_path / "c", tell=said.append)
    after.drain()
    assert after.stream.position.events == 10
    assert any("x.parquet" in line for line in said)
