import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from caponier.app.incidents.correlate import record_context
from caponier.app.incidents.findings import record_findings
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.cli.incidents.incidents import app
from caponier.errors import InputError
from caponier.records.finding import Finding, Severity, SubjectRef
from caponier.records.incident import Incident
from caponier.records.inventory import Workspace
from respond.made import LATERAL, context, file_finding, finding, log_finding

TOML = '[[identity]]\nkey_hash = "k-1"\naccount = "ada"\n[[system]]\nname = "digits"\nmodels = ["digits-mlp"]\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    monkeypatch.setenv("CAPONIER_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "ada")
    create_workspace(tmp_path).write_text(TOML)
    return require_workspace(tmp_path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def keep(home: Workspace, *found: Finding) -> None:
    record_findings(home, found)
    assert run("correlate", "--quiet").exit_code == 0


def story(home: Workspace) -> str:
    record_context(home, [context(1, "ada", days=-1, techniques=LATERAL)])
    keep(home, log_finding(1, "ada"), finding(2, days=1), file_finding(3, days=2))
    (id_,) = ids()
    return id_


def ids(*arguments: str) -> list[str]:
    result = run("list", "--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    return [one["incident_id"] for one in json.loads(result.stdout)["incidents"]]


def test_what_is_loose_is_said_and_then_joined(home: Workspace) -> None:
    record_findings(home, [finding(1), finding(2, "k-9")])
    before = run("list")
    assert before.stdout == ""
    assert "2 findings are in no incident yet. Run: caponier incidents correlate" in before.stderr
    joined = run("correlate")
    assert "2 incidents opened, 0 grown or reopened" in joined.stderr
    assert len(joined.stdout.splitlines()) == 3
    assert "0 incidents opened, 0 grown" in run("correlate").stderr
    assert run("list").stderr == ""


def test_merging_is_said(home: Workspace) -> None:
    keep(home, finding(1, "k-8"), finding(2, "k-9", days=1))
    record_findings(home, [finding(3, "k-8", days=2, facts={"principal": ["k-9"]})])
    said = run("correlate").stderr
    assert "turned out to be a part of" in said
    gone = said.split()[said.split().index("turned") - 1]
    shown = run("show", gone)
    assert f"{gone} is a part of {ids()[0]}" in shown.stderr
    assert gone in shown.stdout


def test_a_list_is_a_table_csv_markdown_and_json(home: Workspace) -> None:
    id_ = story(home)
    head, row, *_ = run("list").stdout.splitlines()
    assert head.split()[:2] == ["INCIDENT", "ID"]
    assert row.split()[0] == id_
    (line,) = csv.DictReader(io.StringIO(run("list", "--format", "csv").stdout))
    assert (line["incident_id"], line["strategy"], line["severity"]) == (id_, "combined", "high")
    assert run("list", "--format", "markdown").stdout.startswith("| incident_id | last_time |")
    document = json.loads(run("list", "--format", "json").stdout)
    assert document["schema"] == "caponier.incidents/1"
    assert Incident.from_dict(document["incidents"][0]).incident_id == id_


def test_a_list_names_a_file_as_the_target_and_actors_as_the_page_does(home: Workspace) -> None:
    keep(home, file_finding(1, system=None))
    assert "/models/model.pkl" in run("list", "--format", "markdown").stdout
    keep(home, finding(2, "k-9"))
    assert "| principal k-9 |" in run("list", "--format", "markdown").stdout
    assert "principal:k-9" in run("list", "--format", "csv").stdout


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        ([], 2),
        (["--severity", "high"], 1),
        (["--stage", "open"], 2),
        (["--stage", "closed"], 0),
        (["--stage", "closed", "--stage", "open"], 2),
        (["--strategy", "traditional"], 1),
        (["--owner", "ben"], 0),
        (["--since", "2026-01-10"], 1),
        (["--limit", "1"], 1),
    ],
)
def test_options_narrow_the_list(home: Workspace, arguments: list[str], count: int) -> None:
    keep(home, finding(1), log_finding(2, "eve", days=20, severity=Severity.LOW))
    assert len(ids(*arguments)) == count


def test_show_leads_with_plain_words_then_tactics_then_findings(home: Workspace) -> None:
    id_ = story(home)
    said = run("show", id_).stdout
    order = ["What happened", "Who", "To what", "How sure", "What it harms", "What to do", "Timeline", "Findings"]
    assert [said.index(word) for word in order] == sorted(said.index(word) for word in order)
    assert "general technique (white)" in said
    assert "ML technique (orange)" in said
    assert "context: outside the ML" in said


@pytest.mark.parametrize(
    ("format_", "said"), [("json", "caponier.incident/1"), ("markdown", "# Incident"), ("csv", "incident_id,")]
)
def test_show_for_programs(home: Workspace, format_: str, said: str) -> None:
    assert said in run("show", story(home), "--format", format_).stdout


def test_an_incident_is_assigned_noted_closed_and_reopened(home: Workspace) -> None:
    id_ = story(home)
    assert "assigned to ben" in run("assign", id_, "ben").stderr
    assert run("note", id_, "called the owner", "--quiet").output == ""
    assert "closed" in run("close", id_, "--reason", "our own test").stderr
    again = run("close", id_, "--reason", "once more").exception
    assert isinstance(again, InputError)
    assert "From here it may become: open." in str(again)
    assert ids("--owner", "ben", "--stage", "closed") == [id_]
    said = run("show", id_).stdout
    assert "ada: called the owner" in said
    assert "ada: our own test" in said
    reopened = run("reopen", id_, "--reason", "it goes on", "--format", "json")
    assert json.loads(reopened.stdout)["incidents"][0]["stage"] == "open"


@pytest.mark.parametrize(
    "arguments",
    [["show", "i-none"], ["assign", "i-none", "ben"], ["note", "i-none", "x"], ["close", "i-none", "--reason", "x"]],
)
def test_an_unknown_incident_is_an_error(home: Workspace, arguments: list[str]) -> None:
    missing = run(*arguments).exception
    assert isinstance(missing, InputError)
    assert missing.exit_code == 2


@pytest.mark.parametrize("text", ["", "   ", "x" * 10_001])
def test_a_note_has_a_length(home: Workspace, text: str) -> None:
    assert isinstance(run("note", story(home), text).exception, InputError)


def test_closing_needs_a_reason(home: Workspace) -> None:
    assert run("close", story(home)).exit_code == 2


def test_export_as_ticket_json_and_ocsf(home: Workspace, tmp_path: Path) -> None:
    id_ = story(home)
    assert run("export", id_).stdout.startswith(f"# Incident {id_}")
    assert json.loads(run("export", id_, "--format", "json").stdout)["schema"] == "caponier.incident/1"
    assert json.loads(run("export", id_, "--format", "ocsf").stdout)["class_uid"] == 2005
    ticket = tmp_path / "ticket.md"
    assert "written to" in run("export", id_, "--out", str(ticket)).stderr
    assert ticket.read_text().startswith("# Incident")


@pytest.mark.parametrize("format_", ["table", "markdown", "csv"])
def test_a_callers_name_is_shown_and_not_obeyed(home: Workspace, format_: str) -> None:
    keep(home, finding(1, SubjectRef("session", "=1\x1b[2J[red]|<script>")))
    said = run("list", "--format", format_).stdout
    assert "\x1b" not in said
    assert "<script>" not in said or format_ != "markdown"
    run("note", ids()[0], "[bold]\x1b[2J")
    shown = run("show", ids()[0]).stdout
    assert "\x1b" not in shown
    assert "[bold]" in shown
