"""The objects of a line of JSON."""

import re
from typing import Final

import orjson

from caponier.telemetry.chunk import Row

PARTS: Final = 2**17
"""Lists and objects on one line; a 224 x 224 image of pixels as lists has 50,401. Each takes 60 bytes in memory."""


_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def _parts(text: bytes) -> int:
    return text.count(b"[") + text.count(b"{")


def rows_of(text: bytes | str) -> list[Row]:
    """Return the object that a text is, or those of a list.

    Raises:
        ValueError: If it holds anything else.
    """
    line = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    if len(line) > PARTS and _parts(line) > PARTS and _parts(_TEXT.sub(b"", line)) > PARTS:
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
