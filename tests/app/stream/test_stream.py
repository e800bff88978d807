"""The engine law of streams: whatever the cuts and the restarts, a stream finds what a scan of the whole log finds."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bench.machinery.many_machines.stream_in_process import Follower

from app.stream.conftest import BEGIN, DAY, StreamWorld, event, lines
from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.findings import list_findings
from caponier.app.incidents.incidents import count_loose_findings, list_incidents
from caponier.app.respond.action_feed import ActionFeed
from caponier.app.stream import stream as streams
from caponier.app.stream.checkpoint import Checkpoint
from caponier.detect.calibration.baseline import Baseline
from caponier.errors import CaponierError, InputError
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from caponier.respond.plan import key_of

Lay = Callable[..., None]


def kept(home: Workspace) -> list[Finding]:
    return sorted(list_findings(home), key=lambda one: one.finding_id)


def ordered(found: list[Finding]) -> list[Finding]:
    return sorted(found, key=lambda one: one.finding_id)


@pytest.mark.parametrize(("cuts", "rows"), [((), 1_000), ((400, 401, 900), 150)])
def test_a_stream_finds_what_a_scan_finds(
    cuts: tuple[int, ...], rows: int, home: Workspace, lay: Lay, scanned: list[Finding], tmp_path: Path
) -> None:
    """Whole findings are compared: ids, severities, words, and the events that they name."""
    begin = 0
    for end in (*cuts, None):
        lay(begin, end)
        begin = end or 0
        # Whoever goes on begins anew: nothing is known but what the checkpoint says.
        follower = Follower(home, tmp_path / "c", rows=rows)
        follower.look()
    follower.stream.flush(follower.engine, at_once=True)
    assert kept(home) == ordered(scanned)
    assert {"iterative_query", "distributed_query"} <= {one.detector for one in scanned}
    assert count_loose_findings(home) == 0
    position = follower.stream.position
    assert position.left_out == {
        "nobody is named": 1,
        "input of the wrong length": 1,
        "input is empty": 1,
        "unknown is not watched": 1,
        "duplicate": 2,
    }
    assert not position.waiting
    named = {name for names in position.files.values() for name in names}
    assert {path.name for path in follower.checkpoint.state.iterdir()} == named


def test_many_looks_put_their_states_together(
    home: Workspace, lay: Lay, scanned: list[Finding], tmp_path: Path
) -> None:
    follower = Follower(home, tmp_path / "c")
    for begin in range(0, 900, 100):
        lay(begin, begin + 100)
        follower.look()
    lay(900)
    follower.drain()
    assert kept(home) == ordered(scanned)
    assert all(len(names) < 8 for names in follower.stream.position.files.values())


@pytest.mark.parametrize("cut_off", ["keep_findings", "write", "respond_to"])
def test_whoever_is_cut_off_anywhere_loses_nothing_and_doubles_nothing(
    cut_off: str, home: Workspace, lay: Lay, scanned: list[Finding], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise KilledError

    lay(0, 700)
    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint if cut_off == "write" else streams, cut_off, killed)
        follower = Follower(home, tmp_path / "c", enforce=True)
        with pytest.raises(KilledError):
            follower.drain()
    lay(700)
    follower = Follower(home, tmp_path / "c", enforce=True)
    follower.look()
    follower.look()
    follower.stream.flush(follower.engine, at_once=True)
    assert kept(home) == ordered(scanned)
    with ActionFeed(home) as feed:
        acted = [key_of(one) for one in feed.read(datetime.now(UTC)).actions]
    assert len(acted) == len(set(acted)) > 0


def test_a_batch_that_is_in_the_checkpoint_is_not_taken_again(home: Workspace, lay: Lay, tmp_path: Path) -> None:
    lay()
    follower = Follower(home, tmp_path / "c")
    follower.drain()
    before = follower.stream.position
    follower.again(0)
    assert follower.stream.position == before


def test_a_batch_that_skips_one_is_refused_and_so_is_one_after_the_end(
    home: Workspace, lay: Lay, tmp_path: Path
) -> None:
    lay(0, 50)
    follower = Follower(home, tmp_path / "c")
    with pytest.raises(InputError, match=r"batch 1\b.*-1\b"):
        follower.stream.take(follower.engine, [], 1)
    follower.stream.close()
    with pytest.raises(CaponierError, match="has ended"):
        follower.look()
    assert follower.stream.position.batch == -1


def test_guards_that_share_the_store_obey(home: Workspace, lay: Lay, tmp_path: Path) -> None:
    lay()
    said: list[str] = []
    Follower(home, tmp_path / "c", enforce=True, tell=said.append).drain()
    with ActionFeed(home) as feed:
        bound = {one.scope.id for one in feed.read(datetime.now(UTC)).actions}
    assert bound & {"search-0", "search-1", "search-2"}
    assert any(line.startswith("active: ") for line in said)


def test_whoever_only_observes_begins_nothing(home: Workspace, lay: Lay, tmp_path: Path) -> None:
    lay()
    Follower(home, tmp_path / "c").drain()
    with ActionFeed(home) as feed:
        assert not feed.read(datetime.now(UTC)).actions
    assert list_incidents(home)
    assert not correlate_findings(home).opened


class TestLateness:
    def events(self, *seconds: float) -> bytes:
        begin = BEGIN + 20 * DAY
        return lines(
            [event(begin + int(at * 1_000), "late", [0.1, 0.2, at / 100]) | {"event_id": f"l{at}"} for at in seconds]
        )

    def follower(self, home: Workspace, tmp_path: Path, said: list[str] | None = None) -> Follower:
        tell = said.append if said is not None else print
        return Follower(home, tmp_path / "c", lateness=5.0, tell=tell)

    def append(self, home: Workspace, name: str, data: bytes) -> None:
        with (Path(home.lake) / name).open("ab") as file:
            file.write(data)

    def test_what_may_be_overtaken_waits(self, home: Workspace, tmp_path: Path) -> None:
        self.append(home, "a.jsonl", self.events(0, 1, 2, 20, 21))
        follower = self.follower(home, tmp_path)
        follower.look()
        assert follower.stream.position.events == 3
        # Another guard is later than the first by four seconds.
        self.append(home, "b.jsonl", self.events(15.5, 17))
        follower.look()
        assert follower.stream.position.events == 3
        self.append(home, "a.jsonl", self.events(22, 23))
        follower.look()
        assert follower.stream.position.events == 4, "what is younger than 17 waits"
        follower.stream.flush(follower.engine, at_once=True)
        assert follower.stream.position.events == 9
        assert not follower.stream.position.left_out

    def test_what_is_later_is_counted_and_not_looked_at(self, home: Workspace, tmp_path: Path) -> None:
        self.append(home, "a.jsonl", self.events(0, 1, 2, 20, 21))
        follower = self.follower(home, tmp_path)
        follower.drain()
        self.append(home, "b.jsonl", self.events(3))
        follower.drain()
        assert follower.stream.position.left_out == {"late": 1}
        assert follower.stream.position.events == 5

    def test_one_wrong_clock_makes_nobody_late(self, home: Workspace, tmp_path: Path) -> None:
        ahead = (datetime.now(UTC) - datetime.fromtimestamp(BEGIN / 1_000, UTC)).total_seconds() - 30 * 86_400
        follower = self.follower(home, tmp_path)
        for some in ((0, 1, ahead), (4, 5, 6)):
            self.append(home, "a.jsonl", self.events(*some))
            follower.look()
            # Nothing has come for long.
            follower.stream.came = -1_000.0
            follower.stream.flush(follower.engine)
        assert follower.stream.position.events == 5
        assert not follower.stream.position.left_out
        assert follower.stream.position.waiting

    def test_a_line_that_is_no_event_is_named_with_its_line(self, home: Workspace, tmp_path: Path) -> None:
        said: list[str] = []
        follower = self.follower(home, tmp_path, said)
        self.append(home, "a.jsonl", self.events(0, 1))
        follower.look()
        self.append(home, "a.jsonl", self.events(2) + b"{\n" + self.events(3))
        follower.look()
        (told,) = (line for line in said if line.startswith("rejected: "))
        assert told.startswith("rejected: a.jsonl:4: ")
        follower.stream.flush(follower.engine, at_once=True)
        assert follower.stream.position.events == 4


class TestAnotherBaseline:
    def test_it_is_refused_with_what_changed(self, home: Workspace, lay: Lay, tmp_path: Path) -> None:
        lay(0, 300)
        Follower(home, tmp_path / "c").drain()
        file = home.root / "m.safetensors"
        (section,) = Baseline.load(file).models
        file.write_bytes(Baseline((replace(section, alpha=0.5),)).to_bytes())
        with pytest.raises(InputError, match=r"m: a baseline was \w+ and is \w+\n.*--rebuild") as told:
            Follower(home, tmp_path / "c")
        assert str(tmp_path / "c") in str(told.value)

    def test_so_is_another_state_of_a_detector(
        self, home: Workspace, lay: Lay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lay(0, 300)
        follower = Follower(home, tmp_path / "c")
        follower.drain()
        position = follower.stream.position
        follower.checkpoint.write(replace(position, made_by={"m": {**position.made_by["m"], "flood": "0"}}))
        with pytest.raises(InputError, match="m: flood was 0 and is 2"):
            Follower(home, tmp_path / "c")

    def test_to_rebuild_reads_from_the_beginning_and_doubles_nothing(
        self, home: Workspace, lay: Lay, scanned: list[Finding], tmp_path: Path
    ) -> None:
        lay()
        Follower(home, tmp_path / "c").drain()
        Checkpoint(tmp_path / "c").clear()
        follower = Follower(home, tmp_path / "c")
        assert follower.stream.position.step == 0
        follower.drain()
        assert kept(home) == ordered(scanned)


def test_a_folder_with_something_else_is_no_checkpoint(home: Workspace) -> None:
    with pytest.raises(InputError, match="not a checkpoint"):
        Checkpoint(home.root)
    assert (home.root / "caponier.toml").exists()


def test_a_damaged_checkpoint_is_told(home: Workspace, tmp_path: Path) -> None:
    Follower(home, tmp_path / "c").drain()
    (tmp_path / "c" / "position.json").write_text("{")
    with pytest.raises(InputError, match="damaged") as told:
        Follower(home, tmp_path / "c")
    assert "--rebuild" in str(told.value)


def test_without_a_model_to_watch_there_is_no_stream(
    home: Workspace, stream_world: StreamWorld, tmp_path: Path
) -> None:
    bare = home.model_copy(update={"models": ()})
    with pytest.raises(InputError, match="no model can be watched") as told:
        Follower(bare, tmp_path / "c")
    assert "baseline build" in str(told.value)


def test_a_store_that_does_not_answer_is_asked_again(
    home: Workspace, lay: Lay, scanned: list[Finding], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, said = [], []
    keep = streams.keep_findings

    def away_at_first(*given: Any, **options: Any) -> Any:
        asked.append(1)
        if len(asked) < 3:
            raise CaponierError("the store does not answer")
        return keep(*given, **options)

    monkeypatch.setattr(streams, "keep_findings", away_at_first)
    monkeypatch.setattr(streams, "_AGAIN_S", 0.0)
    lay()
    Follower(home, tmp_path / "c", tell=said.append).drain()
    assert kept(home) == ordered(scanned)
    assert sum(line.startswith("warning: the store does not answer") for line in said) == 1
    monkeypatch.setattr(streams, "PATIENCE_S", -1.0)
    asked.clear()
    with pytest.raises(CaponierError, match="does not answer"):
        Follower(home, tmp_path / "d").drain()
