"""Values that stand in an object with the name of their type, as exports of databases and loggers write them.

MongoDB's extended JSON, Firestore's documents, and moments of Java's loggers and of protocol buffers. A row is looked
into only where one of its own fields is such a value: what a caller sent stays as it came in any other log.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from caponier.telemetry.chunk import Row
from caponier.telemetry.framing.stamps import EPOCH
from caponier.telemetry.plain_json import whole_number

DEEPEST: Final = 16
LONGEST_SPAN: Final = 100_000_000
"""Seconds, three years: so long takes no answer, and no log is of 1973."""
_DOCUMENT: Final = "fields"
_MOMENTS: Final = (frozenset(("epochSecond", "nanoOfSecond")), frozenset(("seconds", "nanos")))
_PLAIN: Final = (
    *("$oid", "$symbol", "$uuid", "$numberDecimal"),
    *("stringValue", "booleanValue", "timestampValue", "referenceValue", "bytesValue"),
)
_NUMBERS: Final[dict[str, Callable[[str], float]]] = {
    "$numberInt": whole_number,
    "$numberLong": whole_number,
    "$numberDouble": float,
    "integerValue": whole_number,
    "doubleValue": float,
}
_HOLDING: Final = ("$date", "mapValue", "arrayValue", "nullValue")
TYPES: Final = frozenset((*_PLAIN, *_NUMBERS, *_HOLDING))


def is_typed(value: Any) -> bool:
    """Tell whether a value stands with the name of its type."""
    if type(value) is not dict or not 0 < len(value) <= 2:
        return False
    return next(iter(value)) in TYPES if len(value) == 1 else value.keys() in _MOMENTS and not _is_span(value)


def _is_span(value: Row) -> bool:
    """Tell whether it is how long something took: protocol buffers write that as they do a moment."""
    try:
        return int(value.get("seconds", LONGEST_SPAN)) < LONGEST_SPAN
    except (TypeError, ValueError, OverflowError):
        return False


def has_typed(row: Row) -> bool:
    """Tell whether a row holds such values: among its fields, or as the fields of a document."""
    objects = [one for one in row.values() if type(one) is dict]
    return any(is_typed(one) or _is_frame(one) for one in objects) or _is_document(row) or _is_boxed(row)


def untyped(row: Row) -> Row:
    """Return a row with plain values; of a document its fields, with the time at which it was stored if it names none.

    Args:
        row: One that `has_typed`.
    """
    if _is_boxed(row):
        return {name: _unboxed(one) for name, one in row.items()}
    if any(map(_is_frame, row.values())):
        return {name: _by_row(one) for name, one in row.items()}
    if _is_document(row):
        fields = {str(name): _value(one, 0) for name, one in row[_DOCUMENT].items()}
        return {**fields, **({"stored": row["createTime"]} if "createTime" in row else {})}
    return {name: _value(one, 0) for name, one in row.items()}


def _is_document(row: Row) -> bool:
    held = row.get(_DOCUMENT)
    return type(held) is dict and bool(held) and all(map(is_typed, held.values()))


def _is_frame(value: Any) -> bool:
    """Tell whether a value is a data frame by column, `{"age": {"0": 33}, "city": {"0": "Bern"}}`, as pandas does."""
    if type(value) is not dict or not value:
        return False
    first = next(iter(value.values()))
    return (
        type(first) is dict
        and next(iter(first), None) == "0"
        and all(type(one) is dict and one.keys() == first.keys() for one in value.values())
        and _is_index(first)
        and not _is_index(value)
    )


def _is_index(value: Row) -> bool:
    return all(key == str(at) for at, key in enumerate(value))


def _by_row(value: Any) -> Any:
    """Return a frame as its rows, and a series beside it as its values; one alone as itself."""
    if _is_frame(value):
        first = next(iter(value.values()))
        rows = [{name: column[at] for name, column in value.items()} for at in first]
        return rows[0] if len(rows) == 1 else rows
    if type(value) is dict and value and next(iter(value)) == "0" and _is_index(value):
        held = list(value.values())
        return held[0] if len(held) == 1 else held
    return value


def _is_boxed(row: Row, depth: int = 0) -> bool:
    """Tell whether each value stands in a list of its own, as R writes a row."""
    return (
        len(row) > 1
        and depth <= DEEPEST
        and all(
            (type(held) is list and len(held) == 1) or (type(held) is dict and _is_boxed(held, depth + 1))
            for held in row.values()
        )
    )


def _unboxed(held: Any) -> Any:
    return {name: _unboxed(one) for name, one in held.items()} if isinstance(held, dict) else held[0]


def _value(held: Any, depth: int) -> Any:
    if depth > DEEPEST:
        return None
    if isinstance(held, list):
        return [_value(one, depth + 1) for one in held]
    if not isinstance(held, dict):
        return held
    if not is_typed(held):
        return {name: _value(one, depth + 1) for name, one in held.items()}
    if len(held) > 1:
        return _moment(held.get("epochSecond", held.get("seconds")), held.get("nanoOfSecond", held.get("nanos")))
    ((kind, inner),) = held.items()
    if kind in _NUMBERS:
        try:
            return _NUMBERS[kind](str(inner))
        except (TypeError, ValueError, OverflowError):
            return None
    if kind == "$date":
        return _value(inner, depth + 1)
    if kind == "mapValue":
        fields = inner.get(_DOCUMENT) if isinstance(inner, dict) else None
        return {name: _value(one, depth + 1) for name, one in fields.items()} if isinstance(fields, dict) else {}
    if kind == "arrayValue":
        values = inner.get("values") if isinstance(inner, dict) else None
        return [_value(one, depth + 1) for one in values] if isinstance(values, list) else []
    return None if kind == "nullValue" else inner


def _moment(seconds: Any, nanos: Any) -> str | None:
    try:
        stamp = EPOCH + timedelta(seconds=int(seconds), microseconds=int(nanos) // 1_000)
    except (TypeError, ValueError, OverflowError):
        return None
    return stamp.isoformat()
