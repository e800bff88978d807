"""Benign habits of callers of a model of rows of a table, with or without categories."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.habits.ground import Ground, Kind, repeated
from bench.worlds.traffic import Calls

Rng = np.random.Generator


def _set(rows: Any, columns: NDArray[np.int64], ground: Ground, rng: Rng) -> Any:
    """Give each row (n, d) another real value in one column of its own (n,)."""
    donor = ground.pool.rows[rng.integers(0, len(ground.pool), len(rows))]
    each = np.arange(len(rows))
    rows[each, columns] = donor[each, columns]
    return rows


def _numeric(ground: Ground) -> NDArray[np.int64]:
    width = ground.pool.rows.shape[1]
    return np.array([at for at in range(width) if at not in ground.victim.spec.categories])


def what_if(ground: Ground, rng: Rng, n: int) -> Calls:
    """A form of which one field is edited several times: each try starts from the case itself."""
    tries = int(rng.integers(3, 12))
    rows = repeated(ground.some(-(-n // tries), rng), tries, n)
    column = repeated(rng.integers(0, rows.shape[1], -(-n // tries)), tries, n)
    edited = np.arange(n) % tries > 0
    rows[edited] = _set(rows[edited], column[edited], ground, rng)
    return Calls(rows)


def tinkerer(ground: Ground, rng: Rng, n: int) -> Calls:
    """Somebody who changes field after field of a case and keeps what was changed."""
    length = int(rng.integers(4, 20))
    rows = repeated(ground.some(-(-n // length), rng), length, n)
    for at in range(n):
        if at % length:
            rows[at] = _set(rows[at - 1 : at].copy(), rng.integers(0, rows.shape[1], 1), ground, rng)[0]
    return Calls(rows)


def slider(ground: Ground, rng: Rng, n: int) -> Calls:
    """A slider on a page: one number of a case goes from low to high in even steps."""
    steps = int(rng.integers(8, 40))
    rows, numbers = repeated(ground.some(-(-n // steps), rng), steps, n), _numeric(ground)
    column = repeated(rng.choice(numbers, -(-n // steps)), steps, n)
    low, high = np.quantile(ground.pool.rows[:, column], [0.02, 0.98], axis=0)
    rows[np.arange(n), column] = low + (high - low) * (np.arange(n) % steps) / steps
    return Calls(rows.astype(np.float32))


def sheet_sweep(ground: Ground, rng: Rng, n: int) -> Calls:
    """A spreadsheet that fills one column down for a few cases: rounded values, from a macro."""
    steps = int(rng.integers(10, 60))
    rows, column = repeated(ground.some(-(-n // steps), rng), steps, n), int(rng.choice(_numeric(ground)))
    taken = np.linspace(*np.quantile(ground.pool.rows[:, column], [0, 0.95]), steps)
    rows[:, column] = np.round(taken[np.arange(n) % steps], 1)
    return Calls(rows.astype(np.float32), "burst")


def sensor(ground: Ground, rng: Rng, n: int) -> Calls:
    """A machine that reports its state: most numbers drift slowly, a few stand still."""
    rows, numbers = repeated(ground.some(1, rng), n, n).astype(np.float32), _numeric(ground)
    walk = rng.standard_normal((n, len(numbers))).cumsum(axis=0) * 0.003 * (rng.random(len(numbers)) < 0.6)
    rows[:, numbers] = rows[:, numbers] * (1 + np.clip(walk, -0.5, 0.5)).astype(np.float32)
    return Calls(rows, "steady")


def missing(ground: Ground, rng: Rng, n: int) -> Calls:
    """A data-quality job: fields are missing and filled with a constant, at times nearly all of them."""
    rows, share = ground.some(n, rng), rng.uniform(0.1, 0.9)
    filler = np.median(ground.pool.rows, axis=0) if rng.random() < 0.5 else ground.pool.rows.min(axis=0)
    return Calls(np.where(rng.random(rows.shape) < share, filler, rows).astype(np.float32), "night")


def typo(ground: Ground, rng: Rng, n: int) -> Calls:
    """A clerk who types, sees an error in one field and sends the row again."""
    rows = repeated(ground.some(-(-n // 2), rng), 2, n)
    first = np.arange(n) % 2 == 0
    rows[first] = _set(rows[first], rng.integers(0, rows.shape[1], int(first.sum())), ground, rng)
    return Calls(rows)


def template(ground: Ground, rng: Rng, n: int) -> Calls:
    """A company whose cases are alike: three to six fields differ from a template."""
    rows = repeated(ground.some(1, rng), n, n)
    for column in rng.choice(rows.shape[1], int(rng.integers(3, 7)), replace=False):
        rows = _set(rows, np.full(n, column), ground, rng)
    return Calls(rows, "visits")


def relatives(ground: Ground, rng: Rng, n: int) -> Calls:
    """Cases that come in families: those of one share a third of their fields."""
    size = int(rng.integers(2, 6))
    rows = ground.some(n, rng)
    shared = rng.random(rows.shape[1]) < 0.33
    rows[:, shared] = rows[np.arange(n) // size * size][:, shared]
    return Calls(rows)


def dependence(ground: Ground, rng: Rng, n: int) -> Calls:
    """An analyst's partial dependence: a grid over one column for many cases (Friedman 2001)."""
    grid = int(rng.integers(5, 15))
    cases = ground.some(-(-n // grid), rng)
    column = int(rng.choice(_numeric(ground)))
    taken = np.quantile(ground.pool.rows[:, column], np.linspace(0.02, 0.98, grid))
    rows = repeated(cases, grid, n)
    rows[:, column] = taken[np.arange(n) % grid]
    return Calls(rows.astype(np.float32), "night")


def rounding(ground: Ground, rng: Rng, n: int) -> Calls:
    """A client that sends an estimate in round numbers first, and the exact row later."""
    rows, numbers = repeated(ground.some(-(-n // 2), rng), 2, n).astype(np.float32), _numeric(ground)
    first = (np.arange(n) % 2 == 0)[:, None]
    digits = 10.0 ** np.floor(np.log10(np.abs(rows[:, numbers]) + 1e-6))
    rows[:, numbers] = np.where(first, np.round(rows[:, numbers] / digits) * digits, rows[:, numbers])
    return Calls(rows)


def permuted(ground: Ground, rng: Rng, n: int) -> Calls:
    """A team that measures which columns count: it shuffles one column of its set at a time (Breiman 2001)."""
    size = max(2, n // (ground.pool.rows.shape[1] + 1))
    base = ground.some(size, rng)
    rows, turn = base[np.arange(n) % size].copy(), np.arange(n) // size
    column = (turn - 1) % base.shape[1]
    mixed = rng.integers(0, size, n)
    rows[turn > 0, column[turn > 0]] = base[mixed[turn > 0], column[turn > 0]]
    return Calls(rows, "night")


def series(ground: Ground, rng: Rng, n: int) -> Calls:
    """A customer who is scored anew every day: numbers with a season and noise, categories as they are."""
    rows, numbers = repeated(ground.some(1, rng), n, n).astype(np.float32), _numeric(ground)
    wave = 0.2 * np.sin(2 * np.pi * np.arange(n) / 7)[:, None] * rng.random(len(numbers))
    noise = 0.05 * rng.standard_normal((n, len(numbers)))
    rows[:, numbers] *= (1 + wave + noise).astype(np.float32)
    return Calls(rows, "daily")


TABLES: Final[Mapping[str, Kind]] = {
    "what_if": Kind(what_if, 6, 1.5), "tinkerer": Kind(tinkerer, 4, 1), "slider": Kind(slider, 2.5, 1),
    "sheet_sweep": Kind(sheet_sweep, 2, 2), "sensor": Kind(sensor, 2.5, 6), "missing": Kind(missing, 2, 3),
    "typo": Kind(typo, 3, 1), "template": Kind(template, 3, 3), "relatives": Kind(relatives, 2, 1),
    "dependence": Kind(dependence, 1, 2), "rounding": Kind(rounding, 1.5, 0.5), "permuted": Kind(permuted, 1, 2),
    "series": Kind(series, 2, 2),
}  # fmt: skip
