"""Sources whose rows of one label are like no other source's rows of it.

Who brings more rows of one class than others do brings the same kind of rows: of those with one label, a model that
has not seen them says as much for another as it does of everybody's. Who gives rows of one class the label of another
brings rows under it that the model would rather give the other. By how much sources differ from each other in that says
how much an honest one may: so this can be told on tables on which no single label can be contradicted.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.label_models.out_of_fold import Floats, Whole

LEVEL: Final = 5.0
"""Standard errors by which a source's rows of a label must be nearer to another one than the others' rows are."""
BESIDE: Final = 2.0
"""How many times the largest such difference among the others it must be."""
FEWEST: Final = 5
"""Rows of a label from which a source is compared."""
MINORITY: Final = 0.25
"""Share of the rows of a label that several sources may hold which are strange together."""
OTHERS: Final = 3
"""Other sources that are needed: of fewer, nothing says by how much honest ones differ."""
LEAST: Final = 1e-4
"""Probability below which a model is as good as certain, so that a single row decides nothing."""


def strange_pairs(probabilities: Floats, y: Whole, sources: Whole) -> set[tuple[int, int, int]]:
    """Return (source, class, given label): whose rows of the label are too near to the class.

    Args:
        probabilities: (n, classes) from models that have not seen the rows.
        y: (n,) given labels.
        sources: (n,) numbers of sources from 0.
    """
    logs, count = np.log(np.maximum(probabilities, LEAST)), int(sources.max(initial=-1)) + 1
    found = set[tuple[int, int, int]]()
    for given in range(probabilities.shape[1]):
        rows = y == given
        whose, sizes = sources[rows], np.bincount(sources[rows], minlength=count).astype(np.float64)
        if (sizes >= FEWEST).sum() <= OTHERS:
            continue
        for own in range(probabilities.shape[1]):
            if own != given:
                nearer = logs[rows, own] - logs[rows, given]
                sums = np.bincount(whose, weights=nearer, minlength=count).astype(np.float64)
                squares = np.bincount(whose, weights=nearer**2, minlength=count).astype(np.float64)
                found |= {(source, own, given) for source in _strange(sizes, sums, squares)}
    return found


def _strange(sizes: Floats, sums: Floats, squares: Floats) -> list[int]:
    """Return the sources that differ more than the others do among themselves.

    Several may do the same, and beside each other none of them would stand out: so the most different ones are taken
    out together, as long as they hold a minority of the rows.
    """
    named: list[int] = []
    totals = np.stack([sizes, sums, squares])
    order = np.argsort(-np.where(sizes >= FEWEST, _beside_the_rest(*totals), -np.inf), kind="stable")
    for count in range(1, int((sizes >= FEWEST).sum()) - OTHERS + 1):
        suspects = order[:count]
        if count > 1 and sizes[suspects].sum() > MINORITY * sizes.sum():
            break
        # Without the suspects: beside them, all others seem to differ.
        others = np.delete(totals, suspects, axis=1)
        honest = float(np.abs(_beside_the_rest(*others))[others[0] >= FEWEST].max())
        apart = [_beside_the_rest(*np.column_stack([totals[:, one], others]))[0] for one in suspects.tolist()]
        if min(apart) >= max(LEVEL, BESIDE * honest):
            named = suspects.tolist()
    return named


def _beside_the_rest(sizes: Floats, sums: Floats, squares: Floats) -> NDArray[np.float64]:
    """Return (sources,) by how many standard errors the mean of each lies above that of all others together."""
    rest = np.maximum(sizes.sum() - sizes, 1.0)
    mean = (sums.sum() - sums) / rest
    spread = np.sqrt(np.maximum((squares.sum() - squares) / rest - mean**2, 0.0)) + 1e-9
    owned = np.maximum(sizes, 1.0)
    errors: Floats = (sums / owned - mean) / (spread * np.sqrt(1 / owned + 1 / rest))
    return errors
