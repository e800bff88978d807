"""Scores over queries as a drawing: where every line goes, so that the page's template only has to put it there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.demo.replay import SHOWN, Replay
from caponier.demo.result import DemoResult

WIDTH: Final = 480
HEIGHT: Final = 320
LEFT: Final = 52
RIGHT: Final = 14
TOP: Final = 18
BOTTOM: Final = 46
TICKS: Final = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Curve:
    """One line of the drawing; `style` numbers its colour, dash and marker."""

    title: str
    style: int
    points: str
    alarm: tuple[float, float] | None
    """Where it crosses the threshold first, if it does."""


@dataclass(frozen=True)
class Chart:
    """One detector's scores: of every attacker, and of the benign users together.

    Args:
        detector: Name of the detector.
        title: The same for people.
        summary: What the drawing shows, in words.
        band: Outline of all that benign users scored, as points.
        highest: The benign user with the highest score of all.
        attackers: One line each.
        line: Height of the threshold.
        x: Ticks.
        y: Ticks.
    """

    detector: str
    title: str
    summary: str
    band: str
    highest: Curve
    attackers: tuple[Curve, ...]
    line: float
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]


@dataclass(frozen=True)
class _Frame:
    """From queries and shares of the threshold to places in the drawing."""

    queries: int
    top: float

    def x(self, ordinal: Values) -> Values:
        return LEFT + (ordinal - 1) / max(self.queries - 1, 1) * (WIDTH - LEFT - RIGHT)

    def y(self, share: Values) -> Values:
        # Doubled scores are as far apart as the eye needs them; the logarithm of 1 + share begins at zero.
        height: Values = np.log2(1 + share) / np.log2(1 + self.top) * (HEIGHT - BOTTOM - TOP)
        return HEIGHT - BOTTOM - height

    def points(self, ordinals: Values, shares: Values) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(self.x(ordinals), self.y(shares), strict=True))


def charts(result: DemoResult, seen: Replay, titles: dict[str, str]) -> tuple[Chart, ...]:
    """Draw each detector's scores over the first queries of everybody."""
    return tuple(_chart(result, seen, name, titles[name]) for name in seen.thresholds)


def _chart(result: DemoResult, seen: Replay, name: str, title: str) -> Chart:
    shares = {who: seen.shares(who, name) for who in seen.queries}
    attackers = {attacker.principal for attacker in result.attackers}
    benign = [course for who, course in shares.items() if who not in attackers]
    highest = max(benign, key=lambda course: float(course.max(initial=0)))
    peak = max((float(course.max(initial=0)) for course in shares.values()), default=1.0)
    frame = _Frame(SHOWN, max(2.0, peak))
    curves = tuple(
        _curve(attacker.title, style, shares[attacker.principal], frame)
        for style, attacker in enumerate(result.attackers)
    )
    return Chart(
        detector=name,
        title=title,
        summary=_summary(result, name, float(highest.max(initial=0))),
        band=_band(benign, frame),
        highest=_curve("highest benign user", -1, highest, frame),
        attackers=curves,
        line=float(frame.y(np.ones(1))[0]),
        x=tuple(Tick(float(frame.x(np.array([at]))[0]), str(at)) for at in _steps(SHOWN)),
        y=tuple(Tick(float(frame.y(np.array([at]))[0]), f"{at:g}") for at in TICKS if at <= frame.top),
    )


def _curve(title: str, style: int, shares: Values, frame: _Frame) -> Curve:
    ordinals = np.arange(1, len(shares) + 1, dtype=np.float64)
    above = np.flatnonzero(shares > 1)
    alarm = None
    if above.size:
        at = above[:1]
        alarm = (float(frame.x(ordinals[at])[0]), float(frame.y(shares[at])[0]))
    return Curve(title, style, frame.points(ordinals, shares), alarm)


def _band(benign: Sequence[Values], frame: _Frame) -> str:
    """Outline from the highest score at each query back along the lowest."""
    length = max(len(course) for course in benign)
    padded = np.full((len(benign), length), np.nan)
    for row, course in enumerate(benign):
        padded[row, : len(course)] = course
    ordinals = np.arange(1, length + 1, dtype=np.float64)
    upper, lower = np.nanmax(padded, axis=0), np.nanmin(padded, axis=0)
    return f"{frame.points(ordinals, upper)} {frame.points(ordinals[::-1], lower[::-1])}"


def _steps(shown: int) -> tuple[int, ...]:
    quarter = max(1, shown // 4)
    return (1, *range(quarter, shown, quarter), shown) if shown % quarter == 0 else (1, shown)


def _summary(result: DemoResult, name: str, highest: float) -> str:
    crossed = [
        f"{attacker.title} at query {attacker.noticed[name]}"
        for attacker in result.attackers
        if name in attacker.noticed
    ]
    missed = [attacker.title for attacker in result.attackers if name not in attacker.noticed]
    said = f"The threshold is passed by {_joined(crossed)}" if crossed else "Nobody passes the threshold"
    silent = f", and not by {_joined(missed)}" if crossed and missed else ""
    return f"{said}{silent}. The highest benign user reaches {highest:.0%} of it."


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
