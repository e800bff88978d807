"""Bodies of inference requests and answers: Open Inference Protocol (KServe v2, also Triton's) and KServe v1.

A reason why a body cannot be used never repeats what stands in it: it may be anybody's data.
"""

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
    check_rows,
    check_tensors,
)

FLOATS: Final = ("FP16", "BF16", "FP32", "FP64")

Body = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a model said to n examples."""

    labels: list[str] | None = None
    scores: NDArray[np.float64] | None = None
    """(n, c)."""
    model: str | None = None
    version: str | None = None


def examples(body: Body, limits: BodyLimits = LIMITS) -> tuple[NDArray[np.float64], list[int]]:
    """Return the (n, d) examples of a request and the shape of one; several tensors are joined row by row.

    Raises:
        UnreadError: If there are more rows or tensors than are read.
        ValueError: If they are no rows of numbers; and KeyError, TypeError or AttributeError if a part is missing or
            of a wrong type.
    """
    if "instances" in body:
        if isinstance(body["instances"], list):
            check_rows(len(body["instances"]), limits)
        rows = _numbers(body["instances"])
        if rows.ndim == 0 or not rows.size:
            raise ValueError("instances that are no rows of numbers")
        return rows.reshape(len(rows), -1), list(rows.shape[1:]) or [1]
    tensors = body["inputs"]
    check_tensors(tensors)
    shapes = [_shape(tensor) for tensor in tensors]
    check_rows(max((size[0] for size in shapes if size), default=0), limits)
    parts = [_rows(tensor) for tensor in tensors]
    if len({len(part) for part in parts}) != 1:
        raise ValueError("input tensors that differ in their number of rows")
    shape = shapes[0][1:] or [1] if len(parts) == 1 else [sum(part.shape[1] for part in parts)]
    return np.concatenate(parts, axis=1), shape


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


def _rows(tensor: Body) -> NDArray[np.float64]:
    shape = _shape(tensor)
    if not shape:
        raise ValueError("a tensor without rows")
    # `data` may be nested or flat for the same shape.
    flat = _numbers(tensor["data"]).reshape(-1)
    if flat.size != prod(shape):
        raise ValueError(f"{flat.size} values for the shape {shape}"[:200])
    return flat.reshape(shape[0], -1)


def _numbers(data: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(data, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise ValueError("data that are no numbers") from None


def _text(value: Any) -> str:
    if isinstance(value, list | dict):
        raise ValueError("a label that is neither text nor a number")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _name(body: Body, key: str) -> str | None:
    value = body.get(key)
    return None if value is None else str(value)
