"""Rows that one object holds: the answer of a search, a data frame as pandas writes it, a line for a bulk upload."""

from typing import Any, Final

from caponier.telemetry.chunk import Row
from caponier.telemetry.readers.field_names import ALIASES, normal

MOST_ASIDE: Final = 8
"""Values beside the list of an answer, such as a count and a page."""
_TIMES: Final = frozenset(ALIASES["time"])
_SPLIT: Final = frozenset(("columns", "data"))
_ACTIONS: Final = ("index", "create")


def held_rows(row: Row) -> list[Row] | None:
    """Return the rows that an object holds which names no time itself; None where it is a row.

    Args:
        row: The object.
    """
    if len(row) == 1 and (action := row.get("index", row.get("create"))) is not None and set(row) <= set(_ACTIONS):
        # Of Elasticsearch's bulk format: what is to be done with the record in the next line.
        return [] if isinstance(action, dict) and "_index" in action else None
    if row.keys() >= _SPLIT and row.keys() <= _SPLIT | {"index", "index_names", "column_names"}:
        return _split(row)
    values = list(row.values())
    if len(values) > 1 and all(isinstance(one, dict) for one in values):
        return _by_column(row)
    lists = [one for one in values if isinstance(one, list | dict)]
    if len(lists) == 1 and isinstance(lists[0], list) and len(row) <= MOST_ASIDE and len(lists[0]) > 1:
        held = [one for one in lists[0] if isinstance(one, dict)]
        return held if len(held) == len(lists[0]) and _names_time(held[0]) else None
    return None


def _split(row: Row) -> list[Row] | None:
    names, data = row["columns"], row["data"]
    if not isinstance(names, list) or not isinstance(data, list) or not all(isinstance(one, str) for one in names):
        return None
    if not all(isinstance(one, list) and len(one) == len(names) for one in data):
        return None
    held = [dict(zip(names, one, strict=True)) for one in data]
    return held if held and _names_time(held[0]) else None


def _by_column(row: Row) -> list[Row] | None:
    """Read `{column: {number of the row: value}}`."""
    columns: dict[str, dict[str, Any]] = row
    first = next(iter(columns.values()))
    if not first or not _names_time(row) or not all(key.isdecimal() for key in first):
        return None
    if any(one.keys() != first.keys() for one in columns.values()):
        return None
    return [{name: values[key] for name, values in columns.items()} for key in first]


def _names_time(row: Row) -> bool:
    return any(normal(str(key)) in _TIMES for key in row)
