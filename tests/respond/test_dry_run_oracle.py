"""A dry run against brute force that asks every action about every query by itself."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.guard.call import Call
from caponier.guard.decisions import Decisions
from caponier.guard.exchange import Caller
from caponier.guard.verdict import REFUSE
from caponier.records.finding import SubjectRef
from caponier.records.incident import Incident
from caponier.records.response_action import ActionKind, ActionState, ResponseAction
from caponier.respond.dry_run import DryRun, Query, concerns, dry_run
from caponier.respond.effects import EFFECTS
from caponier.respond.plan import in_words
from caponier.respond.settings import DEFAULT
from respond.made import ADA, START, at, finding, joined, workspace

HOME = workspace(identities=ADA)
"""`k-1`, ada and 10.0.0.1 are one; the model digits-mlp is of the system digits."""
INCIDENT: Incident = joined(finding(1, days=1)).incidents[0]


def action(kind: ActionKind, scope: SubjectRef, number: int = 0, **changes: Any) -> ResponseAction:
    properties: dict[str, Any] = {
        "action_id": f"a-{number}",
        "incident_id": INCIDENT.incident_id,
        "kind": kind,
        "scope": scope,
        "system": None,
        "model": None,
        "reason": "so",
        "author": "ada",
        "created": at(0),
        "expires": at(1),
        "needs_approval": False,
        "state": ActionState.PLANNED,
        "undo": "not",
        "parameters": {},
    }
    return ResponseAction(**{**properties, **changes})


SCOPES = st.sampled_from(
    [
        SubjectRef("principal", "k-1"),
        SubjectRef("principal", "k-2"),
        SubjectRef("session", "s-1"),
        SubjectRef("session", "s-1", sender="address:10.0.0.1"),
        SubjectRef("session", "s-1", sender="principal:k-2"),
        SubjectRef("address", "10.0.0.1"),
        SubjectRef("address", "10.0.0.1", sender="address:10.0.0.1"),
        SubjectRef("account", "ada"),
        SubjectRef("model", "digits-mlp@3"),
        SubjectRef("row", "train.npz", ("1",)),
    ]
)
PLACES = st.sampled_from([(None, None), (None, "digits-mlp"), ("digits", None), ("speech", None), (None, "other")])
KINDS = st.sampled_from([kind for kind in ActionKind if kind is not ActionKind.THROTTLE])
ACTIONS = st.builds(
    lambda kind, scope, place: action(kind, scope, system=place[0], model=place[1]), KINDS, SCOPES, PLACES
)
QUERIES = st.builds(
    Query,
    principal=st.sampled_from([None, "k-1", "k-2"]),
    model=st.sampled_from(["digits-mlp", "other", "unknown"]),
    time=st.integers(0, 300).map(lambda hundredths: at(hundredths / 100)),
    session=st.sampled_from([None, "s-1"]),
    address=st.sampled_from([None, "10.0.0.1", "10.0.0.2"]),
    system=st.sampled_from([None, "digits", "speech"]),
)


class Counts(NamedTuple):
    attack: int
    others: int


def named(query: Query) -> str | None:
    """The one name that a query goes by: the surest of the three."""
    if query.principal:
        return f"principal:{query.principal}"
    if query.session:
        return f"session:{query.session}" + (f" from address:{query.address}" if query.address else "")
    return f"address:{query.address}" if query.address else None


def is_attack(query: Query) -> bool:
    return named(query) in ("principal:k-1", "address:10.0.0.1") and query.time >= INCIDENT.first_time


def is_touched(one: ResponseAction, query: Query) -> bool:
    if not EFFECTS[one.kind].counted:
        return False
    system = query.system or ("digits" if query.model == "digits-mlp" else None)
    if query.model != "unknown" and (one.model not in (None, query.model) or one.system not in (None, system)):
        return False
    sender = f"principal:{query.principal}" if query.principal else f"address:{query.address}"
    match one.scope:
        case SubjectRef(kind="model", id=name):
            return query.model in ("unknown", name.partition("@")[0])
        case SubjectRef(kind="principal", id=name):
            return query.principal == name
        case SubjectRef(kind="session", id=name, sender=str() as bound):
            return query.session == name and sender == bound
        case SubjectRef(kind="address", id=name, sender=bound):
            return query.address == name and (bound is None or not query.principal)
    return False


@settings(max_examples=300, deadline=None)
@given(one=ACTIONS, query=QUERIES)
def test_a_dry_run_counts_what_the_guard_would_refuse(one: ResponseAction, query: Query) -> None:
    now = datetime.now(UTC)
    block = replace(one, kind=ActionKind.BLOCK, state=ActionState.ACTIVE, created=now, expires=now + timedelta(hours=1))
    if block.scope.kind == "model":
        # The guard is told of a model by its name; what is done to a version of it is for people.
        block = replace(block, scope=SubjectRef("model", query.model))
    # The guard knows systems from the inventory alone.
    query = query._replace(system="digits" if query.model == "digits-mlp" else None)
    guard = Decisions({"digits-mlp": "digits"}.get)
    guard.replace([block])
    call = Call("other") if query.model == "unknown" else Call("predict", query.model)
    verdict = guard(Caller(query.principal, query.session, query.address), call, lambda: 1)
    if block.scope.kind == "model" and query.model == "unknown":
        return
    assert (verdict is REFUSE) == concerns(block, query)


def counted(queries: Sequence[Query]) -> Counts:
    attack = sum(map(is_attack, queries))
    return Counts(attack, len(queries) - attack)


def run(actions: Sequence[ResponseAction], queries: Sequence[Query]) -> tuple[DryRun, ...]:
    return dry_run(actions, queries, INCIDENT, HOME, DEFAULT)


@settings(max_examples=150, deadline=None)
@given(
    actions=st.lists(ACTIONS, max_size=4),
    queries=st.lists(QUERIES, max_size=25),
    random=st.randoms(use_true_random=False),
)
def test_every_count_is_that_of_brute_force(actions: list[ResponseAction], queries: list[Query], random: Any) -> None:
    numbered = [replace(one, action_id=f"a-{n}") for n, one in enumerate(actions)]
    results = run(numbered, queries)
    whole = counted(queries)
    assert [result.action_id for result in results] == [*(one.action_id for one in numbered), None]
    for one, result in zip(numbered, results, strict=False):
        touched = counted([query for query in queries if is_touched(one, query)])
        assert (result.attack, result.others) == touched
        assert (result.of_attack, result.of_others) == whole
    stopping = [one for one in numbered if EFFECTS[one.kind].counted == "stopped"]
    stopped = counted([query for query in queries if any(is_touched(one, query) for one in stopping)])
    assert (results[-1].attack, results[-1].others) == stopped
    shuffled = list(queries)
    random.shuffle(shuffled)
    assert run(numbered, shuffled) == results


def refused_by_hand(times: list[datetime], per_minute: int, burst: int) -> list[bool]:
    """A bucket in whole sixtieths of a token, so that no rounding can be shared with the one under test."""
    tokens, last, refused = burst * 60, times[0], []
    for time in times:
        tokens = min(burst * 60, tokens + int((time - last).total_seconds()) * per_minute)
        last = time
        refused.append(tokens < 60)
        tokens -= 0 if refused[-1] else 60
    return refused


@settings(max_examples=150, deadline=None)
@given(
    seconds=st.lists(st.integers(0, 600), min_size=1, max_size=40),
    per_minute=st.sampled_from([1, 2, 6, 60]),
    burst=st.integers(1, 8),
)
def test_a_throttle_lets_pass_what_a_bucket_does(seconds: list[int], per_minute: int, burst: int) -> None:
    times = sorted(INCIDENT.first_time + timedelta(seconds=second) for second in seconds)
    throttle = action(
        ActionKind.THROTTLE, SubjectRef("principal", "k-1"), parameters={"per_minute": per_minute, "burst": burst}
    )
    bystanders = [Query("k-2", "digits-mlp", time) for time in times]
    result, together = run([throttle], [Query("k-1", "digits-mlp", time) for time in times] + bystanders)
    assert result.attack == sum(refused_by_hand(times, per_minute, burst)) == together.attack
    assert result.others == 0
    assert result.of_others == len(times)


@settings(max_examples=80, deadline=None)
@given(seconds=st.lists(st.integers(0, 300), min_size=1, max_size=30), burst=st.integers(1, 6))
def test_a_stricter_throttle_never_stops_less(seconds: list[int], burst: int) -> None:
    queries = [Query("k-1", "digits-mlp", INCIDENT.first_time + timedelta(seconds=second)) for second in seconds]
    stopped = [
        run([action(ActionKind.THROTTLE, SubjectRef("principal", "k-1"),
                    parameters={"per_minute": rate, "burst": burst})], queries)[0].attack
        for rate in (1, 6, 60)
    ]  # fmt: skip
    assert stopped == sorted(stopped, reverse=True)
    block = run([action(ActionKind.BLOCK, SubjectRef("principal", "k-1"))], queries)[0]
    assert block.attack == len(seconds) >= stopped[0]


def test_a_throttle_that_says_no_burst_has_a_minutes_worth() -> None:
    throttle = action(ActionKind.THROTTLE, SubjectRef("principal", "k-1"), parameters={"per_minute": 10})
    queries = [Query("k-1", "digits-mlp", INCIDENT.first_time)] * 25
    assert run([throttle], queries)[0].attack == 15


def test_an_empty_log_counts_nothing_and_says_so() -> None:
    results = run([action(ActionKind.BLOCK, SubjectRef("principal", "k-1"))], [])
    assert [result.words for result in results] == [
        "would have stopped 0 of 0 queries of others; the log holds no attack query of this incident"
    ] * 2


@pytest.mark.parametrize("kind", list(ActionKind))
def test_every_kind_says_what_it_does_and_what_undoing_does(kind: ActionKind) -> None:
    effect = EFFECTS[kind]
    what = in_words(SubjectRef("principal", "{what} %s {0}"))
    assert "{what} %s {0}" in effect.does.format(what=what)
    assert effect.undo.format(what=what)
    assert effect.counted in ("", "stopped", "rounded", "held")
    one = action(kind, SubjectRef("principal", "k-1"), parameters={"per_minute": 1, "burst": 1})
    result, _ = run([one], [Query("k-1", "digits-mlp", INCIDENT.first_time)] * 2)
    # A throttle lets the first one pass.
    assert result.attack == (1 if kind is ActionKind.THROTTLE else 2 * bool(effect.counted))
    assert (effect.counted or "does not act on queries") in result.words


def test_before_the_incident_nobody_attacks() -> None:
    before = Query("k-1", "digits-mlp", START)
    assert before.time < INCIDENT.first_time
    result, _ = run([action(ActionKind.BLOCK, SubjectRef("principal", "k-1"))], [before])
    assert (result.attack, result.others) == (0, 1)
    assert concerns(action(ActionKind.BLOCK, SubjectRef("principal", "k-1")), before)
