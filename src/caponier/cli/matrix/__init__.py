"""`caponier matrix`: the versions of the matrix, looked up, compared, checked, extended and written out."""

from typing import Final

import typer

from caponier.cli.terminal.lazy_group import Table, lazy

COMMANDS: Final[Table] = {
    "list": "caponier.cli.matrix.list_entries:list_entries",
    "import": "caponier.cli.matrix.import_file:import_file",
    "update": "caponier.cli.matrix.update:update",
    "show": "caponier.cli.matrix.show:show",
    "search": "caponier.cli.matrix.search:search",
    "brief": "caponier.cli.matrix.brief:brief",
    "lint": "caponier.cli.matrix.lint:lint",
    "migrate": "caponier.cli.matrix.migrate:migrate",
    "diff": "caponier.cli.matrix.diff:diff",
    "export": "caponier.cli.matrix.export:export",
    "propose": "caponier.cli.matrix.propose:app",
    "review": "caponier.cli.matrix.review:review",
    "merge": "caponier.cli.matrix.merge:merge",
}

app = typer.Typer(
    add_completion=False,
    cls=lazy(COMMANDS),
    help="The threat matrix of attacks on ML systems: look up entries, compare and import versions.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier matrix show AMLTM.EVADE.01.02[/bold]",
)


@app.callback()
def _group() -> None:
    """The threat matrix of attacks on ML systems: look up entries, compare and import versions."""
