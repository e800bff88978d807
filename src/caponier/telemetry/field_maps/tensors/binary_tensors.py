"""Bodies of the Open Inference Protocol whose tensors stand behind the JSON, as bytes (Triton's binary data)."""

import json
from typing import Any, Final

import numpy as np

from caponier.telemetry import plain_json
from caponier.telemetry.body_limits import LIMITS, BodyLimits, UnreadError
from caponier.telemetry.inference_body import tensors_of

COST_OF_TEXT: Final = 6
"""As much as six numbers: each is found by a step of Python."""
_TYPES: Final = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
_DECODER: Final = json.JSONDecoder()


def fill_tensors(found: dict[str, Any], data: bytes, limits: BodyLimits) -> None:
    """Put the tensors behind a JSON document into it.

    Args:
        found: The document.
        data: What stands behind it.
        limits: What it may cost.

    Raises:
        UnreadError: If there is more than is read.
        ValueError: If the tensors do not fit what the document says of them; and LookupError, TypeError or
            AttributeError if a part is missing or of a wrong type.
    """
    at, left = 0, limits.numbers
    for tensor in (tensor for key in ("inputs", "outputs") if key in found for tensor in tensors_of(found, key)):
        size = (tensor.get("parameters") or {}).get("binary_data_size")
        if size is None:
            continue
        if "data" in tensor:
            raise ValueError("a tensor with its values twice")
        part = data[at : at + size]
        if size < 0 or len(part) != size:
            raise ValueError("tensors that are cut off")
        if tensor["datatype"] == "BYTES":
            tensor["data"] = _texts(part, left // COST_OF_TEXT)
            left -= COST_OF_TEXT * len(tensor["data"])
        else:
            tensor["data"] = np.frombuffer(part, _TYPES[tensor["datatype"]])
            left -= tensor["data"].size
        if left < 0:
            raise UnreadError(f"more than {limits.numbers:,} numbers")
        at += size
    if at != len(data):
        raise ValueError("something behind the last tensor")


def whole_body(data: bytes) -> dict[str, Any] | None:
    """Read a document with its tensors behind it, where no header says how long it is; None where there is no such one.

    Args:
        data: The body as it came.

    Raises:
        UnreadError, ValueError and others: As above.
    """
    if data[:1] != b"{":
        return None
    try:
        # A byte a letter: what stands behind the document is no text.
        found, end = _DECODER.raw_decode(data.decode("latin-1"))
    except (ValueError, RecursionError):
        return None
    if end == len(data) or not isinstance(found, dict):
        return None
    fill_tensors(found := plain_json.loads(data[:end]), data[end:], LIMITS)
    for tensor in (tensor for key in ("inputs", "outputs") if key in found for tensor in tensors_of(found, key)):
        if isinstance(tensor.get("data"), np.ndarray):
            tensor["data"] = tensor["data"].tolist()
    return dict(found)


def _texts(data: bytes, most: int) -> list[str]:
    """Return texts that stand behind their lengths, four bytes each."""
    texts: list[str] = []
    at = 0
    while at < len(data):
        if len(texts) == most:
            raise UnreadError(f"more than {most:,} texts")
        end = at + 4 + int.from_bytes(data[at : at + 4], "little")
        if end > len(data):
            raise ValueError("texts that are cut off")
        texts.append(data[at + 4 : end].decode("utf-8", "replace"))
        at = end
    return texts
