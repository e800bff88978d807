"""`caponier findings`: what was detected, listed and looked up."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from caponier.app.alerts.alerts import Alerts
from caponier.app.incidents.findings import list_findings, show_finding
from caponier.app.incidents.suppress import end_suppression, fitting, like, list_suppressions, suppress
from caponier.app.incidents.verdicts import give_verdict, verdict_on
from caponier.app.matrix.library import default_version
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.findings.by_caller import by_caller, write_findings
from caponier.cli.findings.view import SUPPRESSIONS, card
from caponier.cli.terminal import options
from caponier.cli.terminal.moments import moment, parse_duration
from caponier.cli.terminal.output import Format, choose_format, notes, write_table
from caponier.errors import InputError
from caponier.records.finding import Finding, Severity
from caponier.records.findings_document import findings_document
from caponier.records.inventory import Workspace
from caponier.records.verdict import VerdictKind

app = typer.Typer(
    add_completion=False,
    help="What was detected in this workspace: list and show findings, give verdicts, suppress and notify.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier findings list --severity high --since 7d[/bold]",
)


@app.command("list", epilog="Example: [bold]caponier findings list --since 7d --format csv --out week.csv[/bold]")
def list_(
    since: options.Since = None,
    until: options.Until = None,
    severity: Annotated[Severity | None, typer.Option(help="Only this severity or higher.")] = None,
    detector: Annotated[str | None, typer.Option(metavar="NAME", help="Only from this detector.")] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="About this model only.")] = None,
    system: options.System = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Show at most this many, the latest.")] = None,
    each: Annotated[bool, typer.Option("--each", help="One row for each finding, not for each caller.")] = False,
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """List findings, one row for each caller, account, file or source, the latest first.

    JSON and CSV always hold every finding; --each does the same for a table.
    """
    home = require_workspace(workspace)
    found = list_findings(
        home, since=since, until=until, severity=severity, detector=detector, model=model, system=system, limit=limit
    )
    if not found:
        notes(quiet=quiet).print("No findings match.", markup=False)
    elif len(found) == limit:
        notes(quiet=quiet).print(f"The last {limit}; there may be older ones.", markup=False)
    chosen = choose_format(format_, out, Format.TABLE)
    rows = len(found) if each or chosen not in (Format.TABLE, Format.MARKDOWN) else len(by_caller(found))
    if rows < len(found):
        notes(quiet=quiet).print(
            f"{len(found):,} findings in {rows:,} row{'s' * (rows > 1)}; each row is one caller, file or source. "
            "--each lists every finding.",
            markup=False,
        )
    _write(found, home, chosen, out, each=each)


@app.command("show", epilog="Example: [bold]caponier findings show f-0123456789abcdef0123[/bold]")
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The finding's id, as findings list prints it.")],
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Show one finding: who, what, when, and the figures behind it."""
    home = require_workspace(workspace)
    found = show_finding(home, id_)
    chosen = choose_format(format_, out, Format.TABLE)
    if chosen is Format.TABLE:
        write_table(card(found, verdict_on(home, id_)), out)
    else:
        _write([found], home, chosen, out)


@app.command(
    "verdict", epilog="Example: [bold]caponier findings verdict f-0123456789abcdef0123 benign --note 'a camera'[/bold]"
)
def verdict(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The finding's id, as findings list prints it.")],
    judgement: Annotated[VerdictKind, typer.Argument(metavar="VERDICT", help="true, benign, test or duplicate.")],
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why.")] = "",
    workspace: options.Where = None,
    quiet: options.Quiet = False,
) -> None:
    """Record what a finding turned out to be; the latest verdict counts, and the audit log keeps all of them.

    The next baseline build --verdicts learns from it: a benign caller does not raise the same finding again,
    and nothing is learned from attackers and tests.
    """
    given = give_verdict(require_workspace(workspace), id_, judgement, note)
    notes(quiet=quiet).print(f"{given.finding_id}: {given.judgement.value}, by {given.author}", markup=False)


@app.command(
    "suppress", epilog="Example: [bold]caponier findings suppress --target 'host gpu-9' --reason lab --for 30d[/bold]"
)
def suppress_(
    like_: Annotated[
        str | None,
        typer.Argument(metavar="FINDING", help="Hold back findings like this one: same detector, subject and target."),
    ] = None,
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="The reason, for later readers.")],
    lasts: Annotated[
        timedelta,
        typer.Option("--for", parser=parse_duration, metavar="TIME", help="How long, such as 30d, 24h or 2w."),
    ],
    detector: Annotated[
        str | None, typer.Option(metavar="NAME", help="Findings from this detector; * is a wildcard.")
    ] = None,
    subject: Annotated[str | None, typer.Option(metavar="NAME", help="Findings about this account or address.")] = None,
    target: Annotated[
        str | None, typer.Option(metavar="NAME", help="Findings about this target, such as 'bucket ml-models'.")
    ] = None,
    system: options.System = None,
    workspace: options.Where = None,
    quiet: options.Quiet = False,
) -> None:
    """Hold back matching findings of future log scans, for a reason and until a date.

    A role covers all of its sessions; a rule may be named with or without sigma:. Prints how many of the stored
    findings it would have held back.
    """
    home = require_workspace(workspace)
    said = {"detector": detector, "subject": subject, "target": target, "system": system}
    scope = (like(home, like_) if like_ else {}) | {name: given for name, given in said.items() if given is not None}
    made = suppress(
        home,
        reason=reason,
        lasts=lasts,
        detector=scope.get("detector"),
        subject=scope.get("subject"),
        target=scope.get("target"),
        system=scope.get("system"),
    )
    console = notes(quiet=quiet)
    console.print(f"{made.suppression_id}: {made.scope} until {moment(made.expires)}", markup=False)
    fits, known = fitting(home, made)
    said_so = f"It fits {fits:,} of the {known:,} findings in the store."
    console.print(said_so if fits or not known else f"{said_so} Look at their names with: caponier findings list")


@app.command("notify", epilog="Example: [bold]caponier findings notify[/bold]")
def notify(workspace: options.Where = None, quiet: options.Quiet = False) -> None:
    """Send the findings that are due to the alert routes of the workspace; a running guard does so by itself."""
    alerts = Alerts(require_workspace(workspace))
    if not alerts.routes:
        hint = "Describe one in caponier.toml; see docs/how-to/alerts.md"
        raise InputError("the workspace has no [[route]]", hint=hint)
    try:
        done = alerts.send()
    finally:
        alerts.close()
    console = notes(quiet=quiet)
    console.print(f"{done.sent:,} sent, {done.waiting:,} wait, {done.silenced:,} silenced", markup=False)
    for failure in done.failures[1:]:
        console.print(str(failure), markup=False)
    if done.failures:
        raise done.failures[0]


@app.command("unsuppress", epilog="Example: [bold]caponier findings unsuppress s-0123456789ab[/bold]")
def unsuppress(
    id_: Annotated[str, typer.Argument(metavar="ID", help="As findings suppressions prints it.")],
    workspace: options.Where = None,
) -> None:
    """End a suppression early."""
    end_suppression(require_workspace(workspace), id_)


@app.command("suppressions", epilog="Example: [bold]caponier findings suppressions --format json[/bold]")
def suppressions_(
    workspace: options.Where = None, format_: options.AskedFormat = None, out: options.Out = None
) -> None:
    """List suppressions, and how many findings each has held back."""
    found = list_suppressions(require_workspace(workspace))
    rows = [{**one.to_dict(), "findings": hits} for one, hits in found]
    document = {"schema": "caponier.suppressions/1", "suppressions": rows}
    SUPPRESSIONS.write(found, choose_format(format_, out, Format.TABLE), out, lambda: document)


def _write(found: list[Finding], home: Workspace, chosen: Format, out: Path | None, *, each: bool = False) -> None:
    write_findings(found, chosen, out, lambda: findings_document(default_version(home), found), each=each)
