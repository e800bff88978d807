"""Laws of every noun's JSON form: it comes back equal, is plain JSON, stands alone, and lacks nothing in silence."""

import json
from copy import deepcopy
from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.records.finding import Evidence, Finding, Severity, SubjectRef, finding_id
from caponier.records.incident import TRANSITIONS, Incident, Stage
from caponier.records.response_action import ActionState, ResponseAction
from caponier.records.trial import Trial
from records.nouns import NOUNS, actions, findings, incidents, moments, steps, subjects, texts, trials

EACH = pytest.mark.parametrize("kind", NOUNS)
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def moved(plain: Any) -> Any:
    """Send a JSON form through a file."""
    return json.loads(json.dumps(plain, allow_nan=False).encode())


@EACH
@few
@given(data=st.data())
def test_the_json_form_comes_back_equal_through_a_file(kind: str, data: st.DataObject) -> None:
    noun = data.draw(NOUNS[kind])
    assert type(noun).from_dict(moved(noun.to_dict())) == noun


@EACH
@few
@given(data=st.data())
def test_it_is_stable_from_the_second_time_on(kind: str, data: st.DataObject) -> None:
    noun = data.draw(NOUNS[kind])
    plain = moved(noun.to_dict())
    assert moved(type(noun).from_dict(plain).to_dict()) == plain


@EACH
@few
@given(data=st.data())
def test_reading_leaves_the_json_form_alone_and_keeps_nothing_of_it(kind: str, data: st.DataObject) -> None:
    noun = data.draw(NOUNS[kind])
    plain = moved(noun.to_dict())
    before = deepcopy(plain)
    read = type(noun).from_dict(plain)
    assert plain == before
    plain.clear()
    assert read == noun


@EACH
@few
@given(data=st.data())
def test_whoever_edits_the_json_form_does_not_edit_the_noun(kind: str, data: st.DataObject) -> None:
    noun = data.draw(NOUNS[kind])
    plain, before = noun.to_dict(), deepcopy(noun)
    for key in list(plain):
        for part in (plain[key], plain[key].get("facts") if isinstance(plain[key], dict) else None):
            if isinstance(part, dict):
                part["planted"] = 1
            elif isinstance(part, list):
                part.append("planted")
    assert noun == before


@EACH
@given(data=st.data())
@few
def test_no_attribute_can_be_set(kind: str, data: st.DataObject) -> None:
    noun = data.draw(NOUNS[kind])
    for field in fields(noun):
        with pytest.raises(FrozenInstanceError):
            setattr(noun, field.name, None)


@EACH
@given(data=st.data())
@few
def test_a_missing_key_is_a_key_error_but_for_what_may_be_left_out(kind: str, data: st.DataObject) -> None:
    noun = data.draw(NOUNS[kind])
    plain = moved(noun.to_dict())
    optional = {
        "subject": {"ids", "path", "sha256", "sender"},
        "trial": {"figures"},
        # What findings from before rarity was the number do not have.
        "evidence": {"share", "expected_per_week", "beside"},
        "finding": {"notify"},
    }.get(kind, set())
    for key in set(plain) - optional:
        with pytest.raises(KeyError):
            type(noun).from_dict({name: value for name, value in plain.items() if name != key})


@EACH
@given(data=st.data())
@few
def test_every_field_has_its_place_in_the_json_form(kind: str, data: st.DataObject) -> None:
    """A field that is added and forgotten in `to_dict` would be lost in the store."""
    noun = data.draw(NOUNS[kind])
    renamed = {"above": "rank", "of": "rank", "age": "rank", "expected": "expected_per_week"}
    optional = {"ids", "path", "sha256", "sender"} if kind == "subject" else set()
    wanted = {renamed.get(field.name, field.name) if kind == "evidence" else field.name for field in fields(noun)}
    assert wanted - optional <= set(noun.to_dict()) <= wanted


@given(one=findings, moment=moments)
@few
def test_times_are_rfc_3339_and_utc_ends_in_z(one: Finding, moment: Any) -> None:
    text = replace(one, first_time=moment).to_dict()["first_time"]
    assert "T" in text
    assert text.endswith("Z") == (moment.utcoffset() == timedelta(0))
    assert "+00:00" not in text


@given(detector=texts, model=st.none() | texts, subject=subjects, event=texts)
def test_a_finding_is_called_the_same_by_everybody(
    detector: str, model: str | None, subject: SubjectRef, event: str
) -> None:
    name = finding_id(detector, model, subject, event)
    bare = SubjectRef(subject.kind, subject.id)
    assert name == finding_id(detector, model, bare, event)
    assert len(name) == 22
    assert name.startswith("f-")


@given(
    one=st.tuples(*[st.text("abc", max_size=4)] * 5),
    other=st.tuples(*[st.text("abc", max_size=4)] * 5),
)
def test_different_sights_have_different_names(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    names = [finding_id(d, m, SubjectRef(k, i), e) for d, m, k, i, e in (one, other)]
    assert (names[0] == names[1]) == (one == other)


@given(one=findings, severities=st.lists(st.sampled_from(Severity), min_size=2, max_size=5))
@few
def test_severities_are_ordered_by_their_rank(one: Finding, severities: list[Severity]) -> None:
    ordered = sorted(severities, key=lambda severity: severity.rank)
    assert all(lower.rank <= higher.rank for lower, higher in pairwise(ordered))
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3, 4]
    assert replace(one, severity=ordered[-1]).to_dict()["severity"] == ordered[-1].value


@given(incident=incidents, extra=st.lists(steps, max_size=4).map(tuple))
@few
def test_tactics_are_those_of_the_steps_each_once(incident: Incident, extra: tuple[Any, ...]) -> None:
    told = replace(incident, steps=incident.steps + extra)
    tactics = [step.tactic for step in told.steps]
    assert set(told.tactics) == set(tactics)
    assert len(told.tactics) == len(set(told.tactics))
    assert [tactics.index(tactic) for tactic in told.tactics] == sorted(tactics.index(t) for t in told.tactics)


def test_every_stage_leads_somewhere_and_every_one_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(Stage)
    reached, last = {Stage.OPEN}, None
    while reached != last:
        last = set(reached)
        reached |= {after for stage in last for after in TRANSITIONS[stage]}
    assert reached == set(Stage)
    assert all(stage not in after for stage, after in TRANSITIONS.items())


def test_nothing_is_verified_that_was_not_remediated() -> None:
    assert {stage for stage, after in TRANSITIONS.items() if Stage.VERIFIED in after} == {Stage.REMEDIATED}
    assert Stage.CLOSED not in TRANSITIONS[Stage.REMEDIATED]


@given(action=actions, moment=moments)
@few
def test_an_action_is_in_force_from_its_beginning_until_just_before_its_end(
    action: ResponseAction, moment: Any
) -> None:
    live = replace(action, state=ActionState.ACTIVE, created=moment, expires=moment + timedelta(hours=1))
    assert live.active_at(moment)
    assert live.active_at(moment + timedelta(minutes=59))
    assert not live.active_at(moment + timedelta(hours=1))
    assert not live.active_at(moment - timedelta(microseconds=1))
    assert not any(replace(live, state=state).active_at(moment) for state in ActionState if state != "active")
    assert not replace(live, expires=moment).active_at(moment)


@given(trial=trials)
@few
def test_a_trial_is_never_passed_and_missed_and_neither_without_a_success(trial: Trial) -> None:
    assert not (trial.passed and trial.missed)
    assert trial.attack_succeeded or not (trial.passed or trial.missed)
    assert trial.passed == (trial.attack_succeeded and trial.detected and trial.control_silent)


@pytest.mark.parametrize("wrong", ["probably", "PROMISE", 3, ""])
def test_a_basis_without_meaning_is_refused(wrong: Any) -> None:
    plain = Evidence("flips", 1.0, 2.0).to_dict()
    with pytest.raises(ValueError, match="Basis"):
        Evidence.from_dict(plain | {"basis": wrong})
