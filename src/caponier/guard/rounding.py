"""Less detail in the model's own answer: every fraction in it rounded to a few decimals, all else unchanged."""

import re
from collections.abc import Iterable
from typing import Any, Final

import orjson

from caponier.guard.bodies import document
from caponier.telemetry.body_limits import BodyLimits, UnreadError

PLAIN: Final = ("np", "str")
"""Content types (MLServer) of an output whose values stand there as they are; who asks chooses among all."""
_FRACTION: Final = re.compile(r"(?<![\w.])[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?(?!\w)")
"""A number in a text, such as `0.9931:3:three`: Triton writes scores like that to whoever asks for classes."""


def rounded(found: dict[str, Any], decimals: int) -> bytes | None:
    """Return an answer of KServe v2 or v1 with its scores rounded, wherever they stand, in words, too.

    Args:
        found: The model server's answer; it is changed.
        decimals: Decimals to keep.

    Returns:
        JSON, or None if this is no answer in which scores are known to stand.
    """
    try:
        return _dumped(found, decimals)
    except RecursionError:
        # Lists within lists, deeper than any score stands.
        return None


def rounded_answer(
    body: bytes, headers: Iterable[tuple[bytes, bytes]], limits: BodyLimits, decimals: int
) -> bytes | None:
    """Return an answer as it came with its scores rounded; None if it cannot be read, or as `rounded`."""
    try:
        found = document(body, headers, limits)
    except UnreadError:
        return None
    return None if found is None else rounded(found, decimals)


def _dumped(found: dict[str, Any], decimals: int) -> bytes | None:
    outputs = found.get("outputs")
    if "predictions" in found:
        found["predictions"] = _rounded(found["predictions"], decimals, in_words=True)
    elif isinstance(outputs, list) and all(_is_plain(output) for output in outputs):
        for output in outputs:
            output["data"] = _rounded(output["data"], decimals, in_words=True)
    else:
        return None
    try:
        return orjson.dumps(_rounded(found, decimals, in_words=False))
    except TypeError:
        # Such as a whole number beyond 64 bits.
        return None


def _is_plain(output: Any) -> bool:
    """Tell whether the values of an output stand there as they are: what is packed into a text may be any number."""
    if not isinstance(output, dict) or not isinstance(output.get("data"), list):
        return False
    parameters = output.get("parameters")
    kind = parameters.get("content_type") if isinstance(parameters, dict) else None
    return kind is None or kind in PLAIN


def _rounded(value: Any, decimals: int, *, in_words: bool) -> Any:
    if isinstance(value, list):
        return [_rounded(part, decimals, in_words=in_words) for part in value]
    if isinstance(value, dict):
        return {name: _rounded(part, decimals, in_words=in_words) for name, part in value.items()}
    if in_words and isinstance(value, str):
        return _FRACTION.sub(lambda found: repr(round(float(found[0]), decimals)), value)
    return round(value, decimals) if isinstance(value, float) else value
