"""Which rows of a source that moves labels it moved, at the rates that are measured for it.

A source that moves rows from one class to another may also give labels by lot: whoever hides a backdoor among flips
does both. So both rates are measured together, beside what the others' labels say of the same rows, and every row of
the source is judged at them; what is usual elsewhere says nothing of it any more.
"""

from typing import Final

import numpy as np

from caponier.detect.label_models.out_of_fold import Floats, Whole

RATHER: Final = 3.0
"""How much likelier, as a logarithm, labels must be with some given by lot than with none."""
ROUNDS: Final = 60


def moved_rows(odds: Floats, y: Whole, pairs: list[tuple[int, int]]) -> tuple[Floats, Whole]:
    """Return (m,) the chance of each row that its label was moved, and the class that is likeliest its own then.

    Args:
        odds: (m, classes) how often the others' rows bear each label that look like these.
        y: (m,) labels that the source gave.
        pairs: The class and the given label of every pair that it moves.
    """
    moved, likelihood = _rates(odds, y, pairs, by_lot=False)
    both, beside = _rates(odds, y, pairs, by_lot=True)
    if beside - likelihood >= RATHER:
        moved = both
    rows, natural = np.arange(len(y)), np.ones(len(y)) - moved.sum(axis=1)
    moved[rows, y] = 0.0
    return 1 - natural, moved.argmax(axis=1)


def _rates(odds: Floats, y: Whole, pairs: list[tuple[int, int]], by_lot: bool) -> tuple[Floats, float]:
    """Return (m, classes) the chance that a row was moved from each class, and the likelihood of all labels.

    By expectation and maximisation: rates of the pairs, and one of labels that go to any other class.
    """
    m, classes = odds.shape
    ways = [(own, given, float(odds[:, own].sum())) for own, given in pairs]
    rates, lot, rows = [0.5] * len(pairs), 0.1 if by_lot else 0.0, np.arange(m)
    others = np.ones((m, classes), bool)
    others[rows, y] = False
    moved, likelihood = np.zeros((m, classes)), 0.0
    for _ in range(ROUNDS):
        lots = lot / (classes - 1) * odds * others
        leaves = np.bincount([own for own, _, _ in ways], weights=rates, minlength=classes)
        stays = np.clip(1 - lot - leaves, 1e-3, 1.0)[y] * odds[rows, y]
        moved = lots.copy()
        for (own, given, _), rate in zip(ways, rates, strict=True):
            moved[y == given, own] += rate * odds[y == given, own]
        total = np.maximum(moved.sum(axis=1) + stays, 1e-12)
        moved /= total[:, None]
        likelihood = float(np.log(total).sum())
        by_pair = []
        for (own, given, weight), rate in zip(ways, rates, strict=True):
            its = y == given
            by_pair.append(float((rate * odds[its, own] / total[its]).sum()) / max(weight, 1e-12))
        lot = float((lots.sum(axis=1) / total).sum()) / m
        rates = [min(1.0, rate) for rate in by_pair]
    return moved, likelihood
