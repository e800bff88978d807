"""Numbers in lists beside the shape that they have, as services log a tensor."""

from collections.abc import Sequence
from math import prod
from typing import Any, Final

from caponier.records.field_map import MapColumn
from caponier.telemetry.chunk import Row
from caponier.telemetry.field_maps.paths import escaped
from caponier.telemetry.field_maps.value_kinds import nearly
from caponier.telemetry.readers.field_names import normal

_SHAPES: Final = ("shape", "dims", "size", "input_shape")
_DEEPEST: Final = 8


def tensor_columns(values: Sequence[Row], path: str) -> dict[str, MapColumn] | None:
    """Return where objects have numbers, and the shape that these have; None where they are no such objects.

    Args:
        values: The objects of a sample.
        path: Where they stand.
    """
    keys = [str(key) for key in values[0]] if values else []
    shape = next((key for key in keys if normal(key) in _SHAPES), None)
    if shape is None:
        return None
    for key in keys:
        sizes = [(_size(one.get(key), _DEEPEST), one.get(shape)) for one in values]
        if key != shape and nearly(size is not None and size > 0 and _fits(size, held) for size, held in sizes):
            columns = {"input": MapColumn(path=(f"{path}.{escaped(key)}",))}
            if not isinstance(values[0][key][0], list):
                columns["input_shape"] = MapColumn(path=(f"{path}.{escaped(shape)}",))
            return columns
    return None


def _fits(size: int, shape: Any) -> bool:
    return isinstance(shape, list) and all(type(one) is int and one >= 0 for one in shape) and prod(shape) == size


def _size(held: Any, deep: int) -> int | None:
    """Return how many numbers stand in lists; None where something else does."""
    if not isinstance(held, list) or not deep:
        return None
    if not any(isinstance(one, list) for one in held):
        return len(held) if all(isinstance(one, int | float) for one in held) else None
    sizes = [_size(one, deep - 1) for one in held]
    return None if None in sizes else sum(one or 0 for one in sizes)
