"""Whether the number on a finding is right: of so many benign callers whom nobody has seen, how many come as high.

Over simulated populations, so that there are enough: ten thousand fresh callers tell one in a thousand, and no log of a
model holds them. Their scores come from two processes that say nothing of any detector.
"""

import statistics
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.detect.calibration.joint_tail import evidence
from caponier.detect.calibration.judging import LONGER, Gathered, Ranking, rarest

SEED: Final = 77
POPULATIONS: Final = 50
CALLERS: Final = (100, 300)
"""To learn from."""
FRESH: Final = 10_000
SHOWN: Final = (0.05, 0.01, 0.003, 0.001)
TIMES: Final = 3.0
"""Of the number shown that the true share may be."""
MOST: Final = 3_000
"""Queries of a caller."""

Process = Callable[[np.random.Generator, NDArray[np.int64]], NDArray[np.int64]]
"""Scores of all queries, caller by caller, of callers with so many (n,)."""


def adding_up(rng: np.random.Generator, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count what each caller does at a rate of its own, heavy-tailed, without end."""
    rates = np.minimum(0.9, 0.02 * rng.pareto(2.0, len(lengths)))
    done = np.cumsum(rng.random(lengths.sum()) < np.repeat(rates, lengths))
    before = np.concatenate([[0], done])[np.cumsum(lengths) - lengths]
    counts: NDArray[np.int64] = done - np.repeat(before, lengths)
    return counts


def flaring(rng: np.random.Generator, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Score single queries, most of them low, of callers who differ in their scale."""
    scales = 10 * rng.lognormal(0, 0.5, len(lengths))
    return np.floor(rng.exponential(np.repeat(scales, lengths))).astype(np.int64)


WORLDS: Final[dict[str, Process]] = {"adding up": adding_up, "flaring": flaring}


def run(quick: bool) -> Scorecard:
    """Hold the number shown against fresh callers; quick: a tenth of the populations, of 100 callers."""
    sizes = CALLERS[:1] if quick else CALLERS
    table = [row for name in WORLDS for n in sizes for row in _rows(name, n, POPULATIONS // (10 if quick else 1))]
    least = min(row["within_share"] for row in table)
    figures = {"within_three_times_share_of_worst": least} | {
        f"true_share_where_{shown:g}_is_shown": round(
            statistics.mean(row["true_mean"] for row in table if row["shown"] == shown), 5
        )
        for shown in SHOWN
    }
    about = (
        f"Two simulated worlds ({', '.join(WORLDS)}), populations of {' or '.join(map(str, sizes))} callers to learn "
        f"from, each held against {FRESH:,} fresh ones who ask two to {LONGER} times as much: how many come as high as "
        f"what is shown as one in so many, and in which part of the populations that is at most {TIMES:g} times it."
    )
    goals = (Goal("within_three_times_share_of_worst", 0.9, at_least=True),)
    return Scorecard("number_shown", about, figures, goals, (SEED,), table)


def _rows(name: str, callers: int, populations: int) -> Iterator[dict[str, Any]]:
    say(f"{name}, {populations} populations of {callers} callers")
    rng = np.random.default_rng([SEED, callers, *name.encode()])
    true = np.array([_true(WORLDS[name], callers, rng) for _ in range(populations)])
    for shown, own in zip(SHOWN, true.T, strict=True):
        yield {
            "world": name,
            "callers": callers,
            "shown": shown,
            "true_mean": round(float(own.mean()), 5),
            "true_most": round(float(own.max()), 5),
            "within_share": round(float((own <= TIMES * shown).mean()), 4),
        }


def _true(process: Process, callers: int, rng: np.random.Generator) -> list[float]:
    """Return, of each number shown, the share of fresh callers who come as high."""
    ranking = Ranking.of({"d": population(process, callers, 1.0, rng)})
    fresh = population(process, FRESH, rng.uniform(2, LONGER), rng)
    lives, _ = fresh.of(fresh.names)
    found = evidence(rarest(ranking.ranks["d"], lives)[:, None])
    return [float((found >= ranking.tail.level(shown)).mean()) for shown in SHOWN]


def population(process: Process, callers: int, longer: float, rng: np.random.Generator) -> Gathered:
    """Let callers of very different lengths come, half of them with fewer than twenty queries."""
    lengths = np.clip(rng.lognormal(3.0, 1.2, callers) * longer, 1, MOST).astype(np.int64)
    ordinal = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + 1
    gathered = Gathered()
    names = [f"caller {at}" for at in range(callers)]
    gathered.add(names, process(rng, lengths), ordinal, np.repeat(np.arange(callers), lengths))
    return gathered
