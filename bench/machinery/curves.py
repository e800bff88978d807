"""Small pictures of growth: one line a panel, every point with its figure, so that nothing is said by colour alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log
from typing import Final

WIDE, HIGH, PAD = 340, 200, 44
ACROSS: Final = 2
STYLE: Final = """
svg { font: 11px "Helvetica Neue", Arial, "Liberation Sans", system-ui, sans-serif; }
.page { fill: #fff; } text { fill: #16202a; } .head { font-weight: 600; font-size: 12.5px; }
.axis { stroke: #8794a1; } .line { stroke: #1f5fa8; stroke-width: 2; fill: none; } circle { fill: #1f5fa8; }
@media (prefers-color-scheme: dark) {
  .page { fill: #12181f; } text { fill: #e8edf2; } .axis { stroke: #5a6876; }
  .line { stroke: #7db4ee; } circle { fill: #7db4ee; }
}
"""


@dataclass(frozen=True)
class Panel:
    """One measure over another, both above zero."""

    title: str
    points: Sequence[tuple[float, float]]
    """From left to right; drawn over the logarithm of the first."""
    unit: str


def picture(title: str, panels: Sequence[Panel]) -> str:
    """Return the panels side by side as one SVG."""
    down = -(-len(panels) // ACROSS)
    width, height = ACROSS * WIDE, down * HIGH + 30
    says = "; ".join(
        f"{panel.title}: " + ", ".join(f"{_across(x)}: {y:g}" for x, y in panel.points) for panel in panels
    )
    body = "".join(
        f'<g transform="translate({number % ACROSS * WIDE} {number // ACROSS * HIGH + 30})">{_drawn(panel)}</g>'
        for number, panel in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f"<title>{escape(title)}</title><desc>{escape(says)}</desc><style>{STYLE}</style>"
        f'<rect class="page" width="{width}" height="{height}"/>'
        f'<text class="head" x="12" y="20">{escape(title)}</text>{body}</svg>\n'
    )


def _drawn(panel: Panel) -> str:
    left, right = log(panel.points[0][0]), log(panel.points[-1][0])
    top, floor = max(y for _, y in panel.points) * 1.25, HIGH - PAD
    places = [
        (
            PAD + (WIDE - 2 * PAD) * ((log(x) - left) / (right - left) if right > left else 0.5),
            floor - (floor - 30) * y / top,
        )
        for x, y in panel.points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="middle">{value:g}</text>'
        f'<text x="{x:.1f}" y="{floor + 16}" text-anchor="middle">{_across(given)}</text>'
        for (x, y), (given, value) in zip(places, panel.points, strict=True)
    )
    axis = f'<path class="axis" d="M{PAD} {floor}H{WIDE - PAD / 2}"/>'
    head = f'<text class="head" x="12" y="16">{escape(panel.title)}, {escape(panel.unit)}</text>'
    return f'{head}{axis}<polyline class="line" points="{line}"/>{marks}'


def _across(value: float) -> str:
    """Write what is drawn across; powers of ten are for those who measure."""
    return f"{value / 1e6:g} million" if value >= 1e6 else f"{value:,g}"
