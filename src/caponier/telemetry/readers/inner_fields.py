"""Records whose fields stand in an object of theirs, beside the time: of trackers, of Rust's loggers and of Pub/Sub."""

import base64
import binascii
from typing import Any, Final

import orjson

from caponier.telemetry.chunk import Row
from caponier.telemetry.readers.field_names import ALIASES, OWN, normal

NAMES: Final = frozenset(("properties", "fields", "message"))
_TRACKED: Final = frozenset(("event", "event_type", "eventName"))
_TRACED: Final = frozenset(("level", "target"))
_SPANS: Final = frozenset(("fields", "span", "spans", "threadId", "filename", "line_number"))
_TIMES: Final = frozenset(ALIASES["time"])
_PUBLISHED: Final = ("publishTime", "publish_time")
MOST: Final = 14 * 2**20
"""Letters of a message of Pub/Sub, which has ten million bytes at most."""


def lifted(row: Row) -> Row | None:
    """Return a record with its inner fields beside its own, which count where both have one; None for any other.

    Args:
        row: As it stands in the log.
    """
    inner = row.get("properties")
    if isinstance(inner, dict) and not _TRACKED.isdisjoint(row) and _says_when_alone(row):
        return {**inner, **{name: held for name, held in row.items() if name != "properties"}}
    inner = row.get("fields")
    if isinstance(inner, dict) and row.keys() >= _TRACED:
        return {**inner, **{name: held for name, held in row.items() if name not in _SPANS}}
    inner = row.get("message")
    return _published(inner) if isinstance(inner, dict) else None


def _says_when_alone(row: Row) -> bool:
    """Tell whether a record says when, and not who or what: else its own word counts, not that of its properties."""
    names = {normal(str(name)) for name in row}
    return not _TIMES.isdisjoint(names) and OWN.isdisjoint(names)


def _published(message: dict[str, Any]) -> Row | None:
    """Return the record in a message of Pub/Sub, with its time and its attributes as headers."""
    time = next((message[name] for name in _PUBLISHED if name in message), None)
    data = message.get("data")
    if time is None or not isinstance(data, str) or len(data) > MOST:
        return None
    try:
        held = orjson.loads(base64.b64decode(data, validate=True))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(held, dict):
        return None
    about = message.get("attributes")
    return {"publish_time": time, **held, **({"headers": about} if isinstance(about, dict) else {})}
