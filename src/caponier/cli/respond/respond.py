"""`caponier respond`: what to do about an incident, tried dry first, always with an end and a way back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from caponier.app.respond.respond import (
    PlanReport,
    apply_response,
    approve_action,
    by_doubt,
    list_actions,
    plan_response,
    undo_action,
    undo_for,
)
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.respond.view import ACTIONS, document, plan_document, planned
from caponier.cli.terminal import options
from caponier.cli.terminal.output import Format, choose_format, json_text, notes, write_table, write_text
from caponier.detect.wording import how_many
from caponier.records.response_action import ActionState, ResponseAction

app = typer.Typer(
    add_completion=False,
    help="Respond to incidents: plan (a dry run), apply, approve, undo and list response actions.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier respond plan i-0123456789abcdef --log events.parquet[/bold]",
)

IncidentId = Annotated[str, typer.Argument(metavar="INCIDENT", help="An incident's id, from incidents list.")]
ActionId = Annotated[str, typer.Argument(metavar="ACTION", help="An action's id, from respond plan or respond list.")]
Logs = Annotated[
    list[Path] | None,
    typer.Option("--log", metavar="PATH", help="Count in these inference logs what would have been stopped."),
]


@app.command("plan", epilog="Example: [bold]caponier respond plan i-0123456789abcdef --log events.parquet[/bold]")
def plan(
    incident: IncidentId,
    log: Logs = None,
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Show the actions proposed for an incident, and which queries they would have stopped. Changes nothing."""
    report = plan_response(require_workspace(workspace), incident, log=log or ())
    _write_plan(report, choose_format(format_, out, Format.TABLE), out, notes(quiet=quiet))


@app.command("apply", epilog="Example: [bold]caponier respond apply i-0123456789abcdef --dry-run[/bold]")
def apply(
    incident: IncidentId,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="ACTION", help="Only this action of the plan; may be repeated."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; the same as respond plan.")] = False,
    log: Logs = None,
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Carry out the response that the playbooks call for; actions that need approval wait for it."""
    home, console = require_workspace(workspace), notes(quiet=quiet)
    chosen = choose_format(format_, out, Format.TABLE)
    if dry_run:
        _write_plan(plan_response(home, incident, log=log or ()), chosen, out, console)
        return
    done = apply_response(home, incident, only=only or ())
    _write(done.actions, chosen, out)
    if not done.actions:
        console.print("Nothing new to do.", markup=False)
    for action in done.standing:
        console.print(f"{action.action_id} is {action.state} already", markup=False)
    _next(done.actions, console)
    console.print(f"{done.incident.incident_id} is {done.incident.stage}", markup=False)


@app.command("approve", epilog="Example: [bold]caponier respond approve a-0123456789abcdef[/bold]")
def approve(
    action: ActionId,
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Approve a waiting action, which then begins. Its author cannot approve it."""
    done = approve_action(require_workspace(workspace), action)
    _write([done], choose_format(format_, out, Format.TABLE), out)
    _next([done], notes(quiet=quiet))


@app.command("undo", epilog="Example: [bold]caponier respond undo k-0123456789abcdef[/bold]")
def undo(
    action: Annotated[
        str, typer.Argument(metavar="ACTION|CALLER", help="An action id, or a caller to end all actions against it.")
    ],
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """End an action now, or all actions against a caller."""
    home = require_workspace(workspace)
    done = (undo_action(home, action),) if action.startswith("a-") else undo_for(home, action)
    _write(done, choose_format(format_, out, Format.TABLE), out)
    for one in done:
        notes(quiet=quiet).print(f"{one.action_id} is undone. {one.undo}.", markup=False)


@app.command("list", epilog="Example: [bold]caponier respond list --all[/bold]")
def list_(
    incident: Annotated[str | None, typer.Option(metavar="ID", help="Only for this incident.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Include actions that were undone or have expired.")
    ] = False,
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """List response actions in force or awaiting approval, those most likely to be mistakes first."""
    home = require_workspace(workspace)
    found = by_doubt(home, list_actions(home, incident_id=incident, everything=everything))
    if not found:
        notes(quiet=quiet).print("No response actions.", markup=False)
    _write(found, choose_format(format_, out, Format.TABLE), out)


def _next(done: Sequence[ResponseAction], console: Console) -> None:
    """Say once what can be done with actions of each state: their ids stand in the table."""
    waiting = [one.action_id for one in done if one.state is ActionState.AWAITING_APPROVAL]
    live = [one.action_id for one in done if one.state is not ActionState.AWAITING_APPROVAL]
    if live:
        end = live[0] if len(live) == 1 else "ACTION"
        console.print(f"In force: {how_many(len(live), 'action')}. To undo: caponier respond undo {end}", markup=False)
    if waiting:
        which = waiting[0] if len(waiting) == 1 else "ACTION"
        said = f"Awaiting approval by a second person: {how_many(len(waiting), 'action')}"
        console.print(f"{said}. To approve: caponier respond approve {which}", markup=False)


def _write_plan(report: PlanReport, chosen: Format, out: Path | None, console: Console) -> None:
    made = report.plan
    if chosen is Format.JSON:
        write_text(json_text(plan_document(report)), out)
    elif chosen is Format.TABLE:
        if made.actions:
            write_table(planned(report), out)
    else:
        _write(made.actions, chosen, out)
    if not made.actions:
        console.print("No playbook has a new action for this incident.", markup=False)
    for action in made.standing:
        console.print(f"{action.action_id} ({action.kind}) is already {action.state}", markup=False)
    for finding_id in made.unanswered:
        console.print(f"No playbook has an action for {finding_id}; look at it yourself", markup=False)
    if report.log and report.log.rejected.count:
        console.print(f"{report.log.rejected.count:,} rows of the log could not be used", markup=False)
    if made.actions:
        console.print(
            f"Nothing was changed. To do it: caponier respond apply {made.incident.incident_id}", markup=False
        )


def _write(found: Sequence[ResponseAction], chosen: Format, out: Path | None) -> None:
    ACTIONS.write(found, chosen, out, lambda: document(found), bare=False)
