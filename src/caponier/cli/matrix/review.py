"""`caponier matrix review`: may these contributions enter the matrix."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from caponier.app.matrix.library import matrix_library
from caponier.cli.matrix import options
from caponier.cli.matrix.review_view import lines, to_github, to_json, to_markdown
from caponier.cli.terminal.output import choose_format, notes, write_text
from caponier.errors import InputError
from caponier.matrix.contributions.review import contribution_files
from caponier.matrix.contributions.review import review as review_files
from caponier.matrix.contributions.review_issue import ReviewLevel

EXAMPLE: Final = "Example: [bold]caponier matrix review contributions/[/bold]"

EXIT_CODES: Final = {None: 0, ReviewLevel.LOOK: 1, ReviewLevel.ERROR: 2}


class ReviewFormat(StrEnum):
    """How a review is written."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    GITHUB = "github"


Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE", help="Contributions, folders of them, or - for stdin. They are reviewed together."),
]
HeldAgainst = Annotated[
    str | None,
    typer.Option(
        "--matrix",
        metavar="VERSION",
        help="Review against this version. By default the one that each contribution names.",
        autocompletion=options.complete_version,
    ),
]


def review(
    files: Files,
    matrix: HeldAgainst = None,
    format_: Annotated[
        ReviewFormat | None,
        typer.Option(
            "--format",
            help="Output format; github prints annotations. By default the ending of --out decides, else a table.",
        ),
    ] = None,
    out: options.Out = None,
    summary: Annotated[
        Path | None,
        typer.Option("--summary", metavar="FILE", help="Also append the review to this file, as Markdown."),
    ] = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
) -> None:
    """List the reasons that keep contributions out of the matrix, or need a person's decision.

    An entry needs a public, dated source that shows the attack on a real system, with permission or disclosure.
    Exit code 2 if a contribution cannot be accepted, 1 if one needs a person's decision, else 0.
    """
    found = review_files(contribution_files(files), matrix_library(workspace), matrix)
    chosen = choose_format(format_, out, ReviewFormat.TABLE)
    if chosen is ReviewFormat.TABLE:
        _write_lines(lines(found), out)
    else:
        writers = {ReviewFormat.JSON: to_json, ReviewFormat.MARKDOWN: to_markdown, ReviewFormat.GITHUB: to_github}
        write_text(writers[chosen](found), out)
    if summary is not None:
        _append(to_markdown(found), summary)
    errors = sum(issue.level is ReviewLevel.ERROR for issue in found.issues)
    looks = len(found.issues) - errors
    notes(quiet=quiet).print(f"{len(found.files)} reviewed; errors: {errors}; to look at: {looks}", markup=False)
    raise typer.Exit(EXIT_CODES[found.level])


def _write_lines(told: list[Text], out: Path | None) -> None:
    terminal = Console(highlight=False)
    if terminal.is_terminal and out in (None, Path("-")):
        for line in told:
            terminal.print(line, soft_wrap=True)
    else:
        write_text("".join(f"{line.plain}\n" for line in told), out)


def _append(text: str, file: Path) -> None:
    try:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as failed:
        raise InputError(f"the file cannot be written: {failed.strerror}", where=str(file)) from failed
