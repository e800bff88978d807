"""Digests: the same input, and the same event.

*The same input* means equal rows in the model's dtype, never equal request bytes: `0.5` and `0.50` are one row.
The digest is keyed with the workspace's salt, so that a leaked log gives nobody a dictionary of inputs.
"""

import hashlib
from struct import iter_unpack
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

NO_SALT: Final = b""
"""Outside a workspace there is nobody to keep a salt; digests are then the same on every machine."""

BLOCK: Final = 512
"""Rows that are worked through at a time, so that they stay in the cache, in memory that is used again."""

NO_INPUT: Final = np.uint64(0)


def row_keys(rows: NDArray[Any], salt: bytes = NO_SALT) -> NDArray[np.uint64]:
    """Give each row a 64-bit key; equal rows, and in practice only they, have equal keys.

    Args:
        rows: (n, d) in the model's dtype.
        salt: Key of the hash, at most 64 bytes.

    Returns:
        (n,) keys, never 0, which stands for no input.
    """
    width, digests = rows.shape[1] * rows.itemsize, []
    # A copy of one that has taken in the key: half the cost of making each anew.
    begun = hashlib.blake2b(digest_size=8, key=salt).copy
    for start in range(0, len(rows), BLOCK):
        plain = _plain(rows[start : start + BLOCK])
        for (row,) in iter_unpack(f"{width}s", plain.tobytes()):
            digest = begun()
            digest.update(row)
            digests.append(digest.digest())
    keys = np.frombuffer(b"".join(digests), np.uint64)
    return np.maximum(keys, np.uint64(1))


def input_digest(row: NDArray[Any], salt: bytes = NO_SALT) -> str:
    """Return the digest of one (d,) input that a log may keep in place of the input."""
    plain = _plain(row)
    return hashlib.blake2b(plain.tobytes(), digest_size=16, key=salt).hexdigest()


def _plain(rows: NDArray[Any]) -> NDArray[Any]:
    """Write each value in one form: to a model -0.0 is 0.0, and what is missing is missing, whatever NaN says so."""
    plain = np.ascontiguousarray(rows + rows.dtype.type(0))
    # The largest of a block is NaN where one of it is: no second array is made to tell.
    if plain.dtype.kind == "f" and plain.size and np.isnan(plain.max()):
        plain[np.isnan(plain)] = np.nan
    return plain


def typed_rows(rows: NDArray[np.float32], dtype: str) -> NDArray[Any]:
    """Return rows in the model's type; what is missing is the least value of a type that knows no NaN."""
    if np.dtype(dtype).kind == "f" or not np.isnan(rows).any():
        return rows.astype(dtype)
    least = np.iinfo(dtype).min
    made = np.nan_to_num(rows, nan=0.0).astype(dtype)
    made[np.isnan(rows)] = least
    return made


def event_id(event: dict[str, Any], salt: bytes = NO_SALT) -> str:
    """Identify an event by its content, so that it keeps its id when bad rows around it go or the file moves.

    Args:
        event: The event's columns; `event_id`, `seq` and `signals` do not count as content.
        salt: Key of the hash; the input enters an event's id only by way of it.
    """
    content = {
        name: value
        for name, value in event.items()
        if value is not None and name not in ("event_id", "seq", "signals", "source", "line")
    }
    data = orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY, default=str)
    return "e-" + hashlib.blake2b(data, digest_size=12, key=salt).hexdigest()
