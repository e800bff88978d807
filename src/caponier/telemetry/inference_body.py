"""Bodies of inference requests and answers.

They are those of the Open Inference Protocol (KServe v2, also Triton's and MLServer's), of KServe v1 and TensorFlow
Serving, and of MLflow (`dataframe_split`, `dataframe_records`, `instances`, `inputs`).

A body that a model server could read as other rows than these is not read at all: one that speaks both protocols, or
in which shape, type and data do not agree.

A reason why a body cannot be used never repeats what stands in it: it may be anybody's data.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import prod
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from caponier.records.inventory import FeatureSpec
from caponier.telemetry.body_keys import HOLDING, check_request_keys, check_tensor_keys, folded, is_shape
from caponier.telemetry.body_limits import LIMITS, MOST_DIMENSIONS, BodyLimits, check_keys, check_rows, check_tensors
from caponier.telemetry.body_tables import Cells, columns_of_records, table_rows

FLOATS: Final = ("FP16", "BF16", "FP32", "FP64")

_WIDTHS: Final = {"FP16": np.float16, "BF16": np.float32, "FP32": np.float32, "FP64": np.float64}

_TEXT_CODECS: Final = ("str", "pd", "np")
"""Content types under which MLServer takes texts as they are."""

_MOMENTS: Final = "datetime"
"""The content type under which it takes times; one that is written in two ways is one time."""

_WHOLE: Final = {"BOOL": (0, 1)} | {
    f"{sign.upper()}INT{bits}": (int(np.iinfo(f"{sign}int{bits}").min), int(np.iinfo(f"{sign}int{bits}").max))
    for sign in ("", "u")
    for bits in (8, 16, 32, 64)
}
"""The least and the largest value of each type of whole numbers."""

_EMBEDDED: Final = re.compile(r"embedding|hidden_state|pooler_output|(?:^|_)(?:vectors?|latents?)$")
"""How an output is called whose numbers are no scores: the place of the highest is no class."""

_CLASS: Final = re.compile(r"([-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?):(\d{1,9})(?::.*)?", re.DOTALL)
"""A score, which has a fraction, and the class that has it."""

_COUNTED: Final = {int, float, bool, type(None)}
"""What JSON holds for a number; what is missing is none yet."""

Body = dict[str, Any]


@dataclass(frozen=True, eq=False, slots=True)
class Asked:
    """What a model is asked about n examples."""

    rows: NDArray[np.float64]
    """(n, d)."""
    shape: list[int]
    """Of one of them."""
    remarks: tuple[str, ...] = ()
    """How its columns differ from the model's."""
    names: tuple[str, ...] = ()
    """Of several columns, as they stand there, where nobody has said how the model's are called: whether it takes them
    by name or as they stand is not known (`column_layouts`)."""
    texts: tuple[str, ...] = ()
    """Those of them that hold text."""
    turned: tuple[str, ...] = ()
    """Of several columns whose names the model is known to have, as they stand there, if that is not its order: one
    that takes them as they stand, all the same, is asked about another row."""


@dataclass(frozen=True)
class Answer:
    """What a model said to n examples."""

    labels: list[str] | None = None
    scores: NDArray[np.float64] | None = None
    """(n, c)."""
    model: str | None = None
    version: str | None = None


def examples(body: Body, limits: BodyLimits = LIMITS, size: int | None = None) -> tuple[NDArray[np.float64], list[int]]:
    """Return the (n, d) examples of a request and the shape of one; see `asked`."""
    found = asked(body, limits, size)
    return found.rows, found.shape


def asked(body: Body, limits: BodyLimits = LIMITS, size: int | None = None, takes: FeatureSpec | None = None) -> Asked:
    """Return the examples of a request.

    Several tensors are joined row by row: servers take them by name, in whatever order they stand. They come into the
    order of the model's columns where those have names, and else of their own names.

    Args:
        body: The request.
        limits: What it may cost.
        size: Values in one example; None if that is not known. Nothing is made of a request that says otherwise.
        takes: What the model takes, where that is known.

    Raises:
        UnreadError: If there are more rows or tensors than are read.
        ValueError: If they are no rows of numbers, or could be read as others; and KeyError, TypeError or
            AttributeError if a part is missing or of a wrong type.
    """
    check_keys(body)
    if sum(folded(key) in HOLDING for key in body) > 1:
        raise ValueError("inputs and instances in one request")
    check_request_keys(body)
    if "dataframe_split" in body:
        return _split(body["dataframe_split"], limits, size, takes)
    if "dataframe_records" in body:
        return _records(body["dataframe_records"], limits, size, takes)
    held = body["instances"] if "instances" in body else body["inputs"]
    if isinstance(held, dict):
        return _columns(held, limits, size, takes)
    if "instances" not in body and not _is_rows(held):
        return _tensors(tensors_of(body, "inputs"), limits, size, takes)
    if isinstance(held, list) and held and isinstance(held[0], dict):
        return _records(held, limits, size, takes)
    return _instances(held, limits, size)


def _is_rows(held: Any) -> bool:
    """Tell whether inputs are rows, as MLflow takes them, and no tensors."""
    return isinstance(held, list) and bool(held) and isinstance(held[0], list | int | float)


def _split(held: Any, limits: BodyLimits, size: int | None, takes: FeatureSpec | None) -> Asked:
    """Read a data frame as pandas splits it: names of columns, and rows."""
    check_keys(held)
    if len(set(map(folded, held))) != len(held):
        raise ValueError("a key of a table that stands twice")
    data = held["data"]
    if not isinstance(data, list) or not all(isinstance(row, list) for row in data):
        raise ValueError("a table without rows")
    check_rows(len(data), limits)
    index = held.get("index")
    # Pandas repeats one row as often as the index is long.
    if index is not None and not (isinstance(index, list) and len(index) == len(data)):
        raise ValueError("an index that does not fit the rows")
    names = held.get("columns")
    if names is None:
        return _instances(data, limits, size)
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise ValueError("columns without a name of its own each")
    if any(len(row) != len(names) for row in data):
        raise ValueError("rows of another length than their columns")
    return _table({name: [row[place] for row in data] for place, name in enumerate(names)}, size, takes)


def _records(held: Any, limits: BodyLimits, size: int | None, takes: FeatureSpec | None) -> Asked:
    if not isinstance(held, list):
        raise ValueError("a table without rows")
    check_rows(len(held), limits)
    return _table(columns_of_records(held), size, takes)


def _columns(held: Body, limits: BodyLimits, size: int | None, takes: FeatureSpec | None) -> Asked:
    """Read lists by name, a column each."""
    check_keys(held)
    if not all(isinstance(values, list) for values in held.values()):
        raise ValueError("columns that are no lists")
    check_rows(max(map(len, held.values()), default=0), limits)
    return _table(held, size, takes)


def _table(columns: Cells, size: int | None, takes: FeatureSpec | None) -> Asked:
    known = {column.name for column in takes.columns} if takes else set()
    if not known & set(columns) and any(len(cells) and isinstance(cells[0], list) for cells in columns.values()):
        return _joined(columns, size)
    if takes is None:
        _check_width(len(columns), size)
    made = table_rows(columns, takes)
    shape = [made.rows.shape[1]]
    if takes is not None and takes.columns:
        left = iter([column.name for column in takes.columns])
        # Who leaves some out asks about no other row: a model that goes by the order would get too few.
        turned = () if all(name in left for name in columns) else _layout(columns)
        return Asked(made.rows, shape, made.remarks, turned=turned)
    names = _layout(columns)
    texts = tuple(name for name in names if _holds_text(columns[name]))
    return Asked(made.rows, shape, made.remarks, names, texts)


def _holds_text(cells: Sequence[Any] | NDArray[np.float64]) -> bool:
    return not isinstance(cells, np.ndarray) and any(isinstance(cell, str) for cell in cells)


def _joined(columns: Cells, size: int | None) -> Asked:
    """Join named inputs of several values each, as TensorFlow Serving takes them by row and by column."""
    names = sorted(columns)
    shapes = [_nesting(columns[name]) for name in names]
    if len({one[0] for one in shapes}) != 1:
        raise ValueError("columns that differ in their number of rows")
    width = sum(prod(one[1:]) for one in shapes)
    _check_width(width, size)
    parts = [_numbers(columns[name]) for name in names]
    if any(list(part.shape) != one for part, one in zip(parts, shapes, strict=True)):
        raise ValueError("data that are no numbers")
    rows = np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
    if not rows.size:
        raise ValueError("a table without rows")
    return Asked(rows, shapes[0][1:] if len(names) == 1 else [width], names=_layout(columns))


def _layout(names: Iterable[Any]) -> tuple[str, ...]:
    """Return the names of columns as they stand there; none where there is a single one, which has no order."""
    told = tuple(map(str, names))
    return told if len(told) > 1 else ()


def _instances(data: Any, limits: BodyLimits, size: int | None) -> Asked:
    sizes = _nesting(data)
    check_rows(sizes[0] if sizes else 0, limits)
    _check_width(prod(sizes[1:]), size)
    rows = _numbers(data)
    if rows.ndim == 0 or not rows.size:
        raise ValueError("instances that are no rows of numbers")
    return Asked(rows.reshape(len(rows), -1), list(rows.shape[1:]) or [1])


def tensors_of(body: Body, key: str) -> list[Body]:
    """Return the tensors of a body: the one way to them, since a text or an object can be iterated over, too.

    Args:
        body: A request or an answer.
        key: `inputs` or `outputs`.

    Raises:
        UnreadError: If there are more than are read.
        ValueError: If it is no list of objects; and KeyError if it is not there.
    """
    held = body[key]
    check_tensors(held)
    if not isinstance(held, list) or not all(isinstance(tensor, dict) for tensor in held):
        raise ValueError(f"{key} that are no list of tensors")
    return held


def _tensors(tensors: list[Body], limits: BodyLimits, size: int | None, takes: FeatureSpec | None) -> Asked:
    if not tensors:
        raise ValueError("a request without tensors")
    named = [tensor.get("name") for tensor in tensors]
    if len(named) > 1 and (
        len(set(map(repr, named))) != len(named) or not all(isinstance(name, str) for name in named)
    ):
        raise ValueError("several input tensors without a name of its own each")
    shapes = [_shape(tensor) for tensor in tensors]
    check_rows(max((one[0] for one in shapes if one), default=0), limits)
    if _is_table(tensors, named, shapes, takes):
        return _table({str(tensor["name"]): _cells(tensor) for tensor in tensors}, size, takes)
    width = sum(prod(one[1:]) for one in shapes)
    _check_width(width, size)
    order = sorted(range(len(tensors)), key=lambda place: str(named[place])) if len(named) > 1 else [0]
    parts = [_asked(tensors[place]) for place in order]
    if len({len(part) for part in parts}) != 1:
        raise ValueError("input tensors that differ in their number of rows")
    one = shapes[0][1:] or [1] if len(parts) == 1 else [width]
    return Asked(np.concatenate(parts, axis=1), one, names=_layout(named))


def _is_table(
    tensors: Sequence[Body], named: Sequence[Any], shapes: Sequence[Sequence[int]], takes: FeatureSpec | None
) -> bool:
    """Tell whether tensors are the columns of a table whose names or texts count."""
    if len(tensors) == 1 and (takes is None or prod(shapes[0][1:]) > 1):
        # The usual request, of every one of which this is asked.
        return False
    if not all(one and prod(one[1:]) == 1 for one in shapes):
        return False
    known = {column.name for column in takes.columns} if takes else set()
    if known and known & set(map(str, named)):
        return True
    # One tensor of texts is a text and no table, unless the model is known to take categories.
    several = len(tensors) > 1 or (takes is not None and takes.kind == "categorical")
    return several and any(tensor.get("datatype") == "BYTES" for tensor in tensors)


def _cells(tensor: Body) -> Sequence[Any] | NDArray[np.float64]:
    """Return the values of a column; texts as they are, for as long as there is one way to read them."""
    if tensor.get("datatype") != "BYTES":
        return _asked(tensor)[:, 0]
    check_tensor_keys(tensor)
    kind = (tensor.get("parameters") or {}).get("content_type")
    if kind is not None and kind not in (*_TEXT_CODECS, _MOMENTS):
        raise ValueError("texts that are packed in another way")
    shape, data = _shape(tensor), tensor["data"]
    cells = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in data]
    if len(cells) != shape[0] or not all(cell is None or isinstance(cell, str) for cell in cells):
        raise ValueError("texts that do not fit their shape")
    return [cell and datetime.fromisoformat(cell).isoformat() for cell in cells] if kind == _MOMENTS else cells


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


def answer(body: Body, n: int) -> Answer:
    """Return what a response says to `n` examples.

    The first output with a score a class gives the scores, the first with one text or whole number an example the
    labels; without labels the class of the highest score stands for them. An embedding is neither.

    Raises:
        ValueError: If it does not fit the examples; and KeyError, TypeError or AttributeError as above.
    """
    labels = scores = None
    embeds = False
    for output in _answers(body):
        shape = _shape(output)
        if not shape or shape[0] != n:
            continue
        if _EMBEDDED.search(str(output.get("name", "")).lower()):
            embeds = True
            continue
        classes = _classes(output, n) if output.get("datatype") == "BYTES" else None
        if classes is not None:
            labels = classes[0] if labels is None else labels
            scores = classes[1] if scores is None else scores
        elif output.get("datatype") in FLOATS:
            scores = _rows(output) if scores is None and len(shape) <= 2 else scores
        elif labels is None and prod(shape) == n:
            labels = [_text(value) for value in np.asarray(output["data"], object).reshape(n)]
    if labels is None and scores is None and not embeds:
        raise ValueError(f"an answer with neither a label nor scores for {n} examples")
    if labels is None and scores is not None and scores.shape[1] > 1:
        labels = [str(best) for best in scores.argmax(axis=1).tolist()]
    return Answer(labels, scores, _name(body, "model_name"), _name(body, "model_version"))


def _answers(body: Body) -> list[Body]:
    """Return what a response answers as tensors; TensorFlow Serving answers columns with bare lists."""
    if "predictions" in body:
        return [_prediction(body["predictions"])]
    held = body.get("outputs")
    check_tensors(held)
    if isinstance(held, list) and held and isinstance(held[0], list):
        return [_prediction(held)]
    if isinstance(held, dict) and held and all(isinstance(one, list) and one for one in held.values()):
        return [{"name": name, **_prediction(one)} for name, one in held.items()]
    return list(tensors_of(body, "outputs"))


def _classes(output: Body, n: int) -> tuple[list[str], NDArray[np.float64] | None] | None:
    """Return the best class of each example, and the scores of all, where they stand in words; None if none do.

    Triton writes `score:class:name` to whoever asks for the so many best classes, the best one first. What it says of
    some of the classes alone is no list of scores.
    """
    held = output["data"] if isinstance(output["data"], list) else []
    flat = (text for part in held for text in (part if isinstance(part, list) else [part]))
    told = [_CLASS.fullmatch(text) if isinstance(text, str) else None for text in flat]
    found = [one for one in told if one is not None]
    if len(found) != len(told) or not told or len(told) % n:
        return None
    classes = np.array([int(one[2]) for one in found]).reshape(n, -1)
    values = np.array([float(one[1]) for one in found]).reshape(n, -1)
    width = classes.shape[1]
    labels = [str(best) for best in classes[:, 0].tolist()]
    if width == 1 or (np.sort(classes) != np.arange(width)).any():
        return labels, None
    return labels, np.take_along_axis(values, classes.argsort(axis=1), axis=1)


def _prediction(predictions: list[Any]) -> Body:
    """Return the predictions of KServe v1 as a tensor of the Open Inference Protocol."""
    _nesting(predictions)
    data = np.asarray(predictions, object)
    floats = data.ndim == 2 or all(type(value) is float for value in data.flat)
    return {"shape": list(data.shape), "datatype": "FP64" if floats else "BYTES", "data": predictions}


def _shape(tensor: Body) -> list[int]:
    shape = tensor["shape"]
    if not is_shape(shape):
        raise ValueError("a shape that is no list of a few sizes")
    return cast(list[int], shape)


def _asked(tensor: Body) -> NDArray[np.float64]:
    """Return the rows of an input tensor that can be read in one way only."""
    check_tensor_keys(tensor)
    kind = tensor.get("datatype")
    if not isinstance(kind, str) or (kind not in FLOATS and kind not in _WHOLE):
        # The protocol's types are written in one way. Who takes another one, or none, may cut and wrap as he likes.
        raise ValueError("numbers of a type that is not known")
    shape, values = _values(tensor)
    if values.ndim > 1 and len(values) != shape[0] and _long(values.shape) != _long(shape):
        raise ValueError("data that are nested otherwise than the shape says")
    limits = _WHOLE.get(kind)
    if limits and not ((values == np.rint(values)) & (values >= limits[0]) & (values <= limits[1])).all():
        # Beyond what a type can hold, some servers cut and others wrap.
        raise ValueError("values that the tensor's type cannot hold")
    return (values if limits else _narrowed(values, kind)).reshape(shape[0], -1)


def _narrowed(values: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    """Return fractions as they are once a server has put them into their type: several that differ may be one there."""
    if kind == "FP64":
        return values
    with np.errstate(over="ignore"):
        narrow = values.astype(_WIDTHS[kind]).astype(np.float64)
    if not np.isfinite(narrow).all() and (np.isinf(narrow) & ~np.isinf(values)).any():
        raise ValueError("values that the tensor's type cannot hold")
    if kind == "BF16" and (narrow.astype(np.float32).view(np.uint32) & 0xFFFF)[~np.isnan(narrow)].any():
        # Some servers round to it, and others cut.
        raise ValueError("values that the tensor's type cannot hold")
    return narrow


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
        if isinstance(data, list) and _COUNTED.issuperset(map(type, data)):
            # The usual case, a list of nothing but numbers, is one step.
            return np.array(data, np.float64)
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
