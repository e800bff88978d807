"""A sketch of a training set: keyed digests of its rows, which say whether a row is in it and nothing else.

Canaries are digested likewise: records that no training set and no customer has, kept where only a thief finds them.

The digests are those that tell whether two inputs of a log are the same (`telemetry.digests.row_keys`), keyed with the
workspace's salt: without the salt nobody can look a row up, and no row can be read from 64 bits of a keyed hash.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.digests import row_keys, typed_rows

OWN: Final = 5
"""A customer may have this many records of its own in the training set; asking for them says nothing."""
ROWS: Final = "training_rows"
"""Name of the sketch among a detector's parameters."""
CANARIES: Final = "canaries"
"""Name of the digests of canaries."""
SEAL: Final = "training_salt"
"""Name of the digest by which a sketch knows the salt that it was made with."""

Sketch = Mapping[str, NDArray[Any]]


def sketch(
    rows: NDArray[Any] | None, spec: FeatureSpec, salt: bytes, canaries: NDArray[Any] | None = None
) -> dict[str, NDArray[Any]]:
    """Make the sketch of a training set.

    Args:
        rows: (n, d) or (n, ...) inputs on the scale that the log holds them in; None if there are canaries alone.
        spec: What the model takes.
        salt: Of the workspace.
        canaries: (c, d) or (c, ...) records that exist nowhere but where only a thief finds them.

    Returns:
        The digests in ascending order, each once, and the seal.

    Raises:
        InputError: Without a salt, if rows or canaries are not what the model takes, or if a canary is a training row.
    """
    if not salt:
        raise InputError(
            "a sketch of a training set needs a salt, or anybody who has the file could look records up in it",
            hint="Work in a workspace: caponier init makes one, with a salt",
        )
    none = np.zeros(0, np.uint64)
    kept = none if rows is None else _digests(plain_rows(rows, spec), spec, salt)
    if canaries is None:
        return {ROWS: kept, SEAL: _seal(salt)}
    hidden = _digests(plain_rows(canaries, spec, "canaries"), spec, salt)
    both = int(np.isin(hidden, kept).sum())
    if both:
        raise InputError(
            f"{both} of {len(hidden)} canaries are rows of the training set; whoever owns them would be accused",
            hint="Make canaries that exist nowhere else",
        )
    return {ROWS: kept, CANARIES: hidden, SEAL: _seal(salt)}


def plain_rows(rows: NDArray[Any], spec: FeatureSpec, what: str = "training set") -> NDArray[np.float32]:
    """Return rows (n, ...) as (n, d) inputs of a log, which holds float32 whatever the data set was written in.

    Args:
        rows: As they were read.
        spec: What the model takes.
        what: What they are, for an error.

    Raises:
        InputError: If they are not what the model takes.
    """
    one = "the training set" if what == "training set" else f"the file of {what}"
    if rows.dtype.kind not in "biuf":
        raise InputError(f"{one} holds values that are no numbers")
    if not rows.size:
        raise InputError(f"{one} holds no values")
    if rows.ndim < 2:
        raise InputError(f"{one} is one row or one number; it must be a table with a row an example")
    flat = rows.reshape(len(rows), -1)
    if flat.shape[1] != spec.size:
        raise InputError(f"rows of {one} have {flat.shape[1]} values, and the model takes {spec.size}")
    with np.errstate(over="ignore"):
        inputs: NDArray[np.float32] = flat.astype(np.float32)
    if not np.isfinite(inputs).all():
        raise InputError(f"{one} holds values that are no numbers")
    return inputs


def fits(params: Sketch, salt: bytes) -> bool:
    """Tell whether parameters hold a sketch that was made with this salt; with another one nothing is ever found."""
    return ROWS in params and SEAL in params and np.array_equal(params[SEAL], _seal(salt))


def holds(params: Sketch, keys: NDArray[np.uint64], which: str = ROWS) -> NDArray[np.bool_]:
    """Tell which keys (n,) are those of training rows, or of `CANARIES`; none without a sketch."""
    rows = params.get(which)
    if rows is None or not len(rows):
        return np.zeros(len(keys), bool)
    at = np.minimum(np.searchsorted(rows, keys), len(rows) - 1)
    found: NDArray[np.bool_] = (rows[at] == keys) & (keys != 0)
    return found


def _digests(inputs: NDArray[np.float32], spec: FeatureSpec, salt: bytes) -> NDArray[np.uint64]:
    return np.unique(row_keys(typed_rows(inputs, spec.dtype), salt))


def _seal(salt: bytes) -> NDArray[np.uint64]:
    return row_keys(np.frombuffer(b"caponier.sketch/1", np.uint8)[None], salt)
