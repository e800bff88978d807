"""Tables in bodies of requests: named columns of numbers and texts, put into the order of the model.

Servers of tables take columns by name, in whatever order they stand: so do we. A text in a column of categories becomes
the number that stands for it everywhere (`raw_inputs.code_of`). Where the columns of the model are known, one that is
missing is missing and one too many is left out, and both are told; else the order of their names stands for theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.records.inventory import FeatureSpec
from caponier.telemetry.body_limits import MOST_TENSORS, UnreadError
from caponier.telemetry.raw_inputs import NO_CATEGORY, code_of

Cells = Mapping[str, Sequence[Any] | NDArray[np.float64]]
_NUMBERS: Final = {int, float, bool, type(None)}
_SHOWN: Final = 5
MOST_UNSENT: Final = 100_000
"""Cells of a table that nobody sent, beside as many as were sent: five thousand records of a column each, no two of the
same name, are sixty kilobytes, and as a table twenty-five million cells."""


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows of a table in the model's order."""

    rows: NDArray[np.float64]
    """(n, d); a number that is missing is NaN."""
    remarks: tuple[str, ...] = field(default=())
    """How its columns differ from the model's; only the model's names are repeated."""


def table_rows(columns: Cells, takes: FeatureSpec | None) -> TableRows:
    """Put named columns into the model's order.

    Args:
        columns: Of n values each.
        takes: What the model takes, where that is known.

    Raises:
        UnreadError: If there are more columns than are read.
        ValueError: If they are no table, or hold text where the model takes numbers.
    """
    if len(columns) > MOST_TENSORS:
        raise UnreadError(f"more than {MOST_TENSORS:,} tensors")
    if not columns or len({len(values) for values in columns.values()}) != 1:
        raise ValueError("columns that differ in their number of rows")
    known = [column.name for column in takes.columns] if takes else []
    places = set(takes.categories or range(takes.size or 0)) if takes and takes.kind == "categorical" else set()
    remarks: tuple[str, ...] = ()
    if not known:
        names = sorted(columns)
    else:
        names, remarks = known, _differences(columns, known)
        if not set(known) & set(columns):
            raise ValueError("columns of other names than the model's")
    n = len(next(iter(columns.values())))
    if not n:
        raise ValueError("a table without rows")
    if takes is not None and takes.size is not None and takes.size != len(names):
        raise ValueError(f"{len(names)} values an example where the model takes {takes.size}"[:200])
    made = np.empty((n, len(names)), np.float64)
    for place, name in enumerate(names):
        # Of a model that nobody described, a column of texts can be nothing but categories.
        is_category = place in places if takes is not None else None
        made[:, place] = _numbers(columns.get(name), n, is_category)
    return TableRows(made, remarks)


def columns_of_records(records: Sequence[Any]) -> dict[str, list[Any]]:
    """Return the columns of objects by name.

    Raises:
        UnreadError: If there are more columns than are read, or hardly any of the cells were sent.
        ValueError: If they are no objects.
    """
    names: dict[str, None] = {}
    sent = 0
    for record in records:
        if not isinstance(record, dict):
            raise ValueError("rows that are objects and rows that are none")
        names |= dict.fromkeys(record)
        sent += len(record)
        if len(names) > MOST_TENSORS:
            raise UnreadError(f"more than {MOST_TENSORS:,} tensors")
    if len(records) * len(names) > 2 * sent + MOST_UNSENT:
        raise UnreadError("a table in which hardly any cell was sent")
    return {name: [record.get(name) for record in records] for name in names}


def _differences(columns: Cells, known: Sequence[str]) -> tuple[str, ...]:
    missing = [name for name in known if name not in columns]
    extra = len(columns) - (len(known) - len(missing))
    told = []
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        told.append(f"columns are missing: {', '.join(missing[:_SHOWN])}{more}")
    if extra:
        told.append(f"{extra} columns that the model does not take")
    return tuple(told)


def _numbers(
    values: Sequence[Any] | NDArray[np.float64] | None, n: int, is_category: bool | None
) -> NDArray[np.float64]:
    if values is None:
        return np.full(n, NO_CATEGORY if is_category else np.nan)
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values.astype(np.float64)
    kinds = set(map(type, values))
    if kinds <= _NUMBERS and not is_category:
        try:
            return np.array(values, np.float64)
        except OverflowError:
            raise ValueError("data that are no numbers") from None
    if is_category is False or not kinds <= {*_NUMBERS, str}:
        raise ValueError("data that are no numbers")
    codes = [code_of(value) for value in values]
    if None in codes:
        raise ValueError("data that are no numbers")
    return np.array(codes, np.float64)
