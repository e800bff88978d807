"""CSV with a header row, and tables as the shells of databases print them.

Lists (`input`, `scores`, `input_shape`) are JSON text in their cell.

A quoted cell may go over several lines, as NumPy's arrays do. A quote that is broken costs its own line alone: where
the lines up to the next quote make no row of the header's length, each of them stands for itself.
"""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.records.event import REQUIRED
from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.framing.frames import Peeked
from caponier.telemetry.framing.usual_cells import UsualCells
from caponier.telemetry.framing.written_values import loaded
from caponier.telemetry.plain_json import whole_number
from caponier.telemetry.readers import text
from caponier.telemetry.readers.carried import CarriedRecords
from caponier.telemetry.readers.foreign_files import is_rule
from caponier.telemetry.rejections import LEFT_OPEN, QUOTE, TEXT, Rejection
from caponier.telemetry.streams import LINE_LIMIT, BrokenStreamError, lines, opened

LISTS: Final = ("input", "scores", "input_shape", "signals")
DELIMITERS: Final = (",", ";", "\t", "|")
MOST_LINES: Final = 2_000
"""Lines of one row."""
_QUOTED: Final = re.compile(rb'"[^"]*"')
"""A delimiter within quotes is none."""
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?")
_EPOCH: Final = re.compile(r"1\d{9}(?:\.\d{1,9})?|1\d{12}")
_NUMBER: Final = re.compile(r"-?\d{1,20}(?:[.,]\d{1,20})?(?:[eE][+-]?\d{1,3})?")
_VALUE: Final = re.compile(rf"{_MOMENT.pattern}|-?\d{{1,20}}\.\d{{1,20}}(?:[eE][+-]?\d{{1,3}})?")
"""What is no name of a column: a moment, or a number with a fraction."""
_COUNT: Final = re.compile(
    rb"\(\d{1,20} rows?\)\s{0,8}|\d{1,20} rows? in set(?:, \d+ warnings?)? \([\d.]+ sec\)\s{0,8}"
)
"""What psql and MySQL say below them."""
_BOXED: Final = b"\xe2\x94"
_BOX: Final = re.compile(rb"\xe2(?:\x94[\x80-\xbf]|\x95[\x80-\xbf])")
_DASHES: Final = (b"\xe2\x94\x80", b"\xe2\x94\x81", b"\xe2\x95\x90")
_TYPE: Final = re.compile(
    r"u?(?:tiny|small|big|huge)?int(?:eger)?|u?int\d{1,3}|varchar|double|float|real|boolean|timestamp.{0,20}|date|time"
    r"|decimal\(.{1,10}\)|json|uuid|blob|enum\(.*|map\(.*|struct\(.*|.{1,40}\[\d*\]"
)
_SHOWN: Final = 12
_CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f]")
_REMARK: Final = b"#"
_SEPARATOR: Final = b"sep="
"""How a line begins that tells Excel the delimiter."""


def read(path: Path, line_limit: int = LINE_LIMIT) -> Iterator[Chunk]:
    """Yield chunks of rows, with empty cells as absent.

    Raises:
        InputError: If the file cannot be opened, or its header cannot be read or names a column twice.
    """
    csv.field_size_limit(line_limit)
    names, form = _header(path, line_limit)
    return _chunks(path, _Table(names, form), line_limit)


def _chunks(path: Path, table: "_Table", limit: int) -> Iterator[Chunk]:
    joiner = _Joined(shown(path), table, limit)
    with opened(path) as stream:
        try:
            for number, line in lines(stream, limit, shortening=True):
                joiner.feed(number, line)
                if joiner.chunk.full:
                    yield joiner.taken()
        except BrokenStreamError as broken:
            joiner.end()
            reason = f"the file is broken from here on: {broken}"
            joiner.chunk.rejections.append(Rejection(joiner.file, broken.line, reason))
    joiner.end()
    yield joiner.taken()


class _Joined:
    """Puts the lines of a quoted cell together."""

    def __init__(self, file: str, table: "_Table", limit: int) -> None:
        self.file, self._table, self._limit = file, table, limit
        self.chunk = Chunk()
        self._held: list[tuple[int, bytes]] = []
        self._size = 0

    def taken(self) -> Chunk:
        """Return what was read since the last time."""
        chunk, self.chunk = self.chunk, Chunk()
        return chunk

    def feed(self, number: int, line: bytes | None) -> None:
        """Take a line."""
        odd = line is not None and line.count(b'"') % 2 == 1
        if line is None or not (self._held or odd):
            self.end()
            self._take(number, line)
            return
        self._held.append((number, line))
        self._size += len(line)
        if len(self._held) == 1:
            return
        if odd:
            whole = b"\n".join(one for _, one in self._held)
            if self._table.is_row(whole):
                first, _ = self._held[0]
                self._clear()
                self._take(first, whole)
            else:
                *others, last = self._held
                self._clear()
                self._each(others)
                self.feed(*last)
        elif len(self._held) >= MOST_LINES or self._size > self._limit:
            self.end()

    def end(self) -> None:
        """Take each line by itself that waits."""
        held = self._held
        self._clear()
        self._each(held)

    def _each(self, held: list[tuple[int, bytes]]) -> None:
        for number, line in held:
            self._take(number, line)

    def _take(self, number: int, line: bytes | None) -> None:
        text.take(self.chunk, self.file, number, line, self._table, self._limit, self._table.odd)

    def _clear(self) -> None:
        self._held, self._size = [], 0


class _Form(NamedTuple):
    """How the lines of a table are written, which its header tells."""

    delimiter: str
    is_old: bool
    """Whether in the letters of old programs, where a line is no UTF-8."""
    is_drawn: bool
    """Whether with bars between blanks, as psql and MySQL print tables."""
    header: bytes
    """The line of the names, as it stands there."""


class _Table:
    """Takes the rows of one file; the first one that is not empty is the header, which is known already."""

    def __init__(self, names: list[str], form: "_Form") -> None:
        self._names, self._form = names, form
        self._begun = False
        self._carried = CarriedRecords()
        self.odd = self._carried.odd
        """What was odd about rows since somebody took note of it."""
        self._usual = UsualCells(len(names))
        # Of a table in another form nothing is known yet: its cells stay as they are.
        self._lists = [name for name in LISTS if name in names] if set(REQUIRED) <= set(names) else []

    def __call__(self, line: bytes) -> list[Row]:
        line = _of_box(line) if self._form.is_drawn else line
        if not self._begun:
            # Remarks may stand before the names, and these may begin as a remark does.
            self._begun = line == self._form.header or not (_is_aside(line) or line.startswith(_REMARK))
            return []
        if self._form.is_drawn and (is_rule(line) or _COUNT.fullmatch(line)):
            return []
        cells = self._cells_of(line)
        if self._form.is_drawn and all(map(_TYPE.fullmatch, cells)):
            # DuckDB says below the names of which type each is.
            return []
        if len(cells) > len(self._names):
            cells = self._usual.fitted(cells, self._form.delimiter)
            if len(cells) == len(self._names):
                self.odd.add(LEFT_OPEN)
        elif self._usual.is_learning:
            self._usual.see(cells)
        if len(cells) != len(self._names):
            raise ValueError(f"bad CSV: {len(cells)} cells where the header has {len(self._names)} columns")
        row: Row = {name: cell for name, cell in zip(self._names, cells, strict=True) if cell}
        for name in self._lists:
            if name in row:
                row[name] = loaded(row[name]) or row[name]
        if "time" in row and row["time"].lstrip("-").isdecimal():
            row["time"] = whole_number(row["time"])
        return self._carried.of_table(row)

    def _cells_of(self, line: bytes) -> list[str]:
        """Return the cells of a line, whatever a caller had written into one of them.

        Raises:
            ValueError: If there are none.
        """
        try:
            cells = _row_cells(line, self._form)
            if b"\r" not in line:
                return cells
        except ValueError:
            pass
        sound = _CONTROL.sub("\ufffd", line.decode("utf-8", "replace"))
        self.odd.add(QUOTE if sound.encode() == line else TEXT)
        cells = next(csv.reader([sound], delimiter=self._form.delimiter), [])
        # A quote that stands alone is a letter.
        return cells if len(cells) >= len(self._names) else sound.split(self._form.delimiter)

    def is_row(self, line: bytes) -> bool:
        """Tell whether lines together are one row."""
        try:
            sound = line if _is_utf8(line) else line.decode("utf-8", "replace").encode()
            return len(_row_cells(line if self._form.is_old else sound, self._form)) == len(self._names)
        except ValueError:
            return False


def _header(path: Path, limit: int) -> tuple[list[str], "_Form"]:
    """Return the names in the header, and the delimiter that makes most of them: commas, where none does.

    A header that is no UTF-8 was written by an old program, such as Excel, in Windows' letters.
    """
    try:
        head, line = _first_line(path, limit)
        header, line = line, _unmarked(line)
        bare = _QUOTED.sub(b"", line)
        delimiter = max(DELIMITERS, key=lambda one: bare.count(one.encode()))
        form = _Form(delimiter, _is_old(head, line), delimiter == "|" and b" | " in bare, header)
        names = _row_cells(line, form)
        if len(names) == 1:
            form = form._replace(delimiter=",", is_drawn=False)
            names = _row_cells(line, form)
    except ValueError as bad:
        raise InputError(f"has no header that can be read: {bad}", where=str(path)) from bad
    if any(_VALUE.fullmatch(name.strip()) for name in names):
        raise InputError(
            f"has no names of columns: its first line holds values, such as {_first_value(names)!r}",
            where=str(path),
            hint=f"Name them in a line of their own, in this order: {_suggested(names, form.delimiter)}",
        )
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        hint = f"Call one of them {twice}_2 in the header: which of the two is meant cannot be told."
        raise InputError(f"two columns have the same name: {twice!r}", where=str(path), hint=hint)
    return names, form


def _first_value(names: list[str]) -> str:
    return next(name for name in names if _VALUE.fullmatch(name.strip()))[:40]


def _suggested(names: list[str], delimiter: str) -> str:
    """Return a header that could be meant, for somebody to put right."""
    made: list[str] = []
    for place, cell in enumerate(names):
        text = cell.strip()
        is_time = _MOMENT.fullmatch(text) is not None or _EPOCH.fullmatch(text) is not None
        made.append("time" if is_time and "time" not in made else f"x{place}" if _NUMBER.fullmatch(text) else "")
    texts = [place for place, name in enumerate(made) if not name]
    # Who asked stands at the front of most logs, and what was answered at the end.
    for place in texts:
        made[place] = "label" if place == texts[-1] else "user_id" if place == texts[0] else f"text{place}"
    return delimiter.join(made[:_SHOWN]) + (" …" if len(made) > _SHOWN else "")


def _is_aside(line: bytes) -> bool:
    """Tell whether a line stands before the header: a remark, or the word to Excel which delimiter follows."""
    is_remark = line.startswith(_REMARK) and not any(one.encode() in line for one in DELIMITERS)
    return is_remark or line.startswith(_SEPARATOR) or is_rule(line)


def _first_line(path: Path, limit: int) -> tuple[bytes, bytes]:
    """Return how a table begins, and the line that names its columns: the first one that is no remark.

    Of remarks the last one is it where it has as many cells as the line of values below it.
    """
    remark = b""
    with opened(path) as raw:
        stream = Peeked(raw)
        head = stream.peek()
        try:
            for _, line in lines(stream, limit):
                if line is None:
                    raise ValueError(f"line too long: more than {limit:,} bytes")
                line = _of_box(line)
                if not line or line.isspace() or _is_aside(line):
                    continue
                if not line.startswith(_REMARK):
                    return head, remark if _names(remark, line) else line
                remark = line
        except BrokenStreamError:
            # Reading the rows comes to the same place, and says so.
            pass
    return head, remark


def _names(remark: bytes, line: bytes) -> bool:
    """Tell whether a remark names the columns of the line of values below it."""
    counts = [(line.count(one.encode()), remark.count(one.encode()), one) for one in DELIMITERS]
    found, said, delimiter = max(counts)
    cells = line.decode("utf-8", "replace").split(delimiter)
    has_values = any(_VALUE.fullmatch(cell.strip()) or _NUMBER.fullmatch(cell.strip()) for cell in cells)
    return bool(remark) and found == said > 0 and has_values


def _unmarked(header: bytes) -> bytes:
    """Return the names of columns without the sign of a remark before them; a column may be called so, too."""
    bare = header.lstrip(_REMARK).lstrip(b" ")
    return bare if header.startswith(_REMARK) and not bare.startswith(tuple(map(str.encode, DELIMITERS))) else header


def _of_box(line: bytes) -> bytes:
    """Return a line of a table that is drawn with the signs for boxes as it would be drawn with plain ones."""
    return _BOX.sub(lambda sign: b"-" if sign[0] in _DASHES else b"|", line) if line[:2] == _BOXED else line


def _row_cells(line: bytes, form: _Form) -> list[str]:
    if form.is_drawn:
        bare = _decoded(line, old=form.is_old).strip().removeprefix("|").removesuffix("|")
        return [cell.strip() for cell in bare.split("|")]
    return _cells(line, form.delimiter, old=form.is_old)


def _decoded(line: bytes, *, old: bool) -> str:
    """Read a line as UTF-8; as Windows' letters only where the header is written in them."""
    return line.decode("cp1252") if old and not _is_utf8(line) else line.decode()


def _is_old(head: bytes, header: bytes) -> bool:
    """Tell whether a table is in Windows' letters: its header is, or, where that has only plain ones, its first rows.

    Where any of these has other letters in UTF-8, a line that is none was broken, or is a caller's.
    """
    if not header.isascii():
        return not _is_utf8(header)
    strange = [one for one in head.removesuffix(b"\n").split(b"\n") if not one.isascii()]
    return len(strange) > 1 and not any(map(_is_utf8, strange))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _cells(line: bytes, delimiter: str, *, old: bool = False) -> list[str]:
    try:
        text = _decoded(line, old=old)
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), [])
    except (csv.Error, UnicodeDecodeError) as bad:
        raise ValueError(f"bad CSV: {bad}") from bad
