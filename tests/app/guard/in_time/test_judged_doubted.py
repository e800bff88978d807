"""Answers to callers of whom something was found wait until detection has looked at what they ask; nobody else's do."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.guard.in_time.test_judged_first import answered, standing
from app.guard.test_response import JudgedSubject, workspace
from app.guard.test_warming import attack, first_finding
from caponier.app.guard.order import EventOrder
from caponier.app.guard.run import Guard
from caponier.app.inference.live import LiveFindings
from caponier.app.inference.plan import DetectionSettings
from caponier.app.workspace.workspace import read_salt
from caponier.guard.decisions import Decisions
from caponier.guard.exchange import Caller
from caponier.records.accused import BUCKET, NAMES
from caponier.records.finding import SubjectRef
from caponier.records.inventory import Identity, Workspace
from caponier.telemetry.principals import principal_of
from respond.made import EVASION, finding

__all__ = ["workspace"]
EVE = Caller("k-eve", None, "10.0.0.1")


def principal(guard: Guard) -> SubjectRef:
    return SubjectRef("principal", principal_of("eve", read_salt(guard._workspace)) or "")


def test_the_answer_that_makes_a_doubted_caller_certain_does_not_leave(tmp_path: Path) -> None:
    rows = attack(EventOrder())
    guard = standing(tmp_path, rows, judge_within=0)
    whole = first_finding(LiveFindings(DetectionSettings.of(guard._workspace), EventOrder().event_id), rows)
    assert whole is not None
    guard.start()
    guard.decisions.doubt([principal(guard)])
    statuses = answered(guard, rows[: whole + 3])
    assert statuses == [200] * (whole - 1) + [429] * 4
    waited = guard.metrics.total("waited")
    assert waited == whole
    assert answered(guard, rows[:1], key="ada") == [200]
    assert guard.metrics.total("waited") == waited, "nobody waits of whom nothing was found"
    guard.close()


def test_whoever_does_not_want_that_says_so(tmp_path: Path) -> None:
    rows = attack(EventOrder())
    guard = standing(tmp_path, rows, judge_within=0, judge_doubted=0)
    guard._take_over()
    guard.decisions.doubt([principal(guard)])
    began = time.monotonic()
    assert answered(guard, rows[:3]) == [200] * 3, "nobody works here"
    assert time.monotonic() - began < 1
    guard.work.recover()
    guard.work.backlog.spool.close()  # type: ignore[union-attr]


def test_in_observe_mode_nobody_waits(tmp_path: Path) -> None:
    rows = attack(EventOrder())
    guard = standing(tmp_path, rows, mode="observe", judge_doubted=5)
    guard._take_over()
    guard.decisions.doubt([principal(guard)])
    began = time.monotonic()
    assert answered(guard, rows[:3]) == [200] * 3
    assert time.monotonic() - began < 1
    guard.work.recover()
    guard.work.backlog.spool.close()  # type: ignore[union-attr]


def test_detection_does_not_hurry_for_a_doubted_caller(tmp_path: Path) -> None:
    rows = attack(EventOrder())
    for seconds, hurries in ((0, False), (0.05, True)):
        guard = standing(tmp_path / str(seconds), rows, judge_within=seconds, judge_doubted=0.05)
        guard._take_over()
        guard.decisions.doubt([principal(guard)])
        answered(guard, rows[:1])
        assert guard.work._hurried is hurries
        guard.work.recover()
        guard.work.backlog.spool.close()  # type: ignore[union-attr]


def test_a_finding_makes_its_caller_doubted_whether_it_is_answered_or_not(workspace: Workspace) -> None:
    with JudgedSubject(workspace) as one:
        assert not one.decisions.doubts(EVE)
        rare = finding(EVASION, subject=SubjectRef("principal", "k-eve"))
        one.response.take([replace(rare, evidence=replace(rare.evidence, share=0.01))])
        assert one.decisions.doubts(EVE)
        assert not one.decisions.doubts(Caller("k-ada", None, "10.0.0.1")), "others at his address are not"
        assert not one.refuses("k-eve")


def test_all_keys_of_an_account_are_doubted_and_all_who_asked_alike(workspace: Workspace) -> None:
    identities = tuple(Identity(account="eve", key_hash=key) for key in ("k-eve", "k-eve2"))
    with JudgedSubject(workspace.model_copy(update={"identities": identities})) as one:
        one.response.doubt([finding(EVASION, subject=SubjectRef("principal", "k-eve"))])
        assert one.decisions.doubts(Caller("k-eve2", None, None))
        together = finding(EVASION, subject=SubjectRef(BUCKET, "b-1"))
        facts = {**together.evidence.facts, NAMES: ["k-one", "k-two"]}
        one.response.doubt([replace(together, evidence=replace(together.evidence, facts=facts))])
        assert one.decisions.doubts(Caller("k-one", None, None))
        assert one.decisions.doubts(Caller("k-two", None, None))


def test_so_many_are_remembered_as_doubted_and_the_last_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caponier.guard.decisions.MOST_DOUBTED", 2)
    decisions = Decisions()
    for name in ("a", "b", "a", "c"):
        decisions.doubt([SubjectRef("principal", name)])
    assert [decisions.doubts(Caller(name, None, None)) for name in "abc"] == [True, False, True]
