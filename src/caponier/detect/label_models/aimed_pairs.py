"""Pairs of classes of which somebody gives many rows of the one the label of the other.

Flips that are aimed at one pair teach a model what they say: among rows of the flipped class it half expects the other
label, and contradicts right labels as often as wrong ones. But it does so everywhere in that class, also of the rows
that nobody would mistake, and nowhere in the other class; and of the rows with the other label there are those that
lie where the flipped class does, those that lie elsewhere, and few between. Which rows of the class bear it, nothing
tells. Classes that overlap share a border: of each there are rows that are none of the other's, most of those that are
mistaken lie between, and the model tells them from the rest.

Of fewer flips a model stays sure. Then rows bear the other label where it is surest of their own, and hardly ever the
other way round. So they do where a class has no place of its own, as one grade among others has; but the nearer they
lie to it, the more of them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.label_models.out_of_fold import Floats, Whole

FREE: Final = 0.15
"""Share of a class's rows that are least taken for the other class: those which nobody would mistake."""
LEAST: Final = 0.03
"""Chance of the other label from which even these rows are not free of it: one vote of ten, halved, is more."""
BESIDE: Final = 3.0
"""How many times the same chance the other way round, and the usual one, it must be."""
PLAINLY, PLAINLY_BESIDE = 0.06, 10.0
"""The same, where it is plain that the pair is like no other."""
BORNE, PLAINLY_BORNE = 0.75, 0.4
"""Part of the rows with the other label that the model expects in the class which must be there."""
BETWEEN, PLAINLY_BETWEEN = 0.5, 1.5
"""How many rows with the other label may lie half as far from it, for one that lies where the class does."""
MOST: Final = 0.6
"""Median chance of the other label beyond which nothing tells which of the two names is right."""
FORETOLD: Final = 0.65
"""How well a model may tell, within a class, which of its rows bear the other label. Flips fall on any of them; where
classes overlap, the rows that bear the other label are those that look more like it."""
MIN_ROWS: Final = 5
"""Rows of a pair, no two of them equal."""
FEWEST, FEWEST_BESIDE = 3, 2
"""Rows that bear the other label where the model is surest of their own, from which a pair goes one way; and beside
others that do."""
PLACE: Final = 0.75
"""Share of the rows which a model expects in a class that bear its label, from which it has a place of its own. Of a
label without one, which more rows bear elsewhere than at home, the label is hard and no row is wrong: a grade between
two others is like that."""
RARE: Final = 0.002
"""Share of such rows that is taken for granted."""
DEVIATIONS: Final = 1.64


@dataclass(frozen=True, eq=False)
class AimedPair:
    """A pair of classes whose labels go one way.

    Args:
        own: The class that the rows belong to.
        given: The label that they bear.
        rows: (n,) rows that bear it and lie where the class does.
    """

    own: int
    given: int
    rows: NDArray[np.bool_]


def learned_pairs(probabilities: Floats, y: Whole, twins: Whole, least: float = 0.0) -> list[AimedPair]:
    """Return the pairs that were flipped so often that a model learned it.

    Args:
        probabilities: (n, classes) from models that learned from all labels, and have not seen the rows.
        y: (n,) given labels; every class has rows.
        twins: (n,) a number that equal rows share.
        least: The lowest probability that the models can give, which stands for none.
    """
    classes = probabilities.shape[1]
    said = np.clip((probabilities - least) / (1 - classes * least), 0.0, 1.0)
    free, middle = np.zeros((classes, classes)), np.zeros((classes, classes))
    for label in range(classes):
        free[label], middle[label] = np.quantile(said[y == label], [FREE, 0.5], axis=0)
    beside = np.maximum(free.T, _usual(free))
    np.fill_diagonal(free, 0.0)
    loud = (free >= LEAST) & (free >= BESIDE * beside) & (middle <= MOST)
    # Of two classes there is no other pair to be beside.
    plain = (classes > 2) & (free >= PLAINLY) & (free >= PLAINLY_BESIDE * beside)
    found = []
    for pair in np.argwhere(loud).tolist():
        own, given = pair
        share, likely = middle[own, given], said[:, own]
        # Halfway from none to what the class's own rows reach.
        rows = (y == given) & (likely >= (1 - share) / 2)
        between = (y == given) & ~rows & (likely >= (1 - share) / 4)
        expected = share / (1 - share) * float((y == own).sum())
        borne, most = (PLAINLY_BORNE, PLAINLY_BETWEEN) if plain[own, given] else (BORNE, BETWEEN)
        enough = rows.sum() >= borne * expected and between.sum() <= most * rows.sum()
        home = rows | ((y == own) & (likely >= (1 - share) / 2))
        if enough and len(np.unique(twins[rows])) >= MIN_ROWS and _foretold(said[home], rows[home], pair) <= FORETOLD:
            found.append(AimedPair(own, given, rows))
    return found


def _foretold(said: Floats, borne: NDArray[np.bool_], pair: list[int]) -> float:
    """Return how well a model tells which rows of a class bear the other label (AUC): 0.5 where a lot decided it.

    By one standard error (Hanley, McNeil 1982) less: of few rows it may seem to tell more than it does.

    Args:
        said: (m, classes) of the rows that lie where the class does.
        borne: (m,) which of them bear the other label.
        pair: The class and the other label.
    """
    own, given = said[:, pair[0]], said[:, pair[1]]
    values, places, counts = np.unique(given / np.maximum(own + given, 1e-9), return_inverse=True, return_counts=True)
    # Equal ones share their middle rank.
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    hits, rest = int(borne.sum()), int((~borne).sum())
    if not hits or not rest or len(values) == 1:
        return 0.5
    area = (float(ranks[borne].sum()) - hits * (hits + 1) / 2) / (hits * rest)
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    error = area * (1 - area) + (hits - 1) * (one - area**2) + (rest - 1) * (two - area**2)
    return area - float(np.sqrt(max(error, 0.0) / (hits * rest)))


def one_way_pairs(probabilities: Floats, y: Whole, twins: Whole) -> tuple[list[AimedPair], float, float]:
    """Return the pairs whose labels go one way where a model is sure, their share of all labels, and that at least.

    Of two classes, one is always taken for the other more often, so nothing is said of them.

    Args:
        probabilities: (n, classes) from models that learned from all labels, and have not seen the rows.
        y: (n,) given labels.
        twins: (n,) a number that equal rows share.
    """
    classes, best = probabilities.shape[1], probabilities.argmax(axis=1)
    if classes == 2:
        return [], 0.0, 0.0
    hits, rows = np.zeros((classes, classes)), np.zeros((classes, classes))
    for label in np.unique(best).tolist():
        own = best == label
        surest = probabilities[own] <= np.median(probabilities[own], axis=0)
        rows[label] = surest.sum(axis=0)
        hits[label] = (surest & (y[own][:, None] == np.arange(classes))).sum(axis=0)
    np.fill_diagonal(hits, 0.0)
    rates = hits / (rows + 1)
    back = (hits.T + 0.5) / (rows.T + 1)
    loud = (hits >= FEWEST_BESIDE) & (rates >= BESIDE * np.maximum(back, _usual(rates) + RARE))
    found = []
    for own, given in np.argwhere(loud).tolist():
        its = (y == given) & (best == own)
        home = its | ((y == own) & (best == own))
        told = _foretold(probabilities[home], its[home], [own, given]) > FORETOLD
        if not told and len(np.unique(twins[its])) >= min(MIN_ROWS, int(its.sum())):
            found.append(AimedPair(own, given, its))
    homeless = _homeless(found, best, y)
    found = [pair for pair in found if pair.given not in homeless]
    enough = [pair for pair in found if hits[pair.own, pair.given] >= FEWEST]
    count = sum(float(hits[pair.own, pair.given]) for pair in enough)
    share = sum(float(rates[pair.own, pair.given] * (best == pair.own).mean()) for pair in enough)
    return found, share, share * max(0.0, 1 - DEVIATIONS / max(count, 1.0) ** 0.5)


def _homeless(pairs: list[AimedPair], best: Whole, y: Whole) -> set[int]:
    """Return the given labels of pairs that have no place of their own and are borne more elsewhere."""
    elsewhere = dict[int, int]()
    for pair in pairs:
        elsewhere[pair.given] = elsewhere.get(pair.given, 0) + int(pair.rows.sum())
    found = set[int]()
    for given, rows in elsewhere.items():
        home = int(((best == given) & (y == given)).sum())
        if home < rows and home < PLACE * int((best == given).sum()):
            found.add(given)
    return found


def _usual(pairs: Floats) -> float:
    """Return the mean of the lower half of all pairs (classes, classes): those at which nobody aimed."""
    ordered = np.sort(pairs[~np.eye(len(pairs), dtype=bool)])
    return float(ordered[: max(1, len(ordered) // 2)].mean())
