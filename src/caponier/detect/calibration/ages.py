"""Ages of callers: how many different queries, or events, they have sent, on a grid of steps that grow.

Real callers send unequal numbers of queries. As of lives that are cut off, a score is ranked among benign callers of
the same age; a grid of constant ratio has as many callers a step early as late.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RATIO: Final = 1.25
OLDEST: Final = 10_000_000
"""No step begins beyond this age."""


def _grid() -> NDArray[np.int64]:
    steps = np.ceil(RATIO ** np.arange(0, np.floor(np.log(OLDEST) / np.log(RATIO)) + 1)).astype(np.int64)
    return np.unique(steps)


AGES: Final = _grid()
"""(g,) ages at which steps begin, from 1."""
LATER: Final = 3
"""A score is ranked among scores at this many times its age: when a habit sets in is chance."""


def step_of(ages: NDArray[Any]) -> NDArray[np.int64]:
    """Return the step that ages, from 1, lie in: the last one of `AGES` that does not lie beyond them."""
    return np.maximum(np.searchsorted(AGES, ages, side="right") - 1, 0).astype(np.int64)


AHEAD: Final = step_of(np.minimum(AGES * LATER, OLDEST))
"""(g,) the step at which those are that scores of each step are ranked among."""
