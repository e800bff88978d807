"""JSON Lines, one event an object a line; also `.gz`, `.zst` and standard input."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from caponier.telemetry.chunk import CHUNK_ROWS, Chunk
from caponier.telemetry.rejections import RAW_LIMIT, Rejection
from caponier.telemetry.streams import LINE_LIMIT, BrokenStreamError, lines, opened

CHUNK_BYTES = 8 * 2**20
"""A chunk ends here too, so that a log of large rows takes no more memory than one of small rows."""


def read(path: Path, line_limit: int = LINE_LIMIT) -> Iterator[Chunk]:
    """Yield chunks of JSON objects.

    Raises:
        InputError: If the file cannot be opened.
    """
    chunk = Chunk()
    with opened(path) as stream:
        try:
            for number, line in lines(stream, line_limit):
                _take(chunk, str(path), number, line, line_limit)
                if len(chunk.lines) >= CHUNK_ROWS or chunk.bytes_read >= CHUNK_BYTES or len(chunk.rejections) > 1000:
                    yield chunk
                    chunk = Chunk()
        except BrokenStreamError as broken:
            chunk.rejections.append(Rejection(str(path), 0, f"the file is broken from here on: {broken}"))
    yield chunk


def _take(chunk: Chunk, file: str, number: int, line: bytes | None, limit: int) -> None:
    if line is None:
        chunk.rejections.append(Rejection(file, number, f"line too long: more than {limit:,} bytes"))
        return
    chunk.bytes_read += len(line) + 1
    if not line.strip():
        return
    row, reason = _parsed(line)
    if reason is not None:
        chunk.rejections.append(Rejection(file, number, reason, line[:RAW_LIMIT].decode("utf-8", "replace")))
    else:
        chunk.rows.append(row)
        chunk.lines.append(number)


def _parsed(line: bytes) -> tuple[Any, str | None]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as bad:
        return None, f"bad JSON: {bad}"
    if not isinstance(row, dict):
        return None, f"bad JSON: expected an object, found {type(row).__name__}"
    return row, None
