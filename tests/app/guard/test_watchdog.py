"""A guard that is blind says so, and does what the systems behind it want done then."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from app.guard.test_work import exchange
from caponier.app.guard.backlog import Backlog, ExchangeQueue, WaitingCallers
from caponier.app.guard.run import Guard
from caponier.app.guard.watchdog import BEHIND, DEAD, WELL, Watchdog
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.settings import GuardSettings
from caponier.guard.spool import ExchangeSpool, Place
from pace import HANG, wait_for

SYSTEMS = """
[[system]]
name = "bank"
models = ["fraud"]
[[system]]
name = "lab"
models = ["toy"]
"""


async def model(_: Any, __: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def ask(guard: Guard, path: str, method: str = "POST", key: str = "") -> tuple[int, bytes]:
    back: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b'{"instances":[[1]]}'}

    async def send(message: dict[str, Any]) -> None:
        back.append(message)

    headers = [(b"x-api-key", key.encode())] if key else []
    scope = {"type": "http", "method": method, "path": path, "headers": headers, "client": ("127.0.0.1", 1)}
    asyncio.run(guard(scope, receive, send))
    return back[0]["status"], back[1]["body"]


def standing(folder: Path, told: list[str], **settings: Any) -> Guard:
    create_workspace(folder)
    with (folder / "caponier.toml").open("a") as file:
        file.write(SYSTEMS)
    given = {"mode": "enforce", "lag_limit": 0.3, **settings}
    return Guard(require_workspace(folder), GuardSettings(**given), app=model, tell=told.append)


@pytest.mark.parametrize(
    ("settings", "bank", "lab"),
    [({}, 200, 200), ({"fail": "closed"}, 429, 429), ({"closed_systems": ("bank",)}, 429, 200),
     ({"mode": "observe", "fail": "closed"}, 200, 200)],
)  # fmt: skip
def test_a_system_that_fails_closed_is_closed_while_detection_is_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], bank: int, lab: int
) -> None:
    told: list[str] = []
    guard, go_on = standing(tmp_path, told, **settings), Event()
    write = guard.work.log.write

    def stuck(rows: Any) -> None:
        go_on.wait(HANG)
        write(rows)

    monkeypatch.setattr(guard.work.log, "write", stuck)
    guard.start()
    assert ask(guard, "/v1/models/fraud:predict")[0] == 200
    wait_for(lambda: told and "warning: detection is more than 0.3 seconds behind" in told[-1])
    assert guard.watchdog.state == BEHIND
    assert ask(guard, "/v1/models/fraud:predict")[0] == bank
    assert ask(guard, "/v1/models/toy:predict")[0] == lab
    assert ask(guard, "/v1/models/fraud")[0] in (bank, 200)
    assert ask(guard, "/v2/health/ready", "GET")[0] == 200
    assert b'"detection":"behind"' in ask(guard, "/-/healthz")[1]
    go_on.set()
    wait_for(lambda: told[-1] == "detection has caught up")
    assert guard.watchdog.is_well
    assert ask(guard, "/v1/models/fraud:predict")[0] == 200
    guard.close()


def test_every_change_is_told_once() -> None:
    lag, alive, told = [0.0], [True], list[str]()
    dog = Watchdog(lambda: lag[0], lambda: alive[0], 1, told.append, closed="requests pass all the same")
    for now, expected in ((0.5, WELL), (1.5, BEHIND), (9.0, BEHIND), (0.0, WELL)):
        lag[0] = now
        dog.look()
        assert dog.state == expected
    alive[0] = False
    dog.look()
    dog.look()
    assert dog.state == DEAD
    assert [line.split(";")[0] for line in told] == [
        "warning: detection is more than 1 seconds behind",
        "detection has caught up",
        "warning: detection has ended",
    ]


@pytest.mark.parametrize(
    ("settings", "crowd"),
    [({"fail": "closed"}, 429), ({"closed_systems": ("bank",)}, 429), ({}, 200),
     ({"mode": "observe", "fail": "closed"}, 200)],
)  # fmt: skip
def test_whoever_keeps_detection_from_others_is_made_to_wait_and_they_are_not(
    tmp_path: Path, settings: dict[str, Any], crowd: int
) -> None:
    guard = standing(tmp_path, [], **settings, lag_limit=1_000, spool=False)
    path = "/v1/models/fraud:predict"
    for key in ("eve", "eve", "eve", "ada"):
        assert ask(guard, path, key=key)[0] == 200
    guard.work.crowded_s = -1.0
    guard.watchdog.state = WELL
    assert [ask(guard, path, key=key)[0] for key in ("eve", "ada", "new", "")] == [crowd, 200, 200, 200]
    while guard.work._work():
        pass
    guard.work.log.close()
    assert not guard.work.backlog.callers._bytes
    assert ask(guard, path, key="eve")[0] == 200


def exchange_of(caller: Caller, status: int = 200) -> Exchange:
    made = exchange(b"x" * 100)
    made.caller, made.status = caller, status
    return made


def test_nobody_waits_for_what_others_asked_under_his_name() -> None:
    ada, crowd = Caller("k-ada", None, "10.0.0.1"), WaitingCallers()
    token = Caller("k-ada", None, "10.0.0.9", unproven=True)
    sent = [exchange_of(Caller("k-ada", None, "10.0.0.9"), 401) for _ in range(5)]
    sent += [exchange_of(token) for _ in range(5)] + [exchange_of(Caller("k-bob", None, None))]
    for one in sent:
        crowd.came(one)
    assert not crowd.is_of(ada)
    assert crowd.is_of(token)
    assert crowd.is_of(Caller(None, None, "10.0.0.9"))
    for one in sent:
        crowd.left(one)
    assert not crowd._bytes


def test_who_is_alone_waits_for_nobody() -> None:
    ada, crowd = Caller("k-ada", None, None), WaitingCallers()
    for _ in range(100):
        crowd.came(exchange_of(ada))
    assert not crowd.is_of(ada)


class HastySpool(ExchangeSpool):
    """Whoever takes records has the interpreter right behind this."""

    backlog: Backlog

    def append(self, parts: Sequence[bytes]) -> Place:
        place = super().append(parts)
        assert len(self.backlog.take(9)) == 1
        return place


class HastyQueue(ExchangeQueue):
    backlog: Backlog

    def put(self, *sent: Any) -> bool:
        there = super().put(*sent)
        assert len(self.backlog.take(9)) == 1
        return there


def test_what_is_taken_before_it_was_noted_does_not_count_for_ever(tmp_path: Path) -> None:
    spool, queue, sent = HastySpool(tmp_path, 10**9), HastyQueue(), exchange_of(Caller("k-ada", None, None))
    spool.backlog, queue.backlog = Backlog(spool), Backlog(None, queue)
    spool.backlog.keep(sent)
    queue.backlog.put(sent)
    assert not spool.backlog.take(9), "it is no second one"
    assert not spool.backlog.callers._bytes
    assert not queue.backlog.callers._bytes


def test_a_record_that_is_broken_does_not_count_for_ever(tmp_path: Path) -> None:
    backlog = Backlog(ExchangeSpool(tmp_path, 10**9), ExchangeQueue(length=0))
    backlog.keep(exchange_of(Caller("k-ada", None, None)))
    (segment,) = tmp_path.glob("*.segment")
    with segment.open("r+b") as file:
        file.seek(40)
        file.write(b"xxxx")
    assert (backlog.take(9), backlog.broken) == ([], 1)
    assert not backlog.callers._bytes
