"""How a stream ends: by itself, when it is told to, and when Spark goes away; without Spark."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from caponier.app.stream import run
from caponier.errors import CaponierError


class Query:
    """Ends after some looks, or does what it is told meanwhile."""

    def __init__(self, looks: int, meanwhile: Any = lambda: None) -> None:
        self.looks, self.meanwhile, self.isActive, self.stopped = looks, meanwhile, True, False

    def awaitTermination(self, _: float) -> bool:
        self.meanwhile()
        self.looks -= 1
        return self.looks < 0

    def stop(self) -> None:
        self.stopped = True


class Followed:
    """What stands in for a stream."""

    def __init__(self, folder: Path) -> None:
        self.plan, self.lake, self.flushed, self.closed = Plan(folder), folder, 0, False

    def flush(self, _: Any, *, at_once: bool = False) -> bool:
        self.flushed += 100 if at_once else 1
        return True

    def close(self) -> None:
        self.closed = True

    def take(self, *_: Any) -> None:
        raise CaponierError("the disk is full")


class Plan:
    """Has a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


class Session:
    """Carries nothing."""

    class sparkContext:  # noqa: N801 - Spark's name
        @staticmethod
        def broadcast(plan: Any) -> Any:
            return plan


@contextmanager
def _nothing_told(_: Path) -> Iterator[None]:
    yield


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run a stream with a query of a test's own."""

    def start(query: Query, *, drain: bool = False, take: bool = False) -> Followed:
        stream = Followed(tmp_path)

        def each_batch(_: Any, given: Any, *__: Any) -> Query:
            if take:
                query.meanwhile = lambda: given(None, 0)
            return query

        monkeypatch.setattr(run, "failures_told", _nothing_told)
        monkeypatch.setattr(run, "lake_stream", lambda *_: None)
        monkeypatch.setattr(run, "each_batch", each_batch)
        run.run_stream(Session(), stream, tmp_path, every=1.0, drain=drain)  # type: ignore[arg-type]
        return stream

    return start


def test_a_drain_ends_with_what_waits(started: Any) -> None:
    query = Query(2)
    stream = started(query, drain=True)
    assert (stream.flushed, stream.closed, query.stopped) == (102, True, True)


def test_it_ends_when_it_is_told_to_and_looks_at_nothing_more(started: Any) -> None:
    query = Query(100, lambda: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    stream = started(query, drain=True)
    assert stream.flushed <= 1
    assert stream.closed
    assert query.stopped
    assert signal.getsignal(signal.SIGTERM) is before


def _gone(*, told: bool) -> Any:
    def gone() -> None:
        if told:
            os.kill(os.getpid(), signal.SIGTERM)
        raise ConnectionRefusedError(111, "Connection refused")

    return gone


def test_that_java_is_ended_with_it_is_no_fault(started: Any) -> None:
    with pytest.raises(CaponierError, match="Spark is gone") as told:
        started(Query(9, _gone(told=False)))
    assert "goes on where it stood" in str(told.value)
    assert started(Query(9, _gone(told=True))).closed


def test_what_a_look_fails_at_is_told_as_it_is(started: Any) -> None:
    with pytest.raises(CaponierError, match="the disk is full"):
        started(Query(9), take=True)
