"""Raw rows to columns of the event schema, with a reason for every row that does not fit.

Whole columns are converted at once; a column that fails is halved until the values at fault stand alone.
"""

from collections.abc import Iterable, Mapping
from reprlib import Repr
from typing import Any, Final

import orjson
import pyarrow as pa

from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry.chunk import Row
from caponier.telemetry.conversion import WORDS, Convert, Unreadable, bent, cast, converter

Columns = dict[str, pa.Array]
Faults = dict[int, str]
"""Position of a row to the first reason why it cannot be used."""

KNOWN: Final = frozenset(EVENT_SCHEMA.names) - {"extra"}

_FAILURES: Final = (pa.ArrowException, TypeError, ValueError, OverflowError)
_SHORT: Final = Repr()
_SHORT.maxstring = _SHORT.maxother = 40


def from_rows(rows: list[Row]) -> tuple[Columns, Faults]:
    """Convert rows to columns of the schema (n rows each) and the rows at fault."""
    faults: Faults = {}
    present = set().union(*rows)
    names = [name for name in EVENT_SCHEMA.names if name in KNOWN and name in present]
    columns = {name: _column(name, [row.get(name) for row in rows], faults) for name in names}
    if present - KNOWN:
        columns["extra"] = _extras(rows, faults)
    return columns, faults


def from_values(values: Mapping[str, list[Any] | pa.Array], faults: Faults) -> tuple[Columns, Faults]:
    """Convert columns of Python values, or of the schema's own types, and note the rows at fault beside those known."""
    found = dict(faults)
    return {
        name: held if isinstance(held, pa.Array) else _column(name, held, found) for name, held in values.items()
    }, found


def from_batch(batch: pa.RecordBatch) -> tuple[Columns, Faults]:
    """Convert a record batch to columns of the schema (n rows each) and the rows at fault."""
    faults: Faults = {}
    columns: Columns = {}
    present = batch.schema.names
    for name in [name for name in EVENT_SCHEMA.names if name in KNOWN and name in present]:
        array = batch.column(name)
        try:
            columns[name] = cast(array, EVENT_SCHEMA.field(name).type)
        except _FAILURES:
            columns[name] = _column(name, _values(array), faults)
    unknown = [name for name in present if name not in KNOWN and batch.column(name).null_count < len(batch)]
    if unknown:
        values = zip(*(_values(batch.column(name)) for name in unknown), strict=True)
        columns["extra"] = _extras([dict(zip(unknown, row, strict=True)) for row in values], faults)
    return columns, faults


def shown(row: Row | pa.RecordBatch) -> str:
    """Return a row, or a batch of one row, as JSON; shortened where that is not possible."""
    if isinstance(row, pa.RecordBatch):
        row = {name: _values(row.column(name))[0] for name in row.schema.names}
    try:
        return orjson.dumps({name: value for name, value in row.items() if value is not None}, default=str).decode()
    except TypeError:
        return _SHORT.repr(row)


def _column(name: str, values: list[Any], faults: Faults) -> pa.Array:
    kind = EVENT_SCHEMA.field(name).type
    convert = converter(kind)
    try:
        return convert(values)
    except _FAILURES:
        values = [bent(name, value, kind) for value in values]
        return pa.concat_arrays(_halved(name, kind, convert, values, 0, faults))


def _halved(
    name: str, kind: pa.DataType, convert: Convert, values: list[Any], begin: int, faults: Faults
) -> list[pa.Array]:
    try:
        return [convert(values)]
    except _FAILURES:
        if len(values) == 1:
            faults.setdefault(begin, f"{name} cannot be read: expected {WORDS[kind]}, found {_SHORT.repr(values[0])}")
            return [pa.nulls(1, kind)]
    half = len(values) // 2
    left = _halved(name, kind, convert, values[:half], begin, faults)
    return left + _halved(name, kind, convert, values[half:], begin + half, faults)


def _values(array: pa.Array) -> list[Any]:
    try:
        plain: list[Any] = array.to_pylist()
    except (ValueError, OverflowError):
        return [_value(scalar) for scalar in array]
    return plain


def _value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return Unreadable()


def _extras(rows: Iterable[Row], faults: Faults) -> pa.Array:
    texts = []
    for position, row in enumerate(rows):
        try:
            texts.append(_extra(row))
        except TypeError:
            faults.setdefault(position, "unknown columns are nested too deeply")
            texts.append(None)
    return pa.array(texts, pa.string())


def _extra(row: Row) -> str | None:
    """Return what the schema does not know as one JSON object; a column `extra` that holds one is taken apart."""
    held = {name: value for name, value in row.items() if name not in KNOWN and value is not None}
    given = held.get("extra")
    if isinstance(given, str):
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            given = None
    if isinstance(given, dict):
        del held["extra"]
        held = {**given, **held}
    return orjson.dumps(held, option=orjson.OPT_SORT_KEYS, default=str).decode() if held else None
