"""How many labels are wrong, and which, as far as a model of overlapping classes can tell.

Classes that overlap give rows labels that a model finds unlikely, and hardly ever those that it finds least likely.
Whoever changes labels gives all alike. So how often rows bear the least likely labels says how many are wrong. That is
asked of models that learned from all labels: one that learned from the rows that it agreed with rules out too much.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.label_models.out_of_fold import Floats, Whole

MOSTLY: Final = 0.9
"""Share of flagged labels, together, that must be wrong and no overlap: less sure ones are left where they are."""
LOWER_HALF: Final = 0.5
STEPS, HITS_OF_STEP, CHANCE = 5, 8, 1.5
"""The less likely half of all other labels of all rows is cut into up to five steps, so that each has some eight that
are borne. The first, and those after it that are borne no more often than chance
explains (standard deviations), show how many labels are wrong."""
DEVIATIONS: Final = 2.0
"""Standard deviations below that, for what is wrong at least: with a chance of 97 %."""
KINDS: Final = 20
"""Different rows among them, equally frequent ones, from which they say so at all."""
FEWEST: Final = 3.0
"""Rows that bear such labels from which they say that any label is wrong."""
PARTS: Final = 30
ROWS_OF_PART: Final = 15
"""How many parts labels are cut into at most, by how likely the model finds them, and how many rows bear one of each,
or should by the model."""


def wrong_share(
    probabilities: Floats, y: Whole, counts: NDArray[np.bool_], twins: Whole | None = None
) -> tuple[float, float]:
    """Return the share of labels that are wrong, and the share that is at least.

    Equal rows stand or fall together: in a table of a few words there may be no more than a dozen that differ, and how
    often those bear a label by nature says nothing of others.

    Args:
        probabilities: (n, classes) from models that learned from all labels, and have not seen the rows.
        y: (n,) given labels.
        counts: (n,) rows that are asked.
        twins: (n,) a number that equal rows share; None if no two are equal.
    """
    _, borne, places = _other_labels(probabilities, y, counts)
    lower = borne[: max(1, round(LOWER_HALF * len(borne)))]
    parts = np.array_split(lower, int(np.clip(lower.sum() / HITS_OF_STEP, 1, STEPS)))
    rows = sum(len(part) for part in parts[: _alike(parts)])
    hits = float(borne[:rows].sum())
    _, kinds = np.unique(places[:rows] if twins is None else twins[places[:rows]], return_inverse=True)
    sizes = np.bincount(kinds)
    if hits < FEWEST or rows**2 < KINDS * float((sizes.astype(np.float64) ** 2).sum()):
        return 0.0, 0.0
    beyond = np.bincount(kinds, weights=borne[:rows]) - hits / rows * sizes
    spread = max(float(np.sqrt(hits)), float(np.sqrt((beyond**2).sum())))
    # Each class but one's own is a way to be wrong.
    ways = (probabilities.shape[1] - 1) / rows
    return min(1.0, hits * ways), max(0.0, hits - DEVIATIONS * spread) * ways


def _alike(parts: list[NDArray[np.bool_]]) -> int:
    """Return how many steps, from the first, bear labels about as often: as many as do not rise (Cochran, Armitage).

    One step that has few by chance must not stop the count: all of them together say whether they rise.
    """
    hits, sizes = np.array([float(part.sum()) for part in parts]), np.array([float(len(part)) for part in parts])
    for count in range(len(parts), 1, -1):
        mine, size = hits[:count], sizes[:count]
        step = np.arange(count) - np.average(np.arange(count), weights=size)
        share = mine.sum() / size.sum()
        spread = float(np.sqrt(share * (1 - share) * (size @ step**2)))
        if float(mine @ step) <= CHANCE * spread:
            return count
    return 1


def said_once(twins: Whole, y: Whole) -> NDArray[np.bool_]:
    """Return (n,) one of all equal rows, where they bear one label, and all others: copies say nothing new.

    Where equal rows bear several labels, how often each is borne is what the row says.

    Args:
        twins: (n,) a number that equal rows share.
        y: (n,) given labels.
    """
    _, first, kinds = np.unique(twins, return_index=True, return_inverse=True)
    several = np.bincount(kinds.ravel(), weights=y != y[first][kinds.ravel()]) > 0
    once = several[kinds.ravel()]
    once[first] = True
    return once


def not_overlap(
    probabilities: Floats, y: Whole, counts: NDArray[np.bool_], wrong: float, at_least: float
) -> NDArray[np.bool_]:
    """Return (n,) where a contradicted label is rather wrong than one of overlapping classes.

    Args:
        probabilities: (n, classes) from models that have not seen the rows.
        y: (n,) given labels.
        counts: (n,) rows that show what is usual; the others are only judged.
        wrong: Share of wrong labels.
        at_least: The share that is wrong at least.
    """
    if not wrong:
        return np.zeros(len(y), bool)
    known, borne, _ = _other_labels(probabilities, y, counts)
    weight = np.cumsum(borne + known)
    count = int(np.clip(weight[-1] / ROWS_OF_PART, 1, PARTS))
    parts = np.array_split(np.arange(len(known)), np.searchsorted(weight, np.arange(1, count) * weight[-1] / count))
    parts = [part for part in parts if len(part)]
    # One more row that bears the label and one that does not: a part without any has not none for certain.
    shares = np.array([(float(borne[part].sum()) + 0.5) / (len(part) + 1) for part in parts])
    middles = np.array([float(known[part].mean()) for part in parts])
    given = probabilities[np.arange(len(y)), y]
    usual = np.interp(given, middles, _rising(shares))
    # What is wrong at least lies some standard deviations below; by one of them more may be wrong than it seems.
    wrong = min(1.0, wrong + max(0.0, wrong - at_least) / DEVIATIONS)
    chances = _chances(usual, wrong, probabilities.shape[1])
    sure = _sure_up_to(known, borne, wrong, probabilities.shape[1])
    # A label that is wrong may get another wrong one, of more than two classes: to exchange it has to do more good.
    right = probabilities.max(axis=1) / np.maximum(1 - given, 1e-9)
    likely: NDArray[np.bool_] = (chances >= 1 / (1 + np.minimum(right, 1.0))) & (given <= sure)
    return likely


def _other_labels(
    probabilities: Floats, y: Whole, counts: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.bool_], Whole]:
    """Return how likely labels other than a model's own are, least likely first, if they are borne, and by whom."""
    classes = probabilities.shape[1]
    other = np.arange(classes) != probabilities.argmax(axis=1)[:, None]
    other[~counts] = False
    known, borne = probabilities[other], (y[:, None] == np.arange(classes))[other]
    order = np.argsort(known, kind="stable")
    return known[order], borne[order], np.nonzero(other)[0][order]


def _chances(shares: Floats, wrong: float, classes: int) -> Floats:
    """Return how likely a label is wrong, of which such a share is borne (more than none), and not borne by nature."""
    by_lot = wrong / (classes - 1)
    by_nature = np.clip((shares - by_lot) / max(1 - wrong - by_lot, 1e-9), 0.0, 1.0)
    return np.clip(1 - (1 - wrong) * by_nature / shares, 0.0, 1.0)


def _sure_up_to(known: Floats, borne: NDArray[np.bool_], wrong: float, classes: int) -> float:
    """Return how likely a label may be so that, of all that are borne and no likelier, as many as must be are wrong."""
    at = np.flatnonzero(borne)
    # Of all together: parts by themselves are too few.
    enough = at[_chances(np.arange(1, len(at) + 1) / (at + 1), wrong, classes) >= MOSTLY]
    return float(known[enough[-1]]) if len(enough) else -1.0


def _rising(shares: Floats) -> Floats:
    """Return shares that never fall, each the mean of those that would (isotonic regression by pooling)."""
    pools: list[tuple[float, int]] = []
    for share in shares.tolist():
        pools.append((share, 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (one, a), (two, b) = pools[-2:]
            pools[-2:] = [((one * a + two * b) / (a + b), a + b)]
    return np.concatenate([np.full(count, share) for share, count in pools])
