"""`caponier audit`: who did what, and whether the log of it is whole."""

import csv
import io
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from caponier.app.workspace.verify_audit import AuditRow, ChainReport, list_audit, verify_audit
from caponier.app.workspace.workspace import require_workspace
from caponier.cli.incidents.view import moment
from caponier.cli.terminal.output import Format, choose_format, notes, write_table, write_text
from caponier.cli.terminal.safe_text import markdown, plain, spreadsheet

app = typer.Typer(
    help="Who did what in this workspace, and whether the log of it is whole.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier audit verify[/bold]",
)

BROKEN = 1

_COLUMNS = ("seq", "at", "actor", "action", "object", "details")

Where = Annotated[
    Path | None,
    typer.Option("--workspace", metavar="PATH", help="Workspace file or folder. Else CAPONIER_WORKSPACE, or here."),
]
AskedFormat = Annotated[
    Format | None,
    typer.Option("--format", help="How to print. Without it the ending of --out decides, or else it is a table."),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write into a file instead.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result.")]


@app.command("list", epilog="Example: [bold]caponier audit list --limit 20 --format json[/bold]")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows, the last ones.")] = 100,
    workspace: Where = None,
    format_: AskedFormat = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """List what was done, the last first."""
    rows = list_audit(require_workspace(workspace), limit=limit)
    if len(rows) == limit:
        notes(quiet=quiet).print(f"The last {limit}; there may be older ones.", markup=False)
    chosen = choose_format(format_, out, Format.TABLE)
    if chosen is Format.JSON:
        document = {"schema": "caponier.audit/1", "rows": [_plain(row) for row in rows]}
        write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", out)
    elif chosen is Format.TABLE:
        write_table(_table(rows), out)
    else:
        write_text((_csv if chosen is Format.CSV else _markdown)(rows), out)


@app.command("verify", epilog="Example: [bold]caponier audit verify --head 42:0f3c…[/bold]")
def verify(
    head: Annotated[
        str | None,
        typer.Option(metavar="COUNT:HASH", help="A head that was noted elsewhere: is the log still what it was then?"),
    ] = None,
    workspace: Where = None,
    format_: AskedFormat = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Check that the audit log is whole. Exit code: 0 whole, 1 broken.

    Without a noted head a log that somebody rebuilt from the start looks whole: note the head elsewhere.
    """
    report = verify_audit(require_workspace(workspace), noted=head)
    _write_report(report, choose_format(format_, out, Format.TABLE), out)
    if report.ok:
        # Where a script reads it, the head is in the result already.
        notes(quiet=quiet).print("Note the head where this store's administrator cannot change it.", markup=False)
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
        write_text(json.dumps({"schema": "caponier.audit-check/1"} | facts, indent=2) + "\n", out)
        return
    said = {name: "" if value is None else str(value) for name, value in facts.items()}
    if chosen is Format.CSV:
        write_text(_lines([list(said), list(said.values())]), out)
        return
    if chosen is Format.MARKDOWN:
        write_text("".join(f"- {name}: {markdown(value)}\n" for name, value in said.items() if value), out)
        return
    state = "whole" if report.ok else f"broken at row {report.broken_seq} ({report.kind}): {report.why}"
    write_text(f"The audit log is {state}. {report.rows:,} rows.\nhead {said['head']}\n", out)


def _plain(row: AuditRow) -> dict[str, object]:
    return {
        "seq": row.seq,
        "at": row.at.isoformat(),
        "actor": row.actor,
        "action": row.action,
        "object": row.object,
        "details": row.details,
    }


def _cells(row: AuditRow) -> list[str]:
    return [
        str(row.seq),
        moment(row.at),
        row.actor,
        row.action,
        row.object,
        json.dumps(row.details, ensure_ascii=False),
    ]


def _table(rows: list[AuditRow]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column.upper(), no_wrap=column in ("seq", "at", "action"))
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in _cells(row)))
    return table


def _csv(rows: list[AuditRow]) -> str:
    return _lines([list(_COLUMNS), *([spreadsheet(cell) for cell in _cells(row)] for row in rows)])


def _lines(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _markdown(rows: list[AuditRow]) -> str:
    lines = [f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}"]
    lines += [f"| {' | '.join(markdown(cell) for cell in _cells(row))} |" for row in rows]
    return "\n".join(lines) + "\n"
