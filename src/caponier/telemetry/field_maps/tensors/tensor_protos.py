"""Messages of TensorFlow Serving as JSON has them: tensors by name under `inputs` and `outputs`.

TensorFlow Serving writes a `PredictionLog` of a request and its answer. As JSON it is what protocol buffers say of
`tensorflow/core/framework/tensor.proto` and `tensorflow_serving/apis/predict.proto`: keys with humps or underscores,
whole numbers of 64 bits as text, bytes in base64.
"""

import base64
from math import prod
from typing import Any, Final

import numpy as np

from caponier.telemetry.readers.field_names import normal

Body = dict[str, Any]
_VALUES: Final = {
    "DT_FLOAT": ("FP32", "float_val", "<f4"),
    "DT_DOUBLE": ("FP64", "double_val", "<f8"),
    "DT_INT32": ("INT32", "int_val", "<i4"),
    "DT_INT64": ("INT64", "int64_val", "<i8"),
    "DT_STRING": ("BYTES", "string_val", ""),
    "DT_BOOL": ("BOOL", "bool_val", "|b1"),
}
"""A type to what the Open Inference Protocol calls it, the key of its values, and how NumPy reads its bytes."""
_MOST_ALIKE: Final = 2**16
"""Values that one may stand for: a short message must not become a large one."""
_MOST: Final = 64
"""Tensors of a message."""


def is_tensor_message(body: Any) -> bool:
    """Tell whether a body is such a message."""
    held = body.get("inputs", body.get("outputs")) if isinstance(body, dict) else None
    return isinstance(held, dict) and bool(held) and all(_is_tensor(one) for one in held.values())


def _is_tensor(held: Any) -> bool:
    return isinstance(held, dict) and str(held.get("dtype")).startswith("DT_")


def out_of_tensors(body: Body) -> Body:
    """Return what a message holds as a body of the Open Inference Protocol.

    Raises:
        ValueError: If a tensor is of a type that is not read, or does not fit its shape; and KeyError, TypeError
            or AttributeError if a part is missing or of a wrong type.
    """
    key = next(key for key in ("inputs", "outputs") if key in body)
    if len(body[key]) > _MOST:
        raise ValueError(f"more than {_MOST} tensors")
    return {key: [_tensor(name, held) for name, held in body[key].items()]}


def _tensor(name: str, held: Body) -> Body:
    about = {normal(key): value for key, value in held.items()}
    if about["dtype"] not in _VALUES:
        raise ValueError("a tensor of a type that is not read")
    kind, values, form = _VALUES[about["dtype"]]
    shape = [int(one["size"]) for one in about.get("tensor_shape", {}).get("dim", [])] or [1]
    count = prod(shape)
    if "tensor_content" in about and form:
        data: list[Any] = np.frombuffer(base64.b64decode(about["tensor_content"], validate=True), form).tolist()
    else:
        data = [_value(one, kind) for one in about[values]]
    if len(data) == 1 < count <= _MOST_ALIKE:
        # One value stands for all of them.
        data *= count
    if len(data) != count:
        raise ValueError("values that do not fit their shape")
    return {"name": name, "shape": shape, "datatype": kind, "data": data}


def _value(one: Any, kind: str) -> Any:
    if kind == "BYTES":
        return base64.b64decode(one, validate=True).decode()
    return int(one) if kind.startswith("INT") else one
