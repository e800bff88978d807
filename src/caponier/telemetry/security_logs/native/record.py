"""What a reader of a native format makes of a record, and what readers are."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol

from caponier.telemetry.security_logs.fields import TEXT, Fields, Scalar
from caponier.telemetry.security_logs.sources import LogSource

SUCCESS: Final = "success"
FAILURE: Final = "failure"


class Record(NamedTuple):
    """One event, before it has its place in a file."""

    fields: Fields
    """Flat, names in lower case, with the normalised ones filled in."""
    origin: LogSource
    time: int | None
    """Microseconds since the epoch, UTC; None where the record has none of its own."""
    line: int
    format: str
    shortened: int = 0


class ObjectFormat(NamedTuple):
    """A format whose records are JSON objects or rows of a table."""

    name: str
    fits: Callable[[Fields], bool]
    """Tells it by its fields; two formats never fit one record."""
    complete: Callable[[Fields], LogSource]
    """Fills the normalised fields in, and says what the record is of."""
    times: tuple[str, ...]
    """Where the time stands, the first that is there."""


Parsed = tuple[Fields, LogSource, int | None] | None
"""Fields, what it is of, and the time if it has one of its own; None if the line is of another format."""


class LineReader(Protocol):
    """Reads the lines of one file in a text format; it may remember what earlier lines said."""

    name: str

    def read(self, text: str, line: int) -> list[Record] | None:
        """Return the events that a line completes, none where it only begins one; None if it is of another format."""
        ...

    def rest(self) -> list[Record]:
        """Return the events that were still waiting for a line when the file ended."""
        ...


class Stateless:
    """A reader for formats in which each line is an event by itself.

    Args:
        name: What users call it.
        parse: Returns the event, or None if the line is of another format.
    """

    def __init__(self, name: str, parse: Callable[[str], Parsed]) -> None:
        self.name = name
        self._parse = parse

    def read(self, text: str, line: int) -> list[Record] | None:
        """Return the event of a line."""
        found = self._parse(text)
        return None if found is None else [Record(*found, line, self.name)]

    def rest(self) -> list[Record]:
        """Return nothing: no event is ever waiting."""
        return []


FieldMap = Mapping[str, str | tuple[str, ...]]
"""Normalised name to the product's own, or to several of which the first with a value counts."""


def fill(fields: Fields, names: FieldMap) -> None:
    """Fill normalised fields from the product's own, where those have a value; what is there already stays.

    Args:
        fields: Of one event.
        names: Normalised names to the product's.
    """
    for name, sources in names.items():
        if name in fields:
            continue
        for source in (sources,) if type(sources) is str else sources:
            if source in fields and (value := fields[source]) != "" and value != "-":
                fields[name] = value
                break


def made(values: Mapping[str, Any]) -> Fields:
    """Return fields without those that have no value: absent, empty, or a dash."""
    return {
        name: value[:TEXT] if isinstance(value, str) else value
        for name, value in values.items()
        if value is not None and value != "" and value != "-"
    }


def outcome_of(good: bool | None) -> str | None:
    """Name an outcome; None where nothing tells it."""
    return None if good is None else SUCCESS if good else FAILURE


def whole(text: Scalar | None) -> int | None:
    """Read a whole number; None if it is none."""
    return int(text) if text is not None and _WHOLE.fullmatch(str(text)) else None


def split_url(target: str) -> Fields:
    """Return the parts of a request's target under the names that Sigma gives them."""
    stem, _, query = target.partition("?")
    host = None
    if "://" in stem[:9]:
        host, _, path = stem.partition("://")[2].partition("/")
        stem = f"/{path}"
    # Of a registry of images, what is asked for; as in the "OCI Distribution Specification".
    image = stem[4:].rpartition("/manifests/")[0] if stem.startswith("/v2/") else None
    model = _MODEL.search(stem) if "/models/" in stem else None
    return made(
        {
            "cs-host": host,
            "cs-uri": target,
            "cs-uri-stem": stem,
            "cs-uri-query": query,
            "repository": image,
            "model": model[1] if model else None,
        }
    )


_MODEL: Final = re.compile(r"^(?:/v\d)?(?:/repository)?/models/([^/:?]{1,256})")
"""A model in the path of Triton, KServe, TorchServe or TensorFlow Serving."""


_WHOLE: Final = re.compile(r"-?\d{1,18}", re.ASCII)
