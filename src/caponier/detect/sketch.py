"""A sketch of a training set: keyed digests of its rows, which say whether a row is in it and nothing else.

The digests are those that tell whether two inputs of a log are the same (`telemetry.digests.row_keys`), keyed with the
workspace's salt: without the salt nobody can look a row up, and no row can be read from 64 bits of a keyed hash.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.digests import row_keys

ROWS: Final = "training_rows"
"""Name of the sketch among a detector's parameters."""
SEAL: Final = "training_salt"
"""Name of the digest by which a sketch knows the salt that it was made with."""

Sketch = Mapping[str, NDArray[Any]]


def sketch(rows: NDArray[Any], spec: FeatureSpec, salt: bytes) -> Sketch:
    """Make the sketch of a training set.

    Args:
        rows: (n, d) or (n, ...) inputs on the scale that the log holds them in.
        spec: What the model takes.
        salt: Of the workspace.

    Returns:
        The digests in ascending order, each once, and the seal.

    Raises:
        InputError: Without a salt, or if the rows are not what the model takes.
    """
    if not salt:
        raise InputError(
            "a sketch of a training set needs a salt, or anybody who has the file could look records up in it",
            mend="Work in a workspace: caponier init makes one, with a salt",
        )
    if rows.dtype.kind not in "biuf":
        raise InputError("the training set holds values that are no numbers")
    if not rows.size:
        raise InputError("the training set holds no values")
    if rows.ndim < 2:
        raise InputError("the training set is one row or one number; it must be a table with a row an example")
    flat = rows.reshape(len(rows), -1)
    if flat.shape[1] != spec.size:
        raise InputError(f"rows of the training set have {flat.shape[1]} values, and the model takes {spec.size}")
    # A log holds float32, whatever the data set was written in.
    with np.errstate(over="ignore"):
        inputs = flat.astype(np.float32)
    if not np.isfinite(inputs).all():
        raise InputError("the training set holds values that are no numbers")
    return {ROWS: np.unique(row_keys(inputs.astype(spec.dtype), salt)), SEAL: _seal(salt)}


def fits(params: Sketch, salt: bytes) -> bool:
    """Tell whether parameters hold a sketch that was made with this salt; with another one nothing is ever found."""
    return ROWS in params and SEAL in params and np.array_equal(params[SEAL], _seal(salt))


def holds(params: Sketch, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Tell which keys (n,) are those of training rows; none without a sketch."""
    rows = params.get(ROWS)
    if rows is None or not len(rows):
        return np.zeros(len(keys), bool)
    at = np.minimum(np.searchsorted(rows, keys), len(rows) - 1)
    found: NDArray[np.bool_] = (rows[at] == keys) & (keys != 0)
    return found


def _seal(salt: bytes) -> NDArray[np.uint64]:
    return row_keys(np.frombuffer(b"caponier.sketch/1", np.uint8)[None], salt)
