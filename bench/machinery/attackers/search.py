"""Searches around many inputs at once: what one attacker asks around each, and where the answer turned.

The inputs of a campaign do not depend on each other, so they are searched side by side, a query each in every round;
in which order a caller sends them is another matter (`orders`). Every search is a real one on a real model: it goes on
from what it was answered, and counts as won where the model calls another class within the attack's own bound.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.worlds.attacks.case import CLEAR
from bench.worlds.attacks.oracle import scale
from bench.worlds.attacks.toolbox import NEAR
from bench.worlds.victims import Victim

Rows = NDArray[np.float32]
GENTLE: Final = 1e-6
SAMPLE: Final = 300
"""Rows of the attacker's own between which distances are measured."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What an attacker has: the model's answers, and rows of its own (n, d) in a scale of 0 to 1 a column.

    Args:
        victim: Whom it asks.
        rows: Its own rows, in its scale.
        labels: (n,) what the model answers to each.
        sure: (n,) the score of that.
    """

    victim: Victim
    rows: Rows
    labels: NDArray[np.int64]
    sure: NDArray[np.float32]
    low: Rows
    span: Rows
    most: float
    """Greatest L2 of a change that counts."""

    @classmethod
    def of(cls, victim: Victim) -> "Ground":
        """Look at a model from outside."""
        low, span = scale(victim)
        scores = victim.ask(victim.own.rows)
        rows = np.asarray((victim.own.rows - low) / span, np.float32)
        some, labels = rows[:SAMPLE], victim.own.labels[:SAMPLE]
        square = (some**2).sum(axis=1)
        away = np.sqrt(np.maximum(square[:, None] + square[None, :] - 2 * some @ some.T, 0))
        most = float(NEAR * np.median(away[labels[:, None] != labels[None, :]]))
        return cls(victim, rows, scores.argmax(axis=1), scores.max(axis=1), low, span, most)

    @property
    def width(self) -> int:
        """Number of features."""
        return self.rows.shape[1]

    @property
    def lively(self) -> NDArray[np.int64]:
        """Return the third of the features that vary most."""
        return np.argsort(-self.rows.std(axis=0), kind="stable")[: max(3, self.width // 3)]

    def up(self, rows: Rows) -> Rows:
        """Return rows in the model's own units."""
        return np.asarray(self.low + rows * self.span, np.float32)

    def ask(self, rows: Rows) -> Rows:
        """Return the scores (n, k) of rows in the attacker's scale."""
        return self.victim.ask(self.up(rows))

    def originals(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return places of n rows that are answered rightly and clearly: others need no attack."""
        good = np.flatnonzero((self.labels == self.victim.own.labels) & (self.sure >= CLEAR))
        return rng.permutation(good)[:n]

    def ordinary(self, n: int, rng: np.random.Generator) -> Rows:
        """Return n rows such as anybody sends, made anew, in the attacker's scale."""
        own = self.victim.own.rows[rng.integers(0, len(self.rows), n)]
        return np.asarray((self.victim.renew(own, rng) - self.low) / self.span, np.float32)


@dataclass(eq=False)
class JudgedSubject:
    """How some searches stand, an item each."""

    ground: Ground
    origin: Rows
    label: NDArray[np.int64]
    best: Rows
    least: NDArray[np.float64]
    """Lead of the first answer at the best row so far, in log-odds."""
    memory: dict[str, Any] = field(default_factory=dict)
    """What a step keeps for itself; arrays with an item for each search."""

    def some(self, chosen: NDArray[np.bool_]) -> "JudgedSubject":
        """Return those that go on."""
        memory = {name: values[chosen] for name, values in self.memory.items()}
        best, least = self.best[chosen], self.least[chosen]
        return JudgedSubject(self.ground, self.origin[chosen], self.label[chosen], best, least, memory)


class Step(Protocol):
    """How the next try of a search differs from what it has."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    def tries(self, at: JudgedSubject, rng: np.random.Generator) -> Rows:
        """Return a row (n, d) for each search."""
        ...

    def learn(self, at: JudgedSubject, rows: Rows, scores: Rows) -> None:
        """Take the answers to the tries, and move on."""
        ...

    def won(self, at: JudgedSubject, rows: Rows, scores: Rows) -> NDArray[np.bool_]:
        """Tell (n,) which tries are what the attacker wanted."""
        ...


@dataclass(frozen=True, eq=False)
class Trail:
    """What was asked around one input, in order, and whether the last of it is an adversarial example."""

    rows: Rows
    scores: Rows
    won: bool


def lead(scores: Rows, label: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return by how much a class (n,) leads the best of the others, in log-odds."""
    at = np.arange(len(scores))
    others = scores.astype(np.float64).copy()
    others[at, label] = -1
    return np.asarray(np.log(scores[at, label] + GENTLE) - np.log(others.max(axis=1) + GENTLE), np.float64)


def searched(ground: Ground, step: Step, n: int, most: int, rng: np.random.Generator) -> list[Trail]:
    """Search around n inputs, with `most` queries around each."""
    places = ground.originals(n, rng)
    origin = ground.rows[places]
    scores = ground.ask(origin)
    asked, answered = [[row] for row in origin], [[row] for row in scores]
    at = JudgedSubject(ground, origin, ground.labels[places], origin.copy(), lead(scores, ground.labels[places]))
    going, won = np.arange(len(places)), np.zeros(len(places), bool)
    for _ in range(most):
        if not len(going):
            break
        rows = np.clip(step.tries(at, rng), *_edges(ground)).astype(np.float32)
        scores = ground.ask(rows)
        for one, row, answer in zip(going.tolist(), rows, scores, strict=True):
            asked[one].append(row)
            answered[one].append(answer)
        done = step.won(at, rows, scores)
        step.learn(at, rows, scores)
        won[going[done]] = True
        at, going = at.some(~done), going[~done]
    return [
        Trail(np.stack(rows), np.stack(scores), bool(win))
        for rows, scores, win in zip(asked, answered, won, strict=True)
    ]


def _edges(ground: Ground) -> tuple[float, float]:
    return (0.0, 1.0) if ground.victim.side else (0.0, np.inf)
