"""JSON that every reader reads alike.

Of a key that stands twice in an object, one program takes the first value and another the last: whoever asks a model
that way shows the model one row and whoever looks at the request another. Such a document is no use as evidence.
Everything else that Python's `json` lets pass has one meaning only, or none, and is read: NaN, infinity, a byte-order
mark, UTF-16.
"""

import json
from dataclasses import replace
from typing import Any, Final

import orjson

from caponier.telemetry.body_limits import LIMITS, BodyLimits, UnreadError, check_json, check_objects

_NAMED: Final = (dict, str)
_HOLDERS: Final = (dict, str, list)
"""What may hold a colon, as the quick parser makes them."""
LONGEST: Final = 20
"""Digits, with a sign, of the numbers of 64 bits."""
COST_OF_PYTHON: Final = 2
"""Its parser takes up to twice the memory of the quick one, so that it may read half as much."""


def loads(body: bytes | str, limits: BodyLimits = LIMITS, *, once: bool = True) -> Any:
    """Read a JSON document.

    Args:
        body: The document.
        limits: What it may cost.
        once: Whether a key may stand in an object only once; else the last one counts.

    Raises:
        UnreadError: If it would cost more.
        ValueError: If it is none, something stands behind it, or a key stands twice in an object.
        RecursionError: If it is nested too deeply.
    """
    text = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    check_json(text, limits)
    if once:
        check_objects(text)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _carefully(text, limits, once)
    if not once:
        return value
    # Every key has its colon. Where there are no more of them than the document accounts for, none was thrown away;
    # only where that cannot be told is the document read again, which takes ten times as long.
    if b"\\" in text or _colons(value) != text.count(b":"):
        _carefully(text, limits, once)
    return value


def _carefully(text: bytes, limits: BodyLimits, once: bool) -> Any:
    """Read what the quick parser refuses, or may have read in one of several ways."""
    if len(text) > limits.expanded // COST_OF_PYTHON:
        raise UnreadError("too large to be read key by key, as JSON that is not strict has to be")
    check_json(text, replace(limits, numbers=limits.numbers // COST_OF_PYTHON))
    return json.loads(text, object_pairs_hook=_once if once else None, parse_int=whole_number)


def whole_number(digits: str) -> int | float:
    """Return a whole number, and of one that no machine holds what a float says of it, which may be infinity.

    Python's own may have thousands of digits, and whoever counts with one that is beyond floats fails.

    Raises:
        ValueError: If it is none, or has more digits than Python reads.
    """
    number = int(digits)
    return number if len(digits) <= LONGEST else float(digits)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key that stands twice")
    return made


def _colons(value: Any) -> int:
    """Count the colons of a document without escapes; lists that begin with neither text nor object are skipped."""
    # Every query passes through this: what can hold none is told by its type, without another call.
    kind = type(value)
    if kind is dict:
        found = len(value)
        for key, part in value.items():
            found += key.count(":")
            if type(part) in _HOLDERS:
                found += _colons(part)
        return found
    if kind is str:
        return int(value.count(":"))
    if kind is list and value and type(value[0]) in _NAMED:
        return sum(map(_colons, value))
    return 0
