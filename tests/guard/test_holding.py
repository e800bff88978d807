"""A held request waits until nobody wants that any more, or gets 503."""

import asyncio
from typing import Any

import pytest

from caponier.guard import middleware
from caponier.guard.call import Call
from caponier.guard.decisions import Decisions
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.middleware import Middleware
from caponier.guard.verdict import HOLD, PASS, REFUSE, GuardVerdict
from guard.test_decisions import action


def ask(verdicts: list[GuardVerdict], times: int = 1, **options: Any) -> tuple[list[int], list[Exchange]]:
    """Return the statuses of requests that come at once; the last verdict stays."""
    seen: list[Exchange] = []
    statuses: list[int] = []

    async def app(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}"}

    async def send(message: dict[str, Any]) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    def decide(*_: Any) -> GuardVerdict:
        return verdicts.pop(0) if len(verdicts) > 1 else verdicts[0]

    guard = Middleware(
        app,
        decide=decide,
        record=seen.append,
        principal_of=lambda key: key,
        **{"enforce": True, "hold_s": 0.05} | options,
    )
    scope = {"type": "http", "method": "POST", "path": "/v1/models/m:predict", "headers": [], "client": ("a", 1)}

    async def all_at_once() -> None:
        await asyncio.gather(*(guard(dict(scope), receive, send) for _ in range(times)))

    asyncio.run(all_at_once())
    return statuses, seen


def test_a_hold_ends_in_an_answer_once_it_is_undone() -> None:
    assert ask([HOLD, HOLD, PASS], hold_s=5)[0] == [200]
    assert ask([HOLD, HOLD, REFUSE], hold_s=5)[0] == [429]


def test_or_in_503_after_a_while() -> None:
    statuses, seen = ask([HOLD])
    assert statuses == [503]
    assert (seen[0].status, seen[0].verdict) == (503, HOLD)
    assert seen[0].own_ms < 45, "waiting is not what the guard takes"


def test_observing_holds_nothing() -> None:
    statuses, seen = ask([HOLD], enforce=False)
    assert statuses == [200]
    assert seen[0].verdict is HOLD


def test_no_more_wait_at_once_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "MOST_HELD", 2)
    assert ask([HOLD], times=5)[0] == [503] * 5
    monkeypatch.setattr(middleware, "MOST_HELD", 0)
    assert ask([HOLD], hold_s=60)[0] == [503]


def test_a_hold_is_decided_before_a_throttle_and_after_a_block() -> None:
    eve, call = Caller("k-eve", None, None), Call("predict", "m")
    decisions = Decisions()
    hold = action("hold", action_id="h")
    decisions.replace([hold, action("throttle", action_id="t", parameters={"per_minute": 1, "burst": 1})])
    assert [decisions(eve, call, lambda: 1) for _ in range(3)] == [HOLD] * 3
    decisions.replace([hold, action(action_id="b")])
    assert decisions(eve, call, lambda: 1) is REFUSE
