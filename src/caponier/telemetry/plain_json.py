"""JSON that every reader reads alike.

Of a key that stands twice in an object, one program takes the first value and another the last: whoever asks a model
that way shows the model one row and whoever looks at the request another. Such a document is no use as evidence.
Everything else that Python's `json` lets pass has one meaning only, or none, and is read: NaN, infinity, a byte-order
mark, UTF-16.
"""

import json
from typing import Any

import orjson


def loads(body: bytes | str) -> Any:
    """Read a JSON document.

    Raises:
        ValueError: If it is none, something stands behind it, or a key stands twice in an object.
        RecursionError: If it is nested too deeply.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body, object_pairs_hook=_once)
    text = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    # Every key has its colon. Where there are no more of them than the document accounts for, none was thrown away;
    # only where that cannot be told is the document read again, which takes ten times as long.
    if b"\\" in text or _colons(value) != text.count(b":"):
        json.loads(body, object_pairs_hook=_once)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key that stands twice")
    return made


def _colons(value: Any) -> int:
    """Count the colons of a document without escapes; lists that begin with neither text nor object are skipped."""
    if isinstance(value, dict):
        inside: int = sum(key.count(":") + _colons(part) for key, part in value.items())
        return len(value) + inside
    if isinstance(value, str):
        return value.count(":")
    if isinstance(value, list) and value and isinstance(value[0], dict | str):
        return sum(map(_colons, value))
    return 0
