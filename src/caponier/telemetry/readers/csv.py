"""CSV with a header row; lists (`input`, `scores`, `input_shape`) are JSON text in their cell.

One event a line: a quoted line break would make a broken quote swallow the rest of the log, so it is not supported.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

from caponier.errors import InputError
from caponier.records.event import REQUIRED
from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.readers import text
from caponier.telemetry.streams import LINE_LIMIT, BrokenStreamError, lines, opened

LISTS: Final = ("input", "scores", "input_shape", "signals")
DELIMITERS: Final = (",", ";", "\t", "|")


def read(path: Path, line_limit: int = LINE_LIMIT) -> Iterator[Chunk]:
    """Yield chunks of rows, with empty cells as absent.

    Raises:
        InputError: If the file cannot be opened, or its header cannot be read or names a column twice.
    """
    csv.field_size_limit(line_limit)
    names, delimiter = _header(path, line_limit)
    return text.chunks(path, _Table(names, delimiter), line_limit)


class _Table:
    """Takes the lines of one file; the first one that is not empty is the header, which is known already."""

    def __init__(self, names: list[str], delimiter: str) -> None:
        self._names, self._delimiter = names, delimiter
        self._begun = False
        # Of a table in another form nothing is known yet: its cells stay as they are.
        self._lists = [name for name in LISTS if name in names] if set(REQUIRED) <= set(names) else []

    def __call__(self, line: bytes) -> list[Row]:
        if not self._begun:
            self._begun = True
            return []
        cells = _cells(line, self._delimiter)
        if len(cells) != len(self._names):
            raise ValueError(f"bad CSV: {len(cells)} cells where the header has {len(self._names)} columns")
        row: Row = {name: cell for name, cell in zip(self._names, cells, strict=True) if cell}
        for name in self._lists:
            if name in row:
                row[name] = _parsed(name, row[name])
        if "time" in row and row["time"].lstrip("-").isdecimal():
            row["time"] = int(row["time"])
        return [row]


def _header(path: Path, limit: int) -> tuple[list[str], str]:
    """Return the names in the header, and the delimiter that makes most of them: commas, where none does."""
    try:
        line = _first_line(path, limit)
        delimiter = max(DELIMITERS, key=lambda one: line.count(one.encode()))
        names = _cells(line, delimiter)
        if len(names) == 1:
            names, delimiter = _cells(line, ","), ","
    except ValueError as bad:
        raise InputError(f"has no header that can be read: {bad}", where=str(path)) from bad
    if len(set(names)) != len(names):
        raise InputError("two columns have the same name", where=str(path))
    return names, delimiter


def _first_line(path: Path, limit: int) -> bytes:
    with opened(path) as stream:
        try:
            for _, line in lines(stream, limit):
                if line is None:
                    raise ValueError(f"line too long: more than {limit:,} bytes")
                if line and not line.isspace():
                    return line
        except BrokenStreamError:
            # Reading the rows comes to the same place, and says so.
            pass
    return b""


def _cells(line: bytes, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.decode()], delimiter=delimiter, strict=True), [])
    except (csv.Error, UnicodeDecodeError) as bad:
        raise ValueError(f"bad CSV: {bad}") from bad


def _parsed(name: str, cell: str) -> object:
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError as bad:
        raise ValueError(f"bad CSV: {name} is no JSON: {bad}") from bad
