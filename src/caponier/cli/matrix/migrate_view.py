"""What `caponier matrix migrate` did, and what a person has to look at."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from caponier.app.matrix.migrate import MigrationReport
from caponier.cli.terminal.safe_text import markdown, plain, spreadsheet
from caponier.formats.walk_files import shown
from caponier.matrix.documents.rewriting import Carried
from caponier.records.skip import Skip

_COLUMNS: Final = ("file", "line", "where", "id", "now", "outcome", "why", "candidates")


def table(reports: Sequence[MigrationReport]) -> Table:
    """Draw a row for each annotation that needs a person."""
    drawn = Table(box=None, header_style="bold", pad_edge=False)
    for head in ("Place", "Id", "Now", "Outcome", "Why", "Candidates"):
        drawn.add_column(head, overflow="fold", no_wrap=head in {"Id", "Now"})
    for report, row in _open(reports):
        place = f"{shown(report.path)}:{row.line} {row.where}"
        now = row.to if row.to != row.id else "stays"
        cells = (place, row.id, now, row.outcome, row.why, ", ".join(row.candidates))
        drawn.add_row(*(Text(plain(cell)) for cell in cells))
    return drawn


def to_json(reports: Sequence[MigrationReport], skipped: Sequence[Skip]) -> str:
    """Write the document `caponier.migration/1` with every annotation."""
    document = {
        "schema": "caponier.migration/1",
        "files": [
            {
                "path": shown(report.path),
                "out": shown(report.out) if report.out else None,
                "format": report.format,
                "from": report.before,
                "to": report.after,
                "counts": report.counts,
                "annotations": [
                    {
                        "line": row.line,
                        "where": row.where,
                        "id": row.id,
                        "now": row.to,
                        "outcome": row.outcome,
                        "needs_human": row.needs_human,
                        "why": row.why,
                        "candidates": list(row.candidates),
                    }
                    for row in report.annotations
                ],
            }
            for report in reports
        ],
        "skipped": [skip.to_dict() for skip in skipped],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_csv(reports: Sequence[MigrationReport]) -> str:
    """Write a row for each annotation that needs a person."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for report, row in _open(reports):
        writer.writerow(spreadsheet(plain(cell)) for cell in _cells(report, row))
    return text.getvalue()


def to_markdown(reports: Sequence[MigrationReport]) -> str:
    """Write a table with a row for each annotation that needs a person."""
    rows = [f"| {' | '.join(map(markdown, _cells(report, row)))} |" for report, row in _open(reports)]
    return "\n".join([f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}", *rows]) + "\n"


def summary(report: MigrationReport) -> str:
    """Say in a line what became of a document."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items())
    where = f"written to {shown(report.out)}" if report.out else "nothing written"
    need = len(report.needs_human)
    told = f"{need} need{'s' if need == 1 else ''} a person" if need else "none needs a person"
    versions = f"{report.before} -> {report.after}"
    return f"{shown(report.path)} ({versions}): {_annotations(report)}: {counts}; {told}; {where}"


def _annotations(report: MigrationReport) -> str:
    return "1 annotation" if len(report.annotations) == 1 else f"{len(report.annotations)} annotations"


def _open(reports: Sequence[MigrationReport]) -> Iterator[tuple[MigrationReport, Carried]]:
    return ((report, row) for report in reports for row in report.needs_human)


def _cells(report: MigrationReport, row: Carried) -> tuple[str, ...]:
    place = (shown(report.path), str(row.line), row.where)
    return (*place, row.id, row.to, row.outcome, row.why, ", ".join(row.candidates))
