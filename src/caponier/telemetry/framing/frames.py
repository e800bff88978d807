"""What a log file holds: JSON objects, events in XML, lines of text, or rows of a table.

It is told by its first bytes, not by its name.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from caponier.formats.walk_files import shown
from caponier.telemetry.chunk import CHUNK_BYTES, CHUNK_ROWS
from caponier.telemetry.framing import quoted_rows
from caponier.telemetry.framing.encodings import foreign
from caponier.telemetry.framing.json_elements import Element, Elements
from caponier.telemetry.framing.xml_events import XmlEvents, event_of, is_xml
from caponier.telemetry.rejections import Rejection
from caponier.telemetry.streams import (
    BLOCK,
    BOM,
    BrokenStreamError,
    Readable,
    Recoded,
    encoding_of,
    lines,
    opened,
)

_OPENS: Final = re.compile(rb"\{|\[\s*+(?:[\[{]|$)")
"""How objects begin; of lines of servers, which begin with a bracket, too, whoever asks them chooses how they go on."""
Value = dict[str, Any] | str | bytes
"""The row of a table, a line of text, or JSON as it stands there.

JSON is read by whoever makes an event of it, one after the other: thousands of nested objects alive at once cost
Python's garbage collector more time than reading them takes.
"""


@dataclass
class Frames:
    """Some of what a file holds, in its order."""

    values: list[Value] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """Where each of them begins, from 1."""
    rejections: list[Rejection] = field(default_factory=list)
    bytes_read: int = 0

    @property
    def full(self) -> bool:
        """Whether it is time for the next ones."""
        return len(self.values) + len(self.rejections) >= CHUNK_ROWS or self.bytes_read >= CHUNK_BYTES

    def add(self, line: int, value: Value) -> None:
        """Take one."""
        self.values.append(value)
        self.lines.append(line)


class Peeked:
    """A stream whose beginning was looked at."""

    def __init__(self, stream: Readable) -> None:
        self._stream, self._ahead = stream, b""
        self._broken: OSError | None = None

    def peek(self) -> bytes:
        """Return the first block, or what there is of it."""
        while self._broken is None and len(self._ahead) < BLOCK:
            try:
                more = self._stream.read(BLOCK - len(self._ahead))
            except OSError as broken:
                # What stands before the break is read first.
                self._broken = broken
                break
            if not more:
                break
            self._ahead += more
        return self._ahead

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes."""
        if self._ahead:
            part, self._ahead = self._ahead[:size], self._ahead[size:]
            return part
        if self._broken is not None:
            raise self._broken
        return self._stream.read(size)


def frames(path: Path, limit: int) -> Iterator[Frames]:
    """Yield what a file holds.

    Args:
        path: The file, or `-`; compressed or not.
        limit: Bytes of the longest line, object or row.

    Raises:
        InputError: If the file cannot be opened.
    """
    file = shown(path)
    with opened(path) as raw:
        stream, into = Peeked(raw), Frames()
        try:
            head = stream.peek()
            if what := foreign(head):
                yield Frames(rejections=[Rejection(file, 1, f"no log but {what}")])
                return
            if encoding := encoding_of(head):
                stream = Peeked(Recoded(stream, encoding))
            kind = _kind(stream.peek(), limit)
        except OSError as broken:
            yield Frames(rejections=[Rejection(file, 1, f"the file is broken from here on: {broken}")])
            return
        yield from kind(stream, file, limit, into)


def _kind(head: bytes, limit: int) -> Any:
    text = head.removeprefix(BOM).lstrip()
    if is_xml(text):
        return _xml
    if begins_document(head, limit):
        return _documents
    if text[:1] in (b"{", b"["):
        return _lines
    first, _, rest = text.partition(b"\n")
    line = first.decode("utf-8", "replace").rstrip("\r")
    if quoted_rows.above(line):
        line = rest.partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    return _table if quoted_rows.header(line) else _lines


def begins_document(head: bytes, limit: int) -> bool:
    """Tell by the first bytes of a file whether its objects go over several lines."""
    text = head.removeprefix(BOM).lstrip()
    return _OPENS.match(text) is not None and _is_document(text, limit, whole=len(head) < BLOCK)


def _is_document(text: bytes, limit: int, *, whole: bool) -> bool:
    """Tell whether objects go over several lines, or one line holds more than can be read at once."""
    first, newline, _ = text.partition(b"\n")
    if not newline:
        # Objects one after the other, without a line end between them.
        return not whole or (not _is_json(first) and _holds_several(first, limit))
    if _is_json(first):
        return False
    cutter = Elements(limit)
    list(cutter.feed(first))
    if not cutter.inside:
        return False
    found = next(Elements(limit).feed(text), None)
    if found is None:
        # A line that breaks off, and an object so large that its end is out of sight, begin alike.
        return (not whole and first.strip() in (b"{", b"[")) or first.strip() == b"["
    return found.text is not None and _is_json(found.text)


def _holds_several(text: bytes, limit: int) -> bool:
    found = list(Elements(limit).feed(text))
    return len(found) > 1 and all(one.text is not None and _is_json(one.text) for one in found)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


class _Cutter(Protocol):
    def feed(self, block: bytes) -> Iterator[Element]: ...

    def end(self) -> Iterator[Element]: ...


def _documents(stream: Readable, file: str, limit: int, into: Frames) -> Iterator[Frames]:
    return _cut(stream, file, Elements(limit), bytes, into)


def _xml(stream: Readable, file: str, limit: int, into: Frames) -> Iterator[Frames]:
    return _cut(stream, file, XmlEvents(limit), event_of, into)


def _cut(
    stream: Readable, file: str, cutter: _Cutter, read: Callable[[bytes], Value], into: Frames
) -> Iterator[Frames]:
    first = True
    while True:
        try:
            block = stream.read(BLOCK)
        except OSError as broken:
            into.rejections += _rejected(file, cutter.end())
            into.rejections.append(Rejection(file, 1, f"the file is broken from here on: {broken}"))
            break
        if not block:
            into.rejections += _rejected(file, cutter.end())
            break
        into.bytes_read += len(block)
        for element in cutter.feed(block.removeprefix(BOM) if first else block):
            _take(into, file, element, read)
            if into.full:
                yield into
                into = Frames()
        first = False
    yield into


def _take(into: Frames, file: str, element: Element, read: Callable[[bytes], Value]) -> None:
    if element.text is None:
        into.rejections += _rejected(file, iter([element]))
        return
    try:
        into.add(element.line, read(element.text))
    except ValueError as bad:
        into.rejections.append(Rejection(file, element.line, str(bad)))


def _rejected(file: str, elements: Iterator[Element]) -> list[Rejection]:
    return [Rejection(file, element.line, element.problem or "bad JSON") for element in elements]


def _lines(stream: Readable, file: str, limit: int, into: Frames) -> Iterator[Frames]:
    try:
        for number, line in lines(stream, limit):
            if line is None:
                into.rejections.append(Rejection(file, number, _too_long(limit)))
                continue
            into.bytes_read += len(line) + 1
            _take_line(into, number, line)
            if into.full:
                yield into
                into = Frames()
    except BrokenStreamError as broken:
        into.rejections.append(Rejection(file, broken.line, f"the file is broken from here on: {broken}"))
    yield into


def _take_line(into: Frames, number: int, line: bytes) -> None:
    plain = line.strip()
    if plain:
        into.add(number, plain if plain[:1] in (b"{", b"[") else line.decode("utf-8", "replace"))


def _table(stream: Readable, file: str, limit: int, into: Frames) -> Iterator[Frames]:
    rows: quoted_rows.QuotedRows | None = None
    try:
        for number, line in lines(stream, limit):
            if line is None:
                into.rejections.append(Rejection(file, number, _too_long(limit)))
                continue
            into.bytes_read += len(line) + 1
            text = line.decode("utf-8", "replace")
            if rows is None:
                if text.strip() and not quoted_rows.above(text):
                    names, between = quoted_rows.columns(text) or ([], ",")
                    rows = quoted_rows.QuotedRows(names, limit, between)
                continue
            if text.strip():
                _take_rows(into, file, rows.feed(text, number))
            if into.full:
                yield into
                into = Frames()
    except BrokenStreamError as broken:
        into.rejections.append(Rejection(file, broken.line, f"the file is broken from here on: {broken}"))
    if rows:
        _take_rows(into, file, rows.end())
    yield into


def _take_rows(into: Frames, file: str, found: Iterator[tuple[int, dict[str, Any] | str]]) -> None:
    for number, row in found:
        if isinstance(row, str):
            into.rejections.append(Rejection(file, number, row))
        else:
            into.add(number, row)


def _too_long(limit: int) -> str:
    return f"line too long: more than {limit:,} bytes"
