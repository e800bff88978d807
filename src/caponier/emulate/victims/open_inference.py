"""The Open Inference Protocol, version 2 (KServe v2), as far as a model with one input of numbers speaks it."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from caponier.emulate.images import Images
from caponier.errors import InputError

DATATYPES = {"FP32": np.float32, "FP64": np.float64}
OUTPUTS = ("probabilities", "label")


class MalformedError(InputError):
    """A request that does not follow the protocol; the client is told why."""


@dataclass(frozen=True, eq=False)
class InferenceRequest:
    """An inference request.

    Args:
        request_id: The client's own id.
        rows: What is asked, shape (n, features).
        outputs: Names of the outputs that the client wants.
    """

    request_id: str | None
    rows: Images
    outputs: tuple[str, ...]


def parse(body: bytes, features: int) -> InferenceRequest:
    """Read the body of an inference request for a model of `features` numbers.

    Raises:
        MalformedError: If the body is no JSON, or not what the protocol and the model ask for.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as broken:
        raise MalformedError(f"the body is not JSON: {broken}") from broken
    demand(isinstance(document, dict), "the body must be a JSON object")
    request_id = document.get("id")
    demand(request_id is None or isinstance(request_id, str), "id must be a string")
    inputs = document.get("inputs")
    demand(isinstance(inputs, list) and len(inputs) == 1, "inputs must be a list of exactly one tensor")
    return InferenceRequest(request_id, _rows(inputs[0], features), _outputs(document.get("outputs")))


def answer(query: InferenceRequest, scores: Images, model: str, version: str) -> bytes:
    """Write the response to a query whose rows got the scores (n, classes)."""
    n, classes = scores.shape
    tensors = {
        "probabilities": {"shape": [n, classes], "datatype": "FP32", "data": np.ascontiguousarray(scores).reshape(-1)},
        "label": {"shape": [n], "datatype": "INT64", "data": scores.argmax(axis=1)},
    }
    document: dict[str, Any] = {"model_name": model, "model_version": version}
    if query.request_id is not None:
        document["id"] = query.request_id
    document["outputs"] = [{"name": name, **tensors[name]} for name in query.outputs]
    return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)


def metadata(model: str, version: str, features: int, classes: int) -> dict[str, Any]:
    """Describe a model as `GET /v2/models/{model}` does."""
    return {
        "name": model,
        "versions": [version],
        "platform": "scikit-learn",
        "inputs": [{"name": "input", "datatype": "FP32", "shape": [-1, features]}],
        "outputs": [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, classes]},
            {"name": "label", "datatype": "INT64", "shape": [-1]},
        ],
    }


def demand(kept: bool, otherwise: str) -> None:
    """Refuse what does not hold.

    Raises:
        MalformedError: With these words.
    """
    if not kept:
        raise MalformedError(otherwise)


def _outputs(wanted: Any) -> tuple[str, ...]:
    if wanted is None or wanted == []:
        return OUTPUTS
    demand(isinstance(wanted, list) and all(isinstance(one, dict) for one in wanted), "outputs must be a list")
    names = tuple(one.get("name") for one in wanted)
    demand(all(name in OUTPUTS for name in names), f"this model's outputs are {' and '.join(OUTPUTS)}")
    return names


def _rows(tensor: Any, features: int) -> Images:
    """Read a tensor whose data are nested as its shape says, or flat."""
    demand(isinstance(tensor, dict), "an input must be a JSON object")
    demand(isinstance(tensor.get("name"), str), "an input needs a name")
    datatype, shape = tensor.get("datatype"), tensor.get("shape")
    demand(isinstance(datatype, str) and datatype in DATATYPES, f"datatype must be {' or '.join(DATATYPES)}")
    whole = isinstance(shape, list) and all(type(size) is int and size > 0 for size in shape)
    demand(whole and len(shape) > 1, "shape must be a list of at least two positive whole numbers")
    demand(prod(shape[1:]) == features, f"shape must be [n, {features}], or [n, …] with {features} numbers a row")
    values = _numbers(tensor.get("data"))
    fits = values.shape in (tuple(shape), (prod(shape),))
    demand(fits, f"data hold {list(values.shape)} numbers, and shape says {shape}")
    return _narrow(values.reshape(shape[0], features))


def finite_rows(data: Any, shape: tuple[int, int]) -> Images:
    """Read rows of numbers, nested and of the shape (n, features).

    Raises:
        MalformedError: If they are none.
    """
    values = _numbers(data)
    demand(values.shape == shape, f"data hold {list(values.shape)} numbers, and must hold {list(shape)}")
    return _narrow(values)


def _narrow(values: npt.NDArray[Any]) -> Images:
    with np.errstate(over="ignore"):
        rows: Images = values.astype(np.float32)
    demand(bool(np.isfinite(rows).all()), "data hold a number that is too large")
    return rows


def _numbers(data: Any) -> npt.NDArray[Any]:
    try:
        values = np.array(data)
    except ValueError as ragged:
        raise MalformedError("data are neither flat nor nested evenly") from ragged
    demand(values.dtype.kind in "fiu", "data must be numbers")
    return values
