"""JSON Lines, one event an object a line, also packed and on standard input; and JSON documents over many lines.

Records that something carries (`carried`) are taken out of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from caponier.formats.walk_files import shown
from caponier.telemetry import chunk as limits
from caponier.telemetry.chunk import Chunk
from caponier.telemetry.framing.blocks import ATTRIBUTES, holds_blocks, joined
from caponier.telemetry.framing.frames import Peeked, begins_document
from caponier.telemetry.framing.json_elements import Element, Elements
from caponier.telemetry.framing.json_objects import rows_of
from caponier.telemetry.readers import text
from caponier.telemetry.readers.carried import CarriedRecords
from caponier.telemetry.readers.json_columns import WantedColumns, columns_of
from caponier.telemetry.rejections import Rejection
from caponier.telemetry.streams import BLOCK, BOM, LINE_LIMIT, BrokenStreamError, Readable, lines, opened

_ARRAY: Final = b" \t\r,[]"
"""What stands around the objects of a list that has one a line."""
_LOOKED_AT: Final = 5


def read(path: Path, line_limit: int = LINE_LIMIT, wanted: WantedColumns | None = None) -> Iterator[Chunk]:
    """Yield chunks of JSON objects.

    Args:
        path: The file, or `-`.
        line_limit: Bytes of the longest line, or of the longest object of a document.
        wanted: Fields that are wanted, and no others: once somebody has said which, chunks are columns where they can.

    Raises:
        InputError: If the file cannot be opened.
    """
    held = _Held(shown(path), line_limit)
    with opened(path) as raw:
        stream = Peeked(raw)
        head = stream.peek()
        held.is_array = _is_array(head)
        if not held.is_array and begins_document(head, line_limit):
            yield from _document(stream, held)
            return
        found = lines(stream, line_limit, shortening=True)
        if not held.is_array and holds_blocks(head.removeprefix(BOM)):
            found = joined(found, line_limit, is_display=ATTRIBUTES in head)
        elif not held.is_array:
            held.carried.learn(head.removeprefix(BOM))
        try:
            for number, line in found:
                held.numbers.append(number)
                held.number = number
                held.lines.append(type(line)(line.strip(_ARRAY)) if line and held.is_array else line)
                held.size += len(line) if line else 0
                if len(held.lines) >= limits.CHUNK_ROWS or held.size >= limits.CHUNK_BYTES:
                    yield held.chunk(wanted, goes_on=True)
        except BrokenStreamError as broken:
            last = held.chunk(wanted)
            last.rejections.append(_broken(held.file, broken.line, broken))
            yield last
            return
    last = held.chunk(wanted)
    if left := held.carried.left():
        last.rejections.append(Rejection(held.file, held.number, left))
    yield last


def _broken(file: str, line: int, why: Exception) -> Rejection:
    return Rejection(file, line, f"the file is broken from here on: {why}")


def _is_array(head: bytes) -> bool:
    """Tell whether a file is a list with an object a line, which is read like JSON Lines."""
    first, *others = head.removeprefix(BOM).lstrip().split(b"\n", _LOOKED_AT)[:_LOOKED_AT]
    whole = [line.strip(_ARRAY) for line in others[:-1] if line.strip(_ARRAY)]
    return first.strip() == b"[" and bool(whole) and all(line[:1] == b"{" and _is_object(line) for line in whole)


def _is_object(line: bytes) -> bool:
    try:
        return len(rows_of(line)) == 1
    except ValueError:
        return False


def _document(stream: Readable, held: "_Held") -> Iterator[Chunk]:
    """Read objects that go over many lines."""
    cutter, chunk, first = Elements(held.limit), Chunk(), True
    while True:
        try:
            block = stream.read(BLOCK)
        except OSError as broken:
            chunk.rejections.append(_broken(held.file, cutter.line, broken))
            break
        for element in cutter.feed(block.removeprefix(BOM) if first else block) if block else cutter.end():
            held.take(chunk, element)
            if chunk.full:
                yield chunk
                chunk = Chunk()
        if not block:
            break
        first = False
    yield chunk


@dataclass
class _Held:
    """Lines that wait to be read together."""

    file: str
    limit: int
    numbers: list[int] = field(default_factory=list)
    lines: list[bytes | None] = field(default_factory=list)
    size: int = 0
    number: int = 1
    """Of the last line."""
    is_array: bool = False
    """Whether it is one list with an object a line."""
    carried: CarriedRecords = field(default_factory=CarriedRecords)

    def chunk(self, wanted: WantedColumns | None, *, goes_on: bool = False) -> Chunk:
        """Read what waits; where the log goes on, the last line too is as long as it will ever be."""
        numbers, waiting, size = self.numbers, self.lines, self.size
        self.numbers, self.lines, self.size = [], [], 0
        is_plain = bool(waiting) and {bytes}.issuperset(map(type, waiting)) and not self.carried.any
        if wanted and wanted.schema is not None and is_plain:
            there = [(number, line) for number, line in zip(numbers, waiting, strict=True) if line]
            batch = columns_of([line for _, line in there if line], wanted)
            if batch is not None:
                return Chunk(batch=batch, lines=[number for number, _ in there], bytes_read=size + len(waiting))
        chunk = Chunk()
        last = None if goes_on else self.number
        self.carried.may_break_off = True
        for number, line in zip(numbers, waiting, strict=True):
            if number == last:
                self.carried.may_break_off = False
            text.take(chunk, self.file, number, line, self.carried.rows, self.limit, self.carried.odd)
        return chunk

    def take(self, chunk: Chunk, element: Element) -> None:
        """Put an object of a document into a chunk."""
        if element.text is None:
            chunk.rejections.append(Rejection(self.file, element.line, element.problem or "bad JSON"))
        else:
            text.take(chunk, self.file, element.line, element.text, self.carried.rows, self.limit, self.carried.odd)
