"""JSON Lines, one event an object a line; also `.gz`, `.zst` and standard input."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.readers import text
from caponier.telemetry.streams import LINE_LIMIT

PARTS: Final = 2**17
"""Lists and objects on one line; a 224 x 224 image of pixels as lists has 50,401. Each takes 60 bytes in memory."""


def read(path: Path, line_limit: int = LINE_LIMIT) -> Iterator[Chunk]:
    """Yield chunks of JSON objects.

    Raises:
        InputError: If the file cannot be opened.
    """
    return text.chunks(path, _rows, line_limit)


def _rows(line: bytes) -> list[Row]:
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
