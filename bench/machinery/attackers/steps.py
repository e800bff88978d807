"""Ways of stepping: how far, in how many features, in which, and by what an attacker goes on."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery.attackers.search import JudgedSubject, Rows, lead
from bench.worlds.pictures import shifted, turned

GENTLE: Final = 1e-6


class Greedy:
    """Keeps what lowers the first answer's lead, within the bound of changes that count."""

    def learn(self, at: JudgedSubject, rows: Rows, scores: Rows) -> None:
        """Go on from what is lower."""
        lower = lead(scores, at.label)
        better = (lower < at.least) & (_size(rows - at.origin) <= at.ground.most * 1.001)
        at.best[better], at.least[better] = rows[better], lower[better]

    def won(self, at: JudgedSubject, rows: Rows, scores: Rows) -> NDArray[np.bool_]:
        """Tell what has another answer within the bound."""
        wrong = scores.argmax(axis=1) != at.label
        return np.asarray(wrong & (_size(rows - at.origin) <= at.ground.most * 1.001))


@dataclass(frozen=True)
class Few(Greedy):
    """Changes a few features, by up to `size`; `lively` says whether among those that vary most anyway."""

    name: str
    features: int = 1
    size: float = 0.4
    lively: bool = False
    exact: bool = True
    """Whether a change is `size` itself, or anything up to it."""

    def tries(self, at: JudgedSubject, rng: np.random.Generator) -> Rows:
        """Change other features of each."""
        n, width = at.best.shape
        of = at.ground.lively if self.lively else np.arange(width)
        chosen = of[np.argsort(rng.random((n, len(of))), axis=1)[:, : self.features]]
        shape = (n, self.features)
        by = rng.choice([-self.size, self.size], shape) if self.exact else rng.uniform(-self.size, self.size, shape)
        rows = at.best.copy()
        rows[np.arange(n)[:, None], chosen] += by.astype(np.float32)
        return rows


@dataclass(frozen=True)
class All(Greedy):
    """Changes all features by noise; `likeness` gives each as much as it varies among ordinary rows."""

    name: str
    sigma: float
    likeness: bool = False

    def tries(self, at: JudgedSubject, rng: np.random.Generator) -> Rows:
        """Add noise to each, and keep within the bound."""
        noise = rng.standard_normal(at.best.shape, np.float32)
        if self.likeness:
            spread = at.ground.rows.std(axis=0)
            noise *= (spread / max(GENTLE, float(np.sqrt((spread**2).mean())))).astype(np.float32)
        return _within(at, at.best + self.sigma * noise)


@dataclass(frozen=True)
class Waves(Greedy):
    """Changes a picture by noise in squares of some pixels: what a network reacts to, and no sensor makes."""

    name: str = "waves"
    size: float = 1.5
    """L2 of a step."""
    pixels: int = 4

    def tries(self, at: JudgedSubject, rng: np.random.Generator) -> Rows:
        """Add waves to each, and keep within the bound."""
        return _within(at, at.best + self.size * _waves(at, self.pixels, rng))


@dataclass(frozen=True)
class Patch(Greedy):
    """Lays a patch of one value over a part of a picture, smaller the longer it takes (Square)."""

    name: str = "patch"
    by: float = 0.35

    def tries(self, at: JudgedSubject, rng: np.random.Generator) -> Rows:
        """Put a patch somewhere."""
        side, rows = at.ground.victim.side, at.best.copy()
        for row in rows:
            size = int(rng.integers(3, 8))
            down, right = rng.integers(0, side - size + 1, 2)
            row.reshape(side, side)[down : down + size, right : right + size] += rng.choice([-self.by, self.by])
        return _within(at, rows)


@dataclass(frozen=True)
class Wide(Greedy):
    """Proposes what lies at the bound's edge, far from all it proposed before: as OARS widens its steps."""

    name: str = "wide"
    share: float = 0.4

    def tries(self, at: JudgedSubject, rng: np.random.Generator) -> Rows:
        """Turn the direction from the origin by a wide angle."""
        noise = at.ground.most * _waves(at, 4, rng)
        change = (1 - self.share) * (at.best - at.origin) + self.share * noise
        change *= at.ground.most / np.maximum(GENTLE, _size(change))[:, None]
        return np.asarray(at.origin + change, np.float32)


@dataclass(frozen=True)
class Turned(Greedy):
    """Turns, zooms and moves the picture a little, as photographers do, and nothing else (Engstrom et al. 2019)."""

    name: str = "turned"
    angle: float = 25.0

    def tries(self, at: JudgedSubject, rng: np.random.Generator) -> Rows:
        """Go a little on from the best view."""
        n, side = len(at.best), at.ground.victim.side
        held = at.memory.setdefault("view", np.zeros((n, 4)))
        new = held + rng.normal(0, [9.0, 0.05, 1.0, 1.0], (n, 4))
        new = np.clip(new, [-self.angle, -0.15, -3, -3], [self.angle, 0.15, 3, 3])
        at.memory["tried"] = new
        rows = turned(at.origin, side, new[:, 0], 1 + new[:, 1])
        return shifted(rows, side, *np.rint(new[:, 2:]).astype(np.int64).T)

    def learn(self, at: JudgedSubject, rows: Rows, scores: Rows) -> None:
        """Go on from the view that is lower."""
        lower = lead(scores, at.label)
        better = lower < at.least
        at.memory["view"][better], at.least[better] = at.memory["tried"][better], lower[better]

    def won(self, at: JudgedSubject, rows: Rows, scores: Rows) -> NDArray[np.bool_]:
        """Tell what has another answer: a view within these limits shows the same thing."""
        return np.asarray(scores.argmax(axis=1) != at.label)


@dataclass(frozen=True)
class Walk:
    """Walks by labels alone from a row of another class towards the input, and along the border (Boundary)."""

    name: str = "walk"

    def tries(self, at: JudgedSubject, rng: np.random.Generator) -> Rows:
        """Go half the way, or so far as still helped last, with some noise across."""
        n = len(at.best)
        if "away" not in at.memory:
            ground = at.ground
            others = np.stack([ground.rows[_nearest_other(ground.rows, ground.labels, *one)] for one in zip(
                at.origin, at.label, strict=True)])  # fmt: skip
            at.memory |= {"away": others, "share": np.full(n, 0.5), "begun": np.zeros(n, bool)}
            return others
        away = at.memory["away"]
        aim = away + at.memory["share"][:, None] * (at.origin - away)
        noise = rng.standard_normal(away.shape, np.float32)
        noise *= (
            0.2 * at.memory["share"][:, None] * (_size(away - at.origin) / np.maximum(GENTLE, _size(noise)))[:, None]
        )
        return np.asarray(aim + noise, np.float32)

    def learn(self, at: JudgedSubject, rows: Rows, scores: Rows) -> None:
        """Go on from what is wrong and nearer."""
        wrong = scores.argmax(axis=1) != at.label
        better = wrong & (_size(rows - at.origin) < _size(at.memory["away"] - at.origin))
        at.memory["away"][better] = rows[better]
        at.memory["share"] = np.clip(at.memory["share"] * np.where(better, 1.3, 0.7), 0.02, 0.7)

    def won(self, at: JudgedSubject, rows: Rows, scores: Rows) -> NDArray[np.bool_]:
        """Tell what has another answer within the bound."""
        wrong = scores.argmax(axis=1) != at.label
        return np.asarray(wrong & (_size(rows - at.origin) <= at.ground.most))


def _nearest_other(rows: Rows, labels: NDArray[np.int64], origin: Rows, label: np.int64) -> int:
    others = np.flatnonzero(labels != label)
    return int(others[_size(rows[others] - origin).argmin()])


def _waves(at: JudgedSubject, pixels: int, rng: np.random.Generator) -> Rows:
    """Return noise (n, d) of length 1, alike in squares of a picture."""
    noise, side = rng.standard_normal(at.best.shape, np.float32), at.ground.victim.side
    if side:
        coarse = noise.reshape(-1, side, side)[:, ::pixels, ::pixels]
        noise = coarse.repeat(pixels, 1).repeat(pixels, 2)[:, :side, :side].reshape(len(noise), -1)
    return np.asarray(noise / np.maximum(GENTLE, _size(noise))[:, None], np.float32)


def _within(at: JudgedSubject, rows: Rows) -> Rows:
    """Return rows no farther from where they began than counts."""
    change = rows - at.origin
    change *= np.minimum(1, at.ground.most / np.maximum(GENTLE, _size(change)))[:, None]
    return np.asarray(at.origin + change, np.float32)


def _size(change: Rows) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.square(change, dtype=np.float64).sum(axis=1)))
