"""Numbers for inputs that are logged as they came (`input_raw`): rows with categories in them, and texts.

A category becomes a number by the checksum of its name, small enough that float32 holds it exactly; a text becomes 256
counts, of its words and of its pairs of neighbouring words, each counted where the checksum of the word says (the
hashing trick of Weinberger et al. 2009). Both depend on the input alone, so that nothing has to be learned or kept.
"""

import math
import re
import zlib
from collections.abc import Callable, Container
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from caponier.records.inventory import TEXT_SIZE, FeatureSpec

SpecOf: TypeAlias = Callable[[str], FeatureSpec | None]
"""From the name of a model to what it takes."""
LONGEST: Final = 20_000
"""Characters of a text that are read."""

NO_CATEGORY: Final = -1.0
"""Stands for a category that is missing."""

_WORD: Final = re.compile(r"\w+")
_LARGEST: Final = float(np.finfo(np.float32).max)


def with_numbers(events: pa.RecordBatch, spec_of: SpecOf) -> pa.RecordBatch:
    """Fill in the inputs of events that have only raw ones, where it is known what they are.

    What cannot be read as what the model takes stays without an input.

    Args:
        events: In `EVENT_SCHEMA`.
        spec_of: What the models take.
    """
    raw, models = events.column("input_raw"), events.column("model")
    if raw.null_count == len(raw):
        return events
    specs = {name: spec_of(name) for name in set(models.to_pylist())}
    if not any(spec and (spec.columns or spec.kind in ("categorical", "text")) for spec in specs.values()):
        return events
    inputs = events.column("input").to_pylist()
    for row, (text, model) in enumerate(zip(raw.to_pylist(), models.to_pylist(), strict=True)):
        spec = specs[model]
        if inputs[row] is None and text is not None and spec is not None:
            inputs[row] = numbers_of(text, spec)
    place = events.schema.get_field_index("input")
    field = events.schema.field(place)
    return events.set_column(place, field, pa.array(inputs, field.type))


def numbers_of(raw: str, spec: FeatureSpec) -> NDArray[np.float32] | None:
    """Return the numbers (d,) that stand for a raw input; None where there are none.

    Args:
        raw: A text; or a row as a JSON list, or as a JSON object, whose values count in the order of the model's
            columns or, where those have no names, of their own.
        spec: What the model takes.
    """
    if spec.kind == "text":
        return counts_of(raw)
    if spec.kind != "categorical" and not (spec.kind == "numeric" and spec.columns):
        return None
    try:
        row = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    values = _by_name(row, spec) if isinstance(row, dict) else row
    if not isinstance(values, list) or not values:
        return None
    places: Container[int] = ()
    if spec.kind == "categorical":
        places = set(spec.categories) or range(len(values))
    numbers = [
        code_of(value) if place in places else math.nan if value is None else _number(value)
        for place, value in enumerate(values)
    ]
    return None if None in numbers else np.array(numbers, np.float32)


def _by_name(row: dict[str, Any], spec: FeatureSpec) -> list[Any] | None:
    """Return the values of a row in the order of the model's columns, or else of their names."""
    names = [column.name for column in spec.columns] or sorted(row)
    return [row.get(name) for name in names] if row.keys() & set(names) else None


def counts_of(text: str) -> NDArray[np.float32]:
    """Return how often the words of a text, and its pairs of neighbouring ones, fall into each of 256 places."""
    words = _WORD.findall(text[:LONGEST].lower())
    pairs = [f"{first} {second}" for first, second in pairwise(words)]
    places = [zlib.crc32(term.encode("utf-8", "surrogatepass")) % TEXT_SIZE for term in words + pairs]
    counts: NDArray[np.float32] = np.bincount(np.array(places, np.int64), minlength=TEXT_SIZE).astype(np.float32)
    return counts


def code_of(value: Any) -> float | None:
    """Return a whole number below 2**24 for a category; a number stands for itself, as it does in `input`."""
    if isinstance(value, list | dict):
        return None
    if isinstance(value, str):
        return float(zlib.crc32(value.encode("utf-8", "surrogatepass")) >> 8)
    return NO_CATEGORY if value is None else _number(value)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) <= _LARGEST else None
