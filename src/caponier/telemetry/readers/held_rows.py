"""Rows that one object holds: the answer of a search, a data frame as pandas writes it, a line for a bulk upload."""

import re
from collections.abc import Iterator
from typing import Any, Final

from caponier.telemetry.chunk import Row
from caponier.telemetry.readers.field_names import ALIASES, LIKE, OWN, normal
from caponier.telemetry.readers.traces import traced

MOST_ASIDE: Final = 8
"""Values beside the list of an answer, such as a count and a page."""
_TIMES: Final = frozenset(ALIASES["time"])
_LIKE_TIMES: Final = LIKE["time"]
"""What else a moment may be called: `request_created_at`."""
_EPOCH_LEAST: Final = 1_000_000_000
ISO: Final = re.compile(r"\d{4}([-/])\d\d\1\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?")
_SPLIT: Final = frozenset(("columns", "data"))
_HOLDERS: Final = frozenset(
    (
        *("data", "rows", "results", "result", "hits", "values", "value", "records", "items", "documents", "tables"),
        *(
            "columns",
            "fields",
            "meta",
            "schema",
            "manifest",
            "data_array",
            "series",
            "result_set_meta_data",
            "row_type",
        ),
        *("column_info", "result_set", "logs", "events", "entries", "traces", "runs"),
    )
)
"""Under these the stores of logs and tables answer."""
_INNER: Final = ("_source", "attributes", "fields", "document")
"""Of an item of an answer, where the record stands."""
_SAID: Final = OWN.union(*(ALIASES[column] for column in ("source_ip", "user_agent", "latency_ms", "model")))
"""What an object says of a call."""
_NAMED: Final = ("name", "ColumnName", "columnName", "column_name")
"""Under these a store says what a column is called."""
_FRAME: Final = "FrameType"
_PROPERTIES: Final = "properties"
_PAIR: Final = frozenset(("field", "value"))
_NEARLY: Final = 0.9
"""Share of rows that have as many cells as there are names."""
_DEEPEST: Final = 6
_ACTIONS: Final = ("index", "create")


def held_rows(row: Row) -> list[Row] | None:
    """Return the rows that an object holds which names no time itself; None where it is a row.

    Args:
        row: The object.
    """
    if len(row) == 1 and (action := row.get("index", row.get("create"))) is not None and set(row) <= set(_ACTIONS):
        # Of Elasticsearch's bulk format: what is to be done with the record in the next line.
        return [] if isinstance(action, dict) and "_index" in action else None
    if _FRAME in row and "Rows" not in row:
        # Of Kusto's answer in frames: how it begins and how it ended.
        return []
    if row.keys() >= _SPLIT and row.keys() <= _SPLIT | {"index", "index_names", "column_names"}:
        return _split(row)
    if (spans := traced(row)) is not None:
        return spans
    values = list(row.values())
    if (event := _properties(row)) is not None:
        return [event]
    if len(values) > 1 and all(isinstance(one, dict) for one in values):
        return _by_column(row)
    if len(row) > MOST_ASIDE or _speaks(row, 0):
        return None
    lists = [one for one in values if isinstance(one, list | dict)]
    if len(lists) == 1 and isinstance(lists[0], list) and len(lists[0]) > 1:
        held = [one for one in lists[0] if isinstance(one, dict)]
        if len(held) == len(lists[0]) and (_names_time(held[0]) or traced(held[0]) is not None):
            return held
    return _of_answer(row)


def _properties(row: Row) -> Row | None:
    """Return an event whose properties say all of it, time and caller too, as trackers of products write them."""
    inner = row.get(_PROPERTIES)
    if not isinstance(inner, dict) or not _names_time(inner) or _speaks({**row, _PROPERTIES: None}, 0):
        return None
    return {**{name: one for name, one in row.items() if name != _PROPERTIES}, **inner}


def _speaks(row: Row, depth: int) -> bool:
    """Tell whether an object says itself when, who or what: then the lists in it are what it speaks of."""
    told = {normal(str(name)) for name in row}
    if (depth and _names_time(row)) or not _SAID.isdisjoint(told - _HOLDERS):
        return True
    inner = (one for one in row.values() if isinstance(one, dict))
    return depth < _DEEPEST and any(_speaks(one, depth + 1) for one in inner)


def _of_answer(row: Row) -> list[Row] | None:
    """Return the rows in the answer of a store: lists of cells under a list of names, of pairs, or objects in objects.

    Only what stands under the names that stores use is looked at. Whoever calls may write lists into his request, too.
    """
    lists = list(_lists(row, 0))
    names = [one for held in lists if (one := _names(held)) is not None]
    for held in lists:
        cells = [_cells(one) for one in held]
        for header in names:
            fit = sum(one is not None and len(one) == len(header) for one in cells)
            if cells and fit >= _NEARLY * len(cells):
                return [_row_of(header, one) for one in cells]
    for held in lists:
        made = [one for one in map(_item, held) if one is not None]
        if made and len(made) == len(held) and _names_time(made[0]):
            return made
    return None


def _row_of(header: list[str], cells: list[Any] | None) -> Row:
    """Return a row; one of another length is told as one without a time: nobody knows which cell is missing."""
    is_whole = cells is not None and len(cells) == len(header)
    return dict(zip(header, cells or (), strict=True)) if is_whole else {"cells": cells}


def _lists(held: Any, depth: int) -> Iterator[list[Any]]:
    if isinstance(held, list):
        if held:
            yield held
        if len(held) == 1 and isinstance(held[0], dict) and depth < _DEEPEST:
            yield from _lists(held[0], depth + 1)
    elif isinstance(held, dict) and depth < _DEEPEST:
        for name, inner in held.items():
            if normal(str(name)) in _HOLDERS:
                yield from _lists(inner, depth + 1)


def _names(held: list[Any]) -> list[str] | None:
    """Return the names in a list of columns; a time must be one, and none twice."""
    told = [next((one[key] for key in _NAMED if key in one), None) if isinstance(one, dict) else one for one in held]
    names = [one for one in told if isinstance(one, str)]
    return names if len(names) == len(held) == len(set(names)) and _names_time(dict.fromkeys(names)) else None


def _cells(one: Any) -> list[Any] | None:
    """Return the cells of a row; BigQuery has `{"f": [{"v": cell}]}`."""
    if isinstance(one, dict) and one.keys() == {"f"} and isinstance(one["f"], list):
        return [cell.get("v") if isinstance(cell, dict) else cell for cell in one["f"]]
    return one if isinstance(one, list) else None


def _item(one: Any) -> Row | None:
    """Return an item as a row: its pairs, the object in it that names a time, or itself."""
    if isinstance(one, list) and one and all(isinstance(pair, dict) and pair.keys() == _PAIR for pair in one):
        return {str(pair["field"]): pair["value"] for pair in one}
    if not isinstance(one, dict) or _names_time(one):
        return one if isinstance(one, dict) else None
    inner = next((one[name] for name in _INNER if isinstance(one.get(name), dict)), None)
    return one_each(inner) if inner is not None else None


def one_each(row: Row) -> Row:
    """Take values out of the lists that a search puts each into; a row in which one stands bare stays as it is."""
    return {name: held[0] for name, held in row.items()} if all(map(_is_single, row.values())) else row


def _is_single(held: Any) -> bool:
    return isinstance(held, list) and len(held) == 1


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
    return any(
        (name := normal(str(key))) in _TIMES or (_LIKE_TIMES.fullmatch(name) is not None and is_moment(value))
        for key, value in row.items()
    )


def is_moment(value: Any) -> bool:
    """Tell whether a value is a moment, whatever it is called: a date with a time, or seconds since 1970 and more."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value >= _EPOCH_LEAST if is_number else isinstance(value, str) and ISO.match(value) is not None
