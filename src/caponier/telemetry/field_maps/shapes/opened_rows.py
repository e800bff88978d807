"""Rows whose records stand closed in them: within a carrier's object, or as JSON in a text, also in base64.

A path that begins with `|lift` names the carrier: its fields are put beside those around it, which yield where both
have one. Any other is a field whose text is read in its place.
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import Any, Final

from caponier.telemetry.chunk import Row
from caponier.telemetry.field_maps.places import ALWAYS
from caponier.telemetry.field_maps.value_kinds import ROWS_TO_TELL, are_moments, is_number
from caponier.telemetry.framing.written_values import loaded

_SAID: Final = 3
"""Different texts, at most, that a logger writes beside each record: its level, and what it calls the event."""
_LEAST: Final = 3
"""Fields of a record."""
_DEEPEST: Final = 3
_LOOKED_AT: Final = 200
LONGEST: Final = 2**20
"""Letters of a text that is opened."""
_SHORTEST: Final = 8
"""Letters of what may be an object in base64: two braces and a key take as many."""
_EARLIEST, _LATEST = 1.4e9, 4.2e9
"""Seconds since 1970 between which a log was written."""


def carrier_of(rows: Sequence[Row]) -> str | None:
    """Return the field that holds whole records, with their times, where what is around them says nothing of a call.

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
    return found[0] if is_record and not any(key.startswith("\0") for key in keys) else None


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
        Keys, from the outermost, with a NUL between them.
    """
    held: dict[str, list[str]] = {}
    for row in rows[:_LOOKED_AT]:
        for place, text in _texts(row, "", _DEEPEST):
            held.setdefault(place, []).append(text)
    return tuple(place for place, texts in held.items() if _are_closed(texts))


def _texts(row: Row, above: str, deep: int) -> Iterator[tuple[str, str]]:
    for key, value in row.items():
        if isinstance(value, str):
            if len(value) >= _SHORTEST:
                yield f"{above}{key}", value
        elif isinstance(value, dict) and deep > 1:
            yield from _texts(value, f"{above}{key}\0", deep - 1)


def _are_closed(texts: Sequence[str]) -> bool:
    # Most texts are none: a few tell.
    if not _is_closed(texts[0]) and not _is_closed(texts[-1]):
        return False
    return sum(map(_is_closed, texts)) >= ALWAYS * len(texts)


def _is_closed(text: str) -> bool:
    return not isinstance(opened_text(text), str)


def opened_text(text: str) -> Any:
    """Return the object or the list that a text holds; the text itself where it holds none."""
    if len(text) > LONGEST:
        return text
    if text.lstrip()[:1] not in ("{", "["):
        decoded = _decoded(text)
        if decoded is None:
            return text
        value = loaded(decoded)
    else:
        value = loaded(text)
    return value if isinstance(value, dict | list) else text


def _decoded(text: str) -> str | None:
    # An object or a list in base64 begins like one: with `{` or `[`, of which the first letter tells six bits.
    if len(text) < _SHORTEST or text[0] not in "eW" or " " in text:
        return None
    plain = text.replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    return decoded if decoded.lstrip()[:1] in ("{", "[") else None


def opened_rows(rows: Sequence[Row], carrier: str | None, texts: Sequence[str]) -> list[Row]:
    """Return rows with what stood closed in them; a row that is otherwise stays as it is.

    Args:
        rows: As the log has them; they are not changed.
        carrier: The field that holds the records.
        texts: The fields with texts, as `closed_texts` returns them, in the rows that a carrier held.
    """
    lifted = [_lifted(row, carrier) for row in rows] if carrier is not None else list(rows)
    for place in texts:
        keys = place.split("\0")
        lifted = [_with_opened(row, keys) for row in lifted]
    return lifted


def _lifted(row: Row, carrier: str) -> Row:
    inner = row.get(carrier)
    if not isinstance(inner, dict):
        return row
    return {**{key: value for key, value in row.items() if key != carrier}, **inner}


def _with_opened(row: Any, keys: Sequence[str]) -> Any:
    if not isinstance(row, dict) or keys[0] not in row:
        return row
    value = row[keys[0]]
    if len(keys) > 1:
        made = _with_opened(value, keys[1:])
    else:
        made = opened_text(value) if isinstance(value, str) else value
    return row if made is value else {**row, keys[0]: made}


def may_tell(rows: Sequence[Row]) -> bool:
    """Tell whether rows are enough to say what all rows of a log have."""
    return len(rows) >= ROWS_TO_TELL
