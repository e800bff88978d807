"""What an attacker talks to: the model, with each row and answer written down, and an end to the budget."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.victims import Victim

Rows = NDArray[np.float32]
HALF: Final = 0.5
"""Share of the first adversarial's distance at which a decision-based attack has succeeded."""


class Spent(BaseException):
    """The budget is used up, or the goal is reached: not an Exception, so that no attack's own handler eats it."""


@dataclass(eq=False)
class Oracle:
    """A model that counts. Attackers of tables work in a scale of their own, 0 to 1 a column; `low`, `span` undo it.

    `done(row, label)` ends the attack as soon as it is true, for those who stop when they have what they want.
    """

    victim: Victim
    budget: int
    low: Rows
    span: Rows
    done: Callable[[Any, int], bool] | None = None
    rows: list[Any] = field(default_factory=list)
    scores: list[Rows] = field(default_factory=list)
    asked: int = 0

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.victim.classes)

    def up(self, rows: Rows) -> Rows:
        """Return rows in the model's own units."""
        return np.asarray(self.low + rows * self.span, np.float32)

    def down(self, rows: Rows) -> Rows:
        """Return the model's rows in the attacker's scale."""
        return np.asarray((rows - self.low) / self.span, np.float32)

    def ask(self, rows: Any) -> Rows:
        """Return the scores (n, k) of rows in the attacker's scale.

        Raises:
            Spent: If the budget does not last, or the goal is reached.
        """
        rows = np.asarray(rows, np.float32).reshape(-1, len(self.low))
        return self.ask_raw(self.up(rows))

    def ask_raw(self, rows: Any) -> Rows:
        """Return the scores of rows in the model's units, or of texts."""
        left = self.budget - self.asked
        rows = rows[:left]
        if not len(rows):
            raise Spent
        found = self.victim.ask(rows)
        self.rows.append(rows)
        self.scores.append(found)
        self.asked += len(rows)
        if self.done is not None and any(
            self.done(row, int(label)) for row, label in zip(rows, found.argmax(axis=1), strict=True)
        ):
            raise Spent
        if len(rows) == left:
            raise Spent
        return found

    def label(self, row: Rows) -> int:
        """Return the class of one row in the attacker's scale."""
        return int(self.ask(row[None]).argmax())

    def labels(self, rows: Rows) -> NDArray[np.int64]:
        """Return the classes of rows in the attacker's scale."""
        return np.asarray(self.ask(rows).argmax(axis=1))

    def record(self) -> tuple[Any, Rows]:
        """Return all rows that were asked, in the model's units, and their answers."""
        return np.concatenate(self.rows), np.concatenate(self.scores)


@contextmanager
def until_spent() -> Iterator[None]:
    """Run an attack for as long as its budget lasts."""
    with suppress(Spent):
        yield


def scale(victim: Victim) -> tuple[Rows, Rows]:
    """Return what an attacker takes for the least value and the span of each column, from rows of its own."""
    if victim.spec.kind == "image":
        return np.zeros(victim.side**2, np.float32), np.ones(victim.side**2, np.float32)
    low, high = np.quantile(victim.own.rows, [0.0, 0.98], axis=0)
    widest = victim.own.rows.max(axis=0)
    high = np.where(high > low, high, widest)
    return low.astype(np.float32), np.where(high > low, high - low, 1).astype(np.float32)


def nearest(oracle: Oracle, original: Rows, label: int) -> tuple[int | None, float]:
    """Judge a decision-based attack: half as far as its first adversarial, moved to the boundary.

    A start far beyond the boundary would make a plain halving of the way a success, so it is moved first, straight
    towards the original; that asks nobody. Returns the number of queries until then, and the nearest adversarial's
    distance as a share.
    """
    rows, scores = oracle.record()
    away = np.linalg.norm(oracle.down(rows) - original, axis=1)
    wrong = np.flatnonzero(scores.argmax(axis=1) != label)
    if not len(wrong):
        return None, 1.0
    first = _at_boundary(oracle, original, oracle.down(rows[wrong[0]]), label)
    hits = wrong[away[wrong] <= HALF * first]
    return (int(hits[0]) + 1 if len(hits) else None), float(away[wrong].min() / first)


def _at_boundary(oracle: Oracle, original: Rows, start: Rows, label: int) -> float:
    """Return the least distance on the way from the start to the original from where on the answer stays wrong."""
    share = np.linspace(0, 1, 513, dtype=np.float32)
    line = oracle.up(original + share[:, None] * (start - original))
    right = np.flatnonzero(oracle.victim.ask(line).argmax(axis=1) == label)
    beyond = share[min(int(right[-1]) + 1, len(share) - 1)] if len(right) else share[1]
    return float(beyond * np.linalg.norm(start - original))


def flipped(oracle: Oracle, original: Rows, label: int, norm: float, bound: float) -> tuple[int | None, float]:
    """Judge a score-based attack: another class within a bound, in the given norm.

    Returns the number of queries until then, and the least norm of a change that was answered wrongly.
    """
    rows, scores = oracle.record()
    size = np.linalg.norm(oracle.down(rows) - original, ord=norm, axis=1)
    wrong = np.flatnonzero(scores.argmax(axis=1) != label)
    hits = wrong[size[wrong] <= bound * (1 + 1e-5) + 1e-6]
    return (int(hits[0]) + 1 if len(hits) else None), float(size[wrong].min()) if len(wrong) else float("inf")
