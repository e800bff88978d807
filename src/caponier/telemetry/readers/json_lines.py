"""JSON Lines, one event an object a line; also `.gz`, `.zst` and standard input."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from caponier.formats.walk_files import shown
from caponier.telemetry import chunk as limits
from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.readers import text
from caponier.telemetry.readers.json_columns import WantedColumns, columns_of
from caponier.telemetry.rejections import Rejection
from caponier.telemetry.streams import LINE_LIMIT, BrokenStreamError, lines, opened

PARTS: Final = 2**17
"""Lists and objects on one line; a 224 x 224 image of pixels as lists has 50,401. Each takes 60 bytes in memory."""


def read(path: Path, line_limit: int = LINE_LIMIT, wanted: WantedColumns | None = None) -> Iterator[Chunk]:
    """Yield chunks of JSON objects.

    Args:
        path: The file, or `-`.
        line_limit: Bytes of the longest line that is read.
        wanted: Fields that are wanted, and no others: once somebody has said which, chunks are columns where they can.

    Raises:
        InputError: If the file cannot be opened.
    """
    if wanted is None:
        yield from text.chunks(path, rows_of, line_limit)
        return
    held = _Held(shown(path), line_limit)
    with opened(path) as stream:
        try:
            for number, line in lines(stream, line_limit):
                held.numbers.append(number)
                held.lines.append(line)
                held.size += len(line) if line else 0
                if len(held.lines) >= limits.CHUNK_ROWS or held.size >= limits.CHUNK_BYTES:
                    yield held.chunk(wanted)
        except BrokenStreamError as broken:
            last = held.chunk(wanted)
            last.rejections.append(Rejection(held.file, broken.line, f"the file is broken from here on: {broken}"))
            yield last
            return
    yield held.chunk(wanted)


@dataclass
class _Held:
    """Lines that wait to be read together."""

    file: str
    limit: int
    numbers: list[int] = field(default_factory=list)
    lines: list[bytes | None] = field(default_factory=list)
    size: int = 0

    def chunk(self, wanted: WantedColumns) -> Chunk:
        """Read what waits."""
        numbers, waiting, size = self.numbers, self.lines, self.size
        self.numbers, self.lines, self.size = [], [], 0
        if wanted.schema is not None and waiting and None not in waiting:
            there = [(number, line) for number, line in zip(numbers, waiting, strict=True) if line]
            batch = columns_of([line for _, line in there if line], wanted)
            if batch is not None:
                return Chunk(batch=batch, lines=[number for number, _ in there], bytes_read=size + len(waiting))
        chunk = Chunk()
        for number, line in zip(numbers, waiting, strict=True):
            text.take(chunk, self.file, number, line, rows_of, self.limit)
        return chunk


def rows_of(line: bytes) -> list[Row]:
    """Return the objects of a line.

    Raises:
        ValueError: If it holds anything else.
    """
    if len(line) > PARTS and line.count(b"[") + line.count(b"{") > PARTS:
        raise ValueError(f"bad JSON: more than {PARTS:,} lists and objects")
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as bad:
        raise ValueError(f"bad JSON: {bad}") from bad
    # Loggers that write in batches, such as the one of KServe, put an array of objects on a line.
    rows = value if isinstance(value, list) else [value]
    for row in rows:
        if not isinstance(row, dict):
            raise ValueError(f"bad JSON: expected an object, found {type(row).__name__}")
    return rows
