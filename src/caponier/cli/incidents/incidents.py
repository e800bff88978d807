"""`caponier incidents`: what was found, joined by who acted, and moved on to its end."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer

from caponier.app.incidents import export as export_incident
from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.export_flow import to_flow
from caponier.app.incidents.incidents import (
    advance_incident,
    assign_incident,
    count_loose_findings,
    list_incidents,
    note_incident,
    show_incident,
)
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.incidents.view import INCIDENTS, document, page
from caponier.cli.terminal import options
from caponier.cli.terminal.output import Format, choose_format, notes, write_table, write_text
from caponier.matrix.case_study import Strategy
from caponier.records.finding import Severity
from caponier.records.incident import Incident, Stage

app = typer.Typer(
    add_completion=False,
    help="List, show, assign, annotate, close and export incidents: findings grouped by actor and target.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier incidents show i-0123456789abcdef[/bold]",
)


class ExportFormat(StrEnum):
    """How an incident is handed to others."""

    MARKDOWN = "markdown"
    JSON = "json"
    OCSF = "ocsf"
    ATTACK_FLOW = "attack-flow"


Id = Annotated[str, typer.Argument(metavar="ID", help="The incident's id, as incidents list prints it.")]


@app.command("list", epilog="Example: [bold]caponier incidents list --stage open --severity high[/bold]")
def list_(
    stage: Annotated[list[Stage] | None, typer.Option(help="Only at this stage; may be repeated.")] = None,
    severity: Annotated[Severity | None, typer.Option(help="Only this severity or higher.")] = None,
    strategy: Annotated[Strategy | None, typer.Option(help="Only this strategy.")] = None,
    owner: Annotated[str | None, typer.Option(metavar="NAME", help="Only those assigned to this person.")] = None,
    since: options.Since = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Show at most this many, the latest.")] = None,
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """List incidents, the latest first."""
    home = require_workspace(workspace)
    found = list_incidents(
        home,
        stages=tuple(stage or ()),
        severity=severity,
        strategy=strategy,
        owner=owner,
        since=since,
        limit=limit,
    )
    console = notes(quiet=quiet)
    if not found:
        console.print("No incidents match.", markup=False)
    if loose := count_loose_findings(home):
        console.print(f"{loose:,} findings are in no incident yet. Run: caponier incidents correlate", markup=False)
    _write_list(found, choose_format(format_, out, Format.TABLE), out)


@app.command("correlate", epilog="Example: [bold]caponier incidents correlate[/bold]")
def correlate(
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Join new findings and context into incidents; running it again changes nothing."""
    report = correlate_findings(require_workspace(workspace))
    console = notes(quiet=quiet)
    console.print(f"{len(report.opened)} incidents opened, {len(report.changed)} grown or reopened", markup=False)
    for gone, into in report.merged:
        console.print(f"{gone} turned out to be a part of {into}", markup=False)
    _write_list([*report.opened, *report.changed], choose_format(format_, out, Format.TABLE), out)


@app.command("show", epilog="Example: [bold]caponier incidents show i-0123456789abcdef[/bold]")
def show(
    id_: Id,
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Show one incident: in plain words, as a timeline over tactics, and finding by finding."""
    case = show_incident(require_workspace(workspace), id_)
    if case.incident.incident_id != id_:
        notes(quiet=quiet).print(f"{id_} is a part of {case.incident.incident_id}", markup=False)
    chosen = choose_format(format_, out, Format.TABLE)
    if chosen is Format.TABLE:
        write_table(page(case), out)
    elif chosen is Format.CSV:
        write_text(INCIDENTS.to_csv([case.incident]), out)
    else:
        write = export_incident.to_json if chosen is Format.JSON else export_incident.to_markdown
        write_text(write(case), out)


@app.command("export", epilog="Example: [bold]caponier incidents export i-0123456789abcdef --format ocsf[/bold]")
def export(
    id_: Id,
    workspace: options.Where = None,
    format_: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="A ticket in Markdown, JSON, OCSF Incident Finding 2005, or Attack Flow 2.0."),
    ] = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Export an incident as a ticket, JSON, OCSF or Attack Flow."""
    case = show_incident(require_workspace(workspace), id_)
    chosen = choose_format(format_, out, ExportFormat.MARKDOWN)
    if chosen is ExportFormat.OCSF:
        write_text(orjson.dumps(export_incident.to_ocsf(case)).decode() + "\n", out)
    elif chosen is ExportFormat.ATTACK_FLOW:
        write_text(to_flow(case), out)
    else:
        write_text((export_incident.to_json if chosen is ExportFormat.JSON else export_incident.to_markdown)(case), out)
    if out:
        notes(quiet=quiet).print(f"written to {out}", markup=False)


@app.command("assign", epilog="Example: [bold]caponier incidents assign i-0123456789abcdef ada[/bold]")
def assign(
    id_: Id,
    owner: Annotated[str, typer.Argument(metavar="NAME", help="Who takes it on.")],
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    quiet: options.Quiet = False,
) -> None:
    """Assign an incident to a person."""
    _tell(assign_incident(require_workspace(workspace), id_, owner), f"assigned to {owner}", format_, quiet)


@app.command("note", epilog="Example: [bold]caponier incidents note i-0123456789abcdef 'Asked the team'[/bold]")
def note(
    id_: Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The text of the note.")],
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    quiet: options.Quiet = False,
) -> None:
    """Add a note to an incident."""
    _tell(note_incident(require_workspace(workspace), id_, text), "noted", format_, quiet)


@app.command(
    "close", epilog="Example: [bold]caponier incidents close i-0123456789abcdef --reason 'our own test'[/bold]"
)
def close(
    id_: Id,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="The reason; kept as a note.")],
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    quiet: options.Quiet = False,
) -> None:
    """Close an incident. Its response actions stay in force until they expire or are undone."""
    home = require_workspace(workspace)
    _tell(advance_incident(home, id_, Stage.CLOSED, reason=reason), "closed", format_, quiet)
    live = [action.action_id for action in show_incident(home, id_).actions if action.state.value == "active"]
    if live:
        notes(quiet=quiet).print(f"Still in force: {', '.join(live)}", markup=False)


@app.command(
    "reopen", epilog="Example: [bold]caponier incidents reopen i-0123456789abcdef --reason 'it goes on'[/bold]"
)
def reopen(
    id_: Id,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="The reason; kept as a note.")],
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    quiet: options.Quiet = False,
) -> None:
    """Reopen an incident."""
    _tell(advance_incident(require_workspace(workspace), id_, Stage.OPEN, reason=reason), "open again", format_, quiet)


def _tell(incident: Incident, done: str, format_: Format | None, quiet: bool) -> None:
    notes(quiet=quiet).print(f"{incident.incident_id}: {done}", markup=False)
    if format_ is not None:
        _write_list([incident], format_, None)


def _write_list(found: list[Incident], chosen: Format, out: Path | None) -> None:
    INCIDENTS.write(found, chosen, out, lambda: document(found), bare=False)
