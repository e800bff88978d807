"""What the commands of `caponier remediate` share: their options, and how a remediation is printed."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from caponier.cli.terminal.listing import Listing, facts
from caponier.cli.terminal.output import Format, choose_format, notes, write_table
from caponier.formats import safe_text
from caponier.records.finding import rfc3339
from caponier.records.incident import Stage
from caponier.records.remediation import Remediation

PARTLY: Final = 3

Incident = Annotated[str | None, typer.Option("--incident", metavar="ID", help="The incident that this belongs to.")]
Test = Annotated[
    Path | None,
    typer.Option("--test", metavar="FILE", help="Test set on which both are measured; without it, nothing is proven."),
]
TestDigest = Annotated[
    str | None, typer.Option("--test-sha256", metavar="DIGEST", help="Refuse a test set with another digest.")
]
AskedFormat = Annotated[Format | None, typer.Option("--format", help="Output format.")]
Report = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write the result into a file instead of printing.")
]


def unrecorded(*, recorded: bool) -> list[str]:
    """Return what to say where there is no workspace."""
    return [] if recorded else ["there is no workspace here, so this was not recorded; see caponier init"]


def moved_on(done: Remediation, stage: Stage | None, *, proven: bool, recorded: bool) -> Iterator[str]:
    """Say what became of the incident, and whether anything was recorded."""
    incident = done.incident_id
    if stage:
        yield f"incident {incident} is {stage.value}; next: caponier validate --incident {incident}"
    elif proven and incident and recorded:
        yield f"note: no open incident {incident} is here, so none moved on"
    yield from (f"note: {line}" for line in unrecorded(recorded=recorded))


def say_lines(lines: Iterable[str], *, quiet: bool) -> None:
    """Say lines that may hold what others wrote."""
    console = notes(quiet=quiet)
    for line in lines:
        console.print(safe_text.plain(line), markup=False)


def print_remediation(done: Remediation, asked: Format | None, out: Path | None) -> None:
    """Print a remediation, or write it into a file, as a table unless something else is asked for."""
    rows, format_ = _rows(done), choose_format(asked, out, Format.TABLE)
    if format_ is Format.TABLE:
        write_table(facts(rows), out)
    else:
        Listing.of(("field", "value"), quoted=True).write(rows, format_, out, lambda: _document(done))


def _rows(done: Remediation) -> list[tuple[str, str]]:
    figures = sorted({*done.before, *done.after})
    return [
        ("remediation", done.remediation_id),
        ("kind", done.kind.value),
        ("subject", done.subject),
        ("original", done.kept),
        ("repaired", done.produced),
        ("test set", done.measured_on or "none"),
        *[(name, f"{_figure(done.before, name)} before, {_figure(done.after, name)} after") for name in figures],
        ("incident", done.incident_id or "none"),
        ("author", done.author),
    ]


def _figure(figures: dict[str, float], name: str) -> str:
    return f"{figures[name]:.4f}" if name in figures else "not measured"


def _document(done: Remediation) -> dict[str, Any]:
    return {
        "schema": "caponier.remediation/1",
        "remediation_id": done.remediation_id,
        "kind": done.kind.value,
        "incident_id": done.incident_id,
        "subject": done.subject,
        "kept": done.kept,
        "produced": done.produced,
        "measured_on": done.measured_on,
        "before": done.before,
        "after": done.after,
        "author": done.author,
        "created": rfc3339(done.created),
        "details": done.details,
    }
