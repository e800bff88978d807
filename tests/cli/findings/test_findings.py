import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from caponier.app.incidents.findings import record_findings
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.cli.findings.by_caller import by_caller
from caponier.cli.findings.findings import app
from caponier.cli.findings.view import _facts
from caponier.cli.terminal.moments import parse_moment
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueRef
from caponier.records.finding import Basis, Evidence, Expected, Finding, Said, Severity, SubjectRef
from outputs.held_output import HeldOutputs
from respond import made

START = datetime(2026, 1, 1, tzinfo=UTC)


def finding(number: int, caller: str = "k-77", severity: Severity = Severity.HIGH) -> Finding:
    return Finding(
        finding_id=f"f-{number}",
        detector="iterative_query",
        subject=SubjectRef("session", caller),
        system="digits",
        model="digits-mlp",
        model_version="3",
        severity=severity,
        confidence=0.97,
        techniques=(TechniqueRef("atlas", "AML.T0043.001", "Black-Box Optimization"),),
        harms=("integrity",),
        first_time=START,
        last_time=START + timedelta(minutes=number),
        trigger_event_id="e-9",
        event_ids=("e-1", "e-9"),
        unique_queries=8,
        evidence=Evidence(
            "flips",
            3.0,
            1.0,
            0,
            300,
            200,
            Basis.PROMISE,
            {"pairs": [3, 8]},
            share=0.004,
            expected=Expected(1.25, 0.5, 1.25),
            beside=(Said("novelty", "surprise", 70.0, 0.02),),
        ),
        summary="8 different queries, each a small step",
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    monkeypatch.setenv("CAPONIER_WORKSPACE", str(tmp_path))
    create_workspace(tmp_path)
    return tmp_path


def keep(home: Path, *found: Finding) -> None:
    record_findings(require_workspace(home), found)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def ids(*arguments: str) -> list[str]:
    result = run("list", "--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    return [found["finding_id"] for found in json.loads(result.stdout)["findings"]]


WEEKLY = ("FALSE", "ALARMS", "A", "WEEK")


def test_a_list_has_a_row_a_caller(home: Path) -> None:
    keep(home, finding(1), finding(2), finding(3, "k-78"))
    result = run("list")
    head, *lines = result.stdout.splitlines()
    assert head.split() == [
        "FINDING",
        "ID",
        "TIME",
        "SEVERITY",
        "WHO",
        "DETECTORS",
        *WEEKLY,
        "WHAT",
        "WAS",
        "SEEN",
    ]
    assert [line.split()[0] for line in lines if line.startswith("f-")] == ["f-3", "f-2"]
    assert "2026-01-01 00:03:00Z" in lines[0]
    assert result.exit_code == 0
    assert result.stderr.startswith("3 findings in 2 rows; each row is one caller, file or source. --each ")


def test_each_finding_has_a_row_where_that_is_asked_for(home: Path) -> None:
    keep(home, finding(1), finding(2))
    result = run("list", "--each")
    head, *lines = result.stdout.splitlines()
    names = ["FINDING", "ID", "TIME", "SEVERITY", "WHO", "DETECTOR", "MODEL", *WEEKLY, "WHAT", "WAS", "SEEN"]
    assert head.split() == names
    assert [line.split()[0] for line in lines if line.startswith("f-")] == ["f-2", "f-1"]
    assert result.stderr == ""


def test_json_is_the_published_document(home: Path) -> None:
    keep(home, finding(1))
    document = json.loads(run("list", "--format", "json").stdout)
    assert document["schema"] == "caponier.findings/1"
    assert [Finding.from_dict(plain) for plain in document["findings"]] == [finding(1)]
    assert (document["skipped"], document["rejected"]) == ([], {"rows": 0, "file": None})


def test_csv_has_a_line_a_finding(home: Path) -> None:
    keep(home, finding(1))
    (row,) = csv.DictReader(io.StringIO(run("list", "--format", "csv").stdout))
    assert (row["finding_id"], row["severity"], row["techniques"]) == ("f-1", "high", "AML.T0043.001")
    assert row["expected_per_week"] == "1.2"
    assert row["last_time"] == "2026-01-01T00:01:00Z"


def test_a_file_is_written_in_the_format_of_its_name(home: Path) -> None:
    keep(home, finding(1))
    result = run("list", "--out", str(home / "week.csv"))
    assert result.stdout == ""
    assert (home / "week.csv").read_text().startswith("finding_id,")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--severity", "critical"], ["f-3"]),
        (["--severity", "medium"], ["f-3", "f-1"]),
        (["--since", "2026-01-01T00:02:00Z"], ["f-3", "f-2"]),
        (["--until", "2026-01-01T02:02:00+02:00"], ["f-1"]),
        (["--since", "2026-01-02"], []),
        (["--since", "1h"], []),
        (["--limit", "1"], ["f-3"]),
        (["--model", "digits-mlp", "--detector", "iterative_query", "--system", "digits"], ["f-3", "f-2", "f-1"]),
        (["--model", "other"], []),
    ],
)
def test_options_narrow_the_list(home: Path, arguments: list[str], expected: list[str]) -> None:
    keep(home, finding(1), finding(2, severity=Severity.LOW), finding(3, severity=Severity.CRITICAL))
    assert ids(*arguments) == expected


def test_notes_are_no_result(home: Path) -> None:
    assert "No findings match." in run("list").stderr
    assert run("list", "--quiet").stderr == ""
    keep(home, finding(1), finding(2))
    assert "there may be older ones" in run("list", "--limit", "1").stderr


@pytest.mark.parametrize(
    "arguments",
    [["--since", "yesterdayish"], ["--limit", "0"], ["--severity", "awful"], ["--since", "999999w"], ["--format", "x"]],
)
def test_a_wrong_request_is_refused(home: Path, arguments: list[str]) -> None:
    result = run("list", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_one_finding_is_shown_with_its_evidence(home: Path, held: HeldOutputs) -> None:
    keep(home, finding(1))
    said = run("show", "f-1").stdout
    held.check("finding-with-evidence", said)
    assert "1.2 " in said
    assert "(likely range 0.5 to 1.2)" in said


@pytest.mark.parametrize(("model", "counted"), [("digits-mlp", "eight different queries"), (None, "eight events")])
def test_what_was_counted_is_called_what_it_is(home: Path, model: str | None, counted: str) -> None:
    keep(home, replace(finding(1), model=model))
    row = next(line for line in run("show", "f-1").stdout.splitlines() if "e-9" in line)
    assert counted in row


def test_the_card_of_a_finding_has_words_where_programs_have_names(home: Path) -> None:
    facts = {"small_steps": 3, "even_steps": 0, "my_own_figure": 0.25}
    evidence = replace(finding(1).evidence, statistic="boundary_walk", facts=facts)
    keep(home, replace(finding(1), evidence=evidence))
    said = run("show", "f-1").stdout
    assert all(name not in said for name in ("_walk", "small_steps", "my_own_figure"))
    assert {"small steps: 3", "my own figure: 0.25"} <= {line[13:].strip() for line in said.splitlines()}
    assert "alike" not in said
    assert json.loads(run("show", "f-1", "--format", "json").stdout)["findings"][0]["evidence"]["facts"] == facts


@pytest.mark.parametrize(
    ("share", "said"), [(0.02, "1 benign caller in 50 "), (1e-9, "fewer than 1 benign caller in a ")]
)
def test_what_is_rarer_than_callers_can_be_counted_says_no_more(home: Path, share: float, said: str) -> None:
    beside = (replace(finding(1).evidence.beside[0], share=share),)
    keep(home, replace(finding(1), evidence=replace(finding(1).evidence, beside=beside)))
    assert said in run("show", "f-1").stdout


@pytest.mark.parametrize(("age", "said"), [(1, "in their first query"), (2_000, "in their first 2,000 queries")])
def test_an_age_is_counted_in_queries(home: Path, age: int, said: str) -> None:
    keep(home, replace(finding(1), evidence=replace(finding(1).evidence, age=age)))
    assert said in " ".join(run("show", "f-1").stdout.split())


def test_a_rule_has_matched_and_has_no_score(home: Path) -> None:
    keep(home, replace(finding(1), evidence=Evidence("rule", 1.0, 0.0)))
    said = run("show", "f-1").stdout
    assert "the rule iterative_query matched" in said
    assert "threshold" not in said


def test_techniques_stand_in_a_line_a_matrix() -> None:
    facts = _facts(made.finding(1, techniques=("AML.T0043.001", "AMLTM.EVADE.01.02", "AML.T0024.002")))
    at = [name for name, _ in facts].index("Techniques")
    assert facts[at] == ("Techniques", "atlas: AML.T0043.001 Black-Box Optimization, AML.T0024.002 Extract AI Model")
    assert facts[at + 1] == ("", "amltm-2020: AMLTM.EVADE.01.02 Online Evasion")


@pytest.mark.parametrize(
    ("model", "n", "said"),
    [
        ("m", 1, "by event e-1, after one different query"),
        ("m", 4, "by event e-1, after four different queries"),
        (None, 1, "by event e-1"),
        (None, 4, "by event e-1, the last of four events"),
    ],
)
def test_a_card_says_by_what_a_finding_was_raised(model: str | None, n: int, said: str) -> None:
    one = replace(made.finding(1), model=model, unique_queries=n, trigger_event_id="e-1")
    assert dict(_facts(one))["Raised"] == said


def test_one_finding_is_shown_to_programs(home: Path) -> None:
    keep(home, finding(1), finding(2))
    (plain,) = json.loads(run("show", "f-1", "--format", "json").stdout)["findings"]
    assert plain == finding(1).to_dict()
    assert run("show", "f-1", "--format", "csv").stdout.count("\n") == 2


def test_an_unknown_finding_is_an_error(home: Path) -> None:
    missing = run("show", "f-9").exception
    assert isinstance(missing, InputError)
    assert missing.exit_code == 2


def test_without_a_workspace_it_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    missing = run("list").exception
    assert isinstance(missing, InputError)
    assert "caponier init" in str(missing)


def test_a_workspace_may_be_named(home: Path, tmp_path: Path) -> None:
    other = create_workspace(tmp_path / "other")
    record_findings(require_workspace(other), [finding(5)])
    assert ids("--workspace", str(other)) == ["f-5"]


@pytest.mark.parametrize("format_", ["table", "markdown"])
def test_a_callers_name_is_shown_and_not_obeyed(home: Path, format_: str) -> None:
    keep(home, finding(1, "\x1b[2J[red]|a\nb[/red]<script>"))
    said = run("list", "--format", format_).stdout
    assert "\x1b" not in said
    assert len(said.splitlines()) == (2 if format_ == "table" else 3)
    if format_ == "markdown":
        assert "<script>" not in said
        assert "\\|a" in said
    else:
        assert "[red]|a�b[/red]" in said


@pytest.mark.parametrize("caller", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1"])
def test_a_callers_name_is_no_formula_in_a_spreadsheet(home: Path, caller: str) -> None:
    keep(home, finding(1, caller))
    (row,) = csv.DictReader(io.StringIO(run("list", "--format", "csv").stdout))
    assert row["subject_id"] == f"'{caller}"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (" 2026-01-31 12:00+02:00 ", datetime(2026, 1, 31, 10, tzinfo=UTC)),
    ],
)
def test_moments_are_utc(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


@pytest.mark.parametrize(("text", "ago"), [("30m", 1800), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600)])
def test_moments_may_be_ages(text: str, ago: int) -> None:
    assert (datetime.now(UTC) - parse_moment(text)).total_seconds() == pytest.approx(ago, abs=5)


@pytest.mark.parametrize("text", ["", "7", "d", "7y", "2026-13-01", "-7d"])
def test_what_is_not_a_moment_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a date, a time or a span"):
        parse_moment(text)


@pytest.mark.parametrize("command", [[], ["list"], ["show"]])
def test_help_has_an_example(command: list[str]) -> None:
    assert "Example: caponier findings" in run(*command, "--help").stdout


def test_suppressing_others_like_a_finding_says_how_many_it_fits(home: Path) -> None:
    record_findings(require_workspace(home), [finding(1), finding(2), finding(3, "k-78")])
    done = CliRunner().invoke(app, ["suppress", "f-1", "--reason", "a test", "--for", "7d"])
    assert done.exit_code == 0
    assert "It fits 2 of the 3 findings in the store." in done.stderr
    none = CliRunner().invoke(app, ["suppress", "--detector", "iterativ", "--reason", "a test", "--for", "7d"])
    assert "It fits 0 of the 3 findings in the store." in none.stderr
    assert "caponier findings list" in " ".join(none.stderr.split())


def test_a_card_names_the_first_of_many_events(home: Path) -> None:
    many = replace(finding(1), event_ids=tuple(f"e-{number}" for number in range(1_500)))
    record_findings(require_workspace(home), [many])
    shown = CliRunner().invoke(app, ["show", "f-1"]).stdout
    assert "and 1,480 more" in " ".join(shown.split())
    assert "e-1499" not in shown
    document = json.loads(CliRunner().invoke(app, ["show", "f-1", "--format", "json"]).stdout)
    assert len(document["findings"][0]["event_ids"]) == 1_500


def test_the_same_finding_stands_for_a_caller_in_whatever_order_findings_come() -> None:
    rare, usual = (Evidence("flips", 3, 1, expected=Expected(weekly, 0.1, 9.0)) for weekly in (0.2, 4.1))
    same = [made.finding(1, evidence=usual), made.finding(2, evidence=rare), made.finding(3, evidence=usual)]
    assert {by_caller(order)[0].first.finding_id for order in (same, same[::-1], same[1:] + same[:1])} == {
        same[1].finding_id
    }


def test_rarity_stands_beside_severity_and_says_what_it_means() -> None:
    lines = [
        name for name, _ in _facts(made.finding(1, evidence=Evidence("flips", 3, 1, expected=Expected(4.1, 0.9, 5.9))))
    ]
    assert lines[lines.index("Severity") + 1] == "False alarms"
    for weekly, warned in ((4.1, True), (0.2, False)):
        one = made.finding(1, evidence=Evidence("flips", 3, 1, expected=Expected(weekly, 0.1, 5.9)))
        assert ("before you act" in dict(_facts(one))["False alarms"]) is warned


def test_a_threshold_of_nothing_is_told_as_such() -> None:
    assert dict(_facts(made.finding(1, evidence=Evidence("flips", 3, 0))))["Evidence"].endswith(
        "3; no threshold: anything above 0 is a finding"
    )
    assert dict(_facts(made.finding(1, evidence=Evidence("flips", 3, 3))))["Evidence"].endswith("3; the threshold is 3")
