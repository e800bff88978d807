"""Lists of numbers as one flat array: inputs and scores come to float32 without a Python object for each number."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def flattened(lists: pa.Array) -> pa.Array:
    """Take the nesting out of (n,) lists of any list type, and make float64 of their numbers.

    Raises:
        pyarrow.ArrowException: If they are no lists of numbers.
    """
    if not _is_list(lists.type):
        raise pa.ArrowTypeError(f"{lists.type} is no list")
    while _is_list(lists.type.value_type):
        inner = lists.flatten()
        ends = np.concatenate([[0], np.cumsum(lengths(inner))])
        lists = _made(ends[_offsets(lists)], inner.flatten(), lists)
    if not _is_number(lists.type.value_type):
        raise pa.ArrowTypeError(f"{lists.type.value_type} is no number")
    # Whole numbers beyond 2**53 lose their last digits here, which float32 has no room for anyway.
    return _made(_offsets(lists), lists.flatten().cast(pa.float64(), safe=False), lists)


def whole(lists: pa.Array) -> pa.Array:
    """Make lists of int32 of lists of numbers.

    Raises:
        pyarrow.ArrowException: If they are no lists of whole numbers.
    """
    if not _is_list(lists.type):
        raise pa.ArrowTypeError(f"{lists.type} is no list")
    # Casting the lists themselves would cut off fractions in silence.
    return _made(_offsets(lists), lists.flatten().cast(pa.int32()), lists)


def narrowed(lists: pa.Array) -> pa.Array:
    """Make lists of float32 of lists of float64; a number beyond float32 becomes an infinity, a null becomes NaN."""
    with np.errstate(over="ignore"):
        values = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    return _made(_offsets(lists), pa.array(values), lists)


def rebuilt(lists: pa.Array, values: NDArray[np.float32]) -> pa.Array:
    """Return (n,) lists with other numbers in the same places."""
    return _made(_offsets(lists), pa.array(values), lists)


def lengths(lists: pa.Array) -> NDArray[np.int64]:
    """Return the (n,) lengths of lists, 0 for none."""
    counts: NDArray[np.int64] = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    return counts


def holders(lists: pa.Array, bad: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which lists hold a bad value.

    Args:
        lists: (n,) lists with v values in all.
        bad: (v,) whether each value is bad.

    Returns:
        (n,) booleans.
    """
    mask = np.zeros(len(lists), bool)
    if bad.any():
        mask[pc.list_parent_indices(lists).to_numpy()[bad]] = True
    return mask


def _offsets(lists: pa.Array) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths(lists))])


def _made(offsets: NDArray[Any], values: pa.Array, like: pa.Array) -> pa.Array:
    mask = like.is_null() if like.null_count else None
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values, mask=mask)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_floating(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
    )
