"""How much farther one class must stand apart where there are few others to compare it with.

How far apart is judged in spreads of the other classes. Of few others the spread is mostly nearer than it is: with six
classes, all alike by nature, the highest lies more than six spreads of the others above the next in one of 86 models,
with ten in one of 1,500.
"""

from typing import Final

FEWEST: Final = 4
_FACTORS: Final = {4: 12.4, 5: 4.2, 6: 2.3, 7: 1.7, 8: 1.3, 9: 1.15}
"""By classes: the gap that one of 1,500 exceeds, as a multiple of that with ten; simulated, values as the normal
distribution gives them."""


def farther(classes: int) -> float:
    """Return the factor on a limit that holds for ten classes; more than ten are given none, for values may depend.

    Args:
        classes: At least `FEWEST`; with fewer nothing can be told.
    """
    return _FACTORS.get(classes, 1.0)
