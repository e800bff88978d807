"""Several programs on one store at the same moment: what is done is done once, and what is read fits together."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest

from caponier.app.incidents.correlate import CorrelationReport, correlate_findings
from caponier.app.incidents.findings import record_findings
from caponier.app.incidents.incidents import list_incidents, note_incident, show_incident
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.respond.action_feed import ActionFeed
from caponier.app.respond.respond import (
    apply_response,
    approve_action,
    expire_actions,
    list_actions,
    undo_action,
)
from caponier.app.workspace.verify_audit import list_audit, verify_audit
from caponier.errors import InputError
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionState
from caponier.store.database import open_store
from respond.made import ADA, NOW, context, finding, log_finding, workspace

T = TypeVar("T")
FINDINGS = [log_finding(1, "ada"), finding(2, days=1)]


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = workspace(tmp_path, ADA)
    open_store(made.store).close()
    return made


def at_once(*works: Callable[[], T]) -> list[T | InputError]:
    """Begin every work at the same moment."""
    gate = Barrier(len(works))

    def run(work: Callable[[], T]) -> T | InputError:
        gate.wait()
        try:
            return work()
        except InputError as refused:
            return refused

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def noted(home: Workspace) -> Counter[str]:
    return Counter(row.action for row in list_audit(home, limit=10_000))


def opened(home: Workspace) -> str:
    return keep_findings(home, FINDINGS, actor="test").opened[0].incident_id


def test_two_who_apply_do_everything_once(home: Workspace) -> None:
    id_ = opened(home)
    works = [lambda who=who: apply_response(home, id_, now=NOW, actor=who) for who in ("ada", "ben", "eve")]
    done = [one for one in at_once(*works) if not isinstance(one, InputError)]
    ids = [action.action_id for one in done for action in one.actions]
    assert len(set(ids)) == len(ids) > 0
    assert sorted(len(one.actions) for one in done) == [0, 0, len(ids)]
    assert noted(home)["action.applied"] + noted(home)["action.requested"] == len(ids)
    assert verify_audit(home).ok


def test_of_two_who_undo_one_is_told_that_it_was_done(home: Workspace) -> None:
    id_ = opened(home)
    (first, *_) = [
        one for one in apply_response(home, id_, now=NOW, actor="ada").actions if one.state is ActionState.ACTIVE
    ]
    results = at_once(*[lambda: undo_action(home, first.action_id, now=NOW)] * 4)
    refused = [one for one in results if isinstance(one, InputError)]
    assert len(refused) == 3
    assert all("undone already" in str(one) for one in refused)
    assert noted(home)["action.undone"] == 1


def test_approval_and_undo_at_once_leave_one_of_the_two(home: Workspace) -> None:
    id_ = opened(home)
    waiting = [
        one
        for one in apply_response(home, id_, now=NOW, actor="ada").actions
        if one.state is ActionState.AWAITING_APPROVAL
    ]
    for one in waiting:
        at_once(
            lambda one=one: approve_action(home, one.action_id, now=NOW, actor="ben"),
            lambda one=one: undo_action(home, one.action_id, now=NOW, actor="eve"),
        )
    states = {one.action_id: one.state for one in list_actions(home, everything=True, now=NOW)}
    # Whoever comes second: an approved action is undone, and an undone one is not approved.
    assert {states[one.action_id] for one in waiting} == {ActionState.UNDONE}
    assert noted(home)["action.undone"] == len(waiting)


def test_two_who_correlate_make_the_same_incidents_as_one(home: Workspace) -> None:
    many = [log_finding(n, f"user{n % 5}", days=n / 10, address=f"10.0.1.{n % 5}") for n in range(40)]
    record_findings(home, many, actor="test")
    reports = at_once(*[lambda: correlate_findings(home, actor="test")] * 3)
    made = [one for one in reports if isinstance(one, CorrelationReport) and one.opened]
    assert len(made) == 1
    assert len(list_incidents(home)) == 5
    assert noted(home)["incident.opened"] == 5


def test_scans_that_keep_at_once_keep_everything(home: Workspace) -> None:
    def keep(start: int) -> Callable[[], CorrelationReport]:
        # Hours apart: what goes on within the hour is the same episode, and no finding of its own.
        found = [log_finding(n, "ada", days=n / 5) for n in range(start, start + 10)]
        events = [context(n, "ada", days=n / 5) for n in range(start, start + 10)]
        return lambda: keep_findings(home, found, events, actor=f"scan {start}")

    at_once(*map(keep, (0, 5, 10, 15)))
    (incident,) = list_incidents(home)
    assert len(incident.finding_ids) == 25
    assert sum(step.finding_id is None for step in incident.steps) == 25
    assert verify_audit(home).ok


def test_notes_at_once_are_all_kept(home: Workspace) -> None:
    id_ = opened(home)
    at_once(*[lambda n=n: note_incident(home, id_, f"note {n}", actor=f"user{n}") for n in range(8)])
    assert {note.text for note in list_incidents(home)[0].notes} == {f"note {n}" for n in range(8)}


def test_an_end_is_noted_once_by_however_many_guards(home: Workspace) -> None:
    id_ = opened(home)
    active = [one for one in apply_response(home, id_, now=NOW, actor="ada").actions if one.state is ActionState.ACTIVE]
    end = max(one.expires for one in list_actions(home, now=NOW))

    def guard() -> int:
        with ActionFeed(home) as feed:
            assert feed.read(end).actions == ()
            return len(feed.expire(end, actor="guard"))

    counts = at_once(*[guard] * 3, lambda: len(expire_actions(home, now=end, actor="test")))
    total = len(list_actions(home, everything=True, now=end))
    assert sorted(counts) == [0, 0, 0, total]
    assert noted(home)["action.expired"] == total >= len(active)
    assert list_incidents(home)[0].stage is Stage.OPEN


def test_a_reader_sees_one_state_whatever_is_written_meanwhile(home: Workspace) -> None:
    id_ = opened(home)
    with open_store(home.store) as store, store.read() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM audit").scalar()
        apply_response(home, id_, now=NOW, actor="ada")
        assert connection.exec_driver_sql("SELECT count(*) FROM audit").scalar() == before
        assert connection.exec_driver_sql("SELECT count(*) FROM response_actions").scalar() == 0
    assert list_actions(home, now=NOW)


def test_what_has_run_out_is_shown_so_before_anybody_notes_it(home: Workspace) -> None:
    id_ = opened(home)
    made = apply_response(home, id_, now=NOW, actor="ada").actions
    end = max(one.expires for one in made)
    assert {one.state for one in show_incident(home, id_, now=NOW).actions} <= {
        ActionState.ACTIVE,
        ActionState.AWAITING_APPROVAL,
    }
    over = show_incident(home, id_, now=end)
    assert {one.state for one in over.actions} == {ActionState.EXPIRED}
    assert noted(home)["action.expired"] == 0
    assert list_actions(home, incident_id=id_, now=end) == []
