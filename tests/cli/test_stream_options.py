"""`caponier stream` from its command line, with Spark faked away: what it refuses, forgets and ends with."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.stream.conftest import StreamWorld, stream_world
from caponier.app.stream import run as runs
from caponier.app.stream.checkpoint import Checkpoint, StreamPosition
from caponier.app.stream.stream import EventStream
from caponier.engines.spark import session as sessions
from cli.command import Ran, run

__all__ = ["stream_world"]
Stream = Callable[..., Ran]


class Asked:
    """What was run, and what comes of it."""

    def __init__(self) -> None:
        self.streams: list[EventStream] = []
        self.options: list[dict[str, Any]] = []
        self.then: Callable[[EventStream], None] = lambda _: None


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    asked = Asked()

    @contextmanager
    def spark_session(*_: str) -> Iterator[None]:
        yield

    def run_stream(_: None, stream: EventStream, folder: Path, **options: Any) -> None:
        folder.mkdir(exist_ok=True)
        options.pop("running")()
        asked.streams.append(stream)
        asked.options.append(options)
        # The small baseline lacks what one detector needs, which is told, and no matter here.
        stream.remarks.skipped.clear()
        asked.then(stream)

    monkeypatch.setattr(sessions, "spark_session", spark_session)
    monkeypatch.setattr(runs, "run_stream", run_stream)
    return asked


@pytest.fixture
def home(stream_world: StreamWorld, tmp_path: Path) -> Path:
    Path(stream_world.copy(tmp_path / "w").lake).mkdir(exist_ok=True)
    return tmp_path / "w"


@pytest.fixture
def stream(home: Path, asked: Asked, capsys: pytest.CaptureFixture[str]) -> Stream:
    return lambda *given: run(capsys, "stream", "--master", "local[1]", "--workspace", home, *given)


def left_out(**counts: int) -> Callable[[EventStream], None]:
    """Go on by a batch that leaves something out."""

    def then(stream: EventStream) -> None:
        stream.position = replace(stream.position, step=stream.position.step + 1, left_out=counts)
        stream._checkpoint.write(stream.position)

    return then


@pytest.mark.parametrize("option", ["--lateness", "--every"])
def test_seconds_are_a_number_of_seconds(option: str, stream: Stream, asked: Asked, home: Path) -> None:
    for given in ("nan", "inf", "-inf", "-1", "1e300", "86401", "five", ""):
        done = stream(option, given)
        assert done.code == 2, given
        assert option in done.err
        assert "Traceback" not in done.err
    assert not asked.streams
    assert not (home / "stream").exists(), "nothing was begun"
    assert stream(option, "0").code == 0
    assert stream(option, "86400").code == 0


def test_what_is_given_arrives(stream: Stream, asked: Asked, home: Path, tmp_path: Path) -> None:
    lake = tmp_path / "elsewhere"
    lake.mkdir()
    done = stream(lake, "--lateness", "0.25", "--every", "2", "--mode", "enforce", "--checkpoint", tmp_path / "c")
    assert done.code == 0
    (following,) = asked.streams
    assert (following._lateness, following._enforce, following.lake) == (250_000, True, lake)
    assert asked.options == [{"every": 2.0, "drain": False, "kafka": {}}]
    assert (tmp_path / "c" / "state").is_dir()
    assert not (home / "stream").exists()


def test_a_stream_of_topics_needs_no_lake(stream: Stream, asked: Asked, home: Path) -> None:
    shutil.rmtree(home / "lake")
    given = ("--kafka", "subscribe=a", "--kafka", "kafka.x=b=c", "--kafka", "e=")
    assert stream(*given).code == 0
    assert asked.options[0]["kafka"] == {"subscribe": "a", "kafka.x": "b=c", "e": ""}


class TestWithoutALake:
    @pytest.mark.parametrize("lake", ["none", "file"])
    def test_nothing_is_forgotten(self, lake: str, stream: Stream, asked: Asked, home: Path, tmp_path: Path) -> None:
        asked.then = left_out(late=1)
        assert stream().code == 0
        before = (home / "stream" / "position.json").read_bytes()
        (tmp_path / "file").write_text("no folder")
        done = stream(tmp_path / lake, "--rebuild")
        assert done.code == 2
        assert "no lake there" in " ".join(done.err.split())
        assert (home / "stream" / "position.json").read_bytes() == before


class TestDrain:
    def test_it_ends_with_3_for_what_this_run_left_out(self, stream: Stream, asked: Asked) -> None:
        """A line that was bad once must not fail each night's run for all times."""
        asked.then = left_out(late=1)
        assert stream("--drain").code == 3
        asked.then = lambda _: None
        done = stream("--drain")
        assert done.code == 0
        assert "left out: 1 rows: late" in done.err + done.out, "it is still told"
        asked.then = left_out(late=2)
        assert stream("--drain").code == 3

    def test_whoever_follows_ends_with_0(self, stream: Stream, asked: Asked) -> None:
        asked.then = left_out(late=1)
        assert stream().code == 0

    def test_to_rebuild_and_drain_begins_at_nothing(self, stream: Stream, asked: Asked) -> None:
        asked.then = left_out(late=1)
        stream("--drain")
        asked.then = lambda _: None
        assert stream("--drain", "--rebuild").code == 0
        first, second = asked.streams
        assert first.position.step == 1
        assert second.position.step == 0

    def test_a_reason_is_no_markup(self, stream: Stream, asked: Asked) -> None:
        asked.then = left_out(**{"[/red] is not watched": 1, "[bold]x is not watched": 2})
        done = stream("--drain")
        assert done.code == 3
        assert "[/red] is not watched" in done.err + done.out
        assert "[bold]x is not watched" in done.err + done.out


def test_a_checkpoint_in_use_is_not_forgotten(stream: Stream, asked: Asked, home: Path) -> None:
    asked.then = left_out(late=1)
    stream()
    before = (home / "stream" / "position.json").read_bytes()
    with Checkpoint(home / "stream").alone():
        done = stream("--rebuild")
    assert done.code == 2
    assert "another stream is at work" in " ".join(done.err.split())
    assert (home / "stream" / "position.json").read_bytes() == before
    assert stream("--rebuild").code == 0


def test_a_damaged_one_is_told_and_rebuilt(stream: Stream, asked: Asked, home: Path) -> None:
    Checkpoint(home / "stream").write(StreamPosition({}, 2))
    (home / "stream" / "position.json").write_text('{"shards": 0}')
    done = stream()
    assert done.code == 2
    assert "is damaged" in done.err
    assert "--rebuild" in done.err
    assert not asked.streams
    assert stream("--rebuild").code == 0


@pytest.mark.parametrize("checkpoint", ["lake", "caponier.toml", "."])
def test_what_is_no_checkpoint_stays(checkpoint: str, stream: Stream, home: Path) -> None:
    (home / "lake" / "a.jsonl").write_text("")
    before = sorted(home.rglob("*"))
    done = stream("--rebuild", "--checkpoint", home / checkpoint)
    assert done.code == 2
    assert "checkpoint" in done.err
    assert sorted(home.rglob("*")) == before


def test_without_a_master_it_says_what_it_needs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(capsys, "stream", "--workspace", home)
    assert done.code == 2
    assert "--master" in done.err


def test_quiet_says_nothing(stream: Stream, asked: Asked) -> None:
    asked.then = left_out(late=1)
    done = stream("--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
