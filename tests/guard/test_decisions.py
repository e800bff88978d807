"""Response actions to verdicts."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.guard.call import Call
from caponier.guard.decisions import Decisions, TokenBucket
from caponier.guard.exchange import Caller
from caponier.guard.verdict import PASS, REFUSE, GuardVerdict, Measure
from caponier.records.event import UNKNOWN
from caponier.records.finding import SubjectRef
from caponier.records.response_action import ActionKind, ActionState, ResponseAction
from caponier.respond.dry_run import Query, concerns
from pace import wait_for

EVE = Caller("k-eve", "s-eve", "10.0.0.1")
HERSELF = SubjectRef("principal", "k-eve")
ADA = Caller("k-ada", None, "10.0.0.2")
ASK = Call("predict", "m")
MINUTE = timedelta(minutes=1)


def one() -> int:
    return 1


def action(kind: str = "block", scope: SubjectRef = HERSELF, **changes: Any) -> ResponseAction:
    now = datetime.now(UTC)
    return ResponseAction(
        **{
            "action_id": "a-1", "incident_id": "i-1", "kind": ActionKind(kind), "scope": scope,
            "system": None, "model": None, "reason": "r", "author": "x", "created": now - MINUTE,
            "expires": now + MINUTE,
            "needs_approval": False, "state": ActionState.ACTIVE, "undo": "u", **changes,
        }
    )  # fmt: skip


def table(*actions: ResponseAction) -> Decisions:
    decisions = Decisions({"m": "s", "n": "t"}.get)
    decisions.replace(actions)
    return decisions


@pytest.mark.parametrize(
    "scope",
    [
        SubjectRef("principal", "k-eve"),
        SubjectRef("session", "s-eve", sender="principal:k-eve"),
        SubjectRef("address", "10.0.0.1"),
        SubjectRef("model", "m"),
    ],
)
def test_a_block_refuses_whom_it_names(scope: SubjectRef) -> None:
    decide = table(action(scope=scope))
    assert decide(EVE, ASK, one) is REFUSE
    assert (decide(ADA, ASK, one) is REFUSE) == (scope.kind == "model")


FROM_HERE = SubjectRef("session", "s-eve", sender="address:10.0.0.1")


@pytest.mark.parametrize(
    ("scope", "caller", "refused"),
    [
        (FROM_HERE, Caller(None, "s-eve", "10.0.0.1"), True),
        (FROM_HERE, Caller(None, "s-eve", "10.0.0.2"), False),
        (FROM_HERE, Caller("k-eve", "s-eve", "10.0.0.1"), False),
        (FROM_HERE, Caller(None, "s-other", "10.0.0.1"), False),
        (FROM_HERE, Caller(None, "s-eve", None), False),
        (SubjectRef("session", "s-eve", sender="principal:k-eve"), Caller("k-ada", "s-eve", "10.0.0.1"), False),
        (SubjectRef("session", "s-eve", sender="principal:k-eve"), Caller(None, "s-eve", "10.0.0.1"), False),
        (SubjectRef("session", "s-eve"), Caller(None, "s-eve", None), False),
        (SubjectRef("session", "s-eve"), EVE, False),
        (SubjectRef("address", "10.0.0.1", sender="address:10.0.0.1"), Caller(None, "s", "10.0.0.1"), True),
        (SubjectRef("address", "10.0.0.1", sender="address:10.0.0.1"), EVE, False),
    ],
)
def test_it_binds_those_alone_who_sent_the_evidence(scope: SubjectRef, caller: Caller, refused: bool) -> None:
    assert (table(action(scope=scope))(caller, ASK, one) is REFUSE) == refused


def test_a_block_holds_for_whoever_may_be_the_one_that_it_names() -> None:
    decide = table(action())
    assert decide(Caller(None, None, "10.0.0.9", possible=("k-x", "k-eve")), ASK, one) is REFUSE
    assert decide(Caller(None, None, "10.0.0.9", possible=("k-x", "k-y")), ASK, one) is PASS


def test_what_people_carry_out_is_no_matter_of_the_guard() -> None:
    assert len(table(action("revoke"), action(scope=SubjectRef("account", "eve")), action("freeze"))) == 0


@pytest.mark.parametrize(
    ("place", "call", "verdict"),
    [
        ({"model": "m"}, Call("predict", "m"), REFUSE),
        ({"model": "m"}, Call("predict", "n"), PASS),
        ({"system": "s"}, Call("predict", "m"), REFUSE),
        ({"system": "s"}, Call("predict", "n"), PASS),
        ({"model": "m"}, Call("other"), REFUSE),
        ({}, Call("predict", "n"), REFUSE),
    ],
)
def test_it_reaches_where_the_action_says(place: dict[str, str], call: Call, verdict: GuardVerdict) -> None:
    assert table(action(**place))(EVE, call, one) is verdict


@pytest.mark.parametrize(
    ("scope", "call", "refused"),
    [
        ("m@2", Call("predict", "m"), True),
        ("m@2", Call("predict", "m", "2"), True),
        ("m@2", Call("predict", "m", "02"), True),
        ("m@2", Call("predict", "mm"), False),
        ("m@2", Call("predict", "n"), False),
        ("m", Call("predict", "m", "2"), True),
        ("m@2", Call("other"), True),
    ],
)
@pytest.mark.parametrize("model", ["m", None])
def test_what_is_done_to_a_model_holds_for_its_versions_and_a_dry_run_says_so(
    scope: str, call: Call, refused: bool, model: str | None
) -> None:
    bound = action(scope=SubjectRef("model", scope), model=model)
    assert (table(bound)(ADA, call, one) is REFUSE) == refused
    assert concerns(bound, Query("k-ada", call.model or UNKNOWN, datetime.now(UTC))) == refused


def test_an_action_ends_by_itself_and_begins_when_it_says() -> None:
    now = datetime.now(UTC)
    assert table(action(expires=now - timedelta(seconds=1)))(EVE, ASK, one) is PASS
    assert table(action(created=now + MINUTE, expires=now + 2 * MINUTE))(EVE, ASK, one) is PASS
    ends = datetime.now(UTC) + timedelta(seconds=0.5)
    decide = table(action(expires=ends))
    assert decide(EVE, ASK, one) is REFUSE or datetime.now(UTC) >= ends
    wait_for(lambda: decide(EVE, ASK, one) is PASS)
    assert datetime.now(UTC) >= ends


def test_the_strictest_action_wins() -> None:
    rough = action("round", action_id="a-2", parameters={"decimals": 1})
    rougher = action("round", action_id="a-3", parameters={"decimals": 0})
    slow = action("throttle", action_id="a-4", parameters={"per_minute": 1, "burst": 1})
    decide = table(rough, rougher, slow)
    assert decide(EVE, ASK, one) == GuardVerdict(Measure.ROUND, 0)
    assert decide(EVE, ASK, one) is REFUSE
    assert table(rough, action())(EVE, ASK, one) is REFUSE


def test_a_throttle_counts_examples_and_stays_used_up() -> None:
    slow = action("throttle", parameters={"per_minute": 1, "burst": 5})
    decide = table(slow)
    assert decide(EVE, ASK, lambda: 6) is REFUSE
    assert decide(EVE, ASK, lambda: 5) is PASS
    decide.replace([slow])
    assert decide(EVE, ASK, one) is REFUSE
    decide.replace([])
    assert decide(EVE, ASK, one) is PASS


def never() -> int:
    raise AssertionError


def test_nobody_is_asked_for_a_number_of_queries_without_a_throttle() -> None:
    assert table(action())(EVE, ASK, never) is REFUSE
    assert table(action())(ADA, ASK, never) is PASS


def test_what_is_beyond_its_rate_is_refused_uncounted() -> None:
    slow = action("throttle", parameters={"per_minute": 1, "burst": 1})
    decide = table(slow)
    assert decide(EVE, ASK, one) is PASS
    assert decide(EVE, ASK, never) is REFUSE


@given(st.floats(0.1, 600), st.integers(1, 50), st.lists(st.tuples(st.floats(0, 30), st.integers(1, 20)), max_size=60))
def test_no_more_pass_than_the_rate_and_the_burst(
    per_minute: float, burst: int, asked: list[tuple[float, int]]
) -> None:
    bucket = TokenBucket(per_minute, burst)
    now = start = time.monotonic()
    passed = 0
    for wait, queries in asked:
        now += wait
        passed += queries if bucket.take(queries, now) else 0
        assert passed <= burst + (now - start + 1) * per_minute / 60 + 1e-6


def test_callers_who_are_in_no_action_hold_no_state() -> None:
    decide = table(action("throttle", parameters={"per_minute": 1, "burst": 1}))
    for i in range(10_000):
        assert decide(Caller(f"k-{i}", f"s-{i}", f"10.{i}"), ASK, one) is PASS
    assert len(decide) == len(decide._buckets) == 1
