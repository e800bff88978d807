"""Extraction of a model of tables by path finding (Tramèr, Zhang, Juels, Reiter, Ristenpart 2016).

From a row of its own the attacker walks along one column after the other and finds by halving where the answer changes:
the splits of a tree. Each new answer met on the way is another leaf, from which it goes on. Models whose scores change
everywhere are asked for the places where they change by enough to tell.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from caponier.emulate.caller.oracle import BudgetSpentError, Predict, RefusedError
from caponier.emulate.images import Images


@dataclass(eq=False)
class PathFinding:
    """One extraction on its way.

    Args:
        predict: Asks the model for rows (n, d) in 0..1; it is called with one row at a time.
        budget: Most queries.
        tell: By how much two answers must differ in a score to be different ones.
        width: Share of a column's range at which halving ends.
    """

    predict: Predict
    budget: int
    tell: float = 1e-6
    width: float = 1 / 128
    asked: list[Images] = field(default_factory=list)
    """Rows (d,), in order."""
    scores: list[Images] = field(default_factory=list)
    splits: list[tuple[int, float]] = field(default_factory=list)
    """Columns and places in them at which the answer changes."""

    def run(self, starts: Images, rng: np.random.Generator) -> None:
        """Walk from rows (k, d) of the attacker's own until the budget is spent or nothing is left to be found."""
        try:
            self._walk(deque(starts), rng)
        except (BudgetSpentError, RefusedError):
            return

    def _walk(self, leaves: deque[Images], rng: np.random.Generator) -> None:
        known: list[Images] = []
        while leaves:
            row = leaves.popleft()
            answer = self._ask(row)
            if any(self._same(answer, other) for other in known):
                continue
            known.append(answer)
            for column in rng.permutation(len(row)):
                leaves.extend(self._line(row, int(column)))

    def _line(self, row: Images, column: int) -> Iterator[Images]:
        """Search one column; yield a row beyond each split."""
        low, high = self._moved(row, column, 0.0), self._moved(row, column, 1.0)
        yield from self._halved(low, self._ask(low), high, self._ask(high), column)

    def _halved(self, low: Images, first: Images, high: Images, last: Images, column: int) -> Iterator[Images]:
        if self._same(first, last):
            return
        middle = float(low[column] + high[column]) / 2
        if high[column] - low[column] <= self.width:
            self.splits.append((column, middle))
            yield high
            return
        between = self._moved(low, column, middle)
        answer = self._ask(between)
        yield from self._halved(low, first, between, answer, column)
        yield from self._halved(between, answer, high, last, column)

    def _ask(self, row: Images) -> Images:
        if len(self.asked) >= self.budget:
            raise BudgetSpentError
        scores: Images = self.predict(row[None])[0]
        self.asked.append(row)
        self.scores.append(scores)
        return scores

    def _same(self, first: Images, second: Images) -> bool:
        return bool(np.abs(first - second).max() <= self.tell and first.argmax() == second.argmax())

    def _moved(self, row: Images, column: int, value: float) -> Images:
        moved = row.copy()
        moved[column] = value
        return moved
