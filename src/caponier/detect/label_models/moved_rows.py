"""Which rows of a source that moves labels it moved, at the rates that are measured for it.

A source that moves rows from one class to another may also give labels by lot: whoever hides a backdoor among flips
does both. So both rates are measured together, beside what the others' labels say of the same rows, and every row of
the source is judged at them; what is usual elsewhere says nothing of it any more.

Nor need the classes be as frequent in the source as elsewhere: who moves one class brings little else. So the source's
mix of classes is measured, too, by what its rows look like.
"""

from typing import Final

import numpy as np

from caponier.detect.label_models.out_of_fold import Floats, Whole

RATHER: Final = 3.0
"""How much likelier, as a logarithm, rows and labels must be for each rate more that is measured."""
ROUNDS: Final = 60


def moved_rows(odds: Floats, y: Whole, pairs: list[tuple[int, int]], usual: Floats) -> tuple[Floats, Whole]:
    """Return (m,) the chance of each row that its label was moved, and the class that is likeliest its own then.

    Args:
        odds: (m, classes) how often the others' rows bear each label that look like these.
        y: (m,) labels that the source gave.
        pairs: The class and the given label of every pair that it moves.
        usual: (classes,) how frequent each class is among the others' rows.
    """
    ways = [(mix, by_lot) for mix in (False, True) for by_lot in (False, True)]
    costs = [RATHER * ((len(usual) - 1) * mix + by_lot) for mix, by_lot in ways]
    measured = [_rates(odds, y, pairs, usual, mix=mix, by_lot=by_lot) for mix, by_lot in ways]
    best = int(np.argmax([likelihood - cost for (_, likelihood), cost in zip(measured, costs, strict=True)]))
    moved = measured[best][0]
    rows, natural = np.arange(len(y)), np.ones(len(y)) - moved.sum(axis=1)
    moved[rows, y] = 0.0
    return 1 - natural, moved.argmax(axis=1)


def _rates(
    odds: Floats, y: Whole, pairs: list[tuple[int, int]], usual: Floats, *, mix: bool = False, by_lot: bool = False
) -> tuple[Floats, float]:
    """Return (m, classes) the chance that a row was moved from each class, and the likelihood of rows and labels.

    By expectation and maximisation: rates of the pairs, one of labels that go to any other class, and the source's mix
    of classes; without `mix` it is what the rows look like one by one.
    """
    m, classes = odds.shape
    rates, lot, rows = [0.5] * len(pairs), 0.1 if by_lot else 0.0, np.arange(m)
    its = [y == given for _, given in pairs]
    others = np.ones((m, classes), bool)
    others[rows, y] = False
    likely, brought = odds, odds.sum(axis=0)
    moved, likelihood = np.zeros((m, classes)), 0.0
    for _ in range(ROUNDS):
        lots = lot / (classes - 1) * likely * others
        leaves = np.bincount([own for own, _ in pairs], weights=rates, minlength=classes)
        stays = np.clip(1 - lot - leaves, 1e-3, 1.0)[y] * likely[rows, y]
        by_pair, moved = np.zeros(len(pairs)), lots.copy()
        for at, ((own, _), mine) in enumerate(zip(pairs, its, strict=True)):
            moved[mine, own] += rates[at] * likely[mine, own]
        total = np.maximum(moved.sum(axis=1) + stays, 1e-12)
        for at, ((own, _), mine) in enumerate(zip(pairs, its, strict=True)):
            by_pair[at] = (rates[at] * likely[mine, own] / total[mine]).sum()
        moved /= total[:, None]
        likelihood = float(np.log(total).sum())
        lot = float((lots.sum(axis=1) / total).sum()) / m
        if mix:
            brought = moved.sum(axis=0) + np.bincount(y, weights=stays / total, minlength=classes)
            likely = odds * (brought / m / np.maximum(usual, 1e-12))
        rates = [
            min(1.0, float(count) / max(float(brought[own]), 1e-12))
            for count, (own, _) in zip(by_pair, pairs, strict=True)
        ]
    return moved, likelihood
