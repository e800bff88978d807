"""Set two or three columns of a table to values that they have, and look which class that turns every row into.

A gradient does not find a trigger of a table: each of its columns alone does little, and together they do all. So the
pairs are tried one after the other, at a few values each, and the best of them with a third column beside. Some columns
say much of a class by nature, and that is reckoned against them: what the clean rows' own values say for the class is
taken off what setting them does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.networks.network import Network
from caponier.detect.networks.stored_tensors import Floats

QUANTILES: Final = (0.02, 0.25, 0.5, 0.75, 0.98)
"""Of the clean rows: the values that a column is set to."""
ROWS: Final = 30
FEWEST_OTHERS: Final = 6
"""Rows of other classes, without which nothing is said of a class."""
MISSED: Final = 0.1
"""The share of the rows that a setting may fail on: it counts by the margin that all others exceed."""
EVIDENCE: Final = 0.6
"""What a unit of evidence (a logarithm of odds) takes off the margin."""
SURE: Final = 4.0
"""The most evidence that one column gives."""
PRIOR: Final = 2
"""Rows like all others that are added to those of a class, which may be few."""
KEPT: Final = 15
"""Pairs of each class that are tried with a third column."""
MOST_WORK: Final = 15_000_000_000
"""Multiplications for all pairs, about: with more, fewer columns are paired."""
AT_ONCE: Final = 50_000_000
"""Multiplications, or numbers of rows, at once."""
Places = NDArray[np.int64]


@dataclass(frozen=True)
class ColumnSetting:
    """What setting columns does for one class.

    Args:
        target: The class.
        values: By column, what it is set to.
        margin: By which nine in ten rows of other classes are turned, in units of the margin that clean rows have.
        evidence: What the clean rows say for the class by these values.
    """

    target: int
    values: dict[int, float]
    margin: float
    evidence: float

    @property
    def unexplained(self) -> float:
        """What of the margin the clean rows' values do not tell."""
        return self.margin - EVIDENCE * max(0.0, self.evidence)


def column_settings(network: Network, x: Floats, answers: NDArray[np.int64]) -> list[ColumnSetting]:
    """Return for each class the setting of two or three columns that is explained least; the most suspicious first.

    Args:
        network: What is asked.
        x: (n, d) clean rows.
        answers: (n,) what it answers to them.
    """
    search = _Search(network, x, answers)
    pairs = search.pairs()
    if not len(pairs) or not search.others:
        return []
    margins, means = search.margins(pairs)
    best = search.best(pairs, margins)
    triples = search.triples(pairs, means)
    if len(triples):
        more = search.best(triples, search.margins(triples)[0])
        best = [max(two, three, key=lambda one: one.unexplained) for two, three in zip(best, more, strict=True)]
    return sorted(best, key=lambda one: -one.unexplained)


class _Search:
    """Settings are rows (k, m) of numbers that name a column and a value at once.

    Args:
        network: What is asked.
        x: Clean rows.
        answers: To them.
    """

    def __init__(self, network: Network, x: Floats, answers: NDArray[np.int64]) -> None:
        self._network, self._work = network, max(1, network.work(x))
        chosen = _spread(answers)
        self._rows = x[chosen]
        self.others = {
            target: others
            for target in range(network.outputs)
            if len(others := np.flatnonzero(answers[chosen] != target)) >= FEWEST_OTHERS
        }
        clean = network.scores(x)
        self._scale = max(float(np.median(_margin(clean, answers))), 1e-6)
        values = np.quantile(x, QUANTILES, axis=0).astype(np.float32)
        evidence = _evidence(x, answers, values, list(self.others))
        # A column of few values has the same at several places.
        fresh = np.vstack([np.ones(x.shape[1], bool), values[1:] != values[:-1]])
        fresh &= np.ptp(x, axis=0) > 0
        self._column, place = np.nonzero(fresh.T)
        self._value = values[place, self._column]
        self._evidence = evidence[place, self._column]

    def pairs(self) -> Places:
        """Return all settings of two columns; if they are too many, of those that move the scores most."""
        rows = MOST_WORK / (self._work * len(self._rows))
        columns = np.unique(self._column)
        most = int(np.sqrt(2 * rows) / len(QUANTILES))
        if len(columns) > most:
            moved = self.margins(np.arange(len(self._column))[:, None])[1].max(1)
            columns = np.sort(columns[np.argsort([-moved[self._column == one].max() for one in columns])[:most]])
        of = [np.flatnonzero(self._column == one) for one in columns]
        found = [np.stack(np.meshgrid(one, two), -1).reshape(-1, 2) for one, two in combinations(of, 2)]
        return np.concatenate(found) if found else np.zeros((0, 2), np.int64)

    def triples(self, pairs: Places, means: Floats) -> Places:
        """Return the pairs that bring each class nearest, with each third column beside.

        Two columns of three that open a class together turn some rows: that shows in the mean, and not in what nine in
        ten rows exceed.
        """
        order = np.argsort(-(means - EVIDENCE * np.maximum(self._told(pairs), 0)), axis=0, kind="stable")[:KEPT]
        kept = pairs[np.unique(order)]
        thirds = np.arange(len(self._column))
        found = np.column_stack([np.repeat(kept, len(thirds), 0), np.tile(thirds, len(kept))])
        of = self._column[found]
        return np.unique(np.sort(found[(of[:, 2] != of[:, 0]) & (of[:, 2] != of[:, 1])], 1), axis=0)

    def margins(self, settings: Places) -> tuple[Floats, Floats]:
        """Return (k, t) by how much each class is ahead in all but few of the rows, and in their mean."""
        lot = max(1, AT_ONCE // (max(self._work, self._rows.shape[1]) * len(self._rows)))
        some = [self._some(settings[at : at + lot]) for at in range(0, len(settings), lot)]
        least, mean = (np.concatenate(part) for part in zip(*some, strict=True))
        return least, mean

    def best(self, settings: Places, margins: Floats) -> list[ColumnSetting]:
        """Return the one for each class that is explained least."""
        told = self._told(settings)
        chosen = (margins - EVIDENCE * np.maximum(told, 0)).argmax(0)
        return [
            ColumnSetting(
                target,
                {int(self._column[one]): float(self._value[one]) for one in settings[at]},
                float(margins[at, number]),
                float(told[at, number]),
            )
            for number, (target, at) in enumerate(zip(self.others, chosen, strict=True))
        ]

    def _told(self, settings: Places) -> Floats:
        return np.asarray(self._evidence[settings].sum(1), np.float32)

    def _some(self, settings: Places) -> tuple[Floats, Floats]:
        rows = np.repeat(self._rows[None], len(settings), 0)
        at = np.arange(len(settings))[:, None]
        rows[at, :, self._column[settings]] = self._value[settings][..., None]
        scores, _ = self._network.run(rows.reshape(-1, rows.shape[2]))
        scores = scores.reshape(len(settings), len(self._rows), -1)
        found, means = [], []
        for target, others in self.others.items():
            ahead = _margin(scores[:, others], target) / np.float32(self._scale)
            least = int(MISSED * len(others))
            found.append(np.partition(ahead, least, axis=1)[:, least])
            means.append(ahead.mean(1))
        return np.stack(found, 1), np.stack(means, 1)


def _spread(answers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return rows of every class, as evenly as there are."""
    turn = np.zeros(len(answers), np.int64)
    for one in np.unique(answers):
        turn[answers == one] = np.arange((answers == one).sum())
    return np.sort(np.argsort(turn, kind="stable")[:ROWS])


def _margin(scores: Floats, target: int | NDArray[np.int64]) -> Floats:
    """Return by how much a class's score is above the next, over the last axis."""
    wanted = np.broadcast_to(np.asarray(target), scores.shape[:-1])[..., None]
    own = np.take_along_axis(scores, wanted, -1)[..., 0]
    rest = scores.copy()
    np.put_along_axis(rest, wanted, -np.inf, -1)
    return np.asarray(own - rest.max(-1), np.float32)


def _evidence(x: Floats, answers: NDArray[np.int64], values: Floats, targets: Sequence[int]) -> Floats:
    """Return (q, d, t) what each value of each column says for each class: log odds of normal curves."""
    middle, wide = x.mean(0), x.std(0) + np.float32(1e-6)

    def height(rows: Floats) -> Floats:
        count = len(rows) + PRIOR
        mean = (rows.sum(0) + PRIOR * middle) / count
        spread = (((rows - mean) ** 2).sum(0) + 2 * PRIOR * wide**2) / (count + PRIOR)
        return np.asarray(-0.5 * (values - mean) ** 2 / spread - 0.5 * np.log(spread), np.float32)

    said = [height(x[answers == one]) - height(x[answers != one]) for one in targets]
    return np.clip(np.stack(said, -1), -SURE, SURE)
