"""`caponier matrix brief`: a page for management and analysts, and a table-top exercise."""

from enum import StrEnum
from typing import Annotated, Final

import typer

from caponier.app.brief.brief import brief_matrix
from caponier.app.brief.html import to_html
from caponier.app.brief.markdown import to_markdown
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.matrix import options
from caponier.cli.terminal.output import choose_format, notes, write_text

EXAMPLE: Final = "Example: [bold]caponier matrix brief --system checkout --out brief.html[/bold]"


class BriefFormat(StrEnum):
    """How a brief can be written."""

    MARKDOWN = "markdown"
    HTML = "html"


def brief(
    system: Annotated[
        str | None, typer.Option("--system", metavar="NAME", help="Only this system of the inventory.")
    ] = None,
    format_: Annotated[
        BriefFormat | None,
        typer.Option("--format", help="Output format. By default the ending of --out decides, else Markdown."),
    ] = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
) -> None:
    """List known attacks on systems like yours and the detectors for them, with a table-top exercise.

    Case studies are matched by the words and kinds of input in the inventory, each with its reason. Without a workspace
    the brief is general.
    """
    home = load_workspace(workspace)
    made = brief_matrix(home, system)
    if made.general:
        why = "nothing in the inventory matches a case study" if home else "there is no workspace"
        hint = "Say what each [[system]] is for (purpose) in caponier.toml."
        notes(quiet=quiet).print(f"The brief is general, since {why}. {hint if home else ''}".strip(), markup=False)
    chosen = choose_format(format_, out, BriefFormat.MARKDOWN)
    write_text(to_html(made) if chosen is BriefFormat.HTML else to_markdown(made), out)
