from collections.abc import Sequence
from datetime import timedelta

import pytest

from caponier.records.finding import Finding, Severity, SubjectRef
from caponier.records.inventory import Identity
from caponier.records.response_action import ActionKind, ActionState, ResponseAction
from caponier.respond import actions
from caponier.respond.plan import ResponsePlan, in_words, plan
from caponier.respond.playbook import Rule, parse, shipped
from caponier.respond.settings import DEFAULT
from respond.made import (
    ADA,
    EXTRACTION,
    NOW,
    file_finding,
    finding,
    joined,
    log_finding,
    rows_finding,
    workspace,
)

HEAD = "schema: caponier.playbook/1\nname: ours\nrules:\n"


def made(
    *findings: Finding,
    rules: Sequence[Rule] | None = None,
    known: Sequence[ResponseAction] = (),
    identities: tuple[Identity, ...] = ADA,
) -> ResponsePlan:
    (incident,) = joined(*findings, identities=identities).incidents
    return plan(
        incident,
        findings,
        shipped().rules if rules is None else rules,
        workspace(identities=identities),
        DEFAULT,
        author="ada",
        now=NOW,
        known=known,
    )


def rules(text: str) -> tuple[Rule, ...]:
    return parse(HEAD + text, "ours.yaml").rules


def kinds(plan_: ResponsePlan) -> list[tuple[str, str, str]]:
    return [(action.kind.value, action.scope.kind, action.scope.id) for action in plan_.actions]


def test_online_evasion_blocks_the_caller_at_that_model() -> None:
    (block, throttle, round_) = made(finding(1)).actions
    assert (block.kind, block.scope) == (ActionKind.BLOCK, SubjectRef("principal", "k-1"))
    assert (block.system, block.model, block.state) == ("digits", "digits-mlp", ActionState.PLANNED)
    assert (block.created, block.expires) == (NOW, NOW + timedelta(hours=24))
    assert not block.needs_approval
    assert block.undo == "The guard answers the caller k-1 again"
    assert (throttle.kind, round_.kind) == (ActionKind.THROTTLE, ActionKind.ROUND)
    assert round_.parameters == {"decimals": 1}


def test_a_weak_finding_blocks_nobody() -> None:
    weak = finding(1, confidence=0.35, severity=Severity.LOW)
    assert ActionKind.BLOCK not in {action.kind for action in made(weak).actions}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (finding(1, techniques=("AMLTM.EXFIL.01.01",)), ("round", "principal", "k-1")),
        (finding(1, techniques=("AMLTM.EXFIL.01.02",)), ("round", "principal", "k-1")),
        (finding(1, techniques=EXTRACTION), ("throttle", "principal", "k-1")),
        (finding(1, techniques=("AMLTM.IMPACT.02",)), ("throttle", "principal", "k-1")),
        (finding(1, techniques=("AMLTM.RECON.02.01",)), ("throttle", "principal", "k-1")),
        (finding(1, techniques=("AMLTM.IMPACT.01",)), ("freeze", "model", "digits-mlp@3")),
        (finding(1, techniques=("AMLTM.EVADE.02",)), ("rollback", "model", "digits-mlp@3")),
        (rows_finding(1), ("quarantine", "row", "train.npz")),
        (rows_finding(1, subject=SubjectRef("source", "contributor-3")), ("quarantine", "source", "contributor-3")),
        (file_finding(1), ("quarantine", "file", "model.pkl")),
        (log_finding(1, "ada"), ("revoke", "principal", "k-1")),
        (log_finding(1, "ada", techniques=("T1530", "AMLTM.EXFIL.03.01")), ("revoke", "principal", "k-1")),
    ],
)
def test_the_shipped_playbook_answers_every_detector(one: Finding, expected: tuple[str, str, str]) -> None:
    plan_ = made(one)
    assert expected in kinds(plan_)
    assert plan_.unanswered == ()
    assert all(action.expires > NOW for action in plan_.actions)


def test_an_account_without_a_known_key_is_ordered_by_its_name() -> None:
    assert ("revoke", "account", "bob") in kinds(made(log_finding(1, "bob"), identities=()))


def test_every_key_of_the_actor_is_meant() -> None:
    rotated = (Identity(key_hash="k-1", account="ada"), Identity(key_hash="k-2", account="ada"))
    blocked = [scope for kind, _, scope in kinds(made(finding(1), identities=rotated)) if kind == "block"]
    assert blocked == ["k-1", "k-2"]


def test_a_combined_attack_blocks_everywhere_with_approval() -> None:
    plan_ = made(log_finding(1, "ada"), finding(2, days=1))
    (everywhere,) = [one for one in plan_.actions if one.kind is ActionKind.BLOCK and one.model is None]
    assert everywhere.needs_approval
    assert everywhere.system is None


def test_what_no_rule_fits_is_said() -> None:
    odd = finding(1, techniques=("T1496",))
    assert made(odd).unanswered == (odd.finding_id,)
    assert made(odd).actions == ()


def asked_twice(first: str, second: str) -> list[ResponseAction]:
    book = rules(
        f"- {{name: a, reason: First., actions: [{{kind: block, scope: actor, {first}}}]}}\n"
        f"- {{name: b, reason: Second., actions: [{{kind: block, scope: actor, {second}}}]}}\n"
    )
    return list(made(finding(1), finding(2, days=1), rules=book).actions)


def test_the_same_action_is_asked_for_once_and_lasts_longest() -> None:
    for pair in (("duration: 1h", "duration: 2h"), ("duration: 2h", "duration: 1h")):
        (action_,) = asked_twice(*pair)
        assert action_.expires == NOW + timedelta(hours=2)
        assert action_.reason == "First.\nSecond."


def test_asking_for_more_does_not_delay_what_may_be_done_at_once() -> None:
    at_once, longer = asked_twice("duration: 1h", "duration: 2h, needs_approval: true")
    assert (at_once.needs_approval, at_once.expires) == (False, NOW + timedelta(hours=1))
    assert (longer.needs_approval, longer.expires) == (True, NOW + timedelta(hours=2))
    assert at_once.action_id != longer.action_id


def test_no_approval_is_asked_for_what_is_done_anyway() -> None:
    (at_once,) = asked_twice("duration: 2h", "duration: 2h, needs_approval: true")
    assert not at_once.needs_approval


@pytest.mark.parametrize(
    ("reach", "where"),
    [("model", ("digits", "digits-mlp")), ("system", ("digits", None)), ("everywhere", (None, None))],
)
def test_an_action_reaches_as_far_as_it_says(reach: str, where: tuple[str | None, str | None]) -> None:
    book = rules(f"- {{name: a, reason: R., actions: [{{kind: block, scope: actor, duration: 1h, reach: {reach}}}]}}\n")
    (action,) = made(finding(1), rules=book).actions
    assert (action.system, action.model) == where


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ("{}", True),
        ("{techniques: [AMLTM.EVADE.01]}", True),
        ("{techniques: [AML.T0043]}", True),
        ("{techniques: [AMLTM.EVADE.02, AMLTM.EVADE.01.02]}", True),
        ("{techniques: [AMLTM.EVADE.01.01]}", False),
        ("{severity: high}", True),
        ("{severity: critical}", False),
        ("{confidence: 0.98}", False),
        ("{strategy: [adversarial-ml]}", True),
        ("{strategy: [combined]}", False),
        ("{subjects: [principal]}", True),
        ("{subjects: [file]}", False),
    ],
)
def test_conditions(when: str, fits: bool) -> None:
    book = rules(f"- {{name: a, reason: R., when: {when}, actions: [{{kind: block, scope: actor, duration: 1h}}]}}\n")
    assert bool(made(finding(1), rules=book).actions) == fits


def test_what_is_live_is_not_planned_again_and_what_is_over_is() -> None:
    first = made(finding(1))
    live = [actions.apply(action) for action in first.actions]
    again = made(finding(1), known=live)
    assert again.actions == ()
    assert {one.action_id for one in again.standing} == {one.action_id for one in first.actions}
    undone = [actions.undo(action, NOW) for action in live]
    renewed = made(finding(1), known=undone)
    assert kinds(renewed) == kinds(first)
    assert not {one.action_id for one in renewed.actions} & {one.action_id for one in first.actions}


def test_ids_do_not_depend_on_who_plans_or_when() -> None:
    (incident,) = joined(finding(1)).incidents
    home, tomorrow = workspace(identities=ADA), NOW + timedelta(days=1)
    later = plan(incident, [finding(1)], shipped().rules, home, DEFAULT, author="ben", now=tomorrow)
    assert [one.action_id for one in later.actions] == [one.action_id for one in made(finding(1)).actions]


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (SubjectRef("principal", "k-1"), "the caller k-1"),
        (SubjectRef("row", "train.npz", ("1", "2")), "2 rows of train.npz"),
        (SubjectRef("file", "m.pkl", (), "/m/m.pkl"), "the file /m/m.pkl"),
        (SubjectRef("source", "s"), "the data source s"),
        (SubjectRef("model", "m@3"), "the model m@3"),
    ],
)
def test_scopes_have_words(scope: SubjectRef, words: str) -> None:
    assert in_words(scope) == words


@pytest.mark.parametrize(
    ("subject", "bound"),
    [
        (SubjectRef("address", "10.0.0.1 curl", sender="address:10.0.0.1"), None),
        (SubjectRef("session", "k-1", sender="address:10.0.0.1"), None),
        (SubjectRef("session", "customer"), None),
        (SubjectRef("address", "10.0.0.1"), SubjectRef("principal", "k-1")),
    ],
)
def test_what_was_done_without_a_key_binds_nobodys_key(subject: SubjectRef, bound: SubjectRef | None) -> None:
    """The inventory knows ada's key at this address; others there have none."""
    own = SubjectRef(subject.kind, subject.id.split(" ")[0], sender=subject.sender)
    assert {action.scope for action in made(finding(1, subject)).actions} == {bound or own}


def test_the_same_session_from_elsewhere_is_another_action() -> None:
    senders = [SubjectRef("session", "customer", sender=f"address:10.0.0.{n}") for n in (7, 8)]
    plans = [made(finding(1, subject)).actions for subject in (*senders, SubjectRef("session", "customer"))]
    assert len({actions.apply(one).action_id for some in plans for one in some}) == sum(map(len, plans))
    assert in_words(senders[0]) == "the session customer from callers without a principal at 10.0.0.7"
