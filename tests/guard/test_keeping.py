"""Before the last byte of an answer leaves, the exchange is kept; where it cannot be, `fail` says what happens."""

import asyncio
from typing import Any

import pytest

from caponier.guard.exchange import Exchange
from caponier.guard.middleware import Middleware, UnrecordedError
from caponier.guard.verdict import PASS, GuardVerdict, Measure

ANSWER = b'{"predictions":[[0.123456,0.876544]]}'
Parts = list[tuple[bytes, bool]]


class Call:
    """One request through the middleware, and the order in which things happened."""

    def __init__(
        self,
        parts: Parts,
        *,
        length: int | None = None,
        status: int = 200,
        method: str = "POST",
        failing: bool = False,
        **options: Any,
    ) -> None:
        self.steps: list[str] = []
        self.kept: list[tuple[int, bytes]] = []
        self.sent: list[dict[str, Any]] = []
        self.told: list[Exception] = []

        async def app(_: Any, __: Any, send: Any) -> None:
            head = [] if length is None else [(b"Content-Length", str(length).encode())]
            await send({"type": "http.response.start", "status": status, "headers": head})
            for body, more in parts:
                await send({"type": "http.response.body", "body": body, "more_body": more})

        def keep(exchange: Exchange) -> None:
            self.steps.append("keep")
            self.kept.append((exchange.status, exchange.answer))
            if failing:
                raise OSError("disk full")

        verdict = options.pop("verdict", PASS)
        guard = Middleware(
            app, decide=lambda *_: verdict, record=lambda _: self.steps.append("record"), principal_of=lambda key: key,
            keep=keep, on_failure=self.told.append, **options,
        )  # fmt: skip
        self.run(guard, method)

    def run(self, guard: Middleware, method: str) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b'{"instances":[[1]]}'}

        async def send(message: dict[str, Any]) -> None:
            body = message.get("body", b"")
            self.steps.append(f"send {len(body)}" if "body" in message else f"start {message['status']}")
            self.sent.append(message)

        scope = {"type": "http", "method": method, "path": "/v1/models/m:predict", "headers": [], "client": ("a", 1)}
        asyncio.run(guard(scope, receive, send))


N = len(ANSWER)


@pytest.mark.parametrize(
    ("parts", "length", "expected"),
    [
        ([(ANSWER, False)], N, ["keep", "start 200", f"send {N}"]),
        ([(ANSWER, False)], None, ["keep", "start 200", f"send {N}"]),
        ([(ANSWER, True), (b"", False)], N, ["keep", "start 200", f"send {N}", "send 0"]),
        ([(ANSWER[:9], True), (ANSWER[9:], True), (b"", False)], N,
         ["start 200", "send 9", "keep", f"send {N - 9}", "send 0"]),
        ([(ANSWER[:9], True), (ANSWER[9:], True), (b"", False)], None,
         ["start 200", "send 9", f"send {N - 9}", "keep", "send 0"]),
    ],
)  # fmt: skip
def test_it_is_kept_before_the_last_byte(parts: Parts, length: int | None, expected: list[str]) -> None:
    call = Call(parts, length=length)
    assert call.steps == [*expected, "record"]
    assert call.kept == [(200, ANSWER)]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("POST", 204), ("POST", 304)])
def test_an_answer_without_a_body_has_no_last_byte_but_an_end(method: str, status: int) -> None:
    call = Call([(b"", False)], length=N, method=method, status=status)
    assert call.steps == ["keep", f"start {status}", "send 0", "record"]


def test_a_refusal_and_a_rounded_answer_are_kept_too() -> None:
    refused = Call([(ANSWER, False)], enforce=True, verdict=GuardVerdict(Measure.REFUSE))
    assert refused.steps[:2] == ["keep", "start 429"]
    rounded = Call([(ANSWER, False)], length=N, enforce=True, verdict=GuardVerdict(Measure.ROUND, 2))
    assert rounded.kept == [(200, ANSWER)], "what the model said"
    assert rounded.sent[-1]["body"] == b'{"predictions":[[0.12,0.88]]}'
    assert rounded.steps[0] == "keep"


def test_a_caller_who_hangs_up_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    call = Call([])
    assert call.steps == ["keep", "record"]


@pytest.mark.parametrize("options", [{}, {"fail_closed": True}, {"enforce": True}])
def test_what_cannot_be_kept_leaves_all_the_same(options: dict[str, bool]) -> None:
    call = Call([(ANSWER, False)], length=N, failing=True, **options)
    assert call.steps == ["keep", "start 200", f"send {N}", "record"]
    assert [str(one) for one in call.told] == ["disk full"]


def test_what_cannot_be_kept_is_withheld_where_failing_is_closed() -> None:
    call = Call([(ANSWER, False)], length=N, failing=True, enforce=True, fail_closed=True)
    assert call.steps[:2] == ["keep", "start 503"]
    assert ANSWER not in [message.get("body") for message in call.sent]


def test_where_a_part_has_left_the_rest_is_cut_off() -> None:
    with pytest.raises(UnrecordedError):
        Call([(ANSWER[:9], True), (ANSWER[9:], False)], length=N, failing=True, enforce=True, fail_closed=True)


def test_of_an_answer_that_has_begun_no_part_is_withheld_any_more() -> None:
    """Whether its caller is doubted may change while it leaves."""
    doubted = iter([True, False, True])
    parts = [(ANSWER[:9], True), (ANSWER[9:20], True), (ANSWER[20:], False)]
    call = Call(parts, enforce=True, doubted_s=0.01, doubts=lambda _: next(doubted, True), blocks=lambda *_: True)
    assert call.steps == ["start 200", "send 9", "send 11", "keep", f"send {N - 20}", "record"]
