"""A baseline as a picture: how far benign traffic reaches, held against each detector's threshold.

All rows share one scale, shares of the threshold, so that the eye compares how much room each detector has left. What
colour and dashes say is also said in words, for paper, for grey, and for screen readers.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from caponier.app.inference.baseline.story import TYPICAL, Story, ThresholdStatus, benign_at
from caponier.detect.figure_words import score_words
from caponier.formats.figures import figure
from caponier.formats.svg import page, safe, text

WIDE, LEFT, RIGHT, ROW, HEAD = 860, 270, 24, 58, 30
BINS, TALL = 48, 30
REACH: Final = 1.2
"""Thresholds that the scale goes up to; what lies beyond is drawn at its end."""
DASHES: Final = "2 4"
"""Of a threshold for a cold start."""
_STYLE: Final = """
svg { font: 12px "Helvetica Neue", Arial, "Liberation Sans", system-ui, sans-serif; }
.page { fill: #fff; } text { fill: #16202a; } .head { font-weight: 600; font-size: 13px; }
.small { font-size: 10.5px; fill: #45525f; } .axis { stroke: #b9c2cb; } .benign { fill: #2f6f9f; }
.threshold { stroke: #a85200; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  .page { fill: #12181f; } text { fill: #e8edf2; } .small { fill: #b4bfca; } .axis { stroke: #43505d; }
  .benign { fill: #7cb8e4; } .threshold { stroke: #f0a04b; }
}
"""


def picture(stories: Sequence[Story]) -> str:
    """Draw the sections of a baseline as one SVG file that stands alone."""
    parts: list[str] = []
    y = 12
    for story in stories:
        drawn, y = _section(story, y)
        parts += drawn
    title = "Benign maxima and thresholds of " + ", ".join(dict.fromkeys(story.section.model for story in stories))
    told = " ".join(_says(status) for story in stories for status in story.statuses)
    return page(title, told, (WIDE, y), _STYLE, "".join(parts))


def _section(story: Story, top: int) -> tuple[list[str], int]:
    section = story.section
    version = f" version {section.version}" if section.version else ""
    parts = [
        text(f"{section.model}{version}", 12, top + 16, "head"),
        text(
            f"largest score up to {TYPICAL} queries, in thresholds; higher bars are more callers",
            LEFT,
            top + 16,
            "small",
        ),
    ]
    y = top + HEAD
    for status in story.statuses:
        parts += ['<g role="img">', f"<title>{safe(_says(status))}</title>", *_row(status, y), "</g>"]
        y += ROW
    for share in (0.0, 0.5, 1.0):
        parts.append(text(f"{share:g}", _at(share), y + 2, "small", text_anchor="middle"))
    return parts, y + 18


def _row(status: ThresholdStatus, y: int) -> Iterator[str]:
    floor, needed = y + TALL + 8, status.needed
    yield text(status.detector, 12, y + 22)
    basis = "does not run"
    if needed is not None:
        basis = f"{'cold start, ' if status.cold else ''}{score_words(status.statistic)} from {figure(needed)}"
    yield text(basis, 12, y + 37, "small")
    yield f'<path class="axis" d="M{LEFT} {floor}H{WIDE - RIGHT}"/>'
    if needed is None:
        return
    counts, _ = np.histogram(np.minimum(benign_at(status) / (needed or 1.0), REACH), BINS, (0, REACH))
    step = (_at(REACH) - LEFT) / BINS
    for place in np.flatnonzero(counts).tolist():
        # Roots, so that the one who stands alone is still seen beside hundreds.
        height = max(3.0, TALL * float(np.sqrt(counts[place] / counts.max())))
        x = LEFT + place * step
        yield f'<path class="benign" d="M{x:.1f} {floor}v-{height:.1f}h{step - 1:.1f}v{height:.1f}z"/>'
    dashes = f' stroke-dasharray="{DASHES}"' if status.cold else ""
    yield f'<path class="threshold" d="M{_at(1)} {y + 2}V{floor + 4}"{dashes}/>'


def _says(status: ThresholdStatus) -> str:
    """Say what a row shows."""
    known = benign_at(status)
    half, most = np.quantile(known, [0.5, 0.9]) if known.size else (0.0, 0.0)
    return (
        f"{status.detector}: of {status.learned.ranks.n:,} benign {status.whom} half stay below {figure(half)}, "
        f"nine tenths below {figure(most)}. {status.words}."
    )


def _at(share: float) -> float:
    return LEFT + (WIDE - LEFT - RIGHT) * share / REACH
