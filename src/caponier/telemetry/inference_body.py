"""Bodies of inference requests and answers: Open Inference Protocol (KServe v2, also Triton's) and KServe v1.

A body that a model server could read as other rows than these is not read at all: one that speaks both protocols, or
in which shape, type and data do not agree.

A reason why a body cannot be used never repeats what stands in it: it may be anybody's data.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.telemetry.body_limits import (
    LARGEST_SIZE,
    LIMITS,
    MOST_DIMENSIONS,
    BodyLimits,
    check_keys,
    check_rows,
    check_tensors,
)

ROWS_IN: Final = ("inputs", "instances")
"""Keys under which a request holds its examples; some servers do not care about their case."""
LONGEST_KEY: Final = 100
"""Characters; longer ones are none of those that mean something, however they are written."""
PROTOCOL_KEYS: Final = frozenset(ROWS_IN)
"""Keys by which a body is known."""
FLOATS: Final = ("FP16", "BF16", "FP32", "FP64")

_WHOLE: Final = {"BOOL": (0, 1)} | {
    f"{sign.upper()}INT{bits}": (int(np.iinfo(f"{sign}int{bits}").min), int(np.iinfo(f"{sign}int{bits}").max))
    for sign in ("", "u")
    for bits in (8, 16, 32, 64)
}
"""The least and the largest value of each type of whole numbers."""

_COUNTED: Final = {int, float, bool, type(None)}
"""What JSON holds for a number; what is missing is none yet."""

Body = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a model said to n examples."""

    labels: list[str] | None = None
    scores: NDArray[np.float64] | None = None
    """(n, c)."""
    model: str | None = None
    version: str | None = None


def examples(body: Body, limits: BodyLimits = LIMITS, size: int | None = None) -> tuple[NDArray[np.float64], list[int]]:
    """Return the (n, d) examples of a request and the shape of one.

    Several tensors are joined row by row, in the order of their names: servers take them by name, in whatever order
    they stand.

    Args:
        body: The request.
        limits: What it may cost.
        size: Values in one example; None if that is not known. Nothing is made of a request that says otherwise.

    Raises:
        UnreadError: If there are more rows or tensors than are read.
        ValueError: If they are no rows of numbers, or could be read as others; and KeyError, TypeError or
            AttributeError if a part is missing or of a wrong type.
    """
    check_keys(body)
    if sum(folded(key) in ROWS_IN for key in body) > 1:
        raise ValueError("inputs and instances in one request")
    return _instances(body["instances"], limits, size) if "instances" in body else _joined(body["inputs"], limits, size)


def _instances(data: Any, limits: BodyLimits, size: int | None) -> tuple[NDArray[np.float64], list[int]]:
    sizes = _nesting(data)
    check_rows(sizes[0] if sizes else 0, limits)
    _check_width(prod(sizes[1:]), size)
    rows = _numbers(data)
    if rows.ndim == 0 or not rows.size:
        raise ValueError("instances that are no rows of numbers")
    return rows.reshape(len(rows), -1), list(rows.shape[1:]) or [1]


def _joined(tensors: Any, limits: BodyLimits, size: int | None) -> tuple[NDArray[np.float64], list[int]]:
    check_tensors(tensors)
    named = [tensor.get("name") for tensor in tensors]
    if len(named) > 1:
        if len(set(map(repr, named))) != len(named) or not all(isinstance(name, str) for name in named):
            raise ValueError("several input tensors without a name of its own each")
        tensors = sorted(tensors, key=lambda tensor: str(tensor["name"]))
    shapes = [_shape(tensor) for tensor in tensors]
    check_rows(max((one[0] for one in shapes if one), default=0), limits)
    width = sum(prod(one[1:]) for one in shapes)
    _check_width(width, size)
    parts = [_asked(tensor) for tensor in tensors]
    if len({len(part) for part in parts}) != 1:
        raise ValueError("input tensors that differ in their number of rows")
    return np.concatenate(parts, axis=1), shapes[0][1:] or [1] if len(parts) == 1 else [width]


def _check_width(width: int, size: int | None) -> None:
    if size is not None and width != size:
        raise ValueError(f"{width} values an example where the model takes {size}"[:200])


def _nesting(data: Any) -> list[int]:
    """Return the shape that lists in lists have if they are alike; numpy is not asked for one of too many sizes."""
    sizes: list[int] = []
    while isinstance(data, list):
        if len(sizes) == MOST_DIMENSIONS:
            raise ValueError(f"more than {MOST_DIMENSIONS} lists in one another")
        sizes.append(len(data))
        data = data[0] if data else None
    return sizes


def most_rows(body: Body, limits: BodyLimits = LIMITS) -> int:
    """Return how many examples a request may ask about, however it is read, up to one more than are read.

    What may hold examples of which the number cannot be told counts as one more than are read, and a request without
    any as one.

    Raises:
        UnreadError: If there are more keys than are read.
    """
    most, counts = limits.rows + 1, [1]
    check_keys(body)
    for key, held in body.items():
        name = folded(key)
        if name == "instances":
            counts.append(len(held) if isinstance(held, list) else most)
        elif name == "inputs":
            counts += [_first_size(tensor, most) for tensor in held] if isinstance(held, list) and held else [most]
    return min(max(counts), most)


def _first_size(tensor: Any, otherwise: int) -> int:
    try:
        return _shape(tensor)[0]
    except (ValueError, LookupError, TypeError):
        return otherwise


def folded(key: str) -> str:
    """Return a key as those know it who do not care about case or form, nor about spaces around it.

    The readers of some languages take the long s for an s, the sign of Kelvin for a k and an i without its dot for one.
    """
    plain = key.strip()
    if plain.isascii() or len(plain) > LONGEST_KEY:
        return plain.lower()
    return unicodedata.normalize("NFKC", plain).upper().casefold().replace("\u0307", "").strip()


def answer(body: Body, n: int) -> Answer:
    """Return what a response says to `n` examples.

    The first output with a score a class gives the scores, the first with one text or whole number an example the
    labels; without labels the class of the highest score stands for them.

    Raises:
        ValueError: If it does not fit the examples; and KeyError, TypeError or AttributeError as above.
    """
    labels = scores = None
    check_tensors(body.get("outputs"))
    for output in [_prediction(body["predictions"])] if "predictions" in body else body["outputs"]:
        shape = _shape(output)
        if not shape or shape[0] != n:
            continue
        if output.get("datatype") in FLOATS:
            scores = _rows(output) if scores is None and len(shape) <= 2 else scores
        elif labels is None and prod(shape) == n:
            labels = [_text(value) for value in np.asarray(output["data"], object).reshape(n)]
    if labels is None and scores is None:
        raise ValueError(f"an answer with neither a label nor scores for {n} examples")
    if labels is None and scores is not None and scores.shape[1] > 1:
        labels = [str(best) for best in scores.argmax(axis=1).tolist()]
    return Answer(labels, scores, _name(body, "model_name"), _name(body, "model_version"))


def _prediction(predictions: list[Any]) -> Body:
    """Return the predictions of KServe v1 as a tensor of the Open Inference Protocol."""
    _nesting(predictions)
    data = np.asarray(predictions, object)
    floats = data.ndim == 2 or all(type(value) is float for value in data.flat)
    return {"shape": list(data.shape), "datatype": "FP64" if floats else "BYTES", "data": predictions}


def _shape(tensor: Body) -> list[int]:
    shape = tensor["shape"]
    if not isinstance(shape, list) or len(shape) > MOST_DIMENSIONS:
        raise ValueError("a shape that is no list of a few sizes")
    if not all(type(size) is int and 0 < size < LARGEST_SIZE for size in shape):
        raise ValueError("a shape that is no list of sizes")
    return shape


def _asked(tensor: Body) -> NDArray[np.float64]:
    """Return the rows of an input tensor that can be read in one way only."""
    check_keys(tensor)
    if len(set(map(folded, tensor))) != len(tensor):
        raise ValueError("a key of a tensor that stands twice")
    shape, values = _values(tensor)
    if values.ndim > 1 and len(values) != shape[0] and _long(values.shape) != _long(shape):
        raise ValueError("data that are nested otherwise than the shape says")
    limits = _WHOLE.get(str(tensor.get("datatype")))
    if limits and not ((values == np.rint(values)) & (values >= limits[0]) & (values <= limits[1])).all():
        # Beyond what a type can hold, some servers cut and others wrap.
        raise ValueError("values that the tensor's type cannot hold")
    return values.reshape(shape[0], -1)


def _long(shape: Sequence[int]) -> list[int]:
    """Leave out the sizes of one: a single picture is often nested without the one for its batch."""
    return [size for size in shape if size != 1]


def _rows(tensor: Body) -> NDArray[np.float64]:
    shape, values = _values(tensor)
    return values.reshape(shape[0], -1)


def _values(tensor: Body) -> tuple[list[int], NDArray[np.float64]]:
    shape = _shape(tensor)
    if not shape:
        raise ValueError("a tensor without rows")
    # `data` may be nested or flat for the same shape.
    _nesting(tensor["data"])
    values = _numbers(tensor["data"])
    if values.size != prod(shape):
        raise ValueError(f"{values.size} values for the shape {shape}"[:200])
    return shape, values


def _numbers(data: Any) -> NDArray[np.float64]:
    """Return numbers; text is none, even where digits stand in it, since not everybody takes the same for digits."""
    try:
        # As objects first: an array of texts would make each as wide as the longest.
        told = data if isinstance(data, np.ndarray) else np.asarray(data, object)
        if told.dtype != object or _COUNTED.issuperset(map(type, told.ravel().tolist())):
            return told.astype(np.float64, copy=False)
    except (ValueError, TypeError, OverflowError):
        pass
    raise ValueError("data that are no numbers")


def _text(value: Any) -> str:
    if isinstance(value, list | dict):
        raise ValueError("a label that is neither text nor a number")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name(body: Body, key: str) -> str | None:
    value = body.get(key)
    return None if value is None else str(value)
