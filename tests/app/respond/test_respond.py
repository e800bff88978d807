import json
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.findings import record_findings
from caponier.app.incidents.incidents import advance_incident, show_incident
from caponier.app.respond.action_feed import active_actions
from caponier.app.respond.respond import (
    apply_response,
    approve_action,
    carried_out_by,
    expire_actions,
    in_plain_words,
    list_actions,
    plan_response,
    undo_action,
)
from caponier.app.workspace.verify_audit import list_audit, verify_audit
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.errors import InputError
from caponier.records.finding import Finding
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionKind, ActionState
from pace import HANG
from respond.made import NOW, START, at, file_finding, finding, log_finding

EVASION, FILE = finding(1), file_finding(2, days=1)
HOURS = timedelta(hours=1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    file = create_workspace(tmp_path / "w")
    file.write_text(
        '[[identity]]\nkey_hash = "k-1"\naccount = "ada"\n[[system]]\nname = "digits"\nmodels = ["digits-mlp"]\n'
    )
    return require_workspace(file)


def incident(home: Workspace, *found: Finding) -> str:
    record_findings(home, found, actor="test")
    (opened,) = correlate_findings(home, actor="test").opened
    return opened.incident_id


def stage(home: Workspace, incident_id: str) -> Stage:
    return show_incident(home, incident_id).incident.stage


def test_a_plan_changes_nothing(home: Workspace) -> None:
    id_ = incident(home, EVASION)
    before = list_audit(home)
    report = plan_response(home, id_, now=NOW, actor="ada")
    assert report.plan.actions[0].kind is ActionKind.BLOCK
    assert report.dry_runs == ()
    assert list_audit(home) == before
    assert list_actions(home, everything=True) == []


def test_apply_does_what_the_plan_said(home: Workspace) -> None:
    id_ = incident(home, EVASION)
    planned = plan_response(home, id_, now=NOW, actor="ada").plan.actions
    done = apply_response(home, id_, now=NOW, actor="ada")
    assert [action.action_id for action in done.actions] == [action.action_id for action in planned]
    assert {action.state for action in done.actions} == {ActionState.ACTIVE}
    assert done.incident.stage is Stage.CONTAINED
    again = apply_response(home, id_, now=NOW, actor="ben")
    assert again.actions == ()
    assert len(again.standing) == len(planned)


def test_only_some_of_a_plan(home: Workspace) -> None:
    id_ = incident(home, EVASION)
    first, *_ = plan_response(home, id_, now=NOW).plan.actions
    assert len(apply_response(home, id_, only=[first.action_id], now=NOW).actions) == 1
    with pytest.raises(InputError, match="the plan has no such action"):
        apply_response(home, id_, only=["a-none"], now=NOW)


def test_an_incident_is_contained_when_nothing_awaits_approval(home: Workspace) -> None:
    id_ = incident(home, log_finding(1, "ada"), finding(2, days=1))
    done = apply_response(home, id_, now=NOW, actor="ada")
    waiting = [action for action in done.actions if action.state is ActionState.AWAITING_APPROVAL]
    assert len(waiting) == 2
    assert stage(home, id_) is Stage.OPEN
    for action in waiting:
        approve_action(home, action.action_id, now=NOW + HOURS, actor="ben")
    assert stage(home, id_) is Stage.CONTAINED


def test_undo_ends_an_action_at_once_and_once(home: Workspace) -> None:
    id_ = incident(home, FILE)
    (action,) = apply_response(home, id_, now=NOW).actions
    assert active_actions(home, now=NOW).actions == (action,)
    assert undo_action(home, action.action_id, now=NOW + HOURS).state is ActionState.UNDONE
    assert active_actions(home, now=NOW + HOURS).actions == ()
    assert stage(home, id_) is Stage.OPEN
    with pytest.raises(InputError, match="was undone already"):
        undo_action(home, action.action_id, now=NOW + HOURS)
    (renewed,) = apply_response(home, id_, now=NOW + 2 * HOURS).actions
    assert renewed.action_id != action.action_id


def test_what_runs_out_is_over_and_noted_once(home: Workspace) -> None:
    id_ = incident(home, FILE)
    (action,) = apply_response(home, id_, now=NOW).actions
    later = action.expires
    assert expire_actions(home, now=later - HOURS) == ()
    assert list_actions(home, now=later) == []
    assert [one.state for one in list_actions(home, everything=True, now=later)] == [ActionState.EXPIRED]
    assert [one.action_id for one in expire_actions(home, now=later)] == [action.action_id]
    assert expire_actions(home, now=later) == ()
    assert [row.action for row in list_audit(home)].count("action.expired") == 1
    assert stage(home, id_) is Stage.OPEN


@pytest.mark.parametrize("change", [approve_action, undo_action])
def test_an_unknown_action_is_an_error(home: Workspace, change: Callable[..., object]) -> None:
    with pytest.raises(InputError, match="no such response action"):
        change(home, "a-none")


def test_approvers_are_those_of_the_workspace(home: Workspace) -> None:
    home.file.write_text(home.file.read_text() + '[respond]\napprovers = ["eve"]\n')
    home = require_workspace(home.file)
    done = apply_response(home, incident(home, log_finding(1, "ada")), now=NOW, actor="ada")
    (revoke,) = done.actions
    for nobody in ("ada", "ben"):
        with pytest.raises(InputError, match="approve"):
            approve_action(home, revoke.action_id, now=NOW, actor=nobody)
    assert approve_action(home, revoke.action_id, now=NOW, actor="eve").approver == "eve"


def test_a_merged_incidents_actions_stay_with_it(home: Workspace) -> None:
    first = incident(home, finding(1, "k-8"))
    second = incident(home, finding(2, "k-9", days=1))
    (*_, action) = apply_response(home, second, now=NOW).actions
    record_findings(home, [finding(3, "k-8", days=2, facts={"principal": ["k-9"]})], actor="test")
    correlate_findings(home, now=NOW + HOURS)
    assert action.action_id in {one.action_id for one in show_incident(home, first).actions}
    standing = {one.action_id for one in plan_response(home, second, now=NOW + HOURS).plan.standing}
    assert action.action_id in standing
    for one in show_incident(home, first).actions:
        undo_action(home, one.action_id, now=NOW + HOURS)
    assert stage(home, first) is Stage.OPEN


def test_two_who_apply_at_once_do_everything_once(home: Workspace) -> None:
    id_ = incident(home, EVASION, FILE)
    planned = len(plan_response(home, id_, now=NOW).plan.actions)
    done: list[int] = []

    def apply(who: str) -> None:
        done.append(len(apply_response(home, id_, now=NOW, actor=who).actions))

    people = [threading.Thread(target=apply, args=(f"user-{number}",)) for number in range(4)]
    for one in people:
        one.start()
    for one in people:
        one.join(timeout=HANG)
    assert sorted(done) == [0, 0, 0, planned]
    assert len(list_actions(home, now=NOW)) == planned
    assert [row.action for row in list_audit(home)].count("action.applied") == planned
    assert verify_audit(home).ok


def test_a_closed_incident_keeps_its_actions(home: Workspace) -> None:
    id_ = incident(home, EVASION)
    done = apply_response(home, id_, now=NOW)
    advance_incident(home, id_, Stage.CLOSED, reason="our test", now=NOW)
    assert len(active_actions(home, now=NOW).actions) == len(done.actions)
    undo_action(home, done.actions[0].action_id, now=NOW)
    assert stage(home, id_) is Stage.CLOSED


# -- dry run over a log


def log(path: Path, attack: int, others: int) -> Path:
    rows = [("k-1", n) for n in range(attack)] + [(f"k-{2 + n % 9}", n) for n in range(others)]
    rows.sort(key=lambda row: row[1])
    times = [START + timedelta(seconds=n) for _, n in rows]
    pq.write_table(
        pa.table(
            {
                "time": pa.array(times, pa.timestamp("us", tz="UTC")),
                "principal": [principal for principal, _ in rows],
                "model": ["digits-mlp"] * len(rows),
                "operation": ["predict"] * len(rows),
            }
        ),
        path,
    )
    return path


def test_a_dry_run_counts_over_a_log(home: Workspace, tmp_path: Path) -> None:
    id_ = incident(home, EVASION)
    report = plan_response(home, id_, log=[log(tmp_path / "events.parquet", 412, 1920)], now=NOW)
    assert report.dry_runs[0].words == "would have stopped 412 of 412 attack queries and 0 of 1,920 queries of others"
    assert report.dry_runs[-1].action_id is None
    assert (report.dry_runs[-1].attack, report.dry_runs[-1].others) == (412, 0)


def test_json_lines_count_the_same_and_bad_rows_are_said(home: Workspace, tmp_path: Path) -> None:
    lines = tmp_path / "events.jsonl"
    row = {"time": at(1).isoformat(), "model": "digits-mlp", "operation": "predict", "principal": "k-1"}
    good = json.dumps(row) + "\n"
    lines.write_text(good + '{"time": "yesterday", "model": "m", "operation": "predict"}\n')
    report = plan_response(home, incident(home, EVASION), log=[lines], now=NOW)
    assert (report.dry_runs[0].attack, report.dry_runs[0].of_attack) == (1, 1)
    assert report.log is not None
    assert report.log.rejected.count == 1


def test_a_log_that_is_none_is_refused(home: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        plan_response(home, incident(home, EVASION), log=[tmp_path / "none.parquet"])


# -- words


def test_actions_say_what_they_do_and_who_does_it(home: Workspace) -> None:
    actions = plan_response(home, incident(home, EVASION, FILE), now=NOW).plan.actions
    words = {action.kind: (in_plain_words(action), carried_out_by(action)) for action in actions}
    what, who = words[ActionKind.BLOCK]
    assert what.startswith("Refuse every query of the caller k-1")
    assert what.endswith("at model digits-mlp")
    assert who == "the guard, in enforce mode"
    assert ": 6 a minute, with bursts of 6" in words[ActionKind.THROTTLE][0]
    assert words[ActionKind.QUARANTINE][1].startswith("you")
