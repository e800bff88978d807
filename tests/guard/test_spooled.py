"""Exchanges as bytes: what events are made of comes back, what lets somebody in does not."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from caponier.guard.call import Call
from caponier.guard.events import events_of
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.spooled import from_bytes, to_bytes
from caponier.guard.verdict import GuardVerdict, Measure
from caponier.telemetry.body_limits import LIMITS

NAMES = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def exchange(**changes: object) -> Exchange:
    made = Exchange(
        Call("predict", "m", "3"),
        Caller("k-1", "s", "10.0.0.1", ("k-2",), unproven=True),
        "agent",
        datetime(2026, 1, 1, 12, 0, 0, 123456, UTC),
        {b"content-type": b"application/json", b"authorization": b"Bearer sk-secret", b"cookie": b"sk-secret"},
        body=b'{"instances":[[1,2]]}',
        verdict=GuardVerdict(Measure.ROUND, 2),
        status=200,
        answer_headers=[(b"Content-Type", b"application/json"), (b"set-cookie", b"sk-secret")],
        answer=b'{"predictions":[[0.25,0.75]]}',
        took_ms=1.25,
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_the_events_are_the_same_and_no_secret_is_written() -> None:
    made = exchange()
    data = b"".join(to_bytes(made))
    assert b"sk-secret" not in data
    back = from_bytes(data)
    (one,), (other,) = events_of(made, LIMITS), events_of(back, LIMITS)
    assert {name: str(value) for name, value in one.items()} == {name: str(value) for name, value in other.items()}
    assert (back.caller, back.call, back.verdict) == (made.caller, made.call, made.verdict)


@given(st.binary(max_size=50), st.binary(max_size=50), NAMES, NAMES, st.integers(0, 599), st.booleans())
def test_whatever_is_in_it_comes_back(
    body: bytes, answer: bytes, agent: str | None, who: str | None, status: int, said: bool
) -> None:
    made = exchange(
        body=body, answer=answer, user_agent=agent, status=status, repeated=said, unclear=said, answer_too_large=said,
        caller=Caller(who, who, None), headers={}, answer_headers=[],
    )  # fmt: skip
    assert from_bytes(b"".join(to_bytes(made))) == made
