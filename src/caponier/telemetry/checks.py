"""Rows whose values are of the right type but of no use, told column by column.

Only a row of which nobody can say when which model was asked what for is none. What a caller can put into a row, such
as a number that float32 does not hold, costs that value alone: else he would hide his queries with it.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caponier.records.event import EVENT_SCHEMA, OPERATIONS, REQUIRED
from caponier.telemetry.columns import Columns, Faults
from caponier.telemetry.conversion import TIME
from caponier.telemetry.float_lists import holders, lengths, rebuilt
from caponier.telemetry.rejections import NUMBER

NAME_LIMIT: Final = 1_024
"""Characters of an id or name; longer ones are somebody's payload."""
NAMES: Final = ("event_id", "system", "model", "model_version", "principal", "label")
OFFERED: Final = ("request_id", "session", "source_ip", "feedback", "user_agent")
"""Names that a caller may choose: long ones are cut, and nobody needs to be told of it."""
_WIDEST: Final = float(np.finfo(np.float32).max)
EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
AHEAD: Final = timedelta(days=366)


def check(columns: Columns, n: int) -> tuple[Faults, Faults]:
    """Tidy the columns of n rows, and leave out what cannot be used in them.

    Returns:
        The rows that cannot be used, and those that are used without one of their values, each with the reason.
    """
    faults: Faults = {}
    lacking: Faults = {}
    for name in REQUIRED:
        if name not in columns:
            columns[name] = pa.nulls(n, EVENT_SCHEMA.field(name).type)
    for name, column in columns.items():
        if pa.types.is_string(column.type):
            columns[name] = _tidied(name, column, lacking)
    for name in REQUIRED:
        _note(faults, pc.is_null(columns[name]), f"no {name}")
    _note(faults, _outside(columns["time"]), "time outside 1990 to next year: whole numbers are milliseconds")
    known = pc.is_in(columns["operation"], value_set=pa.array(OPERATIONS))
    _note(faults, pc.invert(known), f"unknown operation: expected one of {', '.join(OPERATIONS)}")
    if "scores" in columns:
        wrong = _not_finite(columns["scores"])
        _leave_out(columns, "scores", wrong, "scores holds NaN, infinity, nothing or a number beyond float32", lacking)
    if "input" in columns:
        _note(lacking, _infinite(columns["input"]), NUMBER)
        columns["input"] = _within_float32(columns["input"])
        empty = pc.fill_null(pc.equal(pc.list_value_length(columns["input"]), 0), False)
        _leave_out(columns, "input", empty.to_numpy(zero_copy_only=False), "input is empty", lacking)
    if "input_shape" in columns:
        wrong = _misshapen(columns["input_shape"], columns.get("input"))
        _leave_out(columns, "input_shape", wrong, "input_shape does not fit the input", lacking)
    return faults, lacking


def _leave_out(columns: Columns, name: str, wrong: NDArray[np.bool_], reason: str, lacking: Faults) -> None:
    if wrong.any():
        columns[name] = pc.if_else(pa.array(wrong), pa.scalar(None, columns[name].type), columns[name])
        _note(lacking, wrong, reason)


def _within_float32(lists: pa.Array) -> pa.Array:
    """Put the nearest number that there is in the place of an infinite one, as the guard does with the same body."""
    values = lists.flatten().to_numpy(zero_copy_only=False)
    if not np.isinf(values).any():
        return lists
    return rebuilt(lists, np.clip(values, -_WIDEST, _WIDEST))


def _tidied(name: str, column: pa.Array, lacking: Faults) -> pa.Array:
    """Make empty text absent, as CSV has no other way to say it, and cut what is too long for a name."""
    sizes = pc.min_max(pc.binary_length(column))
    if sizes["min"].as_py() == 0:
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
    if name in (*NAMES, *OFFERED) and (sizes["max"].as_py() or 0) > NAME_LIMIT:
        if name in NAMES:
            _note(lacking, pc.greater(pc.utf8_length(column), NAME_LIMIT), f"{name} longer than {NAME_LIMIT}: cut")
        column = pc.utf8_slice_codeunits(column, 0, NAME_LIMIT)
    return column


def _outside(times: pa.Array) -> pa.Array:
    latest = datetime.now(UTC) + AHEAD
    return pc.or_(pc.less(times, pa.scalar(EARLIEST, TIME)), pc.greater(times, pa.scalar(latest, TIME)))


def _note(faults: Faults, mask: pa.Array | NDArray[np.bool_], reason: str) -> None:
    if isinstance(mask, pa.Array):
        mask = pc.fill_null(mask, False).to_numpy(zero_copy_only=False)
    for position in np.flatnonzero(mask):
        faults.setdefault(int(position), reason)


def _not_finite(lists: pa.Array) -> NDArray[np.bool_]:
    # A null among the values comes out as NaN.
    return holders(lists, ~np.isfinite(lists.flatten().to_numpy(zero_copy_only=False)))


def _infinite(lists: pa.Array) -> NDArray[np.bool_]:
    # What is missing among the values is NaN: the model was asked all the same.
    return holders(lists, np.isinf(lists.flatten().to_numpy(zero_copy_only=False)))


def _misshapen(shapes: pa.Array, inputs: pa.Array | None) -> NDArray[np.bool_]:
    """Tell which shapes hold something else than numbers from 1 on, or multiply to another length than the input's."""
    sizes = shapes.flatten().to_numpy(zero_copy_only=False)
    wrong = holders(shapes, ~(sizes >= 1))
    if inputs is None:
        return wrong
    counts = lengths(shapes)
    told = counts > 0
    begins = (np.cumsum(counts) - counts)[told]
    products = np.ones(len(shapes))
    if begins.size:
        with np.errstate(over="ignore"):
            products[told] = np.multiply.reduceat(sizes.astype(np.float64), begins)
    there = told & inputs.is_valid().to_numpy(zero_copy_only=False)
    misfit: NDArray[np.bool_] = wrong | (there & (products != lengths(inputs)))
    return misfit
