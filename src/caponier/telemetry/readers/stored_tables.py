"""Tables in files that hold several: SQLite's databases, and the sheets of Excel's workbooks."""

import re
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from xml.etree import ElementTree

from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.readers.archives import is_workbook

SQLITE: Final = b"SQLite format 3\0"
SAMPLE: Final = 1_000
"""Rows by which the table is told that is a log."""
_WIDEST: Final = 2_000
_LONGEST: Final = 2**26
"""Bytes of a part of a workbook that is held whole."""
_MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATED: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DATES: Final = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""Numbers of the formats of dates and times that every workbook has."""
_IS_DATE: Final = re.compile(r"[ymdhs]", re.IGNORECASE)
_ASIDE: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_CELL: Final = re.compile(r"([A-Z]{1,3})\d+")
_BROKEN: Final = (OSError, zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError, IndexError, RuntimeError)


def holds_tables(path: Path) -> bool:
    """Tell whether a file holds tables with names."""
    try:
        # A pipe can be read only once.
        if not path.is_file():
            return False
        with path.open("rb") as raw:
            head = raw.read(len(SQLITE))
    except OSError:
        return False
    return head == SQLITE or (head.startswith(b"PK\x03\x04") and is_workbook(path))


def names_of_tables(path: Path) -> list[str]:
    """Return what the tables of a file are called.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        if is_workbook(path):
            with zipfile.ZipFile(path) as held:
                return list(_sheets(held))
        with closing(_database(path)) as base:
            told = base.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
            return [str(name) for (name,) in told]
    except (*_BROKEN, sqlite3.Error) as broken:
        raise InputError(f"cannot be read: {broken}", where=shown(path)) from broken


def read(path: Path, table: str) -> Iterator[Chunk]:
    """Yield the rows of one table, with their numbers from 1; in a sheet these are Excel's."""
    chunk = Chunk()
    try:
        for number, row in _sheet_rows(path, table) if is_workbook(path) else _table_rows(path, table):
            chunk.rows.append(row)
            chunk.lines.append(number)
            chunk.bytes_read += sum(len(value) if isinstance(value, str) else 8 for value in row.values())
            if chunk.full:
                yield chunk
                chunk = Chunk()
    except (*_BROKEN, sqlite3.Error) as broken:
        raise InputError(f"table {table!r} cannot be read: {broken}", where=shown(path)) from broken
    yield chunk


def _database(path: Path) -> sqlite3.Connection:
    # What its schema says of functions and views is somebody else's word.
    base = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)
    base.execute("pragma trusted_schema = off")
    base.text_factory = lambda data: data.decode("utf-8", "replace")
    return base


def _table_rows(path: Path, table: str) -> Iterator[tuple[int, Row]]:
    with closing(_database(path)) as base:
        # A name in quotes is one, whatever it is made of; no parameter can stand for it.
        found = base.execute(f'select * from "{table.replace(chr(34), 2 * chr(34))}"')  # noqa: S608
        names = [about[0] for about in found.description]
        for number, cells in enumerate(found, 1):
            pairs = zip(names, cells, strict=True)
            yield number, {name: cell for name, cell in pairs if cell is not None and not isinstance(cell, bytes)}


def _part(held: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if held.getinfo(name).file_size > _LONGEST:
        raise ValueError(f"{name} is larger than is read")
    text = held.read(name)
    if b"<!DOCTYPE" in text[:1_024]:
        raise ValueError(f"{name} declares types of its own")
    return ElementTree.fromstring(text)  # noqa: S314 - no types of its own, and not long


def _sheets(held: zipfile.ZipFile) -> dict[str, str]:
    """Return where the sheets stand, by name."""
    targets = {one.get("Id"): str(one.get("Target")) for one in _part(held, "xl/_rels/workbook.xml.rels")}
    sheets = _part(held, "xl/workbook.xml").iter(f"{_MAIN}sheet")
    found = {str(one.get("name")): targets.get(one.get(_RELATED), "") for one in sheets}
    return {name: at.lstrip("/") if at.startswith("/") else f"xl/{at}" for name, at in found.items() if at}


def _sheet_rows(path: Path, sheet: str) -> Iterator[tuple[int, Row]]:
    with zipfile.ZipFile(path) as held:
        parts = set(held.namelist())
        strings: Any = _part(held, "xl/sharedStrings.xml") if "xl/sharedStrings.xml" in parts else []
        texts = ["".join(one.text or "" for one in item.iter(f"{_MAIN}t")) for item in strings]
        dates = _date_styles(_part(held, "xl/styles.xml")) if "xl/styles.xml" in parts else set()
        about = _part(held, "xl/workbook.xml").find(f"{_MAIN}workbookPr")
        since = (
            datetime(1904, 1, 1)
            if about is not None and about.get("date1904") in ("1", "true")
            else datetime(1899, 12, 30)
        )
        names: dict[str, str] = {}
        where = _sheets(held)[sheet]
        with held.open(where) as stream:
            if b"<!DOCTYPE" in stream.read(1_024):
                raise ValueError(f"{where} declares types of its own")
        with held.open(where) as stream:
            for _, element in ElementTree.iterparse(stream):  # noqa: S314 - no types of its own
                if element.tag != f"{_MAIN}row":
                    continue
                cells = {_column(one): _value(one, texts, dates, since) for one in list(element)[:_WIDEST]}
                cells = {place: cell for place, cell in cells.items() if cell not in (None, "")}
                if not names:
                    names = {place: str(cell).strip() for place, cell in cells.items()} if len(cells) > 1 else {}
                elif cells:
                    yield int(element.get("r") or 0), {names[at]: cell for at, cell in cells.items() if at in names}
                element.clear()


def _date_styles(styles: ElementTree.Element) -> set[str]:
    """Return the numbers of the styles by which a number is shown as a date or a time."""
    own = {
        int(one.get("numFmtId") or 0)
        for one in styles.iter(f"{_MAIN}numFmt")
        if _IS_DATE.search(_ASIDE.sub("", one.get("formatCode") or ""))
    }
    formats = styles.find(f"{_MAIN}cellXfs")
    used = [int(one.get("numFmtId") or 0) for one in (formats if formats is not None else [])]
    return {str(place) for place, one in enumerate(used) if one in own or one in _DATES}


def _column(cell: ElementTree.Element) -> str:
    found = _CELL.fullmatch(cell.get("r") or "")
    if found is None:
        raise ValueError("a cell without a place")
    return found[1]


def _value(cell: ElementTree.Element, texts: list[str], dates: set[str], since: datetime) -> Any:
    kind = cell.get("t") or "n"
    if kind == "inlineStr":
        return "".join(one.text or "" for one in cell.iter(f"{_MAIN}t"))
    held = cell.findtext(f"{_MAIN}v")
    if held is None or kind == "e":
        return None
    if kind == "s":
        return texts[int(held)]
    if kind == "b":
        return held == "1"
    if kind != "n":
        return held
    number = float(held)
    if cell.get("s") in dates:
        # A day is a number; its milliseconds are rounded.
        return (since + timedelta(milliseconds=round(number * 86_400_000))).isoformat(" ")
    return int(number) if number.is_integer() else number
