"""The states of a subject side by side in one row of bytes.

A guard lays out and puts back the states of hundreds of subjects many times a second: row by row and detector by
detector that takes longer than scoring does.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray


class StateRows:
    """Turns arrays of states into one row a subject, and back.

    Args:
        dtypes: Of the states; none holds objects.
    """

    def __init__(self, dtypes: Sequence[np.dtype[Any]]) -> None:
        self._dtypes: Final = tuple(dtypes)
        self._spans: Final = list(pairwise(accumulate((dtype.itemsize for dtype in dtypes), initial=0)))

    @property
    def size(self) -> int:
        """Bytes of a row."""
        return self._spans[-1][1]

    def packed(self, states: Sequence[NDArray[Any]]) -> list[NDArray[np.uint8]]:
        """Return a row for each of n subjects, in memory of its own, so that one can be dropped without the others.

        Args:
            states: (n,) of each dtype.
        """
        rows = np.empty((len(states[0]), self._spans[-1][1]), np.uint8)
        for (begin, end), dtype, state in zip(self._spans, self._dtypes, states, strict=True):
            rows[:, begin:end] = _bytes(np.ascontiguousarray(state, dtype))
        return [row.copy() for row in rows]

    def lay(self, rows: Sequence[NDArray[np.uint8]], at: Sequence[int], states: Sequence[NDArray[Any]]) -> None:
        """Put the states of some subjects where they belong.

        Args:
            rows: Of `packed`.
            at: Which subject each is.
            states: (n,) contiguous, of each dtype; those that are named are overwritten.
        """
        if not rows:
            return
        held = np.stack(rows)
        for (begin, end), state in zip(self._spans, states, strict=True):
            _bytes(state)[at] = held[:, begin:end]


def _bytes(state: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the same memory as (n, size) bytes."""
    return state.view(np.uint8).reshape(len(state), state.dtype.itemsize)
