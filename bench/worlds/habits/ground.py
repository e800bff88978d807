"""What a benign habit has to work with: rows of its own, the model's answers to them, and chance."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.traffic import Calls
from bench.worlds.victims import Pool, Victim


@dataclass(frozen=True, eq=False)
class Ground:
    """A log's rows, and how sure the model is of each: `margin` (n,) is the best score less the second."""

    victim: Victim
    pool: Pool
    answers: NDArray[np.int64]
    margin: NDArray[np.float32]

    @classmethod
    def of(cls, victim: Victim, pool: Pool) -> "Ground":
        """Ask the model about a pool."""
        scores = victim.ask(pool.rows)
        best = np.sort(scores, axis=1)[:, -2:]
        return cls(victim, pool, scores.argmax(axis=1), best[:, 1] - best[:, 0])

    def pick(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return places of n rows, each but once as long as there are others."""
        turns = -(-n // len(self.pool))
        return np.concatenate([rng.permutation(len(self.pool)) for _ in range(turns)])[:n]

    def rows(self, at: NDArray[np.int64], rng: np.random.Generator) -> Any:
        """Return rows made anew from those of the pool: two users never have quite the same."""
        return self.victim.renew(self.pool.rows[at], rng)

    def some(self, n: int, rng: np.random.Generator) -> Any:
        """Return n rows made anew."""
        return self.rows(self.pick(n, rng), rng)


Habit = Callable[[Ground, np.random.Generator, int], Calls]


@dataclass(frozen=True, eq=False)
class Kind:
    """A habit, its share among callers, and its share among those who ask more than 500 times."""

    habit: Habit
    share: float
    heavy: float


HEAVY: Final = 500


def repeated(rows: Any, times: int, n: int) -> Any:
    """Return each row `times` times on end, n in all."""
    return np.repeat(rows, times, axis=0)[:n]


def choice(n: int, k: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return places 0 to k - 1, some much more often than others (Zipf)."""
    likely = 1 / np.arange(1, k + 1)
    return rng.choice(k, n, p=likely / likely.sum())
