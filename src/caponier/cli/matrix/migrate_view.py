"""What `caponier matrix migrate` did, and what a person has to look at."""

from collections.abc import Sequence
from typing import Any, Final

from caponier.app.matrix.migrate import MigrationReport
from caponier.cli.terminal.listing import Listing, ListingColumn, ShownIn
from caponier.formats.walk_files import shown
from caponier.matrix.documents.rewriting import Carried
from caponier.records.skip import Skip

OPEN: Final[Listing[tuple[MigrationReport, Carried]]] = Listing(
    [
        ListingColumn(
            "place", lambda row: f"{shown(row[0].path)}:{row[1].line} {row[1].where}", ShownIn.TABLE, head="Place"
        ),
        ListingColumn("file", lambda row: shown(row[0].path), ShownIn.DATA),
        ListingColumn("line", lambda row: row[1].line, ShownIn.DATA),
        ListingColumn("where", lambda row: row[1].where, ShownIn.DATA),
        ListingColumn("id", lambda row: row[1].id, whole=True, head="Id"),
        ListingColumn("now", lambda row: _now(row[1]), ShownIn.TABLE, whole=True, head="Now"),
        ListingColumn("now", lambda row: row[1].to, ShownIn.DATA),
        ListingColumn("outcome", lambda row: row[1].outcome, head="Outcome"),
        ListingColumn("why", lambda row: row[1].why, head="Why"),
        ListingColumn("candidates", lambda row: ", ".join(row[1].candidates), head="Candidates"),
    ],
    folded=True,
    visible=True,
)
"""A row for each annotation that needs a person."""


def open_in(reports: Sequence[MigrationReport]) -> list[tuple[MigrationReport, Carried]]:
    """Return each annotation that needs a person, with its document."""
    return [(report, row) for report in reports for row in report.needs_human]


def document(reports: Sequence[MigrationReport], skipped: Sequence[Skip]) -> dict[str, Any]:
    """Return the document `caponier.migration/1` with every annotation."""
    return {
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


def _now(row: Carried) -> str:
    return row.to if row.to != row.id else "stays"
