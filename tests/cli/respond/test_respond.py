import csv
import io
import json
import re
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.findings import record_findings
from caponier.app.workspace.verify_audit import list_audit, verify_audit
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.cli.respond.respond import app
from caponier.errors import InputError
from caponier.records.inventory import Workspace
from respond.made import at, file_finding, finding, log_finding

TOML = '[[identity]]\nkey_hash = "k-1"\naccount = "eve"\n[[system]]\nname = "digits"\nmodels = ["digits-mlp"]\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    monkeypatch.setenv("CAPONIER_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "ada")
    create_workspace(tmp_path).write_text(TOML)
    made = require_workspace(tmp_path)
    record_findings(made, [log_finding(1, "eve"), finding(2, days=1), file_finding(3, days=2)])
    return made


@pytest.fixture
def incident(home: Workspace) -> str:
    (opened,) = correlate_findings(home).opened
    return opened.incident_id


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def actions(*arguments: str) -> list[dict[str, str]]:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, str]] = json.loads(result.stdout)["actions"]
    return found


def by_state(state: str) -> list[str]:
    return [action["action_id"] for action in actions("list", "--all") if action["state"] == state]


def refused(*arguments: str) -> str:
    error = run(*arguments).exception
    assert isinstance(error, InputError)
    assert error.exit_code == 2
    return str(error)


@pytest.mark.parametrize("command", [["plan"], ["apply", "--dry-run"]])
def test_a_dry_run_changes_nothing_and_counts(
    home: Workspace, incident: str, tmp_path: Path, command: list[str]
) -> None:
    log = tmp_path / "events.jsonl"
    rows = [{"time": at(2 + n / 1000).isoformat(), "model": "digits-mlp", "operation": "predict"} for n in range(30)]
    log.write_text("".join(json.dumps(row | {"principal": f"k-{1 + n % 3}"}) + "\n" for n, row in enumerate(rows)))
    before = list_audit(home)
    result = run(*command, incident, "--log", str(log))
    assert result.exit_code == 0
    assert "the caller k-1" in result.stdout
    assert [re.findall(r"\b\d+ of \d+\b", line) for line in result.stdout.splitlines() if "stopped" in line][-2:] == [
        ["10 of 10", "0 of 20"]
    ] * 2
    assert f": caponier respond apply {incident}" in result.stderr
    assert list_audit(home) == before
    assert actions("list", "--all") == []


def test_a_plan_for_programs(incident: str) -> None:
    document = json.loads(run("plan", incident, "--format", "json").stdout)
    assert document["schema"] == "caponier.response-plan/1"
    assert {action["state"] for action in document["actions"]} == {"planned"}
    assert (document["dry_run"], document["standing"], document["unanswered"]) == ([], [], [])
    lines = list(csv.DictReader(io.StringIO(run("plan", incident, "--format", "csv").stdout)))
    assert [line["action_id"] for line in lines] == [action["action_id"] for action in document["actions"]]
    assert lines[0]["reason"]
    assert run("plan", incident, "--format", "markdown").stdout.count("\n") == len(lines) + 2


def test_the_whole_life_of_a_response(home: Workspace, incident: str, monkeypatch: pytest.MonkeyPatch) -> None:
    applied = run("apply", incident)
    assert applied.exit_code == 0
    active, waiting = by_state("active"), by_state("awaiting-approval")
    assert active
    assert waiting
    said = " ".join(applied.stderr.split())
    for ids, verb in ((active, "undo"), (waiting, "approve")):
        assert f"caponier respond {verb} {ids[0] if len(ids) == 1 else 'ACTION'}" in said
        assert all(id_ in applied.stdout and (len(ids) == 1 or id_ not in said) for id_ in ids)
    assert "Nothing new to do." in run("apply", incident).stderr

    assert "somebody else has to approve" in refused("approve", waiting[0])
    monkeypatch.setenv("LOGNAME", "ben")
    for id_ in waiting:
        assert f"caponier respond undo {id_}" in run("approve", id_).stderr
    assert "nothing to approve" in refused("approve", waiting[0])
    assert by_state("awaiting-approval") == []

    undone = run("undo", active[0])
    assert f"{active[0]} is undone." in undone.stderr
    assert "was undone already" in refused("undo", active[0])
    assert active[0] not in [action["action_id"] for action in actions("list")]
    assert by_state("undone") == [active[0]]

    rows = [row.action for row in list_audit(home)]
    assert rows.count("action.applied") == len(active)
    assert rows.count("action.requested") == rows.count("action.approved") == len(waiting)
    assert rows.count("action.undone") == 1
    assert verify_audit(home).ok


def test_only_one_action(incident: str) -> None:
    first, *_ = actions("plan", incident)
    assert [action["action_id"] for action in actions("apply", incident, "--only", first["action_id"])] == [
        first["action_id"]
    ]
    assert "the plan has no such action" in refused("apply", incident, "--only", "a-none")


@pytest.mark.parametrize("arguments", [["plan", "i-none"], ["apply", "i-none"], ["approve", "a-1"], ["undo", "a-1"]])
def test_what_is_unknown_is_an_error(home: Workspace, arguments: list[str]) -> None:
    assert "there is no such" in refused(*arguments)


def test_a_wrong_playbook_is_refused_before_anything_is_done(home: Workspace, incident: str) -> None:
    home.file.write_text(TOML + '[respond]\nplaybooks = ["ours.yaml"]\n')
    (home.root / "ours.yaml").write_text("schema: caponier.playbook/1\nname: x\nruels: []\n")
    assert "Did you mean 'rules'?" in refused("apply", incident)
    home.file.write_text(TOML + '[respond]\naprovers = ["ben"]\n')
    assert "Did you mean 'approvers'?" in refused("apply", incident)
    home.file.write_text(TOML)
    assert actions("list", "--all") == []


def test_a_team_can_switch_a_rule_off(home: Workspace, incident: str) -> None:
    home.file.write_text(TOML + '[respond]\nplaybooks = ["ours.yaml"]\n')
    rule = "- {name: unsafe-file, reason: We quarantine elsewhere., actions: []}\n"
    (home.root / "ours.yaml").write_text(f"schema: caponier.playbook/1\nname: ours\nrules:\n{rule}")
    result = run("plan", incident)
    assert "model.pkl" not in result.stdout
    assert "No playbook has an action for f-" in result.stderr, "what is switched off is not passed over in silence"


def test_the_list_is_quiet_and_said_to_be_empty(home: Workspace) -> None:
    assert "No response actions." in run("list").stderr
    assert run("list", "--quiet").output == ""


def test_a_table_names_who_does_it(incident: str) -> None:
    run("apply", incident)
    table = run("list").stdout
    assert "guard" in table
    assert "you" in table
    assert run("list", "--incident", incident).stdout == table
