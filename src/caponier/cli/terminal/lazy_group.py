"""A group of commands that are imported when they are asked for: one command does not pay for all others."""

import ast
from importlib import import_module
from importlib.util import find_spec
from inspect import cleandoc
from pathlib import Path
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from caponier.cli.terminal.written_files import guarded
from caponier.formats.suggest import did_you_mean, nearest

Table = dict[str, str]
"""Name of a command to `module:attribute`: a Typer app, or a function beside a constant EXAMPLE for its epilog."""


class LazyGroup(TyperGroup):
    """The base of the classes that `lazy` makes."""

    table: ClassVar[Table] = {}
    _listing: bool = False

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, for which no command is imported: it takes a line of each."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names, in the order of the table."""
        del ctx
        return list(self.table)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is asked for.

        Raises:
            UsageError: If there is none of that name, with the nearest known one.
        """
        if args and args[0] not in self.table:
            hint = did_you_mean(nearest(args[0], self.table), otherwise=f"There are: {', '.join(self.table)}.")
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command; None if there is none of that name."""
        del ctx
        if cmd_name not in self.table:
            return None
        path, attribute = self.table[cmd_name].split(":")
        words = _words(path, attribute) if self._listing else None
        command = TyperCommand(cmd_name, help=words) if words else _command(path, attribute)
        command.name = cmd_name
        return flowing(command)


def lazy(table: Table) -> type[LazyGroup]:
    """Return a group class for `typer.Typer(cls=…)`.

    Args:
        table: The group's commands, in the order in which the help lists them.
    """
    return type("Commands", (LazyGroup,), {"table": table})


def _command(path: str, attribute: str) -> Any:
    module = import_module(path)
    found = getattr(module, attribute)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(rich_markup_mode="rich", add_completion=False)
        alone.command(epilog=module.EXAMPLE)(found)
        found = alone
    return guarded(typer.main.get_command(found))


def flowing(command: Any) -> Any:
    """Let paragraphs of a command's help, and of each of a group, fill the terminal; return the command.

    Typer does so with the first one, and breaks the others where the source does as well as at the terminal's edge.
    """
    for inner in getattr(command, "commands", {}).values():
        flowing(inner)
    paragraphs = cleandoc(command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(one.splitlines()) for one in paragraphs)
    return command


def _words(path: str, attribute: str) -> str | None:
    """Read off the source what a command says of itself; None if only an import tells."""
    spec = find_spec(path)
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        return None
    for statement in ast.parse(Path(spec.origin).read_bytes()).body:
        match statement:
            case ast.FunctionDef(name=name) if name == attribute:
                return ast.get_docstring(statement)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(keywords=keywords)) if name == attribute:
                given = [one.value for one in keywords if one.arg == "help"]
                return next((cleandoc(str(one.value)) for one in given if isinstance(one, ast.Constant)), None)
    return None
