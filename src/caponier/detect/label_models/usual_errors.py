"""How many contradicted labels are usual where a model is as sure as it is, whatever the labels say.

Classes that overlap contradict a model where it is unsure, and hardly where it is sure. Labels that somebody changed
contradict it everywhere alike. So the share of contradicted labels among the rows that a model is surest of is what is
not overlap, and in any other part of the rows the rest of the share is.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.label_models.out_of_fold import Floats, Whole

STRICT: Final = 0.75
"""Part of the share of overlap among all contradictions that the chance of being none must reach."""
PARTS: Final = 10
SUREST: Final = 3
"""Of ten parts of the rows, by how sure the model is, those that show what is not overlap."""


def not_overlap(probabilities: Floats, y: Whole, counts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return (n,) where a contradicted label is no longer one that overlapping classes give.

    The more of all contradictions is overlap, the surer that must be.

    Args:
        probabilities: (n, classes) from models that have not seen the rows.
        y: (n,) given labels.
        counts: (n,) rows that show what is usual; the others are only judged.
    """
    surest = probabilities.max(axis=1)
    contradicted = (probabilities.argmax(axis=1) != y).astype(np.float64)
    order = np.argsort(-surest[counts], kind="stable")
    shares, edges = [], []
    for part in np.array_split(order, PARTS):
        rows = np.flatnonzero(counts)[part]
        # One more row that is contradicted and one that is not: a part without any has not none for certain.
        shares.append((contradicted[rows].sum() + 0.5) / (len(rows) + 1))
        edges.append(float(surest[rows].min()) if len(rows) else 0.0)
    floor = float(np.mean(shares[:SUREST]))
    part_of = np.minimum((surest[:, None] < np.array(edges)[None, :]).sum(axis=1), PARTS - 1)
    chances = np.minimum(1.0, floor / np.array(shares))
    overlap = 1 - min(1.0, floor / float(np.mean(shares)))
    likely: NDArray[np.bool_] = (chances >= STRICT * overlap)[part_of]
    return likely
