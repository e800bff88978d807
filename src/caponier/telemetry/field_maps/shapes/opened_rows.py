"""Rows whose records stand closed in them: within a carrier's object, or as JSON in a text, also in base64.

The fields of a carrier are put beside those around it, which yield where both have one. A field with a text is read as
what it holds, in its place.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from caponier.telemetry.chunk import Row
from caponier.telemetry.field_maps.paths import escaped, keys_of_path
from caponier.telemetry.field_maps.places import ALWAYS
from caponier.telemetry.field_maps.value_kinds import RARE, are_moments, is_number
from caponier.telemetry.framing.closed_text import opened_text, opened_value

_SAID: Final = 3
"""Different texts, at most, that a logger writes beside each record: its level, and what it calls the event."""
_LEAST: Final = 3
"""Fields of a record."""
_DEEPEST: Final = 3
_LOOKED_AT: Final = 200
_EARLIEST, _LATEST = 1.4e9, 4.2e9
"""Seconds since 1970 between which a log was written."""


def carrier_of(rows: Sequence[Row]) -> str | None:
    """Return the path of the field that holds whole records, where what is around them says nothing of a call.

    Args:
        rows: A sample.
    """
    some = rows[:_LOOKED_AT]
    names = {str(name) for row in some for name in row}
    found = [name for name in names if sum(isinstance(row.get(name), dict) for row in some) >= ALWAYS * len(some)]
    if not some or len(found) != 1 or any(_varies([row.get(name) for row in some]) for name in names - set(found)):
        return None
    inner = [held for row in some if isinstance(held := row.get(found[0]), dict)]
    keys = set.intersection(*map(set, inner))
    is_record = len(keys) >= _LEAST and any(_are_times([one[key] for one in inner]) for key in keys)
    return escaped(found[0]) if is_record and found[0] else None


def _varies(values: Sequence[Any]) -> bool:
    held = [value for value in values if value is not None]
    return any(isinstance(value, dict | list) for value in held) or len(set(map(str, held))) > _SAID


def _are_times(values: Sequence[Any]) -> bool:
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in values):
        return any(all(_EARLIEST * unit < one < _LATEST * unit for one in values) for unit in (1, 1e3, 1e6, 1e9))
    return all(isinstance(one, str) and not is_number(one) for one in values) and are_moments(values)


def closed_texts(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the fields whose texts hold lists or objects as JSON, also in base64, in nearly all rows.

    Args:
        rows: A sample.

    Returns:
        Their paths.
    """
    held: dict[str, list[str]] = {}
    objects: Counter[str] = Counter()
    for row in rows[:_LOOKED_AT]:
        for place, text in _texts(row, "", _DEEPEST, objects):
            held.setdefault(place, []).append(text)
    # What only a few of the objects around hold is what somebody wrote into his.
    around = {place: max((one for one in objects if place.startswith(one)), key=len) for place in held}
    return tuple(
        place
        for place, texts in held.items()
        if _are_closed(texts) and (not around[place] or len(texts) >= RARE * objects[around[place]])
    )


def _texts(row: Row, above: str, deep: int, objects: Counter[str]) -> Iterator[tuple[str, str]]:
    """Yield the texts of a row and their paths; count the objects by what their paths begin with."""
    objects[above] += 1
    for key, value in row.items():
        if isinstance(value, str):
            # A short text counts too: one of fifty that holds an object is what somebody wrote.
            if value and key:
                yield f"{above}{escaped(str(key))}", value
        elif isinstance(value, dict) and deep > 1 and key:
            yield from _texts(value, f"{above}{escaped(str(key))}.", deep - 1, objects)


def _are_closed(texts: Sequence[str]) -> bool:
    # Most texts are none: a few tell.
    if not _is_closed(texts[0]) and not _is_closed(texts[-1]):
        return False
    return sum(map(_is_closed, texts)) >= ALWAYS * len(texts)


def _is_closed(text: str) -> bool:
    return not isinstance(opened_text(text), str)


def opened_rows(rows: Sequence[Row], carrier: str | None, texts: Sequence[str]) -> list[Row]:
    """Return rows with what stood closed in them; a row that is otherwise stays as it is.

    Args:
        rows: As the log has them; they are not changed.
        carrier: Path of the field that holds the records.
        texts: Paths of the fields with texts, as `closed_texts` returns them, in the rows that a carrier held.

    Raises:
        InputError: If a path leads through anything but objects.
    """
    lifted = list(rows)
    if carrier is not None:
        (key,) = keys_of_path(carrier, deepest=1)
        lifted = [_lifted(row, key) for row in rows]
    for path in texts:
        keys = keys_of_path(path)
        lifted = [_with_opened(row, keys) for row in lifted]
    return lifted


def _lifted(row: Row, carrier: str) -> Row:
    inner = row.get(carrier)
    if not isinstance(inner, dict):
        return row
    around = {key: value for key, value in row.items() if key != carrier}
    return around | {key: value for key, value in inner.items() if value is not None or key not in around}


def _with_opened(row: Any, keys: Sequence[str]) -> Any:
    if not isinstance(row, dict) or keys[0] not in row:
        return row
    value = row[keys[0]]
    made = _with_opened(value, keys[1:]) if len(keys) > 1 else opened_value(value)
    return row if made is value else {**row, keys[0]: made}
