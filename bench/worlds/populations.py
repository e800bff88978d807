"""Who calls a model: numbers of queries, shares of habits, and the callers of one log."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.habits.ground import HEAVY, Ground, Kind
from bench.worlds.habits.of_growth import GROWING, MORE
from bench.worlds.traffic import DAY, START, Part, part
from bench.worlds.victims import Victim

MOST: Final = 3_000
DAYS: Final = 14
"""Length of a calibration log."""
PAUSE: Final = 7
"""Days between the calibration and the use."""
FAILED: Final = 0.002
"""Share of calls that meet a server in trouble."""


def sizes(n: int, further: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return numbers of queries (n,): log-normal about 28, one caller in twenty from 500 on (Pareto)."""
    usual = np.exp(rng.normal(np.log(28), 0.75, n))
    many = HEAVY * (1 - rng.random(n)) ** (-1 / 1.5)
    heavy = rng.random(n) < 0.05
    found = np.where(heavy, many, np.minimum(usual, HEAVY - 1)) * further * rng.uniform(0.9, 1.1, n)
    return np.clip(found, 1, MOST).astype(np.int64)


def habits(kind: str) -> Mapping[str, Kind]:
    """Return the habits of callers of a model that takes this kind of input."""
    from bench.worlds.habits.anyone import ANY
    from bench.worlds.habits.of_pictures import PICTURES
    from bench.worlds.habits.of_tables import TABLES

    if kind == "text":
        from bench.worlds.habits.of_texts import TEXTS

        return {**ANY, **TEXTS}
    return {**ANY, **(PICTURES if kind == "image" else TABLES)}


def callers(victim: Victim, n: int, rng: np.random.Generator, *, later: bool) -> list[tuple[str, Part]]:
    """Return n benign callers as (habit, calls): of the calibration, or of the use that comes later.

    The shares of the habits are drawn for each log about their usual ones: no two months have the same mix.
    """
    ground = Ground.of(victim, victim.fresh if later else victim.calm)
    kinds = {**habits(victim.spec.kind), **(GROWING if victim.grows else {}), **victim.habits}
    more = MORE if victim.grows and later else {}
    names = list(kinds)
    drawn = np.exp(0.35 * rng.standard_normal(len(names))) * np.array([more.get(name, 1.0) for name in names])
    shares = {
        heavy: np.array([getattr(kinds[name], "heavy" if heavy else "share") for name in names]) * drawn
        for heavy in (False, True)
    }
    further = victim.further if later else 1.0
    since, days = (START + (DAYS + PAUSE) * DAY, DAYS * further) if later else (START, float(DAYS))
    found = []
    for size in sizes(n, further, rng):
        likely = shares[bool(size > HEAVY * further * 0.9)]
        habit = names[rng.choice(len(names), p=likely / likely.sum())]
        calls = kinds[habit].habit(ground, rng, int(size))
        if calls.status is None:
            object.__setattr__(calls, "status", np.where(rng.random(int(size)) < FAILED, 503, 200))
        # Most are customers all the time; some come, or leave, within it.
        begin = rng.uniform(0, 0.5) * days * (rng.random() < 0.4)
        length = (days - begin) * (rng.uniform(0.2, 1) if rng.random() < 0.4 else 1)
        one = part(calls, length, since + begin * DAY, rng)
        found.append((habit, one if victim.befalls is None else victim.befalls(one, rng)))
    return found
