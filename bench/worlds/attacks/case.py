"""One attack on one model: what the attacker has, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.attacks.oracle import Oracle, Rows, scale
from bench.worlds.traffic import Calls
from bench.worlds.victims import Victim

BUDGET: Final = 1_500
CLEAR: Final = 0.8
"""Score of what an attacker sets out to change: rows that are unclear anyway need no attack."""


@dataclass(frozen=True, eq=False)
class Found:
    """What an attacker asked, and whether it got what it wanted, after how many queries."""

    calls: Calls
    goal: str
    figure: float
    queries: int | None
    scores: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, oracle: Oracle, goal: str, figure: float, queries: int | None) -> "Found":
        """Take the queries from an oracle."""
        rows, scores = oracle.record()
        return cls(Calls(rows), goal, figure, queries, scores)

    @classmethod
    def once(cls, oracle: Oracle, goal: str, figure: float, *, reached: bool) -> "Found":
        """Take a goal that is judged after the last query."""
        return cls.of(oracle, goal, figure, oracle.asked if reached else None)


@dataclass(frozen=True, eq=False)
class Case:
    """A model, an attacker's rows, and chance."""

    victim: Victim
    rng: np.random.Generator

    def oracle(self, budget: int = BUDGET, done: Callable[[Any, int], bool] | None = None) -> Oracle:
        """Return the model as this attacker sees it."""
        if self.victim.spec.kind == "text":
            return Oracle(self.victim, budget, np.zeros(1, np.float32), np.ones(1, np.float32), done)
        low, span = scale(self.victim)
        return Oracle(self.victim, budget, low, span, done)

    def original(self, oracle: Oracle) -> tuple[Rows, int, Rows]:
        """Return a row that is answered rightly and clearly, its class, and a row of another class to begin from."""
        own = self.victim.own
        scores = self.victim.ask(own.rows)
        answers = scores.argmax(axis=1)
        right = np.flatnonzero((answers == own.labels) & (scores.max(axis=1) >= CLEAR))
        at = int(self.rng.choice(right))
        other = int(self.rng.choice(np.flatnonzero(answers != answers[at])))
        return oracle.down(own.rows[at]), int(answers[at]), oracle.down(own.rows[other])

    def own(self, n: int, oracle: Oracle) -> Rows:
        """Return n rows of the attacker's own, in its scale."""
        at = self.rng.permutation(len(self.victim.own))
        return oracle.down(self.victim.renew(self.victim.own.rows[np.resize(at, n)], self.rng))


Attack = Callable[[Case], Found]
