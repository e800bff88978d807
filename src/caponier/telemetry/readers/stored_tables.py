"""Tables in files that hold several: SQLite's databases, and the sheets of Excel's workbooks."""

import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from warnings import catch_warnings, simplefilter
from xml.etree.ElementTree import ParseError

from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.readers.archives import is_workbook

_WIDEST: Final = 2_000
_LONGEST: Final = 2**26
"""Bytes of a part of a workbook that is held whole."""
_BROKEN: Final = (
    OSError,
    RuntimeError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    ParseError,
    zipfile.BadZipFile,
)
"""What the reader of workbooks raises over broken ones."""


def names_of_tables(path: Path) -> list[str]:
    """Return what the tables of a file are called.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        if is_workbook(path):
            with _sheets(path) as book:
                return [sheet.title for sheet in book.worksheets]
        with closing(_database(path)) as base:
            # Tables of extensions have no rows of their own, and the extension may not be there.
            told = base.execute(
                "select name from sqlite_master where type = 'table' and rootpage > 0 and name not like 'sqlite_%'"
            )
            return [str(name) for (name,) in told]
    except (*_BROKEN, sqlite3.Error) as broken:
        raise InputError(f"cannot be read: {broken}", where=shown(path), hint=_instead(path)) from broken


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
        raise InputError(
            f"table {table!r} cannot be read: {broken}", where=shown(path), hint=_instead(path)
        ) from broken
    yield chunk


def _instead(path: Path) -> str:
    if is_workbook(path):
        return "Open it in a spreadsheet program, and save the sheet as CSV"
    return f"See what can be saved: sqlite3 {shown(path)} .recover, then sqlite3 -json of the new file"


def _database(path: Path) -> sqlite3.Connection:
    where = path.resolve()
    # Without a journal beside it nobody writes to it now: to look at it must not make one, which evidence would have
    # more of then, and a folder that nobody may write to has no room for.
    alone = not any(where.with_name(f"{where.name}{journal}").exists() for journal in ("-wal", "-journal"))
    base = sqlite3.connect(f"file:{quote(str(where))}?mode=ro{'&immutable=1' * alone}", uri=True)
    # What its schema says of functions and views is somebody else's word.
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


@contextmanager
def _sheets(path: Path) -> Iterator[Any]:
    """Open a workbook, none of whose parts but the sheets is long: those alone are read row by row."""
    # With it comes a library for pictures, wherever there is one: that is for those who have a workbook.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    with zipfile.ZipFile(path) as held:
        for part in held.infolist():
            if part.file_size > _LONGEST and not part.filename.startswith("xl/worksheets/"):
                raise ValueError(f"{part.filename} is larger than is read")
    # Opened here: of a broken one the reader would leave it open.
    with path.open("rb") as raw:
        with catch_warnings():
            # It warns of styles that are not there, and nobody needs.
            simplefilter("ignore")
            # Without links; formulas as the values that they had.
            try:
                book = load_workbook(raw, read_only=True, data_only=True, keep_links=False)
            except InvalidFileException as wrong:
                raise ValueError(str(wrong)) from wrong
        with closing(book):
            yield book


def _sheet_rows(path: Path, sheet: str) -> Iterator[tuple[int, Row]]:
    with _sheets(path) as book:
        names: dict[int, str] = {}
        # The size that a sheet claims to have is somebody's word, and often wrong.
        book[sheet].reset_dimensions()
        for number, cells in enumerate(book[sheet].iter_rows(max_col=_WIDEST, values_only=True), 1):
            said = {at: _value(cell) for at, cell in enumerate(cells) if cell not in (None, "")}
            if not names:
                # One cell alone is a title.
                names = {at: str(cell).strip() for at, cell in said.items()} if len(said) > 1 else {}
            elif said:
                yield number, {names[at]: cell for at, cell in said.items() if at in names}


def _value(cell: Any) -> Any:
    if isinstance(cell, datetime | date | time):
        return cell.isoformat(" ") if isinstance(cell, datetime) else cell.isoformat()
    return cell.total_seconds() if isinstance(cell, timedelta) else cell
