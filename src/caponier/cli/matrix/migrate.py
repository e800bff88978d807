"""`caponier matrix migrate`: layers, annotations, rules and findings carried over to another version."""

from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.matrix.library import matrix_library
from caponier.app.matrix.lint import Versions
from caponier.app.matrix.migrate import MigrationReport, carry_out, plan
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.matrix import migrate_view, options
from caponier.cli.terminal.log_report import say_skipped
from caponier.cli.terminal.output import Format, notes
from caponier.errors import InputError
from caponier.formats.safe_text import plain
from caponier.records.skip import Skip

EXAMPLE: Final = "Example: [bold]caponier matrix migrate layer.json --from atlas-4.4.0 --to atlas-5.6[/bold]"
PARTLY: Final = 3


def migrate(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Navigator layers, Sigma rules, STIX, CSV, Markdown or findings, folders of them, or - for stdin.",
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="VERSION",
            help="The version to migrate to.",
            autocompletion=options.complete_version,
        ),
    ],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="VERSION",
            help="The version to migrate from. By default the one that the file names, else the pinned one.",
            autocompletion=options.complete_version,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="PATH", help="New file, or a folder for several. By default NAME.VERSION beside each."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; show what would change.")] = (False),
    force: options.Force = False,
    format_: Annotated[Format | None, typer.Option("--format", help="Output format.")] = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
) -> None:
    """Migrate documents to another version of the matrix, into new files; the old ones stay.

    Prints the annotations that need a person: each with the change, the reason and possible new ids. Nothing is lost:
    an annotation that cannot be mapped stays in the new file under its old id.

    Exit code: 0 all carried over, 2 wrong input and nothing written, 3 some annotations need a person or some files
    could not be read.
    """
    home = load_workspace(workspace)
    library = matrix_library(home)
    versions = Versions(library, pinned=home.pinned if home else None)
    tasks, skipped = plan(paths, versions, library.load(to), from_, out)
    if not tasks:
        _refuse(skipped)
    reports = carry_out(tasks, dry_run=dry_run, force=force)
    rows = migrate_view.open_in(reports)
    migrate_view.OPEN.write(
        rows, format_ or Format.TABLE, None, lambda: migrate_view.document(reports, skipped), bare=False
    )
    _tell(reports, skipped, quiet=quiet)
    if skipped or any(report.needs_human for report in reports):
        raise typer.Exit(PARTLY)


def _refuse(skipped: list[Skip]) -> None:
    if not skipped:
        raise InputError(
            "there is nothing to migrate in what was named", hint="Name a layer, a rule, or a folder of them."
        )
    more = f" (and {len(skipped) - 1} more files)" if len(skipped) > 1 else ""
    raise InputError(f"nothing can be migrated{more}: {skipped[0].reason}", where=skipped[0].what)


def _tell(reports: list[MigrationReport], skipped: list[Skip], *, quiet: bool) -> None:
    console = notes(quiet=quiet)
    say_skipped(console, skipped, "skipped")
    for report in reports:
        console.print(plain(migrate_view.summary(report)), markup=False, soft_wrap=True)
