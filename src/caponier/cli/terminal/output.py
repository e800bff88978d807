"""Where a command's output goes: results to standard output or to a file, everything else to standard error."""

import io
import os
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import orjson
import typer
from rich.console import Console, RenderableType

from caponier.formats.atomic_file import write_bytes

_WIDE = 168
"""Columns for a table that no terminal limits: in a file or a pipe."""

_BY_SUFFIX = {
    ".csv": "csv",
    ".htm": "html",
    ".html": "html",
    ".json": "json",
    ".jsonl": "jsonl",
    ".md": "markdown",
    ".sarif": "sarif",
    ".svg": "svg",
    ".txt": "table",
}


class Format(StrEnum):
    """The formats that every listing offers; a command with others brings its own."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"


F = TypeVar("F", bound=StrEnum)


def choose_format(asked: F | None, out: Path | None, default: F) -> F:
    """Return the format asked for, or else the one that the file's name ends in, or else the default."""
    if asked is not None:
        return asked
    by_name = _BY_SUFFIX.get(out.suffix.lower()) if out else None
    return next((known for known in type(default) if known.value == by_name), default)


def notes(*, quiet: bool = False) -> Console:
    """Return the console for all that is no result: it writes to standard error, or nowhere if quiet."""
    return Console(stderr=True, quiet=quiet, highlight=False)


def json_text(document: Mapping[str, Any] | list[Any]) -> str:
    """Write a document as JSON for people and programs, with its last newline."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def write_text(text: str, out: Path | None) -> None:
    """Write a result to standard output, or to a file that is then there completely or not at all.

    Args:
        text: The result, with its last newline.
        out: The file; None or `-` means standard output.

    Raises:
        InputError: If the file cannot be written.
    """
    if _is_stdout(out):
        typer.echo(text, nl=False)
        return
    assert out is not None  # noqa: S101 - told apart above, for the type checker
    write_bytes(out, text.encode())


def write_table(table: RenderableType, out: Path | None) -> None:
    """Draw a rich renderable on standard output, in colour if that is a terminal, or as plain text into a file.

    Raises:
        InputError: If the file cannot be written.
    """
    if _is_stdout(out):
        terminal = Console(highlight=False)
        if terminal.is_terminal:
            terminal.print(table)
            return
    write_text(_plain(table, sys.stdout.encoding if _is_stdout(out) else "utf-8"), out)


def _plain(table: RenderableType, encoding: str) -> str:
    """Draw without colour, as wide as COLUMNS says, and with nothing that the encoding does not have."""
    sheet = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    width = os.environ.get("COLUMNS", "")
    paper = Console(file=sheet, width=int(width) if width.isdigit() else _WIDE, color_system=None, highlight=False)
    paper.print(table)
    sheet.seek(0)
    return "".join(line.rstrip() + "\n" for line in sheet.read().splitlines())


def _is_stdout(out: Path | None) -> bool:
    return out is None or str(out) == "-"
