"""What attackers wrote, in every place and every format that people read: it stays text, and none of it is lost."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from caponier.app.incidents.export import to_json as ticket_json
from caponier.app.incidents.export import to_markdown as ticket
from caponier.app.incidents.export import to_ocsf
from caponier.app.incidents.incidents import CaseFile
from caponier.app.respond.respond import PlanReport, carried_out_by, in_plain_words
from caponier.cli.findings import view as findings_view
from caponier.cli.incidents import view as incidents_view
from caponier.cli.respond import view as respond_view
from caponier.cli.terminal.moments import parse_moment
from caponier.cli.terminal.output import Format, choose_format, json_text, write_table, write_text
from caponier.records.finding import Evidence, Finding, SubjectRef
from caponier.records.incident import Incident, Note
from caponier.records.response_action import ResponseAction
from caponier.respond import actions, plan, playbook
from caponier.respond.settings import DEFAULT
from respond.made import NOW, finding, joined, workspace

SIGNS = "ab|`*_[]()<>&\\=+-@#\"',;\x1b\x07\x00\r\n\t\u202e\u2028\u200b[31m\N{GRINNING FACE}"
EVIL = st.text(alphabet=SIGNS, min_size=1, max_size=20)
LETTERS = set("\x1b\x07\x00\r\t\u202e\u2028\u200b")
"""What a terminal or an editor obeys."""
Case = tuple[Finding, Incident, ResponseAction, CaseFile]


def case_of(text: str) -> Case:
    """A case in which every word that somebody outside can choose is this text."""
    made = replace(
        finding(1, SubjectRef("principal", text), summary=text, system=text, model=text),
        model_version=text,
        evidence=Evidence("rule", 1.0, 1.0, facts={"account": [text], text: text}),
    )
    (incident,) = joined(made, identities=()).incidents
    incident = replace(incident, owner=text, notes=(Note(NOW, text, text),))
    rules = playbook.shipped().rules
    (action, *_) = plan.plan(incident, [made], rules, workspace(), DEFAULT, author=text, now=NOW).actions
    action = actions.apply(replace(action, reason=text))
    return made, incident, action, CaseFile(incident, (made,), (action,))


def drawn(renderable: RenderableType) -> str:
    paper = Console(file=io.StringIO(), width=400, color_system=None, highlight=False)
    paper.print(renderable)
    stream = paper.file
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


def plan_report(one: Case) -> PlanReport:
    return PlanReport(plan.ResponsePlan(one[1], (one[2],), (), ()))


PAGES: dict[str, Callable[[Case], str]] = {
    "findings as a table": lambda one: drawn(findings_view.FINDINGS.table([one[0]])),
    "a finding": lambda one: drawn(findings_view.card(one[0])),
    "incidents as a table": lambda one: drawn(incidents_view.INCIDENTS.table([one[1]])),
    "an incident": lambda one: drawn(incidents_view.page(one[3])),
    "actions as a table": lambda one: drawn(respond_view.ACTIONS.table([one[2]])),
    "a plan": lambda one: drawn(respond_view.planned(plan_report(one))),
}
MARKDOWN: dict[str, Callable[[Case], str]] = {
    "findings": lambda one: findings_view.FINDINGS.to_markdown([one[0]]),
    "incidents": lambda one: incidents_view.INCIDENTS.to_markdown([one[1]]),
    "actions": lambda one: respond_view.ACTIONS.to_markdown([one[2]]),
    "a ticket": lambda one: ticket(one[3]),
}
CSV: dict[str, Callable[[Case], str]] = {
    "findings": lambda one: findings_view.FINDINGS.to_csv([one[0]]),
    "incidents": lambda one: incidents_view.INCIDENTS.to_csv([one[1]]),
    "actions": lambda one: respond_view.ACTIONS.to_csv([one[2]]),
}


@pytest.mark.parametrize("page", PAGES)
@settings(max_examples=25, deadline=None)
@given(text=EVIL)
def test_no_page_commands_a_terminal(page: str, text: str) -> None:
    shown = PAGES[page](case_of(text))
    assert not LETTERS & set(shown)
    assert all(letter.isprintable() or letter == "\n" for letter in shown)


@pytest.mark.parametrize("page", MARKDOWN)
@settings(max_examples=40, deadline=None)
@given(text=EVIL)
def test_no_cell_leaves_its_table_and_no_tag_is_one(page: str, text: str) -> None:
    shown = MARKDOWN[page](case_of(text))
    assert not LETTERS & set(shown)
    assert "<" not in shown
    assert ">" not in shown
    unescaped = re.compile(r"(?<!\\)(?:\\\\)*\|")
    tables = [line for line in shown.splitlines() if line.startswith(("| ", "|-"))]
    widths = {len(unescaped.findall(line)) for line in tables}
    assert len(widths) == 1
    # Every line is one that we began: text from outside never begins one, so it is no heading and no fence.
    assert all(line == "" or line.startswith(("|", "#", "**", "- ", "Nothing yet.")) for line in shown.splitlines())


@pytest.mark.parametrize("page", CSV)
@settings(max_examples=40, deadline=None)
@given(text=EVIL)
def test_a_spreadsheet_gets_text_and_all_of_it(page: str, text: str) -> None:
    rows = list(csv.reader(io.StringIO(CSV[page](case_of(text)), newline="")))
    assert len(rows) == 2
    assert len(rows[0]) == len(rows[1])
    assert not [cell for cell in rows[1] if cell.startswith(("=", "+", "@", "\t", "\r"))]
    assert not [cell for cell in rows[1] if cell.startswith("-") and not re.fullmatch(r"-?\d+(\.\d+)?", cell)]


@settings(max_examples=40, deadline=None)
@given(text=EVIL)
def test_programs_get_every_letter(text: str) -> None:
    made, incident, action, case = case_of(text)
    document = json.loads(ticket_json(case))
    assert Finding.from_dict(document["findings"][0]) == made
    assert Incident.from_dict(document["incident"]) == incident
    assert ResponseAction.from_dict(document["actions"][0]) == action
    (listed,) = json.loads(json_text(incidents_view.document([incident])))["incidents"]
    assert Incident.from_dict(listed) == incident
    event = json.loads(json.dumps(to_ocsf(case)))
    assert event["finding_info_list"][0]["title"] == text
    assert f"principal:{text}" in event["unmapped"]["actors"]
    assert event["assignee"] == {"name": text}


@settings(max_examples=40, deadline=None)
@given(text=EVIL)
def test_an_action_says_whom_it_meets_in_his_own_letters(text: str) -> None:
    """A name with braces or percent signs must not disturb the sentence around it."""
    action = replace(case_of("k-1")[2], scope=SubjectRef("principal", text + "{what}%s{0}"), model=None, system=None)
    said = in_plain_words(action)
    assert text + "{what}%s{0}" in said
    assert carried_out_by(action) == "the guard, in enforce mode"
    assert carried_out_by(replace(action, scope=SubjectRef("account", text))).startswith("you")


@given(
    number=st.integers(0, 999_999),
    unit=st.sampled_from("mhdw"),
)
def test_how_long_ago_is_a_moment_or_refused(number: int, unit: str) -> None:
    ago = timedelta(**{{"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}[unit]: number})
    try:
        expected: datetime | None = datetime.now(UTC) - ago
    except OverflowError:
        expected = None
    if expected is None:
        with pytest.raises(typer.BadParameter):
            parse_moment(f"{number}{unit}")
    else:
        assert abs(parse_moment(f" {number}{unit} ") - expected) < timedelta(minutes=1)


@given(text=st.text(alphabet="0123456789-:TZ+.mhdwW ", max_size=26))
def test_any_text_is_a_moment_in_utc_or_refused_by_name(text: str) -> None:
    try:
        moment = parse_moment(text)
    except typer.BadParameter:
        return
    assert moment.utcoffset() == timedelta(0)


SUFFIXES = {".csv": "csv", ".json": "json", ".md": "markdown", ".txt": "table", ".CSV": "csv", ".xyz": "table"}


@pytest.mark.parametrize(("suffix", "chosen"), SUFFIXES.items())
@pytest.mark.parametrize("asked", [None, *Format])
def test_what_is_asked_for_wins_over_the_name(suffix: str, chosen: str, asked: Format | None) -> None:
    out = Path("a").with_suffix(suffix)
    assert choose_format(asked, out, Format.TABLE) == (asked or chosen)


@given(text=st.text(max_size=200))
def test_a_file_holds_exactly_what_was_written(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    out = tmp_path_factory.mktemp("out") / "result.txt"
    out.write_text("old")
    write_text(text, out)
    assert out.read_bytes().decode("utf-8") == text
    assert [path.name for path in out.parent.iterdir()] == ["result.txt"]


def test_a_table_in_a_file_has_no_colour_and_no_trailing_blanks(tmp_path: Path) -> None:
    write_table(incidents_view.INCIDENTS.table([case_of("k")[1]] * 3), tmp_path / "t.txt")
    lines = (tmp_path / "t.txt").read_text().splitlines()
    assert len(lines) == 4
    assert all(line == line.rstrip() for line in lines)
    assert "\x1b" not in "".join(lines)
