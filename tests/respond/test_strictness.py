"""Who is caught at more is never better off, and a playbook that is asked again asks for nothing twice."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.records.finding import Finding, Severity
from caponier.records.response_action import ActionState, ResponseAction
from caponier.respond import actions
from caponier.respond.plan import ResponsePlan, is_live, key_of, plan
from caponier.respond.playbook import Rule, shipped
from caponier.respond.settings import DEFAULT
from respond.made import ADA, EVASION, EXTRACTION, LOGIN, NOW, finding, joined, log_finding, workspace

HOME = workspace(identities=ADA)
RATES, BURSTS, HOURS = st.sampled_from([1, 6, 60]), st.sampled_from([1, 5, 50]), st.sampled_from([1, 24, 72])


def throttle(name: str, technique: str, per_minute: int, burst: int, hours: int) -> Rule:
    move = {
        "kind": "throttle",
        "scope": "actor",
        "duration": f"{hours}h",
        "parameters": {"per_minute": per_minute, "burst": burst},
    }
    return Rule.model_validate({"name": name, "reason": name, "when": {"techniques": [technique]}, "actions": [move]})


def planned(
    found: Sequence[Finding], rules: Sequence[Rule], *, known: Sequence[ResponseAction] = (), now: datetime = NOW
) -> ResponsePlan:
    (incident,) = joined(*found).incidents
    return plan(incident, found, rules, HOME, DEFAULT, author="ada", now=now, known=known)


def in_force(made: ResponsePlan) -> list[ResponseAction]:
    return [replace(actions.apply(one), state=ActionState.ACTIVE) for one in made.actions]


BOTH = [finding(1, techniques=EVASION), finding(2, days=0.1, techniques=EXTRACTION)]


@settings(max_examples=80)
@given(rates=st.tuples(RATES, RATES), bursts=st.tuples(BURSTS, BURSTS), hours=st.tuples(HOURS, HOURS))
def test_one_action_is_as_long_and_as_strict_as_any_that_was_asked_for(
    rates: tuple[int, int], bursts: tuple[int, int], hours: tuple[int, int]
) -> None:
    rules = [
        throttle("evasion", "AMLTM.EVADE.01", rates[0], bursts[0], hours[0]),
        throttle("extraction", "AMLTM.EXFIL.02", rates[1], bursts[1], hours[1]),
    ]
    (both,) = planned(BOTH, rules).actions
    assert both.parameters == {"per_minute": min(rates), "burst": min(bursts)}
    assert both.expires - both.created == timedelta(hours=max(hours))
    assert set(both.reason.split("\n")) == {"evasion", "extraction"}
    (reversed_,) = planned(BOTH, rules[::-1]).actions
    assert (reversed_.parameters, reversed_.expires, reversed_.action_id) == (
        both.parameters,
        both.expires,
        both.action_id,
    )


@settings(max_examples=80)
@given(first=st.tuples(RATES, BURSTS, HOURS), second=st.tuples(RATES, BURSTS, HOURS), later=st.sampled_from([0, 30]))
def test_a_weak_action_in_force_does_not_stand_in_for_a_stronger_one(
    first: tuple[int, int, int], second: tuple[int, int, int], later: int
) -> None:
    """A caller that floods first gets a mild throttle; what it does next is answered all the same."""
    standing = in_force(planned(BOTH[:1], [throttle("one", "AMLTM.EVADE.01", *first)]))
    now = NOW + timedelta(minutes=later)
    made = planned(BOTH, [throttle("two", "AMLTM.EXFIL.02", *second)], known=standing, now=now)
    covered = first[0] <= second[0] and first[1] <= second[1] and first[2] >= second[2]
    assert (made.actions == ()) is covered
    assert made.standing == tuple(standing)
    if not covered:
        (stronger,) = made.actions
        assert stronger.action_id != standing[0].action_id
        assert stronger.parameters == {"per_minute": second[0], "burst": second[1]}
        again = planned(BOTH, [throttle("two", "AMLTM.EXFIL.02", *second)], known=[*standing, *in_force(made)], now=now)
        assert again.actions == ()


@pytest.mark.parametrize("hours", [0, 1, 23])
def test_asking_again_asks_for_nothing_new(hours: int) -> None:
    found = [log_finding(1, "ada"), *BOTH]
    rules = shipped().rules
    first = planned(found, rules)
    assert first.actions
    now = NOW + timedelta(hours=hours)
    again = planned(found, rules, known=[actions.apply(one) for one in first.actions], now=now)
    assert again.actions == ()
    assert {one.action_id for one in again.standing} == {one.action_id for one in first.actions}


def test_what_ran_out_or_was_undone_is_asked_for_again_under_another_id() -> None:
    rules = [throttle("one", "AMLTM.EVADE.01", 6, 6, 24)]
    ids: list[str] = []
    known: list[ResponseAction] = []
    now = NOW
    for end in ("undone", "expired", "undone", "expired"):
        (one,) = in_force(planned(BOTH[:1], rules, known=known, now=now))
        ids.append(one.action_id)
        if end == "undone":
            known.append(actions.undo(one, now))
        else:
            known.append(one)
            now = one.expires
    assert len(set(ids)) == 4


def test_the_boundary_of_the_end_is_the_same_everywhere() -> None:
    """At the very moment at which it ends an action is over for the plan, for approval, for undo and for the guard."""
    (one,) = in_force(planned(BOTH[:1], [throttle("one", "AMLTM.EVADE.01", 6, 6, 24)]))
    last, end = one.expires - timedelta(microseconds=1), one.expires
    assert is_live(one, last)
    assert one.active_at(last)
    assert actions.expire([one], last) == []
    assert actions.undo(one, last).state is ActionState.UNDONE
    assert not is_live(one, end)
    assert not one.active_at(end)
    assert [over.state for over in actions.expire([one], end)] == [ActionState.EXPIRED]
    assert [over.state for over in actions.as_of([one], end)] == [ActionState.EXPIRED]
    with pytest.raises(InputError, match="has expired already"):
        actions.undo(one, end)
    waiting = replace(one, state=ActionState.AWAITING_APPROVAL)
    assert actions.approve(waiting, "ben", (), last).expires == last + timedelta(hours=24)
    with pytest.raises(InputError, match="plan it anew"):
        actions.approve(waiting, "ben", (), end)


@given(
    state=st.sampled_from(list(ActionState)),
    minutes=st.integers(-60, 3000),
    who=st.sampled_from(["ada", "ben", "ann"]),
    approvers=st.sampled_from([(), ("ben",), ("ada",), ("ann", "ben")]),
)
def test_who_may_approve_what_and_when(state: ActionState, minutes: int, who: str, approvers: tuple[str, ...]) -> None:
    """Also with a clock that was set back before the action was made."""
    (made,) = planned(BOTH[:1], [throttle("one", "AMLTM.EVADE.01", 6, 6, 24)]).actions
    one, now = replace(made, state=state), NOW + timedelta(minutes=minutes)
    may = state is ActionState.AWAITING_APPROVAL and now < one.expires
    may = may and who != one.author and (not approvers or who in approvers)
    if may:
        approved = actions.approve(one, who, approvers, now)
        assert (approved.state, approved.approver) == (ActionState.ACTIVE, who)
        assert (approved.created, approved.expires - approved.created) == (now, one.expires - one.created)
        assert approved.active_at(now)
    else:
        with pytest.raises(InputError):
            actions.approve(one, who, approvers, now)


@given(states=st.lists(st.sampled_from(list(ActionState)), max_size=6), minutes=st.integers(0, 3000))
def test_as_of_changes_what_is_over_and_nothing_else(states: list[ActionState], minutes: int) -> None:
    (made,) = planned(BOTH[:1], [throttle("one", "AMLTM.EVADE.01", 6, 6, 24)]).actions
    known = [replace(made, action_id=f"a-{n}", state=state) for n, state in enumerate(states)]
    now = NOW + timedelta(minutes=minutes)
    shown = actions.as_of(known, now)
    assert [one.action_id for one in shown] == [one.action_id for one in known]
    live = (ActionState.ACTIVE, ActionState.AWAITING_APPROVAL)
    for before, after in zip(known, shown, strict=True):
        over = before.state in live and now >= made.expires
        assert after.state is (ActionState.EXPIRED if over else before.state)
        assert replace(after, state=before.state) == before
    assert actions.as_of(shown, now) == shown


@settings(max_examples=60, deadline=None)
@given(
    chosen=st.lists(st.sampled_from([EVASION, EXTRACTION, LOGIN, ("T1530",), ()]), min_size=1, max_size=5),
    severity=st.sampled_from(list(Severity)),
    confidence=st.sampled_from([0.1, 0.7, 0.97]),
)
def test_laws_of_every_plan_of_the_shipped_playbook(
    chosen: list[tuple[str, ...]], severity: Severity, confidence: float
) -> None:
    changes: dict[str, Any] = {"severity": severity, "confidence": confidence}
    found = [finding(n, days=n / 10, techniques=ids, **changes) for n, ids in enumerate(chosen)]
    made = planned(found, shipped().rules)
    keys = [key_of(one) for one in made.actions]
    assert len(set(keys)) == len(keys)
    assert len({one.action_id for one in made.actions}) == len(keys)
    assert set(made.unanswered) <= {one.finding_id for one in found}
    for one in made.actions:
        assert one.state is ActionState.PLANNED
        assert timedelta(0) < one.expires - one.created <= timedelta(days=366)
        assert one.reason
        assert one.undo
        assert one.author == "ada"
