"""Less detail in the model's own answer: scores rounded to a few decimals, whatever else it holds unchanged."""

from typing import Any, Final

import orjson

FLOATS: Final = ("FP16", "BF16", "FP32", "FP64")


def rounded(document: dict[str, Any], decimals: int) -> bytes | None:
    """Return an answer of KServe v2 or v1 with its scores rounded.

    Args:
        document: The model server's answer; it is changed.
        decimals: Decimals to keep.

    Returns:
        JSON, or None if this is no answer in which scores are known to stand.
    """
    try:
        return _dumped(document, decimals)
    except RecursionError:
        # Lists within lists, deeper than any score stands.
        return None


def _dumped(document: dict[str, Any], decimals: int) -> bytes | None:
    outputs = document.get("outputs")
    if "predictions" in document:
        document["predictions"] = _rounded(document["predictions"], decimals)
    elif isinstance(outputs, list) and all(_is_plain(output) for output in outputs):
        for output in outputs:
            if output.get("datatype") in FLOATS:
                output["data"] = _rounded(output["data"], decimals)
    else:
        return None
    try:
        return orjson.dumps(document)
    except TypeError:
        # Such as a whole number beyond 64 bits.
        return None


def _is_plain(output: Any) -> bool:
    return isinstance(output, dict) and isinstance(output.get("data"), list)


def _rounded(value: Any, decimals: int) -> Any:
    if isinstance(value, list):
        return [_rounded(part, decimals) for part in value]
    if isinstance(value, dict):
        return {name: _rounded(part, decimals) for name, part in value.items()}
    return round(value, decimals) if isinstance(value, float) else value
