"""CSV with a header row; lists (`input`, `scores`, `input_shape`) are JSON text in their cell.

One event a line: a quoted line break would make a broken quote swallow the rest of the log, so it is not supported.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

from caponier.errors import InputError
from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.readers import text
from caponier.telemetry.streams import LINE_LIMIT, BrokenStreamError, lines, opened

LISTS: Final = ("input", "scores", "input_shape", "signals")


def read(path: Path, line_limit: int = LINE_LIMIT) -> Iterator[Chunk]:
    """Yield chunks of rows, with empty cells as absent.

    Raises:
        InputError: If the file cannot be opened, or its header cannot be read or names a column twice.
    """
    csv.field_size_limit(line_limit)
    return text.chunks(path, _Table(_header(path, line_limit)), line_limit)


class _Table:
    """Takes the lines of one file; the first one that is not empty is the header, which is known already."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._begun = False

    def __call__(self, line: bytes) -> list[Row]:
        if not self._begun:
            self._begun = True
            return []
        cells = _cells(line)
        if len(cells) != len(self._names):
            raise ValueError(f"bad CSV: {len(cells)} cells where the header has {len(self._names)} columns")
        row: Row = {name: cell for name, cell in zip(self._names, cells, strict=True) if cell}
        for name in LISTS:
            if name in row:
                row[name] = _parsed(name, row[name])
        if "time" in row and row["time"].lstrip("-").isdecimal():
            row["time"] = int(row["time"])
        return [row]


def _header(path: Path, limit: int) -> list[str]:
    try:
        names = _cells(_first_line(path, limit))
    except ValueError as bad:
        raise InputError(f"has no header that can be read: {bad}", where=str(path)) from bad
    if len(set(names)) != len(names):
        raise InputError("two columns have the same name", where=str(path))
    return names


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


def _cells(line: bytes) -> list[str]:
    try:
        return next(csv.reader([line.decode()], strict=True), [])
    except (csv.Error, UnicodeDecodeError) as bad:
        raise ValueError(f"bad CSV: {bad}") from bad


def _parsed(name: str, cell: str) -> object:
    try:
        return orjson.loads(cell)
    except orjson.JSONDecodeError as bad:
        raise ValueError(f"bad CSV: {name} is no JSON: {bad}") from bad
