"""What each of several models in one log takes and answers: a table of all would hold mostly gaps."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from caponier.records.field_map import FieldMap, MapColumn
from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.field_maps.mapped_rows import MappedRows
from caponier.telemetry.field_maps.places import USUAL
from caponier.telemetry.raw_inputs import NO_CATEGORY

MOST_MODELS: Final = 100
"""Whoever calls may ask for models that nobody has."""
DOUBT: Final = 10
"""Rows that are added to those of a model before shares are compared: few rows tell little of what it takes."""
SHOWN: Final = 3
"""Rows in which a feature of a model had to stand, by its share elsewhere, before it counts as none of the model's."""
ANSWERED: Final = ("label", "scores")
NEEDED: Final = ("model", "input", *ANSWERED)


def of_each_model(found: FieldMap, rows: Sequence[Row], again: Callable[[list[Row]], FieldMap | None]) -> FieldMap:
    """Return a map that knows the features of each model, and where each has its answers.

    Args:
        found: A map of all of them together.
        rows: A sample.
        again: Guesses a map of some of the rows.
    """
    if "model" not in found.columns:
        return found
    chunk = next(MappedRows(found, b"", "model").read(iter([Chunk(rows=list(rows), lines=list(range(len(rows))))])))
    values = {name: _plain(held) for name, held in (chunk.values or {}).items() if name in NEEDED}
    names = list(dict.fromkeys(one for one in values["model"] if one))
    if not 1 < len(names) <= MOST_MODELS:
        return found
    of = {name: np.array([one == name for one in values["model"]]) for name in names}
    if found.features:
        found = found.model_copy(update={"models": _features(found, values["input"], of)})
    for mask in of.values():
        told = any(values[name][at] is not None for name in ANSWERED if name in values for at in np.flatnonzero(mask))
        own = [rows[at] for at in dict.fromkeys(chunk.lines[at] for at in np.flatnonzero(mask).tolist())]
        if not told and len(own) >= DOUBT and (other := again(own)) is not None:
            found = found.model_copy(update={"columns": _with_answers(found.columns, other.columns)})
    return found


def _plain(held: Any) -> list[Any]:
    return list(held.to_pylist() if isinstance(held, pa.Array) else held)


def _features(found: FieldMap, inputs: list[Any], of: dict[str, NDArray[np.bool_]]) -> dict[str, Any]:
    """Return the features of each model; nothing where all take the same."""
    gaps = [NO_CATEGORY if one.kind == "category" else np.nan for one in found.features]
    table = np.array([gaps if row is None else row for row in inputs], np.float64)
    there = ~np.isnan(table) & ((table != NO_CATEGORY) | np.isnan(gaps))
    asked = there.any(axis=1)
    counts = np.array([there[mask].sum(axis=0) for mask in of.values()])
    sizes = np.array([[(asked & mask).sum()] for mask in of.values()])
    shares = counts / (sizes + DOUBT)
    most = shares.max(axis=0)
    takes = (shares >= USUAL * most) | (sizes * most < SHOWN)
    if takes.all():
        return {}
    return {
        name: tuple(one for one, is_own in zip(found.features, own, strict=True) if is_own)
        for name, own in zip(of, takes.tolist(), strict=True)
        if any(own)
    }


def _with_answers(columns: dict[str, MapColumn], others: dict[str, MapColumn]) -> dict[str, MapColumn]:
    """Look for answers where others have them, too, where they stand nowhere else."""
    made = dict(columns)
    for name in ANSWERED:
        about, other = columns.get(name), others.get(name)
        if other is not None and about is None:
            made[name] = other
        elif other is not None and about is not None and about.path and other.path and not other.classes:
            made[name] = about.model_copy(update={"path": tuple(dict.fromkeys((*about.path, *other.path)))})
    return made
