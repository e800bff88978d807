"""The guard's rate stands beside that of a bare proxy, and each pays for what it does after its answers, too."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, cast

import numpy as np
import pytest
from bench.scorecards import guard


class Told:
    """Answers as a server does that is asked how it is: each time with the next of some answers, at last the same."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self._answers, self.asked = list(answers), 0

    def send(self, what: str) -> None:
        self.asked += 1

    def recv(self) -> dict[str, Any]:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@contextmanager
def model_server() -> Iterator[str]:
    loop, there, urls = asyncio.new_event_loop(), Event(), []
    stop = asyncio.Event()

    async def serve() -> None:
        async with await loop.create_server(guard._ModelServer, "127.0.0.1", 0) as server:
            urls.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            there.set()
            await stop.wait()
            # Those who asked have gone; what is left of their connections is closed.
            await asyncio.sleep(0.01)

    thread = Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert there.wait(30)
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        loop.close()


def how(cpu: float, waiting: int = 0, behind: float = 0.0) -> dict[str, Any]:
    return {"cpu": cpu, "waiting": waiting, "behind": behind}


REQUESTS = [guard._request(0, np.zeros(64, np.float32))]


def test_a_burst_counts_what_was_answered_and_the_time_of_what_was_looked_at_after_it() -> None:
    told = Told(how(1.0), how(1.5, waiting=3, behind=0.25), how(1.7, waiting=1), how(2.0))
    with model_server() as url:
        burst = guard._Burst()
        assert guard._burst(burst, url, cast("Any", told), REQUESTS, 0.05) == 0.25
    assert burst.requests >= guard.CONNECTIONS
    assert burst.cpu == 1.0
    assert burst.cost == pytest.approx(1e6 / burst.requests)
    assert burst.seconds >= 0.05
    assert 0 < burst.client < 30


def test_the_bare_proxy_takes_turns_with_the_guard_and_the_share_of_its_rate_is_told() -> None:
    bare, guarded = (Told(*[how(float(n)) for n in range(3 * guard.TURNS)]) for _ in range(2))
    with model_server() as url:
        figures = guard._throughput((url, cast("Any", bare)), (url, cast("Any", guarded)), REQUESTS, 0.1)
    assert bare.asked == guarded.asked == 3 * guard.TURNS
    assert figures["cpu_us_per_request"] > 0 < figures["bare_cpu_us_per_request"]
    assert figures["share_of_bare_rate"] == pytest.approx(
        figures["requests_per_second"] / figures["bare_requests_per_second"], rel=0.02, abs=0.01
    )
    assert {"cpu_us_per_request", "cpu_times_bare", "client_cores", "guard_cores"} <= set(figures)
