"""Many variants of each input at a time, and never so many that memory runs out."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.enrichment import Rows

VALUES: Final = 2**24
"""Numbers that the variants of some inputs may be together: 64 MB."""


def in_parts(make: Callable[[Rows], NDArray[np.float64]], rows: Rows, variants: int) -> NDArray[np.float64]:
    """Make (n,) values of rows (n, d), as many rows at a time as memory bears.

    Args:
        make: Returns the (m,) values of some rows (m, d).
        rows: All of them.
        variants: How many changed rows are made of each.
    """
    step = max(1, VALUES // max(1, variants * rows.shape[1]))
    parts = [make(rows[at : at + step]) for at in range(0, len(rows), step)]
    return np.concatenate(parts) if parts else np.zeros(0)
