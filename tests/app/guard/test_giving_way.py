"""Detection waits for a moment while requests are worked on, and never for long."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread, Timer

import pytest

from caponier.app.guard.giving_way import MOST_S, GivingWay
from caponier.app.guard.run import Guard, guarding
from caponier.app.guard.work import LATE_S
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.guard.call import Call
from caponier.guard.events import Row
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.settings import GuardSettings
from caponier.guard.spool import ExchangeSpool


def seconds(work: Callable[[], None], times: int = 20) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return time.perf_counter() - began


class Server:
    """A loop in a thread of its own, which can be kept busy."""

    def __init__(self, way: GivingWay) -> None:
        self.loop = way.loop()
        self._thread = Thread(target=self._run)

    def _run(self) -> None:
        self.loop.run_forever()
        self.loop.close()

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)

    def busy(self) -> Event:
        """Keep it busy until the event that is returned is set."""
        begun, done = Event(), Event()

        def work() -> None:
            begun.set()
            done.wait(5)

        self.loop.call_soon_threadsafe(work)
        assert begun.wait(5)
        return done


def until(met: Callable[[], bool]) -> bool:
    deadline = time.perf_counter() + 5
    while not met() and time.perf_counter() < deadline:
        time.sleep(0.001)
    return met()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> float:
    """Have each step wait for so many seconds that it shows whether it does."""
    monkeypatch.setattr("caponier.app.guard.giving_way.MOST_S", 5.0)
    return 4.0


def test_where_there_is_no_server_of_its_own_nothing_is_waited_for(patient: float) -> None:
    assert seconds(GivingWay()) < patient


def test_a_server_at_rest_is_not_waited_for_and_a_busy_one_for_a_moment_each_time() -> None:
    way = GivingWay()
    with Server(way) as server:
        assert until(lambda: way.rests)
        done = server.busy()
        assert not way.rests
        assert 20 * MOST_S <= seconds(way) < 2.0
        done.set()
        assert until(lambda: way.rests)


def test_whoever_waits_goes_on_once_the_server_rests(patient: float) -> None:
    way = GivingWay()
    with Server(way) as server:
        done = server.busy()
        Timer(0.05, done.set).start()
        assert seconds(way, 1) < patient


def test_detection_that_is_late_waits_for_nobody(patient: float) -> None:
    way = GivingWay(lambda: True)
    with Server(way) as server:
        done = server.busy()
        assert seconds(way) < patient
        done.set()


def test_a_server_that_has_ended_is_not_waited_for() -> None:
    way = GivingWay()
    with Server(way):
        pass
    assert way.rests


def guard_in(folder: Path) -> Guard:
    create_workspace(folder)
    workspace = load_workspace(folder)
    assert workspace is not None
    return Guard(workspace, GuardSettings(upstream="http://127.0.0.1:1", port=0))


def exchange(ago: float = 0.0) -> Exchange:
    arrived = datetime.now(UTC) - timedelta(seconds=ago)
    return Exchange(Call("metadata", "m"), Caller("k", None, None), None, arrived, {}, status=200)


def test_a_guard_serves_with_a_loop_that_says_when_it_rests(tmp_path: Path) -> None:
    guard = guard_in(tmp_path)
    with guarding(guard):
        assert until(lambda: guard.gives_way.rests)
        assert not guard.work.hurries
    assert guard.gives_way.rests


@pytest.mark.parametrize(("ago", "late"), [(-60.0, False), (2 * LATE_S, True)])
def test_detection_hurries_once_it_is_late(tmp_path: Path, ago: float, late: bool) -> None:
    work = guard_in(tmp_path).work
    assert not work.hurries
    work.record(exchange(ago))
    assert work.hurries == late


def test_detection_hurries_while_an_answer_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = guard_in(tmp_path).work
    hurried: list[bool] = []
    events = work._events

    def watched(one: Exchange) -> list[Row]:
        hurried.append(work.hurries)
        return events(one)

    monkeypatch.setattr(work, "_events", watched)
    for waits in (False, True, False):
        one = exchange(ago=-60.0)
        one.looked_at, one.is_urgent = (lambda: None) if waits else None, waits
        work.record(one)
        work._work()
    assert hurried == [False, True, False]


def test_detection_hurries_for_an_answer_that_comes_to_wait_while_it_looks(tmp_path: Path) -> None:
    guard = guard_in(tmp_path)
    with ExchangeSpool(tmp_path / "spool", 2**26) as spool:
        guard.work.backlog.spool = spool
        one = exchange(ago=-60.0)
        assert not guard.work.hurries
        one.looked_at, one.is_urgent = lambda: None, True
        guard.work.keep(one)
        assert guard.work.hurries


def test_a_flood_keeps_out_no_detection_that_is_late(tmp_path: Path, patient: float) -> None:
    guard = guard_in(tmp_path)
    with Server(guard.gives_way) as server:
        done = server.busy()
        guard.work.record(exchange(ago=2 * LATE_S))
        assert seconds(guard.gives_way) < patient
        done.set()
