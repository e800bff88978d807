r"""Paths into nested records, and the values that stand there, a column at a time.

`a.b` goes into objects, `a[0]` takes one of a list, `a[name=x]` the object of a list that says so, and `a[]` makes a
record of each. `a|json` reads a text as JSON, or as Python prints it, and `a|base64` decodes it first;
`a|tensor` takes the numbers of an object that has their type and, as bytes in base64, their values; `a|picture`
the brightness of a picture whose file stands there in base64; `a|float32`, `a|float64` and `a|uint8` the numbers of
an array whose bytes do. A dot, bracket,
bar or backslash in a key is written behind a backslash. A path that begins with `a.b` shares the work of all others
that do.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from caponier.errors import InputError
from caponier.telemetry.chunk import Row
from caponier.telemetry.framing.base64_numbers import KINDS, numbers_of
from caponier.telemetry.framing.base64_pictures import picture_rows
from caponier.telemetry.framing.base64_tensors import tensor_numbers
from caponier.telemetry.framing.closed_text import opened_value
from caponier.telemetry.framing.written_values import loaded

Step: TypeAlias = tuple[str, ...]
Steps: TypeAlias = tuple[Step, ...]
EACH: Final[Step] = ("each",)
_TOKEN: Final = re.compile(
    r"""(?P<key>(?:\\.|[^.\[\]|\\])+)|(?P<each>\[\])|\[(?P<at>-?\d{1,6})\]|\[(?P<where>[^\[\]=]+)=(?P<what>[^\[\]]*)\]"""
    r"""|\|(?P<how>json|base64|tensor|picture|float32|float64|uint8)(?![^.\[|])|(?P<dot>\.)"""
)
_SPECIAL: Final = re.compile(r"([.\[\]|\\])")


def escaped(key: str) -> str:
    """Write a key as a step of a path."""
    return _SPECIAL.sub(r"\\\1", key)


def steps_of(path: str) -> Steps:
    """Read a path.

    Raises:
        InputError: If it is none.
    """
    steps: list[Step] = []
    at, dotted = 0, True
    while at < len(path):
        found = _TOKEN.match(path, at)
        if found is None or (found["key"] is not None) != dotted:
            raise _wrong(path, at)
        dotted = found["dot"] is not None
        if not dotted:
            steps.append(_step(found))
        at = found.end()
    if dotted or steps.count(EACH) > 1:
        raise _wrong(path, at)
    return tuple(steps)


def keys_of_path(path: str, deepest: int | None = None) -> tuple[str, ...]:
    """Read a path that leads through objects alone.

    Args:
        path: The path.
        deepest: Keys that it has at most.

    Raises:
        InputError: If it is none, or has another step or more keys.
    """
    steps = steps_of(path)
    if any(step[0] != "key" for step in steps) or len(steps) > (deepest or len(steps)):
        what = "one field" if deepest == 1 else "fields within fields"
        raise InputError(
            f"the path {path!r} does not name {what}", hint="record and opened of a map are names of fields"
        )
    return tuple(step[1] for step in steps)


def _step(found: re.Match[str]) -> Step:
    if found["key"] is not None:
        return ("key", re.sub(r"\\(.)", r"\1", found["key"]))
    if found["each"] is not None:
        return EACH
    if found["at"] is not None:
        return ("at", found["at"])
    return (found["how"],) if found["how"] else ("where", found["where"], found["what"])


def _wrong(path: str, at: int) -> InputError:
    return InputError(
        f"the path {path!r} cannot be read at its letter {at + 1}",
        hint=r"For example: request.features, outputs[name=label].data[], body|json.inputs[]; at most one [] in a "
        r"path, and a backslash before a dot, bracket or bar that belongs to a key",
    )


class Records:
    """The rows of a chunk, and the values in them by path.

    Args:
        rows: Rows, or a batch of them.
        carrier: Path of the field within which paths begin, where a row has it.
        texts: Paths of fields that hold JSON as text, into which paths go on.

    Raises:
        InputError: If one of those paths leads through anything but objects.
    """

    def __init__(
        self, rows: Sequence[Row] | pa.RecordBatch, carrier: str | None = None, texts: Sequence[str] = ()
    ) -> None:
        self._rows = rows
        self.count = len(rows)
        self._carrier = None if carrier is None else keys_of_path(carrier, deepest=1)[0]
        self.texts: Final = {tuple(("key", key) for key in keys_of_path(path)) for path in texts}
        self._known: dict[Steps, list[Any]] = {}
        self._within: list[Any] | None = None

    def values(self, steps: Steps) -> list[Any]:
        """Return what stands at a path without `[]` in each row; None where nothing does."""
        known = self._known.get(steps)
        if known is None:
            known = self._known[steps] = self._found(steps)
        return known

    def _found(self, steps: Steps) -> list[Any]:
        held = self.array(steps)
        if held is not None:
            return plain_values(held)
        found = stepped(self.values(steps[:-1]), steps[-1]) if len(steps) > 1 else self._of_rows(steps[0][1])
        return list(map(opened_value, found)) if steps in self.texts else found

    def _of_rows(self, key: str) -> list[Any]:
        """Return what a field holds in each row: within the carrier, where that has it, or else around it."""
        around = self._of_field(key)
        if self._carrier is None:
            return around
        if self._within is None:
            self._within = around if key == self._carrier else self._of_field(self._carrier)
        inner = stepped(self._within, ("key", key))
        if key == self._carrier:
            return [one if isinstance(held, dict) else held for held, one in zip(self._within, inner, strict=True)]
        return [out if one is None else one for out, one in zip(around, inner, strict=True)]

    def _of_field(self, key: str) -> list[Any]:
        rows = self._rows
        if not isinstance(rows, pa.RecordBatch):
            return [row.get(key) for row in rows]
        place = rows.schema.get_field_index(key)
        return [None] * self.count if place < 0 else plain_values(rows.column(place))

    def array(self, steps: Steps) -> pa.Array | None:
        """Return what stands at a path as Arrow holds it; None where it holds no such column."""
        rows = self._rows
        if not isinstance(rows, pa.RecordBatch) or any(steps[: len(text)] == text for text in self.texts):
            return None
        if self._carrier is None:
            return _array(rows, steps)
        carrier = _array(rows, (("key", self._carrier),))
        if carrier is None or not pa.types.is_struct(carrier.type) or carrier.null_count:
            return None
        is_inside = carrier.type.get_field_index(steps[0][1]) >= 0
        if is_inside == (rows.schema.get_field_index(steps[0][1]) >= 0) or steps[0][1] == self._carrier:
            return None
        return _array(rows, (("key", self._carrier), *steps) if is_inside else steps)


def _array(rows: pa.RecordBatch, steps: Steps) -> pa.Array | None:
    place = rows.schema.get_field_index(steps[0][1])
    held = None if place < 0 else rows.column(place)
    for step in steps[1:]:
        if held is None or step[0] != "key" or not pa.types.is_struct(held.type):
            return None
        inner = held.type.get_field_index(step[1])
        held = None if inner < 0 else pc.struct_field(held, inner)
    return held


def plain_values(held: pa.Array) -> list[Any]:
    """Return the values of an Arrow array as Python has them; a map is an object, however deep."""
    # A number with a fixed point is a number.
    plain = held.cast(pa.float64()) if pa.types.is_decimal(held.type) else held
    values: list[Any] = plain.to_pylist(maps_as_pydicts="lossy")
    return values


def stepped(values: list[Any], step: Step) -> list[Any]:
    """Take one step from each of n values; None where there is none to take."""
    kind = step[0]
    if kind == "key":
        key = step[1]
        try:
            return [value[key] for value in values]
        except (KeyError, TypeError, IndexError):
            return [value.get(key) if isinstance(value, dict) else None for value in values]
    if kind == "at":
        return [_at(value, int(step[1])) for value in values]
    if kind == "where":
        return [_where(value, step[1], step[2]) for value in values]
    if kind == "tensor":
        return [tensor_numbers(value) for value in values]
    if kind == "picture":
        return [picture_rows(value) for value in values]
    if kind in KINDS:
        return [numbers_of(value, kind) for value in values]
    return [_decoded(value) if kind == "base64" else _parsed(value) for value in values]


def _at(value: Any, place: int) -> Any:
    return value[place] if isinstance(value, list) and -len(value) <= place < len(value) else None


def _where(value: Any, key: str, said: str) -> Any:
    held = value if isinstance(value, list) else []
    return next((one for one in held if isinstance(one, dict) and str(one.get(key)) == said), None)


def _decoded(value: Any) -> Any:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (TypeError, ValueError, binascii.Error):
        return None


def _parsed(value: Any) -> Any:
    if not isinstance(value, str | bytes):
        # Some loggers write an object in its place.
        return value
    return loaded(value)
