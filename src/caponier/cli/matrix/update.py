"""`caponier matrix update`: move a workspace to a newer version of the matrix."""

from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.matrix.migrate import MigrationReport
from caponier.app.matrix.update import Update, update_matrix
from caponier.cli.matrix import migrate_view, options
from caponier.cli.matrix.import_file import File, ImportFormat, Name, TextOrJson
from caponier.cli.terminal.output import choose_format, json_text, notes, write_text
from caponier.formats.safe_text import plain
from caponier.formats.walk_files import shown
from caponier.matrix.mapping.difference import DifferenceKind, Noun

EXAMPLE: Final = "Example: [bold]caponier matrix update ATLAS.yaml --migrate layers/[/bold]"
PARTLY: Final = 3
_NAMED: Final = 20
"""Entries that the summary names; `caponier matrix diff` names all."""


def update(
    file: File,
    sha256: Annotated[
        str | None,
        typer.Option(
            "--sha256", metavar="HEX", help="The digest that the file must have. By default the one in FILE.sha256."
        ),
    ] = None,
    version: Name = None,
    migrate: Annotated[
        list[Path] | None,
        typer.Option("--migrate", metavar="PATH", help="Also migrate this layer, rule, findings file or folder."),
    ] = None,
    force: options.Force = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; show what would happen.")] = False,
    workspace: options.Where = None,
    format_: TextOrJson = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Move the workspace to the version that a file holds.

    Checks the digest, keeps the version, compares it with the pinned one, carries documents over into new files, and
    pins it in caponier.toml. If anything is wrong with the file, the workspace stays as it was.

    Exit code: 0 done, 2 wrong input and nothing changed, 3 done, but some annotations need a person or some files
    could not be read.
    """
    done = update_matrix(
        file,
        sha256=sha256,
        version=version,
        documents=migrate or (),
        workspace=workspace,
        dry_run=dry_run,
        force=force,
    )
    if choose_format(format_, out, ImportFormat.TEXT) is ImportFormat.JSON:
        write_text(_json(done), out)
    else:
        write_text(_text(done), out)
    _tell(done, quiet=quiet)
    if done.open:
        raise typer.Exit(PARTLY)


def _tell(done: Update, *, quiet: bool) -> None:
    console = notes(quiet=quiet)
    for remark in (*done.release.remarks, *done.difference.remarks):
        console.print(f"note: {plain(remark)}", markup=False, soft_wrap=True)
    if done.imported is None:
        console.print("This was a dry run: nothing has changed.", markup=False)
    else:
        console.print(
            f"See every change: caponier matrix diff {done.before.version} {done.after.version}", markup=False
        )


def _json(done: Update) -> str:
    return json_text({**done.to_dict(), "migration": migrate_view.document(done.migrated, done.skipped)})


def _text(done: Update) -> str:
    lines = [
        f"{done.before.version} -> {done.after.version}",
        f"  {_age(done)}",
        f"  {_vouched(done)}",
        *(f"  {line}" for line in _changes(done)),
        *(line for report in done.migrated for line in _carried(report)),
        *(f"  skipped {skip}" for skip in done.skipped),
        f"  {_pinned(done)}",
    ]
    return "".join(f"{plain(line)}\n" for line in lines)


def _age(done: Update) -> str:
    before, after, age = done.before, done.after, done.age
    if age.pinned is None:
        return f"it is not known when {before.version} was released"
    told = f"{before.version} was released on {before.released}, {_days(age.pinned)} ago"
    if age.behind is None:
        return f"{told}; it is not known when {after.version} was"
    if age.behind < 0:
        return f"{told}; {after.version} is older by {_days(-age.behind)}"
    return f"{told}; {after.version} came {_days(age.behind)} later"


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"


def _vouched(done: Update) -> str:
    digest = f"SHA-256 {done.release.sha256}"
    if done.voucher is None:
        return f"{digest}: nothing vouches for the file; give its digest with --sha256"
    return f"{digest}: as {done.voucher} says"


def _changes(done: Update) -> list[str]:
    lines = []
    for noun in Noun:
        counts = done.counts[noun.value]
        told = ", ".join(f"{counts[kind.value]} {kind.value}" for kind in DifferenceKind if kind.value in counts)
        lines.append(f"{noun.plural}: {told or 'no change'}")
    gone = [change.id for change in done.difference.of(kind=DifferenceKind.REMOVED)]
    if gone:
        more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
        lines.append(f"gone, and nothing is known to take over: {', '.join(gone[:_NAMED])}{more}")
    return lines


def _carried(report: MigrationReport) -> list[str]:
    """Say what became of a document, and each annotation that needs a person."""
    lines = [f"  {migrate_view.summary(report)}"]
    for row in report.needs_human:
        now = f"is now {row.to}" if row.to != row.id else "stays as it is"
        nearest = f" Look at: {', '.join(row.candidates)}." if row.candidates else ""
        lines.append(
            f"    {shown(report.path)}:{row.line} {row.where}: {row.id} {now} ({row.outcome}): {row.why}.{nearest}"
        )
    return lines


def _pinned(done: Update) -> str:
    if done.imported is None:
        return f"{done.after.version} would be kept and pinned"
    return f"kept in {shown(done.imported.kept)}, and pinned"
