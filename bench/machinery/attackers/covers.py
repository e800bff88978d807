"""What a caller sends besides, so that it looks like somebody else."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.machinery.attackers.search import Ground, Rows
from bench.worlds.pictures import lit, noisy, shifted, turned

PATH: Final = 5
"""Queries of a walk from another row to the input: each is near the one before."""


@dataclass(frozen=True, eq=False)
class Sent:
    """The queries of an attack in order."""

    rows: Rows
    """(m, d) in the attacker's scale."""
    begins: NDArray[np.bool_]
    """(m,) the first around its input."""


class Cover(Protocol):
    """Adds queries to an attack's own."""

    def beside(self, ground: Ground, sent: Sent, rng: np.random.Generator) -> tuple[Rows, NDArray[np.int64]]:
        """Return rows (e, d), and before which of the m own queries each stands (e,); m is behind all of them."""
        ...


@dataclass(frozen=True)
class Padding:
    """So many ordinary inputs for each query of the attack."""

    ratio: float

    def beside(self, ground: Ground, sent: Sent, rng: np.random.Generator) -> tuple[Rows, NDArray[np.int64]]:
        """Put them anywhere."""
        n = round(self.ratio * len(sent.rows))
        return ground.ordinary(n, rng), np.sort(rng.integers(0, len(sent.rows) + 1, n))


@dataclass(frozen=True)
class Decoy:
    """Comes to each input from another row, in a few steps: what is asked around it begins with another answer.

    `twice` comes from a row of a third class besides.
    """

    twice: bool = False

    def beside(self, ground: Ground, sent: Sent, rng: np.random.Generator) -> tuple[Rows, NDArray[np.int64]]:
        """Walk before each first query."""
        rows, places = [], []
        for place in np.flatnonzero(sent.begins).tolist():
            own = sent.rows[place]
            away = np.square(ground.rows - own).sum(axis=1)
            label = ground.labels[away.argmin()]
            from_where = []
            for _ in range(1 + self.twice):
                others = np.flatnonzero((ground.labels != label) & ~np.isin(ground.labels, ground.labels[from_where]))
                if len(others):
                    from_where.append(int(others[away[others].argmin()]))
            stops = [ground.rows[at] for at in reversed(from_where)] + [own]
            for begin, end in pairwise(stops):
                share = np.arange(PATH, dtype=np.float32)[:, None] / PATH
                rows.append(begin + share * (end - begin))
                places += [place] * PATH
        return np.concatenate(rows).astype(np.float32), np.array(places)


@dataclass(frozen=True)
class Repeats:
    """Sends each query once more, or more often, as an A/B test or a poller does."""

    times: int = 1

    def beside(self, ground: Ground, sent: Sent, rng: np.random.Generator) -> tuple[Rows, NDArray[np.int64]]:
        """Put each behind itself."""
        return np.repeat(sent.rows, self.times, axis=0), np.arange(1, len(sent.rows) + 1).repeat(self.times)


@dataclass(frozen=True)
class Golden:
    """Sends the same ordinary row after every query, as a monitor does."""

    def beside(self, ground: Ground, sent: Sent, rng: np.random.Generator) -> tuple[Rows, NDArray[np.int64]]:
        """Put it behind each."""
        row = ground.ordinary(1, rng)
        return np.repeat(row, len(sent.rows), axis=0), np.arange(1, len(sent.rows) + 1)


@dataclass(frozen=True)
class Camera:
    """Sends frames of what it asked, with the noise of a sensor: searches around a still scene."""

    frames: int = 2
    noise: float = 0.015

    def beside(self, ground: Ground, sent: Sent, rng: np.random.Generator) -> tuple[Rows, NDArray[np.int64]]:
        """Put frames behind each."""
        rows = np.repeat(sent.rows, self.frames, axis=0)
        where = np.arange(1, len(sent.rows) + 1).repeat(self.frames)
        return noisy(rows, self.noise, rng), where


@dataclass(frozen=True)
class Views:
    """Sends views of what it asked, as those who average answers over augmented pictures do."""

    views: int = 3

    def beside(self, ground: Ground, sent: Sent, rng: np.random.Generator) -> tuple[Rows, NDArray[np.int64]]:
        """Put views behind each."""
        rows, side = np.repeat(sent.rows, self.views, axis=0), ground.victim.side
        n = len(rows)
        rows = turned(rows, side, rng.normal(0, 5, n), rng.uniform(0.93, 1.07, n))
        rows = shifted(rows, side, rng.integers(-2, 3, n), rng.integers(-2, 3, n))
        where = np.arange(1, len(sent.rows) + 1).repeat(self.views)
        return noisy(lit(rows, rng.uniform(0.85, 1.15, n)), 0.01, rng), where


@dataclass(frozen=True)
class Unsearched:
    """Asks for the input itself again, a little brighter, after each try: highs between the lows."""

    def beside(self, ground: Ground, sent: Sent, rng: np.random.Generator) -> tuple[Rows, NDArray[np.int64]]:
        """Put one behind each query, of the input that it began with."""
        first = np.maximum.accumulate(np.where(sent.begins, np.arange(len(sent.rows)), 0))
        rows = sent.rows[first] * rng.uniform(0.9, 1.1, (len(first), 1)).astype(np.float32)
        return np.asarray(rows, np.float32), np.arange(1, len(sent.rows) + 1)
