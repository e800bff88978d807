"""A caller gets one answer ahead of detection, and more only as he is known better."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from app.guard.in_time.test_judged_first import answered, standing
from app.guard.test_warming import attack, first_finding
from caponier.app.guard.ahead import EARNED, MOST_AHEAD, AnswersAhead
from caponier.app.guard.backlog import Backlog, ExchangeQueue
from caponier.app.guard.order import EventOrder
from caponier.app.inference.live import LiveFindings
from caponier.app.inference.plan import DetectionSettings
from caponier.guard.call import Call
from caponier.guard.exchange import Caller, Exchange, ModelQuery
from caponier.guard.spool import ExchangeSpool

EVE, ADA = Caller("k-eve", None, "10.0.0.1"), Caller("k-ada", None, "10.0.0.1")


def exchange(caller: Caller = EVE, rows: int = 1, status: int = 200, call: Call | None = None) -> Exchange:
    made = Exchange(call or Call("predict", "m"), caller, None, datetime.now(UTC), {}, status=status)
    made.query = ModelQuery(np.zeros((rows, 4)), [4], None) if rows > 1 else None
    return made


def known(queries: int, caller: Caller = EVE) -> AnswersAhead:
    ahead = AnswersAhead()
    ahead.looked_at([exchange(caller, queries)], nothing_waits=True)
    return ahead


def test_nobody_gets_a_second_answer_before_the_first_was_looked_at() -> None:
    ahead, first = AnswersAhead(), exchange()
    assert not ahead.is_too_far(EVE)
    ahead.left(first)
    assert ahead.is_too_far(EVE)
    assert not ahead.is_too_far(ADA)
    ahead.looked_at([first], nothing_waits=False)
    assert not ahead.is_too_far(EVE)


def test_a_request_with_many_rows_is_many_answers() -> None:
    ahead = AnswersAhead()
    assert ahead.is_too_far(EVE, 2)
    ahead.left(exchange(rows=40))
    ahead.looked_at([exchange(rows=39)], nothing_waits=False)
    assert ahead.is_too_far(EVE)


@pytest.mark.parametrize(("asked", "allowed"), [(EARNED - 1, 1), (EARNED, 2), (10 * EARNED, 11)])
def test_whoever_is_known_better_gets_more(asked: int, allowed: int) -> None:
    ahead = known(asked)
    assert not ahead.is_too_far(EVE, allowed)
    assert ahead.is_too_far(EVE, allowed + 1)
    assert ahead.is_too_far(ADA, 2), "and nobody else does"


def test_nobody_gets_more_than_so_many() -> None:
    ahead = known(EARNED * MOST_AHEAD * 2)
    assert not ahead.is_too_far(EVE, MOST_AHEAD)
    assert ahead.is_too_far(EVE, MOST_AHEAD + 1)


@pytest.mark.parametrize(
    "other",
    [
        exchange(status=401),
        exchange(status=500),
        exchange(call=Call("metadata", "m")),
        exchange(replace(EVE, unproven=True), status=400),
    ],
    ids=["turned away", "failed", "no question", "not proven"],
)
def test_only_answers_to_whoever_is_known_by_his_name_count(other: Exchange) -> None:
    ahead = AnswersAhead()
    ahead.left(other)
    assert not ahead.is_too_far(EVE)
    ahead.looked_at([other] * 2 * EARNED, nothing_waits=False)
    assert ahead.is_too_far(EVE, 2)


def test_what_never_comes_is_forgotten_once_nothing_waits() -> None:
    ahead = AnswersAhead()
    ahead.left(exchange())
    ahead.looked_at([exchange(ADA)], nothing_waits=False)
    assert ahead.is_too_far(EVE)
    ahead.looked_at([], nothing_waits=True)
    assert not ahead.is_too_far(EVE)


def test_made_up_names_take_no_more_memory_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caponier.app.guard.ahead.MOST_KNOWN", 3)
    ahead = known(EARNED)
    for n in range(10):
        ahead.looked_at([exchange(Caller(f"k-{n}", None, None))], nothing_waits=True)
    assert len(ahead._seen) == 3
    assert not ahead._unseen


def together(guard: Any, rows: list[dict[str, Any]]) -> list[int]:
    """Return the statuses of rows that one caller asks in a single request, and of one more after it."""
    statuses: list[int] = []

    async def ask_all() -> None:
        for asked in (rows, rows[:1]):
            body = orjson.dumps({"instances": [row["input"].tolist() for row in asked]})

            async def receive(body: bytes = body) -> dict[str, Any]:
                return {"type": "http.request", "body": body}

            async def send(message: dict[str, Any]) -> None:
                statuses.extend([message["status"]] if "status" in message else [])

            scope = {"type": "http", "method": "POST", "path": "/v1/models/m:predict", "client": ("10.0.0.1", 1)}
            await guard(scope | {"headers": [(b"x-api-key", b"eve")]}, receive, send)

    asyncio.run(ask_all())
    return statuses


async def labels(_: Any, receive: Any, send: Any) -> None:
    n = len(orjson.loads((await receive())["body"])["instances"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": orjson.dumps({"predictions": [i % 3 % 2 for i in range(n)]})})


def test_whoever_asks_everything_at_once_gets_nothing(tmp_path: Path) -> None:
    rows = attack(EventOrder(), 60)
    guard = standing(tmp_path, rows, judge_within=0, judge_doubted=5, app=labels)
    guard.start()
    assert together(guard, rows) == [429, 429]
    guard.close()


def test_one_answer_more_leaves_at_most_after_the_query_that_gave_him_away(tmp_path: Path) -> None:
    rows = attack(EventOrder())
    guard = standing(tmp_path, rows, judge_within=0, judge_doubted=5)
    whole = first_finding(LiveFindings(DetectionSettings.of(guard._workspace), EventOrder().event_id), rows)
    assert whole is not None
    guard.start()
    statuses = answered(guard, rows[: whole + 3])
    guard.close()
    assert statuses.count(200) - (whole - 1) in (0, 1)
    assert statuses[whole + 1 :] == [429] * 2


def test_whoever_waits_is_told_though_it_was_read_from_the_spool_first(tmp_path: Path) -> None:
    with ExchangeSpool(tmp_path / "spool", 2**26) as spool:
        backlog = Backlog(spool, ExchangeQueue())
        one = exchange()
        put, backlog.queue.put = backlog.queue.put, lambda *_: False  # type: ignore[method-assign]
        backlog.keep(one)
        backlog.queue.put = put  # type: ignore[method-assign]
        place = spool.wanted
        assert [taken.caller for taken in backlog.take(9)] == [EVE]
        backlog.queue.put(one, place, 1)
        assert not backlog.take(9)
        assert backlog.twice() == [one]
        assert not backlog.twice()
