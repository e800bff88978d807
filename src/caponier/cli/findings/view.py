"""How findings look: as a table, a card, JSON, CSV and Markdown.

Much of a finding was written by those whom it accuses: names, ids and user agents. So nothing of it reaches a
terminal, a Markdown page or a spreadsheet as anything but text.
"""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich.table import Table
from rich.text import Text

from caponier.cli.terminal.safe_text import markdown, plain, spreadsheet
from caponier.records.finding import Finding, Severity

_COLUMNS: Final = ("finding_id", "time", "severity", "detector", "model", "subject", "summary")

_CSV_COLUMNS: Final = (
    "finding_id",
    "first_time",
    "last_time",
    "severity",
    "confidence",
    "detector",
    "system",
    "model",
    "model_version",
    "subject_kind",
    "subject_id",
    "techniques",
    "harms",
    "unique_queries",
    "summary",
)

_COLORS: Final = {
    Severity.INFO: "dim",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "red",
    Severity.CRITICAL: "bold red",
}


def listing(found: Sequence[Finding]) -> Table:
    """Draw a row a finding."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column.upper().replace("_", " "), no_wrap=column in ("finding_id", "time", "severity"))
    for finding in found:
        cells = [Text(plain(cell)) for cell in _cells(finding)]
        cells[2].stylize(_COLORS[finding.severity])
        table.add_row(*cells)
    return table


def card(finding: Finding) -> Table:
    """Draw all about one finding."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in _facts(finding):
        table.add_row(name, Text(plain(value)))
    return table


def to_json(found: Sequence[Finding], matrix: str | None) -> str:
    """Write the document `caponier.findings/1`."""
    document = {
        "schema": "caponier.findings/1",
        "matrix": matrix,
        "findings": [finding.to_dict() for finding in found],
        "skipped": [],
        "rejected": {"rows": 0, "file": None},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_csv(found: Sequence[Finding]) -> str:
    """Write a line a finding, with more columns than the table has."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS)
    for finding in found:
        writer.writerow([_spreadsheet_safe(cell) for cell in _csv_cells(finding)])
    return text.getvalue()


def to_markdown(found: Sequence[Finding]) -> str:
    """Write a Markdown table."""
    lines = [f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}"]
    lines += [f"| {' | '.join(markdown(cell) for cell in _cells(finding))} |" for finding in found]
    return "\n".join(lines) + "\n"


def _cells(finding: Finding) -> list[str]:
    subject = f"{finding.subject.kind} {finding.subject.id}"
    moment, severity = _moment(finding.last_time), finding.severity.value
    return [finding.finding_id, moment, severity, finding.detector, finding.model or "", subject, finding.summary]


def _csv_cells(finding: Finding) -> list[str | float]:
    plain = finding.to_dict()
    return [
        finding.finding_id,
        plain["first_time"],
        plain["last_time"],
        finding.severity.value,
        finding.confidence,
        finding.detector,
        finding.system or "",
        finding.model or "",
        finding.model_version or "",
        finding.subject.kind,
        finding.subject.id,
        " ".join(technique.id for technique in finding.techniques),
        " ".join(finding.harms),
        finding.unique_queries,
        finding.summary,
    ]


def _facts(finding: Finding) -> list[tuple[str, str]]:
    evidence = finding.evidence
    rank = f"{evidence.above} of {evidence.of} benign subjects as high" if evidence.of else "no benign subjects to rank"
    facts = [
        ("Finding", finding.finding_id),
        ("Summary", finding.summary),
        ("Severity", f"{finding.severity.value}, confidence {finding.confidence:.2f}"),
        ("Subject", f"{finding.subject.kind} {finding.subject.id}"),
        ("Model", " ".join(filter(None, [finding.model, finding.model_version]))),
        ("System", finding.system or "not in the inventory"),
        ("Detector", finding.detector),
        *[("Technique", f"{technique.id} {technique.name} ({technique.matrix})") for technique in finding.techniques],
        ("Harms", ", ".join(finding.harms)),
        ("Time", f"{_moment(finding.first_time)} to {_moment(finding.last_time)}"),
        *_queries(finding),
        ("Evidence", f"{evidence.statistic} = {evidence.value:g}, threshold {evidence.threshold:g}"),
        *([("Basis", f"{evidence.basis}: {rank}, over {evidence.horizon} unique queries")] if evidence.basis else []),
        *[(f"  {name}", json.dumps(value, ensure_ascii=False)) for name, value in evidence.facts.items()],
        ("Events", ", ".join(finding.event_ids)),
    ]
    return [(plain(name), value) for name, value in facts]


def _queries(finding: Finding) -> list[tuple[str, str]]:
    if finding.trigger_event_id is None:
        return []
    return [("Queries", f"{finding.unique_queries} different ones, triggered by event {finding.trigger_event_id}")]


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _spreadsheet_safe(cell: str | float) -> str | float:
    return spreadsheet(cell) if isinstance(cell, str) else cell
