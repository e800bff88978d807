"""Tensors as objects with a type, a shape and their bytes in base64."""

import base64
import binascii
from math import prod
from typing import Any, Final

import numpy as np

TYPES: Final = ("dtype", "datatype", "data_type", "type")
BYTES: Final = ("data", "b64", "base64", "bytes", "values", "content", "buffer")
MOST: Final = 2**22
"""Bytes of a tensor."""
_KINDS: Final = frozenset("fiub")
"""Letters of NumPy for numbers that a model takes."""
_ALIASES: Final = {"float": "float32", "double": "float64", "half": "float16", "int": "int32", "long": "int64"}


def tensor_numbers(value: Any) -> list[float] | None:
    """Return the numbers of a tensor, little end first; None where its bytes do not fit its type and shape."""
    about = _parts(value)
    if about is None:
        return None
    kind, text = about
    try:
        data = base64.b64decode(text.partition(",")[2] if text.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError):
        return None
    shape = value.get("shape")
    if not data or len(data) > MOST or len(data) % kind.itemsize:
        return None
    held = np.frombuffer(data, kind.newbyteorder("<"))
    if isinstance(shape, list) and (not all(type(one) is int for one in shape) or prod(shape) != held.size):
        return None
    return [float(one) for one in held]


def are_tensors_in_base64(values: list[Any]) -> bool:
    """Tell whether nearly all of some values are such tensors, of as many numbers each."""
    sizes = [len(found) for value in values[:100] if (found := tensor_numbers(value)) is not None]
    return bool(sizes) and len(set(sizes)) == 1 and len(sizes) >= 0.9 * len(values[:100])


def _parts(value: Any) -> tuple[np.dtype[Any], str] | None:
    if not isinstance(value, dict):
        return None
    name = next((value[key] for key in TYPES if isinstance(value.get(key), str)), None)
    text = next((value[key] for key in BYTES if isinstance(value.get(key), str)), None)
    if name is None or text is None:
        return None
    plain = name.lower().rsplit(".", 1)[-1].removeprefix("dt_").replace("fp", "float")
    try:
        kind = np.dtype(_ALIASES.get(plain, plain))
    except (TypeError, ValueError, SyntaxError):
        return None
    return (kind, text) if kind.kind in _KINDS else None
