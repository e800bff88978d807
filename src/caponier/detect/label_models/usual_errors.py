"""How many contradicted labels are usual where a model is as sure as it is, whatever the labels say.

Classes that overlap give labels that a model finds unlikely, and hardly ever one that it rules out. Whoever changes
labels gives both alike. So how often rows bear labels that a model rules out is what is not overlap; where it is less
sure, what goes beyond that is.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.label_models.out_of_fold import Floats, Whole

LIKELY, MOSTLY = 0.5, 0.8
"""Chance to be no overlap from which a contradicted label counts, for below the given label is the better guess; and
the mean chance, of it and of all that are likelier, from which it counts, too."""
RULED_OUT, EXPECTED = 0.3, 0.1
"""Share of all other labels of rows, those that the model finds least likely, that shows what is not overlap; and more,
as long as the model expects no more than a tenth of what they are borne."""
PARTS: Final = 30
ROWS_OF_PART: Final = 15
"""How many parts labels are cut into at most, by how likely the model finds them, and how many rows bear one of each,
or should by the model."""


def not_overlap(
    probabilities: Floats, y: Whole, counts: NDArray[np.bool_], least: float = 0.0
) -> tuple[NDArray[np.bool_], float]:
    """Return (n,) where a contradicted label is rather wrong than one of overlapping classes, and the share of wrong.

    What the model itself expects is taken off: where classes overlap so much that it hardly rules out any, rows bear
    unlikely labels, too, and nobody changed them.

    Args:
        probabilities: (n, classes) from models that have not seen the rows.
        y: (n,) given labels.
        counts: (n,) rows that show what is usual; the others are only judged.
        least: The lowest probability that the model can give, which stands for none.
    """
    classes = probabilities.shape[1]
    said = np.clip((probabilities - least) / (1 - classes * least), 0.0, 1.0)
    # Labels that the model would give itself contradict nothing.
    other = np.arange(classes) != probabilities.argmax(axis=1)[:, None]
    other[~counts] = False
    known, borne = said[other], (y[:, None] == np.arange(classes))[other]
    order = np.argsort(known, kind="stable")
    known, borne = known[order], borne[order]
    first = max(1, round(RULED_OUT * len(known)))
    few = np.flatnonzero(np.cumsum(known) <= EXPECTED * np.cumsum(borne))
    first = max(first, int(few[-1]) + 1 if len(few) else 0)
    wrong = (float(borne[:first].sum()) + 0.5) / (first + 1) - float(known[:first].mean())
    weight = np.cumsum(borne + known)
    count = int(np.clip(weight[-1] / ROWS_OF_PART, 1, PARTS))
    parts = np.array_split(np.arange(len(known)), np.searchsorted(weight, np.arange(1, count) * weight[-1] / count))
    parts = [part for part in parts if len(part)]
    # One more row that bears the label and one that does not: a part without any has not none for certain.
    shares = np.array([(float(borne[part].sum()) + 0.5) / (len(part) + 1) for part in parts])
    middles = np.array([float(known[part].mean()) for part in parts])
    usual = np.interp(said[np.arange(len(y)), y], middles, _rising(shares))
    wrong = max(wrong, 0.5 / (first + 1))
    chances = np.minimum(1.0, wrong / usual)
    likely: NDArray[np.bool_] = chances >= min(LIKELY, _mostly(chances[counts & (probabilities.argmax(axis=1) != y)]))
    # Each class but one's own is a way to be wrong.
    return likely, min(1.0, wrong * (classes - 1))


def _mostly(chances: Floats) -> float:
    """Return the least of some chances down to which their mean is high enough."""
    ordered = -np.sort(-chances)
    enough = np.flatnonzero(np.cumsum(ordered) >= MOSTLY * np.arange(1, len(ordered) + 1))
    return float(ordered[enough[-1]]) if len(enough) else 1.0


def _rising(shares: Floats) -> Floats:
    """Return shares that never fall, each the mean of those that would (isotonic regression by pooling)."""
    pools: list[tuple[float, int]] = []
    for share in shares.tolist():
        pools.append((share, 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (one, a), (two, b) = pools[-2:]
            pools[-2:] = [((one * a + two * b) / (a + b), a + b)]
    return np.concatenate([np.full(count, share) for share, count in pools])
