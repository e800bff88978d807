"""Two pictures of the scorecard of behaviour: delay against false alarms, and suspicion over queries.

Lines differ in dashes and marks as well as in colour, so that nothing is said by colour alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import log10, sqrt
from statistics import median
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

WIDE, HIGH, LEFT, TOP, LOW = 460, 310, 52, 40, 44
LIGHT: Final = ("#1f5fa8", "#b3541e", "#2e7d4f", "#7a4aa0", "#a8326b", "#5b6670", "#8a7000", "#00707c")
DARK: Final = ("#7db4ee", "#f0a06a", "#7fd0a0", "#c3a0e8", "#f08ab8", "#b4bec8", "#d8c060", "#60c8d4")
DASHES: Final = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 4", "12 4", "6 2 1 2")
FONT: Final = '11px "Helvetica Neue", Arial, "Liberation Sans", system-ui, sans-serif'
LEAST, MOST = 0.01, 10.0
"""Suspicion, as a share of the threshold, between which it is drawn."""
CELL_WIDE, CELL_HIGH, ACROSS = 200, 132, 4
DRAWN: Final = 80
"""Places along a curve, evenly over the logarithm of the queries."""


@dataclass(frozen=True)
class Point:
    """How one detector does at one threshold.

    Args:
        benign: Share of benign users flagged.
        flagged: Share of attackers flagged.
        delay: Different queries to the alarm, median; of an attacker never flagged, all that it sent.
    """

    benign: float
    flagged: float
    delay: float

    @classmethod
    def of(cls, delays: Sequence[int], flagged: float, benign: float) -> Self:
        """Sum up many attackers."""
        return cls(benign, flagged, median(delays))


@dataclass(frozen=True)
class Line:
    """One detector over shares of benign callers that may be flagged, and as published if that is elsewhere."""

    name: str
    points: Sequence[Point]
    published: Point | None = None


@dataclass(frozen=True, eq=False)
class Course:
    """The highest score so far over its threshold, (q,) query by query, of the median attacker of one kind."""

    kind: str
    values: NDArray[np.float64]


def delays(lines: Sequence[Line], seeds: Sequence[int]) -> str:
    """Return delay against false alarms and, beside it, the share that is flagged at all; the share that may
    be flagged runs along a line."""
    every = [point for line in lines for point in (*line.points, *([line.published] if line.published else []))]
    high = max(10.0, *(point.delay for point in every))
    ticks = [n for n in (1, 3, 10, 30, 100, 300, 1_000, 3_000) if n <= high * 1.5]

    def slow(value: float) -> float:
        return log10(max(1.0, value)) / log10(high * 1.5)

    left = _axes("Queries to the alarm, median", [(slow(n), f"{n:,}") for n in ticks])
    right = _axes("Share of attackers flagged", [(n / 4, f"{n * 25} %") for n in range(5)])
    body = f'<g transform="translate(0 30)">{left}{_plotted(lines, lambda point: slow(point.delay))}</g>'
    body += f'<g transform="translate({WIDE} 30)">{right}{_plotted(lines, lambda point: point.flagged)}</g>'
    legend = _legend(lines)
    says = "; ".join(
        f"{line.name}: "
        + ", ".join(f"{p.benign:.1%} benign, {p.flagged:.0%} flagged, {p.delay:g}" for p in line.points)
        for line in lines
    )
    about = "How early and how many attackers are flagged, against the benign users who are, over what may be flagged"
    about += _of(seeds)
    return _page(about, says, 2 * WIDE, HIGH + 30 + 20 * ((len(lines) + 2) // 3) + 24, body + legend, len(lines))


def _across(share: float) -> float:
    # By the square root, so that few false alarms have room.
    return LEFT + (WIDE - LEFT - 30) * sqrt(min(1.0, share))


def _up(value: float) -> float:
    return HIGH - LOW - (HIGH - LOW - TOP) * value


def _axes(title: str, ticks: Iterable[tuple[float, str]]) -> str:
    parts = [f'<text class="head" x="{LEFT}" y="{TOP - 18}">{escape(title)}</text>']
    for at, name in ticks:
        y = _up(at)
        parts.append(f'<path class="rule" d="M{LEFT} {y:.1f}H{WIDE - 30}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{name}</text>')
    for share in (0.0, 0.01, 0.05, 0.2, 0.5, 1.0):
        x = _across(share)
        parts.append(f'<path class="axis" d="M{x:.1f} {_up(0):.1f}v4"/>')
        parts.append(f'<text x="{x:.1f}" y="{_up(0) + 17:.1f}" text-anchor="middle">{share * 100:g} %</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {_up(0):.1f}H{WIDE - 30}"/>')
    parts.append(f'<text x="{LEFT}" y="{_up(0) + 33:.1f}">benign users flagged</text>')
    return "".join(parts)


def _plotted(lines: Sequence[Line], value: Any) -> str:
    parts = []
    for turn, line in enumerate(lines):
        places = [(_across(point.benign), _up(value(point))) for point in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline class="line c{turn}" stroke-dasharray="{DASHES[turn % 8]}" points="{path}"/>')
        parts += [_mark(turn, x, y, 3.5) for x, y in places]
        if line.published:
            x, y = _across(line.published.benign), _up(value(line.published))
            parts.append(f'<circle class="ring c{turn}" cx="{x:.1f}" cy="{y:.1f}" r="8"/>' + _mark(turn, x, y, 3.5))
    return "".join(parts)


def _mark(turn: int, x: float, y: float, r: float) -> str:
    corners = {
        0: [(-1, -1), (1, -1), (1, 1), (-1, 1)],
        1: [(0, -1.3), (1.3, 1), (-1.3, 1)],
        2: [(0, -1.4), (1.4, 0), (0, 1.4), (-1.4, 0)],
        3: [(-1.3, -1), (1.3, -1), (0, 1.3)],
    }
    if turn % 5 == 0:
        return f'<circle class="mark c{turn}" cx="{x:.1f}" cy="{y:.1f}" r="{r}"/>'
    points = " ".join(f"{x + r * a:.1f},{y + r * b:.1f}" for a, b in corners[turn % 5 - 1])
    return f'<polygon class="mark c{turn}" points="{points}"/>'


def _legend(lines: Sequence[Line]) -> str:
    parts = []
    for turn, line in enumerate(lines):
        x, y = LEFT + turn % 3 * 280, HIGH + 40 + turn // 3 * 20
        parts.append(f'<path class="line c{turn}" stroke-dasharray="{DASHES[turn % 8]}" d="M{x} {y}h34"/>')
        parts.append(_mark(turn, x + 17, y, 3.5))
        name = line.name.replace("_", " ") + (" (ring: its own threshold)" if line.published else "")
        parts.append(f'<text x="{x + 42}" y="{y + 4}">{escape(name)}</text>')
    return "".join(parts)


def suspicion(courses: Sequence[Course], band: NDArray[np.float64], seeds: Sequence[int]) -> str:
    """Return a small picture for each kind of attack: the median attacker, and what 99 of 100 benign users stay below.

    Args:
        courses: Of the attacks.
        band: (q,) quantile over benign users, query by query.
        seeds: On which it was measured.
    """
    cells = []
    for turn, course in enumerate(courses):
        x, y = turn % ACROSS * CELL_WIDE + 34, turn // ACROSS * CELL_HIGH + 40
        cells.append(f'<g transform="translate({x} {y})">{_cell(course, band, turn % ACROSS == 0)}</g>')
    down = -(-len(courses) // ACROSS)
    says = "; ".join(f"{one.kind}: {_crossing(one.values)}" for one in courses)
    about = (
        "Suspicion over different queries: highest score so far, as a share of what an alarm takes at that age"
        + _of(seeds)
    )
    foot = 40 + down * CELL_HIGH + 14
    note = "across: different queries; line: the median attacker; shaded: 99 of 100 benign users; dashes: the threshold"
    body = "".join(cells) + f'<text x="12" y="{foot}">{note}</text>'
    return _page(about, says, ACROSS * CELL_WIDE + 44, foot + 14, body, 1)


def _of(seeds: Sequence[int]) -> str:
    return f" (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"


def _crossing(values: NDArray[np.float64]) -> str:
    above = np.flatnonzero(values > 1)
    return f"above the threshold after {above[0] + 1} queries" if len(above) else "never above the threshold"


def _cell(course: Course, band: NDArray[np.float64], named: bool) -> str:
    n, wide, high = len(band), CELL_WIDE - 30, CELL_HIGH - 44

    def place(at: int, value: float) -> str:
        up = log10(min(MOST, max(LEAST, value)) / LEAST) / log10(MOST / LEAST)
        return f"{log10(at + 1) / log10(n) * wide:.1f},{18 + high * (1 - up):.1f}"

    floor = 18 + high
    shown = np.unique(np.geomspace(1, n, DRAWN).round().astype(int)) - 1
    shape, line = (" ".join(place(at, values[at]) for at in shown.tolist()) for values in (band, course.values))
    limit = place(0, 1.0).split(",")[1]
    parts = [
        f'<polygon class="band" points="0,{floor} {shape} {wide},{floor}"/>',
        f'<path class="limit" d="M0 {limit}H{wide}"/><path class="axis" d="M0 {floor}H{wide}"/>',
        f'<polyline class="line c0" points="{line}"/>',
        f'<text class="head" x="0" y="10">{escape(course.kind.replace("_", " "))}</text>',
    ]
    parts += [
        f'<text x="{log10(at) / log10(n) * wide:.1f}" y="{floor + 13}" text-anchor="middle">{at}</text>'
        for at in (1, 10, 100)
    ]
    if named:
        for value in (0.01, 0.1, 1, 10):
            y = float(place(0, value).split(",")[1]) + 4
            parts.append(f'<text x="-5" y="{y:.1f}" text-anchor="end">{value:g}</text>')
    return "".join(parts)


def _page(title: str, says: str, width: int, height: int, body: str, colours: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f"<title>{escape(title)}</title><desc>{escape(says)}</desc><style>{_style(colours)}</style>"
        f'<rect class="page" width="{width}" height="{height}"/>'
        f'<text class="head" x="12" y="20">{escape(title)}</text>{body}</svg>\n'
    )


def _style(colours: int) -> str:
    def palette(names: Sequence[str]) -> str:
        return "".join(
            f".line.c{n}, .ring.c{n} {{ stroke: {names[n % 8]}; }} .mark.c{n} {{ fill: {names[n % 8]}; }} "
            for n in range(colours)
        )

    return (
        f"svg {{ font: {FONT}; }} .page {{ fill: #fff; }} text {{ fill: #16202a; }} "
        ".head { font-weight: 600; font-size: 12px; } .axis { stroke: #8794a1; fill: none; } "
        ".rule { stroke: #e1e6ea; } .limit { stroke: #16202a; stroke-dasharray: 3 3; } .band { fill: #d5dde4; } "
        f".line {{ stroke-width: 2; fill: none; }} .ring {{ fill: none; stroke-width: 1.5; }} {palette(LIGHT)}"
        "@media (prefers-color-scheme: dark) { .page { fill: #12181f; } text { fill: #e8edf2; } "
        ".axis { stroke: #5a6876; } .rule { stroke: #2a333c; } .limit { stroke: #e8edf2; } .band { fill: #33404c; } "
        f"{palette(DARK)}}}"
    )
