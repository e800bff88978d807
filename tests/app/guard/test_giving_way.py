"""Detection waits for a moment while requests are worked on, and never for long."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread, Timer

import pytest

from caponier.app.guard.giving_way import MOST_S, GivingWay
from caponier.app.guard.run import Guard, guarding
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.guard.settings import GuardSettings


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


def test_where_there_is_no_server_of_its_own_nothing_is_waited_for() -> None:
    assert seconds(GivingWay()) < 20 * MOST_S


def test_a_server_at_rest_is_not_waited_for_and_a_busy_one_for_a_moment_each_time() -> None:
    way = GivingWay()
    with Server(way) as server:
        assert until(lambda: way.rests)
        done = server.busy()
        assert not way.rests
        assert 20 * MOST_S <= seconds(way) < 2.0
        done.set()
        assert until(lambda: way.rests)


def test_whoever_waits_goes_on_once_the_server_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caponier.app.guard.giving_way.MOST_S", 5.0)
    way = GivingWay()
    with Server(way) as server:
        done = server.busy()
        Timer(0.05, done.set).start()
        assert seconds(way, 1) < 4.0


def test_detection_that_is_late_waits_for_nobody() -> None:
    way = GivingWay(lambda: True)
    with Server(way) as server:
        done = server.busy()
        assert seconds(way) < 20 * MOST_S
        done.set()


def test_a_server_that_has_ended_is_not_waited_for() -> None:
    way = GivingWay()
    with Server(way):
        pass
    assert way.rests


def test_a_guard_serves_with_a_loop_that_says_when_it_rests(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    workspace = load_workspace(tmp_path)
    assert workspace is not None
    guard = Guard(workspace, GuardSettings(upstream="http://127.0.0.1:1", port=0))
    with guarding(guard):
        assert until(lambda: guard.gives_way.rests)
        assert not guard.work.hurries
    assert guard.gives_way.rests
