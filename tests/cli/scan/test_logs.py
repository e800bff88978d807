import csv
import io
import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from caponier.app.incidents.findings import list_findings
from caponier.app.incidents.incidents import list_incidents
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.cli.scan.logs import EXAMPLE, logs, parse_log_source
from caponier.errors import InputError
from caponier.matrix.case_study import Strategy
from caponier.telemetry.security_logs.sources import LogSource
from detect.sigma.events import plain, write

LOGIN = {
    "time": "2026-01-05T09:00:00Z",
    "category": "authentication",
    "user": "ann",
    "host": "gpu-01",
    "src_ip": "203.0.113.7",
    "outcome": "success",
}
INVENTORY = '\n[[system]]\nname = "digits"\ncriticality = "critical"\nhosts = ["gpu-01"]\n'

app = typer.Typer()
app.command("logs", epilog=EXAMPLE)(logs)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    monkeypatch.setenv("CAPONIER_WORKSPACE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    file = create_workspace(tmp_path)
    file.write_text(file.read_text() + INVENTORY)
    return tmp_path


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, [*words], input=stdin, catch_exceptions=False)


def log(folder: Path, *rows: object) -> str:
    path = folder / "auth.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return str(path)


def test_help_has_an_example() -> None:
    assert "caponier scan logs" in run("--help").stdout


def test_a_finding_is_printed_recorded_and_exits_1(home: Path) -> None:
    done = run(log(home, LOGIN))
    assert done.exit_code == 1
    assert "sigma:ml_host_login_outside" in done.stdout
    assert "1 finding;" in done.stderr
    (kept,) = list_findings(require_workspace(home))
    assert (kept.system, kept.severity.value) == ("digits", "high")


def test_nothing_found_exits_0_and_tells_the_context(home: Path) -> None:
    done = run(log(home, {**LOGIN, "host": "desk"}))
    assert (done.exit_code, done.stdout) == (0, "")
    assert "1 match outside the inventory, kept as context" in done.stderr


def test_what_the_log_says_cannot_command_the_terminal(home: Path) -> None:
    done = run(
        log(home, {**LOGIN, "user": "ann\x1b[2J"}, {**LOGIN, "user": "\x1b]0;x\x07", "host": "desk", "time": "\x1b"})
    )
    assert done.exit_code == 1
    assert "\x1b" not in done.stdout + done.stderr


def test_a_file_that_cannot_be_written_leaves_nothing_changed(home: Path) -> None:
    with pytest.raises(InputError):
        run(log(home, LOGIN), "--out", str(home / "no" / "found.json"))
    assert list_findings(require_workspace(home)) == []


def test_context_alone_is_no_incident_and_part_of_one_when_its_account_touches_an_ml_host(home: Path) -> None:
    outside = {**LOGIN, "host": "idp", "risk": "high", "src_ip": "203.0.113.99"}
    workspace = require_workspace(home)
    assert run(log(home, outside)).exit_code == 0
    assert list_incidents(workspace) == []
    assert run(log(home, {**LOGIN, "time": "2026-01-05T11:00:00Z"})).exit_code == 1
    (incident,) = list_incidents(workspace)
    assert {step.finding_id is None for step in incident.steps} == {True, False}
    assert incident.strategy is Strategy.TRADITIONAL


def test_json(home: Path) -> None:
    document = json.loads(run(log(home, LOGIN, {**LOGIN, "host": "desk", "user": "bob"}), "--format", "json").stdout)
    assert document["schema"] == "caponier.findings/1"
    assert [finding["detector"] for finding in document["findings"]] == ["sigma:ml_host_login_outside"]
    assert [event["account"] for event in document["context"]] == ["bob"]
    assert document["events"] == 2


def test_csv_markdown_and_a_file(home: Path) -> None:
    path = log(home, LOGIN)
    (row,) = csv.DictReader(io.StringIO(run(path, "--format", "csv").stdout))
    assert row["subject_id"] == "ann"
    assert run(path, "--format", "markdown").stdout.startswith("| finding_id")
    run(path, "--out", "found.json", "--quiet")
    assert json.loads((home / "found.json").read_text())["events"] == 1


def test_a_bad_rule_exits_3_and_the_others_run(home: Path) -> None:
    write(home / "rules", "bad.yml", plain("bad", {"a|nonsense": 1}))
    done = run(log(home, {**LOGIN, "host": "desk"}), "--rules", str(home / "rules"))
    assert done.exit_code == 3
    assert "bad.yml" in done.stderr
    assert "nonsense" in done.stderr


def test_bad_rows_exit_3_and_are_kept(home: Path) -> None:
    done = run(log(home, {**LOGIN, "host": "desk"}, "{oops"), "--rejected", "left.jsonl")
    assert done.exit_code == 3
    assert (home / "left.jsonl").exists()


def test_findings_win_over_skips_and_fail_on_sets_from_where(home: Path) -> None:
    path = log(home, LOGIN, "{oops")
    assert run(path).exit_code == 1
    assert run(path, "--fail-on", "critical").exit_code == 3
    assert run(log(home, LOGIN), "--fail-on", "critical").exit_code == 0


def test_without_a_workspace_nothing_can_be_scoped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    done = run(log(tmp_path, LOGIN))
    assert done.exit_code == 3
    assert "[[system]]" in done.stderr


def test_standard_input_and_a_log_source_for_it(home: Path) -> None:
    row = {name: value for name, value in LOGIN.items() if name != "category"}
    done = run("-", "--log-source", "category=authentication", "--quiet", stdin=json.dumps(row) + "\n")
    assert done.exit_code == 1
    assert done.stderr == ""


def test_our_own_rules_may_be_left_out(home: Path) -> None:
    assert run(log(home, LOGIN), "--no-own-rules").exit_code == 0


def test_what_each_file_was_taken_for_is_told(home: Path) -> None:
    done = run(log(home, {**LOGIN, "host": "desk"}))
    assert "auth.jsonl: JSON with a Sigma log source, 1 event, of which rules apply to all" in done.stderr
    (home / "app.log").write_text("2026-03-02T09:00:00,626 [INFO ] main org.pytorch.serve.ModelServer - Up\n")
    done = run(str(home / "app.log"))
    assert done.exit_code == 3
    assert "no rule asks for what it holds" in done.stderr
    assert json.loads(run(str(home / "app.log"), "--format", "json").stdout)["files"][0]["formats"] == {"TorchServe": 1}


def test_log_sources() -> None:
    assert parse_log_source("product=AWS, service=cloudtrail") == LogSource("aws", None, "cloudtrail")
    for wrong in ("aws", "product=", "vendor=aws", ""):
        with pytest.raises(InputError, match="does not describe a log source"):
            parse_log_source(wrong)
