"""`caponier audit`: who did what, and whether the log of it is whole."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.workspace.verify_audit import AuditRow, ChainReport, list_audit, verify_audit
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.terminal import options
from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.cli.terminal.moments import moment
from caponier.cli.terminal.output import Format, choose_format, json_text, notes, write_text
from caponier.formats.safe_text import markdown

app = typer.Typer(
    add_completion=False,
    help="Who did what in this workspace: list the audit log, and verify that nobody changed it.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier audit verify[/bold]",
)

BROKEN = 1

ROWS: Final[Listing[AuditRow]] = Listing(
    [
        ListingColumn("seq", lambda row: str(row.seq), whole=True),
        ListingColumn("at", lambda row: moment(row.at), whole=True),
        ListingColumn("actor", lambda row: row.actor),
        ListingColumn("action", lambda row: row.action, whole=True),
        ListingColumn("object", lambda row: row.object),
        ListingColumn("details", lambda row: json.dumps(row.details, ensure_ascii=False)),
    ]
)


@app.command("list", epilog="Example: [bold]caponier audit list --limit 20 --format json[/bold]")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many rows, the latest.")] = 100,
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """List what was done, the latest first."""
    rows = list_audit(require_workspace(workspace), limit=limit)
    if len(rows) == limit:
        notes(quiet=quiet).print(f"The last {limit}; there may be older ones.", markup=False)
    ROWS.write(rows, choose_format(format_, out, Format.TABLE), out, lambda: _document(rows))


@app.command("verify", epilog="Example: [bold]caponier audit verify --head 42:0f3c…[/bold]")
def verify(
    head: Annotated[
        str | None,
        typer.Option(
            metavar="COUNT:HASH", help="A head noted earlier, elsewhere: fail if the log before it has changed."
        ),
    ] = None,
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Check that nobody changed the audit log. Exit code: 0 unchanged, 1 changed or damaged.

    Without --head, a log rebuilt from the start passes: note the head that this prints, and keep it elsewhere.
    """
    report = verify_audit(require_workspace(workspace), noted=head)
    _write_report(report, choose_format(format_, out, Format.TABLE), out)
    if report.ok:
        # Where a script reads it, the head is in the result already.
        notes(quiet=quiet).print(
            "Keep this head where the administrator of this store cannot change it, and pass it to --head next time.",
            markup=False,
        )
    else:
        raise typer.Exit(BROKEN)


def _write_report(report: ChainReport, chosen: Format, out: Path | None) -> None:
    facts = {
        "ok": report.ok,
        "rows": report.rows,
        "head": f"{report.head.count}:{report.head.hash}",
        "broken_at": report.broken_seq,
        "kind": report.kind,
        "why": report.why,
    }
    if chosen is Format.JSON:
        write_text(json_text({"schema": "caponier.audit-check/1"} | facts), out)
        return
    said = {name: "" if value is None else str(value) for name, value in facts.items()}
    if chosen is Format.CSV:
        write_text(Listing.of(list(said), ours=True).to_csv([list(said.values())]), out)
        return
    if chosen is Format.MARKDOWN:
        write_text("".join(f"- {name}: {markdown(value)}\n" for name, value in said.items() if value), out)
        return
    state = "whole" if report.ok else f"broken at row {report.broken_seq} ({report.kind}): {report.why}"
    write_text(f"The audit log is {state}. Rows: {report.rows:,}.\nhead {said['head']}\n", out)


def _document(rows: list[AuditRow]) -> dict[str, object]:
    return {"schema": "caponier.audit/1", "rows": [_plain(row) for row in rows]}


def _plain(row: AuditRow) -> dict[str, object]:
    return {
        "seq": row.seq,
        "at": row.at.isoformat(),
        "actor": row.actor,
        "action": row.action,
        "object": row.object,
        "details": row.details,
    }
