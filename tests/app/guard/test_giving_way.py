"""Detection waits for a moment while requests are worked on, and never for long."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread, Timer

import pytest

from caponier.app.guard.backlog import ExchangeQueue
from caponier.app.guard.giving_way import MOST_S, GivingWay
from caponier.app.guard.run import Guard, guarding
from caponier.app.guard.work import LATE_S, LONGEST_REST_S, MANY, REST, GuardWork
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.guard.call import Call
from caponier.guard.events import Row
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.settings import GuardSettings
from caponier.guard.spool import ExchangeSpool
from pace import HANG


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
    """Return a request that was answered so many seconds ago, by the clock that nobody sets."""
    arrived = datetime.now(UTC) - timedelta(seconds=ago)
    ended = time.monotonic() - ago
    return Exchange(Call("metadata", "m"), Caller("k", None, None), None, arrived, {}, status=200, ended=ended)


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


class Looks:
    """Notes when detection begins to look, which takes a while each time."""

    TAKES: float = 0.02

    def __init__(self, work: GuardWork, monkeypatch: pytest.MonkeyPatch) -> None:
        self.began: list[float] = []
        self._work = work
        monkeypatch.setattr(work, "_work", self._look)

    def _look(self) -> int:
        self.began.append(time.monotonic())
        time.sleep(self.TAKES)
        return 1

    def begins(self, n: int) -> list[float]:
        """Return when the first n of them began."""
        assert until(lambda: len(self.began) >= n)
        return self.began[:n]


@pytest.mark.parametrize("of_many", [False, True])
def test_between_two_looks_detection_rests_and_longer_where_many_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_many: bool
) -> None:
    work = guard_in(tmp_path).work
    looks = Looks(work, monkeypatch)
    work._of_many = of_many
    work.start()
    try:
        begins = looks.begins(4)
    finally:
        work.close()
    rest = min(LONGEST_REST_S, REST * Looks.TAKES)
    # The clock that waits and the one that is read need not agree to the last.
    least = 0.95 * (Looks.TAKES + (2 if of_many else 1) * rest)
    assert all(later - earlier > least for earlier, later in pairwise(begins))


def test_a_rest_alone_makes_detection_not_late() -> None:
    """It would give way to nobody after it."""
    assert 2 * LONGEST_REST_S < LATE_S


@pytest.mark.parametrize(("callers", "each", "many"), [(MANY, 1, True), (MANY - 1, 1, False), (1, 5 * MANY, False)])
def test_many_are_callers_not_the_requests_of_a_fast_one(tmp_path: Path, callers: int, each: int, many: bool) -> None:
    work = guard_in(tmp_path).work
    for n in range(callers * each):
        work.record(replace(exchange(), caller=Caller(f"k-{n % callers}", None, None)))
    assert work._work() == callers * each
    assert work._of_many == many
    # It does not outlast the many.
    work.record(exchange())
    assert work._work() == 1
    assert not work._of_many


def test_an_answer_that_waits_ends_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caponier.app.guard.work.LONGEST_REST_S", HANG)
    monkeypatch.setattr("caponier.app.guard.work.REST", 100 * HANG)
    work = guard_in(tmp_path).work
    looks = Looks(work, monkeypatch)
    with ExchangeSpool(tmp_path / "spool", 2**26) as spool:
        work.backlog.spool = spool
        work.start()
        looks.begins(1)
        for n in (2, 3):
            one = exchange()
            one.looked_at = lambda: None
            work.keep(one)
            looks.begins(n)
        work.backlog.spool = None
        # What is looked at here is taken from nowhere.
        work.backlog.queue = ExchangeQueue()
        work.close()
