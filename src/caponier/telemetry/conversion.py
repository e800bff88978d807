"""Values of one column of a log to the type that the schema gives it, all of them or none.

A value's conversion never depends on its neighbours, so how a log is cut into chunks changes nothing.
"""

from collections.abc import Callable
from datetime import datetime
from itertools import chain
from typing import Any, Final

import orjson
import pyarrow as pa

from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry.float_lists import flattened, narrowed, whole

TIME: Final = EVENT_SCHEMA.field("time").type
WORDS: Final = {
    TIME: "RFC 3339 with a zone or whole epoch milliseconds",
    pa.list_(pa.float32()): "a list of numbers",
    pa.list_(pa.int32()): "a list of whole numbers",
    pa.map_(pa.string(), pa.float32()): "an object of numbers",
    pa.string(): "text",
    pa.float64(): "a number",
    pa.int32(): "a whole number",
    pa.int64(): "a whole number",
}
"""What a reason calls the types of the schema."""

Convert = Callable[[list[Any]], pa.Array]


class Unreadable:
    """Stands for a value that Python cannot hold, such as text that is not UTF-8."""

    def __repr__(self) -> str:
        return "no UTF-8, or out of range"

    __str__ = __repr__


def converter(kind: pa.DataType) -> Convert:
    """Return what makes a column of this type of a list of Python values, or raises if one of them does not fit."""
    if kind == TIME:
        return _times
    if pa.types.is_list(kind):
        return lambda values: cast(pa.array(values, pa.list_(pa.float64())), kind)
    if pa.types.is_integer(kind):
        # By way of float64: asked for whole numbers at once, Arrow would cut off fractions in silence.
        return lambda values: pa.array(values, pa.float64()).cast(kind)
    return lambda values: pa.array(values, kind)


def cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Make a column of this type of an Arrow array.

    Raises:
        pyarrow.ArrowException: If one of its values, or its type, does not fit.
    """
    if pa.types.is_string(kind):
        text = array.cast(kind)
        # Neither a Parquet file nor Arrow promises that text is UTF-8.
        text.validate(full=True)
        return text
    if array.type == kind:
        return array
    if pa.types.is_list(kind):
        return narrowed(flattened(array)) if pa.types.is_floating(kind.value_type) else whole(array)
    if kind == TIME:
        return _time_cast(array)
    return array.cast(kind)


def bent(name: str, value: Any, kind: pa.DataType) -> Any:
    """Bend one value that is right in substance, such as a number where a name is expected; else leave it alone."""
    if value is None or isinstance(value, Unreadable):
        return value
    if pa.types.is_string(kind):
        return _as_text(name, value)
    if kind == TIME:
        return value.strip().upper() if isinstance(value, str) else value
    if pa.types.is_list(kind) and isinstance(value, list):
        return _as_floats(value) if pa.types.is_floating(kind.value_type) else value
    if isinstance(value, str) and not pa.types.is_nested(kind):
        return _as_number(value, integer=pa.types.is_integer(kind))
    return value


def _times(values: list[Any]) -> pa.Array:
    """Read RFC 3339 texts, epoch milliseconds or datetimes, one form at a time; `bool` and `float` are none of them."""
    types = {type(value) for value in values if value is not None}
    if types <= {int}:
        return cast(pa.array(values, pa.int64()), TIME)
    if types == {str}:
        return cast(pa.array(values, pa.string()), TIME)
    if all(issubclass(kind, datetime) for kind in types):
        return pa.array(values, TIME)
    raise TypeError("no time")


def _time_cast(array: pa.Array) -> pa.Array:
    if pa.types.is_integer(array.type):
        array = array.cast(pa.int64()).cast(pa.timestamp("ms", tz="UTC"))
    elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        # Go and Java write nanoseconds, which a cast to microseconds would refuse.
        array = array.cast(pa.timestamp("ns", tz="UTC"))
    elif not pa.types.is_timestamp(array.type):
        raise pa.ArrowTypeError(f"{array.type} is no time")
    # Dividing rounds down and multiplying is checked, where an unsafe cast would overflow in silence.
    return array.cast(TIME, safe=array.type.unit != "ns")


def _as_text(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if name == "input_raw" and isinstance(value, list | dict):
        return _as_json(value)
    return value


def _as_json(value: Any) -> Any:
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return value


def _as_floats(values: list[Any]) -> list[Any]:
    """Flatten nested lists, and make floats of whole numbers that float64 does not hold exactly."""
    while values and all(isinstance(part, list) for part in values):
        values = list(chain.from_iterable(values))
    return [float(value) if isinstance(value, int) else value for value in values]


def _as_number(text: str, *, integer: bool) -> Any:
    try:
        return int(text) if integer else float(text)
    except ValueError:
        return text
