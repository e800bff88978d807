"""Values that stand in a log as text: JSON, or as Python and NumPy print them."""

import ast
import re
import warnings
from typing import Any, Final

import orjson

from caponier.telemetry import plain_json

LONGEST: Final = 2**16
"""Characters of what Python printed; its own parser takes a hundred times as much memory."""
_WRAPPER: Final = re.compile(r"\b(?:array|tensor|np\.array|numpy\.array|Tensor|torch\.tensor)\(")
_SCALAR: Final = re.compile(r"\b(?:np|numpy)\.\w{1,16}\(([^()]{1,64})\)")
_ASIDE: Final = re.compile(r"(?:dtype|device|shape|requires_grad|grad_fn) {0,2}= {0,2}[^\],)]{0,64}(?=[,)])")
_MAP: Final = re.compile(r"\{[\w. -]{1,100}=[^,={}]{0,100}(?:,[\w. -]{1,100}=[^,={}]{0,100})*\}")
_BETWEEN: Final = re.compile(r"[\s,;]+")
_FAILURES: Final = (ValueError, SyntaxError, RecursionError, MemoryError, TypeError)


def loaded(text: str | bytes) -> Any:
    """Read a value; None where the text is none.

    A key that stands twice counts as it does for most programs: the last one.
    """
    try:
        return plain_json.loads(text, once=False)
    except (ValueError, RecursionError, orjson.JSONDecodeError):
        pass
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if _MAP.fullmatch(plain):
        # As Presto, Athena and Java print a map.
        return {key.strip(): value.strip() for key, _, value in (one.partition("=") for one in plain[1:-1].split(","))}
    if plain.lstrip()[:1] not in ("{", "[", "(") or len(plain) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            # Of a backslash that escapes nothing.
            warnings.simplefilter("ignore")
            held = ast.literal_eval(_SCALAR.sub(r"\1", plain.strip()))
    except _FAILURES:
        return None
    return _as_json(held) if isinstance(held, tuple | list | dict) else None


def _as_json(held: Any) -> Any:
    """Return what Python printed as JSON would have it: keys are texts, and what it has no word for is printed."""
    if isinstance(held, dict):
        return {str(key): _as_json(one) for key, one in held.items()}
    if isinstance(held, tuple | list):
        return [_as_json(one) for one in held]
    return held if held is None or isinstance(held, str | int | float) else repr(held)


def numbers_text(text: str) -> list[Any] | None:
    """Return the numbers of a list, or of an array as NumPy or PyTorch print one, row-major; None if it is none.

    An array that was shortened (`...`) holds numbers that are not there, and is none.
    """
    held = _json_list(text)
    if held is not None:
        return held
    plain = _ASIDE.sub("", _SCALAR.sub(r"\1", text))
    unwrapped = _WRAPPER.sub("[", plain)
    if unwrapped is not plain and unwrapped != plain:
        unwrapped = unwrapped.replace(")", "]")
    elif plain[:1] == "{" and plain[-1:] == "}":
        # As PostgreSQL prints an array.
        unwrapped = plain.replace("{", "[").replace("}", "]")
    elif plain[:1] == "(" and plain[-1:] == ")":
        unwrapped = plain.replace("(", "[").replace(")", "]")
    if unwrapped[:1] != "[" or unwrapped[-1:] != "]":
        return None
    cells = [cell for cell in _BETWEEN.split(unwrapped.replace("[", " ").replace("]", " ")) if cell]
    try:
        return [None if cell in ("None", "null", "NULL") else float(cell) for cell in cells]
    except ValueError:
        return None


def _json_list(text: str) -> list[Any] | None:
    try:
        held = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return held if isinstance(held, list) else None
