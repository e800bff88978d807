"""Raw rows to columns of the event schema, with a reason for every row that does not fit.

Whole columns are converted at once; only a column that fails is walked value by value, to find the rows at fault.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from caponier.records.event import EVENT_SCHEMA, OPERATIONS
from caponier.telemetry.chunk import Row

Columns = dict[str, pa.Array]
Faults = dict[int, str]
"""Position of a row to the first reason why it cannot be used."""

KNOWN: Final = frozenset(EVENT_SCHEMA.names) - {"extra"}
NAME_LIMIT: Final = 1_024
"""Characters of an id or name; longer ones are somebody's payload."""
NAMES: Final = (
    *("event_id", "system", "model", "model_version", "principal"),
    *("session", "source_ip", "label", "feedback"),
)
EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)


def from_rows(rows: list[Row]) -> tuple[Columns, Faults]:
    """Convert rows to columns of the schema (n rows each) and the rows at fault."""
    faults: Faults = {}
    present = set().union(*(row.keys() for row in rows))
    columns: Columns = {}
    for name in EVENT_SCHEMA.names:
        if name in present and name != "extra":
            columns[name] = _column(name, [row.get(name) for row in rows], faults)
    if unknown := present - KNOWN:
        columns["extra"] = pa.array([_extra(row, unknown) for row in rows], pa.string())
    return columns, faults


def from_batch(batch: pa.RecordBatch) -> tuple[Columns, Faults]:
    """Convert a record batch to columns of the schema; row by row where a column does not fit as a whole."""
    try:
        columns = {
            name: _cast(batch.column(name), EVENT_SCHEMA.field(name).type)
            for name in batch.schema.names
            if name in KNOWN or (name == "extra" and pa.types.is_string(batch.schema.field(name).type))
        }
    except pa.ArrowException:
        return from_rows(batch.to_pylist())
    unknown = [name for name in batch.schema.names if name not in columns]
    if unknown:
        rows = batch.select(unknown).to_pylist()
        columns["extra"] = pa.array([_extra(row, row.keys()) for row in rows], pa.string())
    return columns, {}


def check(columns: Columns, n: int, faults: Faults) -> None:
    """Add the rows whose values are of the right type but of no use."""
    for name in ("time", "model", "operation"):
        if name not in columns:
            columns[name] = pa.nulls(n, EVENT_SCHEMA.field(name).type)
        _note(faults, pc.is_null(columns[name]), f"no {name}")
    latest = datetime.now(UTC).replace(year=datetime.now(UTC).year + 1)
    times = columns["time"]
    outside = pc.or_(pc.less(times, pa.scalar(EARLIEST, times.type)), pc.greater(times, pa.scalar(latest, times.type)))
    _note(faults, outside, "time outside 1990 to next year")
    _note(faults, pc.equal(columns["model"], ""), "no model")
    known = pc.is_in(columns["operation"], value_set=pa.array(OPERATIONS))
    _note(faults, pc.invert(known), f"unknown operation: expected one of {', '.join(OPERATIONS)}")
    for name in NAMES:
        if name in columns:
            _note(faults, pc.greater(pc.utf8_length(columns[name]), NAME_LIMIT), f"{name} longer than {NAME_LIMIT}")
    for name in ("input", "scores"):
        if name in columns:
            _note(faults, _not_finite(columns[name]), f"{name} holds NaN, infinity or nothing")


def _note(faults: Faults, mask: pa.Array, reason: str) -> None:
    for position in np.flatnonzero(pc.fill_null(mask, False).to_numpy(zero_copy_only=False)):
        faults.setdefault(int(position), reason)


def _not_finite(lists: pa.Array) -> pa.Array:
    """Tell which lists hold a null, NaN or infinity; (n,) booleans."""
    values = lists.flatten()
    bad = np.flatnonzero(~np.isfinite(values.to_numpy(zero_copy_only=False)))
    mask = np.zeros(len(lists), bool)
    if bad.size:
        mask[pc.list_parent_indices(lists).to_numpy()[bad]] = True
    return pa.array(mask)


def _column(name: str, values: list[Any], faults: Faults) -> pa.Array:
    kind = EVENT_SCHEMA.field(name).type
    convert = _converter(name, kind)
    try:
        return convert(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        pass
    arrays = []
    for position, value in enumerate(values):
        try:
            arrays.append(convert([_plain(value, kind)]))
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            faults.setdefault(position, f"{name} cannot be read: expected {kind}, found {str(value)[:40]!r}")
            arrays.append(pa.nulls(1, kind))
    return pa.concat_arrays(arrays)


def _converter(name: str, kind: pa.DataType) -> Any:
    if name == "time":
        return _times
    if pa.types.is_list(kind) and pa.types.is_floating(kind.value_type):
        return _float_lists
    return lambda values: pa.array(values, kind)


def _times(values: list[Any]) -> pa.Array:
    """Read RFC 3339 texts, epoch milliseconds and datetimes."""
    kind = EVENT_SCHEMA.field("time").type
    if any(isinstance(value, bool) for value in values):
        raise TypeError("a boolean is no time")
    if any(isinstance(value, int) for value in values):
        return pa.array(values, pa.int64()).cast(pa.timestamp("ms", tz="UTC")).cast(kind)
    if any(isinstance(value, str) for value in values):
        return _cast(pa.array(values, pa.string()), kind)
    return pa.array(values, kind)


def _float_lists(values: list[Any]) -> pa.Array:
    # By way of float64: a number beyond float32 becomes an infinity, which the check names; numpy would only warn.
    with np.errstate(over="ignore"):
        return _narrowed(pa.array(values, pa.list_(pa.float64())))


def _narrowed(lists: pa.Array) -> pa.Array:
    values = lists.flatten().to_numpy(zero_copy_only=False)
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    mask = lists.is_null() if lists.null_count else None
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.astype(np.float32)), mask=mask)


def _cast(array: pa.Array, kind: pa.DataType) -> pa.Array:
    if array.type == kind:
        return array
    if pa.types.is_list(kind) and pa.types.is_floating(kind.value_type):
        with np.errstate(over="ignore"):
            return _narrowed(array.cast(pa.list_(pa.float64())))
    if kind == EVENT_SCHEMA.field("time").type and pa.types.is_integer(array.type):
        return array.cast(pa.int64()).cast(pa.timestamp("ms", tz="UTC")).cast(kind)
    if pa.types.is_timestamp(kind) and pa.types.is_timestamp(array.type):
        return array.cast(kind, safe=False)
    return array.cast(kind)


def _plain(value: Any, kind: pa.DataType) -> Any:
    """Bend one value that is right in substance: a number where a name is expected, a nested list of numbers."""
    if pa.types.is_string(kind) and isinstance(value, int | float):
        return str(value)
    if pa.types.is_list(kind) and isinstance(value, list) and value and isinstance(value[0], list):
        return list(_flat(value))
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return float(value) if isinstance(value, str) and pa.types.is_floating(kind) else _whole(value)
    return value


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, str) else value


def _flat(value: Any) -> Iterable[Any]:
    if isinstance(value, list):
        for part in value:
            yield from _flat(part)
    else:
        yield value


def _extra(row: Row, names: Iterable[str]) -> str | None:
    held = {name: row[name] for name in names if row.get(name) is not None}
    return orjson.dumps(held, default=str).decode() if held else None
