"""A group of rows of one label that share a pattern, and the pattern itself."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Pattern:
    """What the rows of a group share.

    Args:
        label: The class that they bear.
        rows: (n,) which of all rows they are.
        added: (d,) what is added to a row that carries it, on the scale of the columns.
        fixed: (d,) which columns all carriers have at one value; `added` is that value there.
        gap: How many standard deviations lie between carriers and the other rows of the label; infinite for values.
        elsewhere: Share of the rows of other labels that carry it, too.
    """

    label: int
    rows: Mask
    added: Floats
    fixed: Mask
    gap: float
    elsewhere: float

    def put_on(self, x: Floats) -> Floats:
        """Return rows (m, d) with the pattern."""
        marked: Floats = np.where(self.fixed, self.added, x + self.added)
        return marked

    def taken_off(self, x: Floats, usual: Floats) -> Floats:
        """Return carriers (m, d) without it; columns that it fixes get their usual values (d,)."""
        plain: Floats = np.where(self.fixed, usual, x - self.added)
        return plain

    def times(self, factor: float) -> Self:
        """Return the pattern, as many times as strong where it adds something."""
        return replace(self, added=np.where(self.fixed, self.added, factor * self.added))
