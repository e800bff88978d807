"""Requests that come in pieces, answers that leave in pieces, and callers who hang up in the middle of either."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from caponier.guard import middleware
from caponier.guard.exchange import Exchange
from caponier.guard.middleware import Middleware
from caponier.guard.verdict import HOLD, PASS, REFUSE, GuardVerdict, Measure

ROWS = b'{"instances":[[0.25,1.0]]}'
ANSWER = b'{"predictions":[[0.123456,0.876544]]}'
SCOPE = {"type": "http", "method": "POST", "path": "/v1/models/m:predict", "headers": [], "client": ("a", 1)}


class Standing:
    """A guard before an application that answers in pieces, and all that happens to one request."""

    def __init__(self, *answer: bytes, headers: Iterable[tuple[bytes, bytes]] = (), **options: Any) -> None:
        self.recorded: list[Exchange] = []
        self.kept: list[tuple[int, bytes, bytes]] = []
        self.failures: list[Exception] = []
        self.sent: list[dict[str, Any]] = []
        self.asked: list[bytes] = []
        self.ends: Exception | None = options.pop("ends", None)
        self._answer, self._headers = answer, list(headers)
        self._broken = options.pop("broken", None)
        verdict: GuardVerdict = options.pop("verdict", PASS)
        self.guard = Middleware(
            self._app, decide=lambda *_: verdict, record=self.recorded.append, principal_of=lambda key: key,
            keep=lambda one: self.kept.append((one.status, one.body, one.answer)),
            on_failure=self.failures.append, **options,
        )  # fmt: skip

    async def _app(self, _: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.asked.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        for part in self._answer:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        if self.ends is not None:
            raise self.ends
        await send({"type": "http.response.body", "body": b""})

    async def _send(self, message: dict[str, Any]) -> None:
        if self._broken is not None and len(self.sent) >= self._broken:
            raise ConnectionResetError("the caller hung up")
        self.sent.append(message)

    def take(self, *messages: dict[str, Any], scope: dict[str, Any] | None = None) -> int:
        """Serve one request that comes so; return the status that the caller saw, or 0."""
        asyncio.run(self.guard(dict(scope or SCOPE), receiving(messages), self._send))
        return self.status

    @property
    def status(self) -> int:
        return next((message["status"] for message in self.sent if "status" in message), 0)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


def receiving(messages: Iterable[dict[str, Any]]) -> Callable[[], Any]:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.sleep(60)
        return waiting.pop(0)

    return receive


def pieces(body: bytes, size: int) -> list[dict[str, Any]]:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return [
        {"type": "http.request", "body": part, "more_body": number < len(parts) - 1}
        for number, part in enumerate(parts)
    ]


GONE = {"type": "http.disconnect"}


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_however_a_request_comes_it_is_one_request(size: int) -> None:
    one = Standing(ANSWER)
    assert one.take(*pieces(ROWS, size)) == 200
    assert one.asked == [ROWS]
    assert one.kept == [(200, ROWS, ANSWER)]
    assert [each.body for each in one.recorded] == [ROWS]
    assert one.body == ANSWER


def test_empty_pieces_and_a_last_one_that_is_empty_add_nothing() -> None:
    empty = {"type": "http.request", "body": b"", "more_body": True}
    one = Standing(b"", ANSWER[:5], b"", ANSWER[5:], b"")
    last = {"type": "http.request", "more_body": False}
    assert one.take(empty, *[piece | {"more_body": True} for piece in pieces(ROWS, 5)], empty, last) == 200
    assert one.kept == [(200, ROWS, ANSWER)]


@pytest.mark.parametrize(("size", "status"), [(-1, 200), (0, 200), (1, 413), (1_000, 413)])
def test_a_body_up_to_the_limit_passes_whatever_length_it_states(size: int, status: int) -> None:
    body = b" " * size + ROWS if size > 0 else ROWS[: len(ROWS) + size]
    for stated in ([], [(b"content-length", b"1")], [(b"content-length", b"%d" % len(body))]):
        one = Standing(ANSWER, body_limit=len(ROWS))
        assert one.take(*pieces(body, 9), scope=SCOPE | {"headers": stated}) == status
        assert (one.asked == []) == (status == 413)
        assert [each.status for each in one.recorded] == [status]


def test_a_stated_length_beyond_the_limit_is_refused_before_anything_is_read() -> None:
    one = Standing(ANSWER, body_limit=100)
    assert one.take(scope=SCOPE | {"headers": [(b"content-length", b"101")]}) == 413
    assert one.kept[0][1] == b""


def test_a_request_that_does_not_end_is_given_up() -> None:
    one = Standing(ANSWER, body_s=0.05)
    assert one.take(*[piece | {"more_body": True} for piece in pieces(ROWS, 5)]) == 408
    assert one.asked == []
    assert [each.status for each in one.recorded] == [408]


@pytest.mark.parametrize("after", [0, 1, 3])
def test_who_hangs_up_before_the_end_of_the_request_asks_nothing_and_is_recorded(after: int) -> None:
    one = Standing(ANSWER)
    assert one.take(*[piece | {"more_body": True} for piece in pieces(ROWS, 5)[:after]], GONE) == 0
    assert one.sent == []
    assert one.asked == []
    assert [each.status for each in one.recorded] == [middleware.GONE]
    assert len(one.kept) == 1


@pytest.mark.parametrize("after", [0, 1, 2])
def test_who_hangs_up_while_he_is_answered_is_kept_and_recorded_once(after: int) -> None:
    one = Standing(ANSWER[:9], ANSWER[9:], broken=after)
    with pytest.raises(ConnectionResetError):
        one.take(*pieces(ROWS, 50))
    assert len(one.kept) == len(one.recorded) == 1
    assert one.recorded[0].body == ROWS


@pytest.mark.parametrize("parts", [(), (ANSWER[:9],), (ANSWER[:9], ANSWER[9:])])
def test_an_application_that_fails_in_the_middle_is_recorded_once(parts: tuple[bytes, ...]) -> None:
    one = Standing(*parts, ends=RuntimeError("the model fell over"))
    with pytest.raises(RuntimeError, match="fell over"):
        one.take(*pieces(ROWS, 50))
    assert len(one.kept) == len(one.recorded) == 1
    assert one.body == b"".join(parts)


def test_a_request_that_is_cancelled_is_recorded_once() -> None:
    one = Standing(ANSWER, verdict=HOLD, enforce=True, hold_s=30.0)

    async def cancelled() -> None:
        running = asyncio.create_task(one.guard(dict(SCOPE), receiving(pieces(ROWS, 50)), one._send))
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancelled())
    assert len(one.kept) == len(one.recorded) == 1
    assert one.guard._held == 0, "and its place is free again"


ROUND = GuardVerdict(Measure.ROUND, 2)


@pytest.mark.parametrize("size", [1, 10, 100])
def test_an_answer_in_pieces_is_rounded_as_a_whole(size: int) -> None:
    parts = [ANSWER[at : at + size] for at in range(0, len(ANSWER), size)]
    one = Standing(*parts, verdict=ROUND, enforce=True)
    assert one.take(*pieces(ROWS, 50)) == 200
    assert one.body == b'{"predictions":[[0.12,0.88]]}'
    assert one.kept == [(200, ROWS, ANSWER)], "what the model said is what is recorded"


def test_nothing_of_an_answer_that_is_to_be_rounded_leaves_before_its_end() -> None:
    one = Standing(ANSWER[:20], ANSWER[20:], verdict=ROUND, enforce=True, ends=RuntimeError("it fell over"))
    with pytest.raises(RuntimeError):
        one.take(*pieces(ROWS, 50))
    assert one.sent == []


@pytest.mark.parametrize("answer", [b"\x00\x01binary", ANSWER[:-1], b"[0.123456]", b"data: {}\n\n", b"x" * 200])
def test_what_cannot_be_rounded_does_not_leave(answer: bytes) -> None:
    one = Standing(answer, verdict=ROUND, enforce=True, body_limit=100)
    assert one.take(*pieces(ROWS, 50)) == 429
    assert answer not in one.body


@pytest.mark.parametrize("parts", [1, 4])
def test_an_answer_that_is_too_large_to_be_kept_leaves_whole(parts: int) -> None:
    answer = b"x" * 400
    one = Standing(*[answer[at::parts] for at in range(parts)], body_limit=100)
    assert one.take(*pieces(ROWS, 50)) == 200
    assert len(one.body) == 400
    assert one.recorded[0].answer_too_large
    assert one.recorded[0].answer == b""


def test_a_refusal_reads_the_request_and_asks_nothing() -> None:
    one = Standing(ANSWER, verdict=REFUSE, enforce=True)
    assert one.take(*pieces(ROWS, 3)) == 429
    assert one.asked == []
    assert one.kept[0][1] == ROWS


def test_what_is_recorded_after_the_answer_may_fail() -> None:
    one = Standing(ANSWER)

    def broken(_: Exchange) -> None:
        raise OSError("the disk is full")

    one.guard._record = broken
    assert one.take(*pieces(ROWS, 50)) == 200
    assert [str(each) for each in one.failures] == ["the disk is full"]


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_what_is_no_request_passes_untouched(kind: str) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, receive, send))

    guard = Middleware(app, decide=lambda *_: REFUSE, record=seen.append, principal_of=lambda key: key, enforce=True)
    scope, receive, send = {"type": kind}, receiving([]), receiving([])
    asyncio.run(guard(scope, receive, send))  # type: ignore[arg-type]
    assert seen == [(scope, receive, send)]
