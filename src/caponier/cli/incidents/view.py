"""How incidents look: as a table, as a page with plain words first, as JSON, CSV and Markdown."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from caponier.app.incidents.incidents import CaseFile
from caponier.app.incidents.story import colour_words, story
from caponier.cli.terminal.safe_text import markdown, plain, spreadsheet
from caponier.records.finding import Severity
from caponier.records.incident import Incident

_COLUMNS: Final = ("incident_id", "last_time", "stage", "severity", "strategy", "tactics", "target", "actors", "owner")

_COLORS: Final = {
    Severity.INFO: "dim",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "red",
    Severity.CRITICAL: "bold red",
}


def listing(found: Sequence[Incident]) -> Table:
    """Draw a row an incident."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column.upper().replace("_", " "), no_wrap=column in ("incident_id", "last_time", "severity"))
    for incident in found:
        cells = [Text(plain(cell)) for cell in _cells(incident)]
        cells[3].stylize(_COLORS[incident.severity])
        table.add_row(*cells)
    return table


def page(case: CaseFile) -> RenderableType:
    """Draw all about one incident: plain words, then the timeline, then findings, response and notes."""
    incident = case.incident
    head = Text(f"Incident {plain(incident.incident_id)}: severity {incident.severity}, {incident.stage}", style="bold")
    parts: list[RenderableType] = [head, _words(case), Text(""), Text("Timeline", style="bold"), _timeline(incident)]
    parts += [Text(""), Text("Findings", style="bold"), _findings(case)]
    if case.actions:
        parts += [Text(""), Text("Response", style="bold"), _response(case)]
    if incident.notes:
        parts += [Text(""), Text("Notes", style="bold")]
        parts += [Text(plain(f"{moment(note.time)} {note.author}: {note.text}")) for note in incident.notes]
    return Group(*parts)


def to_json(found: Sequence[Incident]) -> str:
    """Write the document `caponier.incidents/1`."""
    document = {"schema": "caponier.incidents/1", "incidents": [incident.to_dict() for incident in found]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_csv(found: Sequence[Incident]) -> str:
    """Write a line an incident."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, "harms", "findings"])
    for incident in found:
        rest = [" ".join(incident.harms), " ".join(incident.finding_ids)]
        writer.writerow([spreadsheet(cell) for cell in (*_cells(incident), *rest)])
    return text.getvalue()


def to_markdown(found: Sequence[Incident]) -> str:
    """Write a Markdown table."""
    lines = [f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}"]
    lines += [f"| {' | '.join(markdown(cell) for cell in _cells(incident))} |" for incident in found]
    return "\n".join(lines) + "\n"


def moment(time: datetime) -> str:
    """Write a moment for people."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _cells(incident: Incident) -> list[str]:
    return [
        incident.incident_id,
        moment(incident.last_time),
        incident.stage.value,
        incident.severity.value,
        incident.strategy.value,
        ", ".join(incident.tactics),
        ", ".join(incident.systems or incident.models),
        ", ".join(incident.actors),
        incident.owner or "",
    ]


def _words(case: CaseFile) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for heading, sentence in story(case):
        table.add_row(heading, Text(plain(sentence)))
    table.add_row("Owner", Text(plain(case.incident.owner or "nobody yet")))
    if case.incident.merged:
        table.add_row("Also known as", Text(plain(", ".join(case.incident.merged))))
    return table


def _timeline(incident: Incident) -> Table:
    rows = [
        [
            moment(step.time),
            step.tactic,
            colour_words(step),
            ", ".join(f"{ref.id} {ref.name}" for ref in step.techniques) or "none known",
            f"{step.summary} ({step.finding_id or 'context: outside the ML systems'})",
        ]
        for step in incident.steps
    ]
    return _table(("time", "tactic", "kind", "techniques", "what was seen"), rows)


def _findings(case: CaseFile) -> Table:
    rows = [
        [
            finding.finding_id,
            finding.severity.value,
            f"{finding.confidence:.2f}",
            finding.detector,
            f"{finding.subject.kind} {finding.subject.id}",
            finding.summary,
        ]
        for finding in case.findings
    ]
    return _table(("finding", "severity", "confidence", "detector", "subject", "summary"), rows)


def _response(case: CaseFile) -> Table:
    rows = [
        [
            action.action_id,
            action.kind.value,
            f"{action.scope.kind} {action.scope.id}",
            action.state.value,
            moment(action.expires),
        ]
        for action in case.actions
    ]
    return _table(("action", "kind", "scope", "state", "until"), rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column.upper(), no_wrap=place == 0)
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    return table
