"""Tables as comma-separated values, with line breaks within quotes: what the portals of Azure and Splunk export."""

import csv
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from caponier.telemetry.framing.query_structures import structure

LINES: Final = 2_000
"""Lines of one row. A quote that never ends must not swallow the rest of the log."""
_TIME: Final = re.compile(
    r"(?i)@?(?:[\w. ]{0,40}(?:time|timestamp|[_ ]at|ed_?at|dttm|[_ ]ts)"
    r"|timegenerated|timecreated|date|published|ts|when)"
    r"(?: ?[\[(](?:utc|local)[\])])?"
)
_BETWEEN: Final = ",\t;|"
"""What stands between cells; the first one that makes a header of a line counts."""
_NAME: Final = re.compile(r"[@#_]?[A-Za-z][\w .:\-/()\[\]#@]{0,79}")
"""A column where no comma tells the cells apart: a line of a log may hold a bar, too."""
_SAID: Final = re.compile(r"\d:\d\d|\d\.\d{1,3}\.\d|[\"={}]|\b(?:INFO|WARN|ERROR|HTTP/)|://")
"""What no column is called, and every line of a log holds: else whoever sends `a,time,b` first makes a table of one."""
_SENT: Final = re.compile(r"(?i)agent|referr?er")
"""Columns of what somebody sent, which is a text whatever it looks like."""
_LONGEST: Final = 256
"""Characters of a column."""
_BEFORE: Final = re.compile(r"#TYPE [\w.+#]{1,200}|sep=.")
"""What PowerShell and Excel write above a header."""
_ZONE: Final = re.compile(r" ?[\[(](?:UTC|Local)[\])]$", re.IGNORECASE)


def above(line: str) -> bool:
    """Tell whether a line stands above a header and says nothing of its columns."""
    return _BEFORE.fullmatch(line.strip().strip('"')) is not None


def header(line: str) -> list[str] | None:
    """Return the columns of a table whose header this line is; None if it is none."""
    found = columns(line)
    return found[0] if found else None


def columns(line: str) -> tuple[list[str], str] | None:
    """Return the columns of a table whose header this line is, and what stands between them; None if it is none."""
    for between in _BETWEEN:
        if between in line and (names := _columns(line, between)):
            return names, between
    return None


def _columns(line: str, between: str) -> list[str] | None:
    try:
        names = next(csv.reader([line], strict=True, delimiter=between), [])
    except csv.Error:
        return None
    plain = [_ZONE.sub("", name.strip()) for name in names]
    if len(plain) < 2 or len(set(plain)) != len(plain) or not all(plain):
        return None
    if any(len(name) > _LONGEST or _SAID.search(name) for name in plain):
        return None
    if between != "," and not all(map(_NAME.fullmatch, plain)):
        return None
    return plain if any(_TIME.fullmatch(name) for name in names) or any(map(_TIME.fullmatch, plain)) else None


class QuotedRows:
    """Puts lines together to rows.

    Args:
        names: The columns.
        limit: Characters of the longest row.
        between: What stands between cells.
    """

    def __init__(self, names: list[str], limit: int, between: str = ",") -> None:
        self._names, self._limit, self._between = names, limit, between
        self._held: list[tuple[int, str]] = []
        self._quotes = self._length = 0
        csv.field_size_limit(max(limit, csv.field_size_limit()))

    def feed(self, line: str, number: int) -> Iterator[tuple[int, dict[str, Any] | str]]:
        """Take a line; yield (number of the row's first line, row) where it ends one, or (number, why it is none)."""
        self._held.append((number, line))
        self._quotes += line.count('"')
        self._length += len(line) + 1
        if self._quotes % 2 and len(self._held) < LINES and self._length <= self._limit:
            return
        yield from self._released(self._row("\n".join(line for _, line in self._held)))

    def end(self) -> Iterator[tuple[int, dict[str, Any] | str]]:
        """Tell of a row that did not end."""
        if self._held:
            yield from self._released("bad CSV: the last row does not end")

    def _released(self, row: dict[str, Any] | str) -> Iterator[tuple[int, dict[str, Any] | str]]:
        """Yield what was held: as a row, or where it is none, line by line as a program wrote it that quotes nothing.

        One that quotes closes its quotes, whatever a cell holds; between tabs, where few do, a quote is a letter then.
        """
        held, self._held, self._quotes, self._length = self._held, [], 0, 0
        if isinstance(row, str) and self._between == "\t":
            bare = [(number, line.split("\t")) for number, line in held]
            if all(len(cells) == len(self._names) for _, cells in bare):
                yield from ((number, self._named(cells)) for number, cells in bare)
                return
        yield held[0][0], row

    def _row(self, text: str) -> dict[str, Any] | str:
        try:
            rows = list(csv.reader([text], strict=True, delimiter=self._between))
        except csv.Error as bad:
            return f"bad CSV: {bad}"
        cells = rows[0] if rows else []
        if len(rows) != 1 or len(cells) != len(self._names):
            return f"bad CSV: {len(cells)} cells where the header has {len(self._names)} columns"
        return self._named(cells)

    def _named(self, cells: list[str]) -> dict[str, Any]:
        named = zip(self._names, cells, strict=True)
        return {name: cell if _SENT.search(name) else _value(cell) for name, cell in named if cell}


def _value(cell: str) -> Any:
    """Read a cell that holds a JSON object or list, as the dynamic columns of Log Analytics do."""
    if cell[0] in "{[" and cell[-1] in "}]":
        try:
            return orjson.loads(cell)
        except orjson.JSONDecodeError:
            return structure(cell)
    return cell
