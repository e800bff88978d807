"""Keys of a request: which hold its rows, what may stand beside them, and how many rows there may be at most.

A key that nobody here knows is not harmless: some model server takes its rows from just that one, such as KServe from
the `data` of a CloudEvent, or Triton from the memory that a parameter names. So beside the known keys nothing may stand
that has room for a row.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from math import ceil, prod
from typing import Any, Final

import numpy as np

from caponier.telemetry.body_limits import LARGEST_SIZE, LIMITS, MOST_DIMENSIONS, BodyLimits, check_keys

LONGEST_KEY: Final = 100
"""Characters; longer ones are none of those that mean something, however they are written."""
LONGEST_LETTER: Final = 4
"""Letters that one character may stand for in a key, such as three of the sign for `ffi`."""
DEEPEST: Final = 32
"""Lists within lists in which rows may stand."""
HOLDING: Final = ("inputs", "instances", "dataframe_split", "dataframe_records")
"""Keys under which a request holds its examples, and by which it is known; some servers do not care about case."""
LONGEST_ASIDE: Final = 64
"""Characters of a text under a key that is not known: names are shorter, and rows of numbers longer."""
ROOMY: Final = (
    *HOLDING,
    *("outputs", "parameters", "params"),
    # As long as the caller likes, and a name for everybody who reads them.
    *("id", "model_name", "model_version", "signature_name"),
)
"""Keys of a request of which it is known what they hold."""
CARRIERS: Final = ("data", "data_base64", "body", "bytes", "raw_input_contents")
"""Keys under which an envelope holds the whole request, or a protocol its tensors: a few characters are enough."""
OF_TENSOR: Final = ("name", "shape", "datatype", "data")
SHARED: Final = "shared_memory"
"""How the parameters begin that say where else the values of a tensor stand (Triton)."""

Body = dict[str, Any]


@lru_cache(4_096)
def _is_a_sentence(letter: str) -> bool:
    """Tell whether one character is written out as many, as no letter of a key that means something is.

    To write out a body full of them takes a fifth of a second, for which every other caller would wait.
    """
    return len(unicodedata.normalize("NFKC", letter)) > LONGEST_LETTER


def folded(key: str) -> str:
    """Return a key as those know it who do not care about case or form, nor about spaces around it.

    The readers of some languages take the long s for an s, the sign of Kelvin for a k and an i without its dot for one.
    """
    plain = key.strip()
    if plain.isascii() or len(plain) > LONGEST_KEY or any(map(_is_a_sentence, plain)):
        return plain.lower()
    return unicodedata.normalize("NFKC", plain).upper().casefold().replace("\u0307", "").strip()


def check_request_keys(body: Body) -> None:
    """Refuse a request in which something else than the known keys could hold its rows.

    Raises:
        UnreadError: If there are more parameters than are read.
        ValueError: If there is such a key; it is not repeated.
    """
    for key, held in body.items():
        if folded(key) in CARRIERS:
            raise ValueError("an envelope around a request, and rows beside it")
        if key not in ROOMY and not _is_aside(held):
            raise ValueError("something beside the rows that is not known and has room for others")
    for key in ("parameters", "params"):
        _check_parameters(body.get(key), told=True)


def check_tensor_keys(tensor: Body) -> None:
    """Refuse an input tensor whose values could stand in another place than its `data`.

    Raises:
        UnreadError: If there are more keys than are read.
        ValueError: If there is such a place, or a key stands there in two forms.
    """
    check_keys(tensor)
    if len(set(map(folded, tensor))) != len(tensor):
        raise ValueError("a key of a tensor that stands twice")
    for key, held in tensor.items():
        if key == "parameters":
            _check_parameters(held, told=False)
        elif key not in OF_TENSOR and not _is_aside(held):
            raise ValueError("something beside the data of a tensor that is not known and has room for others")


def _check_parameters(held: Any, *, told: bool) -> None:
    """Refuse parameters that name another place; `told` ones are a request's, and may be anything else."""
    if held is None:
        return
    if not isinstance(held, dict):
        raise ValueError("parameters that are none")
    check_keys(held)
    for key, value in held.items():
        if folded(key).startswith(SHARED):
            raise ValueError("values that stand in shared memory")
        # Each is a number, a text or a boolean, says the protocol.
        if not told and not _is_aside(value):
            raise ValueError("parameters of a tensor that have room for others of its values")


def _is_aside(value: Any) -> bool:
    """Tell whether a value has no room for a row."""
    return len(value) <= LONGEST_ASIDE if isinstance(value, str) else not isinstance(value, list | dict) or not value


def most_rows(body: Body, limits: BodyLimits = LIMITS, size: int | None = None) -> int:
    """Return how many examples a request may ask about, however it is read, up to one more than are read.

    Where it is known how many values an example has, as many as all values make; else as many as the longest list of
    lists, or as the shape says. What may hold examples of which the number cannot be told counts as one more than are
    read, and a request without any as one.

    Args:
        body: The request.
        limits: What it may cost.
        size: Values in one example; None if that is not known.

    Raises:
        UnreadError: If there are more keys than are read.
        RecursionError: If lists are nested too deeply.
    """
    most = limits.rows + 1
    check_keys(body)
    return min(max([1, *(_rows_in(folded(key), held, most, size) for key, held in body.items())]), most)


def _rows_in(name: str, held: Any, most: int, size: int | None) -> int:
    """Return how many rows may stand under one key; `most` where that cannot be told."""
    if name in ("outputs", "parameters", "params"):
        return 1
    if not held or not isinstance(held, list | dict):
        return most if name in HOLDING or (name in CARRIERS and isinstance(held, str)) else 1
    if name == "inputs" and isinstance(held, list) and not all(isinstance(part, list | int | float) for part in held):
        return _rows_of_tensors(held, most, size)
    if name == "dataframe_split" and isinstance(held, dict):
        held = {key: part for key, part in held.items() if key != "columns"}
    if size is None or isinstance(held, dict):
        return _longest(held)
    return max(len(held), ceil(_count(held) / size))


def _rows_of_tensors(tensors: Iterable[Any], most: int, size: int | None) -> int:
    """Return the largest number of rows of tensors; one whose values are not those that its shape says may hold any."""
    longest = values = 0
    for tensor in tensors:
        shape = tensor.get("shape") if isinstance(tensor, dict) else None
        if not is_shape(shape) or not shape or not _fits(tensor.get("data"), shape):
            return most
        try:
            check_tensor_keys(tensor)
        except ValueError:
            # Its values may stand elsewhere, and be as many as they like.
            return most
        longest, values = max(longest, shape[0]), values + prod(shape)
    return longest if size is None else max(longest, ceil(values / size))


def _fits(data: Any, shape: list[int]) -> bool:
    """Tell whether data hold as many values as a shape says, and are flat or nested like it."""
    if _count(data) != prod(shape):
        return False
    if not isinstance(data, list) or not isinstance(data[0], list):
        return True
    return len(data) == shape[0] or (1 in shape and len(data) in shape)


def _longest(held: Any, inner: bool = False, levels: int = DEEPEST) -> int:
    """Return the length of the longest list in which rows may stand: any but one of values within a list.

    Raises:
        ValueError: If lists stand in more lists than those of any picture do: looking through a million takes seconds.
    """
    if not levels:
        raise ValueError(f"lists within more than {DEEPEST} lists")
    if isinstance(held, dict):
        return max((_longest(part, levels=levels - 1) for part in held.values()), default=1)
    if not isinstance(held, list):
        return 1
    parts = [part for part in held if isinstance(part, list | dict)]
    return max([len(held) if parts or not inner else 1, *(_longest(part, True, levels - 1) for part in parts)])


def _count(held: Any) -> int:
    """Count values, whatever they stand in."""
    if isinstance(held, np.ndarray):
        return held.size
    if not isinstance(held, list | dict):
        return 1
    parts = list(held.values()) if isinstance(held, dict) else held
    inner = [part for part in parts if isinstance(part, list | dict)]
    return len(parts) - len(inner) + sum(map(_count, inner))


def is_shape(shape: Any) -> bool:
    """Tell whether something is the shape of a tensor: a list of a few sizes."""
    return (
        isinstance(shape, list)
        and len(shape) <= MOST_DIMENSIONS
        and all(type(size) is int and 0 < size < LARGEST_SIZE for size in shape)
    )
