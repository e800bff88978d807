"""A matrix as a picture: columns of cells in SVG, whatever the cells say.

All that colour says is also said by a mark, a hatching or a word, so that the picture holds on paper, in grey, and for
eyes that see no orange. It asks no other host for anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from caponier.formats.lettering import BOLD, width, wrapped
from caponier.formats.svg import page, safe, text
from caponier.matrix.technique import Color

COLUMN: Final = 176
GAP, BAND, PAD, INDENT, MARK = 8, 7, 6, 12, 15
LINE, SMALL_LINE, HEAD_LINE = 15, 13, 16
SIZE, SMALL, HEAD = 12.0, 10.5, 13.0
ACROSS: Final = 8
"""Columns side by side: what a screen shows without scrolling; more go below."""
MARKS: Final = {Color.ORANGE: "\N{BLACK DIAMOND}", Color.WHITE: "\N{WHITE DIAMOND}"}

_STYLE: Final = """
svg { font: 12px "Helvetica Neue", Arial, "Liberation Sans", system-ui, sans-serif; }
.page { fill: #fff; }
text { fill: #16202a; } .head { font-weight: 600; font-size: 13px; }
.small { font-size: 10.5px; fill: #45525f; } .small, .sign { font-family: "DejaVu Sans", Arial, system-ui, sans-serif; }
.cell { stroke: #8794a1; } .band { stroke: #8794a1; } .band.white { fill: #fff; } .band.orange { fill: url(#hatch); }
.ground { fill: #f7c48c; } .stripe { stroke: #a85200; stroke-width: 2; }
text.orange { fill: #8f4400; } text.white { fill: #45525f; }
@media (prefers-color-scheme: dark) {
  .page { fill: #12181f; } text { fill: #e8edf2; } .small { fill: #b4bfca; }
  .cell, .band { stroke: #5a6876; } .band.white { fill: #12181f; } .ground { fill: #5e3508; }
  .stripe { stroke: #f0a04b; } text.orange { fill: #f0a04b; } text.white { fill: #aab6c2; }
}
"""
_HATCH: Final = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M0 0h6v6h-6z" class="ground"/><path d="M1 0v6" class="stripe"/></pattern></defs>'
)


@dataclass(frozen=True, slots=True)
class GridCell:
    """One entry."""

    name: str
    says: str
    """All about it in a sentence: what a screen reader says, and a mouse finds."""
    fill: str
    """Class of its ground; the caller's style tells how that looks."""
    note: str = ""
    """A short line below the name."""
    color: Color | None = None
    below: bool = False
    """Whether it stands below the entry above it."""


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A tactic."""

    heading: str
    cells: tuple[GridCell, ...]


@dataclass(frozen=True, slots=True)
class LegendLine:
    """A line of the legend."""

    words: str
    fill: str | None = None
    """The ground that it explains, if it does."""
    color: Color | None = None
    """The hatching and mark that it explains, if it does."""


def draw(title: str, description: str, columns: Sequence[GridColumn], legend: Sequence[LegendLine], style: str) -> str:
    """Draw columns of cells.

    Args:
        title: Heading.
        description: What a screen reader says of the whole.
        columns: In order, eight side by side.
        legend: What grounds and marks mean.
        style: CSS of the grounds, for light and dark.

    Returns:
        A file that stands alone.
    """
    across = min(ACROSS, max(1, len(columns)))
    wide = across * (COLUMN + GAP) + GAP
    head, y = _heading(title, legend, wide)
    body = []
    for start in range(0, len(columns), across):
        drawn, y = _side_by_side(columns[start : start + across], y)
        body.append(drawn)
    return page(title, description, (wide, y), _STYLE + style, _HATCH + head + "".join(body))


def _heading(title: str, legend: Sequence[LegendLine], wide: int) -> tuple[str, int]:
    """Draw title and legend; return where they end too."""
    lines = wrapped(title, (wide - 2 * GAP) / BOLD, HEAD)
    parts = [text(line, GAP, 20 + HEAD_LINE * row, "head") for row, line in enumerate(lines)]
    x, y = GAP, 30 + HEAD_LINE * (len(lines) - 1)
    for key in legend:
        room = 20 + width(key.words, SIZE) + 2 * GAP
        if x > GAP and x + room > wide:
            x, y = GAP, y + 20
        if key.fill:
            parts.append(f'<rect x="{x}" y="{y}" width="14" height="14" class="cell {key.fill}"/>')
        if key.color:
            parts.append(_band(x, y, 14, 14, key.color))
        parts.append(text(key.words, x + 20, y + 11, "sign"))
        x += round(room)
    return "".join(parts), y + 14 + 2 * GAP


def _side_by_side(columns: Sequence[GridColumn], top: int) -> tuple[str, int]:
    headings = [wrapped(column.heading, COLUMN / BOLD, HEAD) for column in columns]
    parts, bottom, tallest = [], top, max(map(len, headings))
    for place, (column, lines) in enumerate(zip(columns, headings, strict=True)):
        x = GAP + place * (COLUMN + GAP)
        first = tallest - len(lines)
        parts += [text(line, x, top + HEAD_LINE * (first + row + 1) - 3, "head") for row, line in enumerate(lines)]
        y = top + HEAD_LINE * tallest + 5
        for cell in column.cells:
            drawn, height = _cell(cell, x, y)
            parts.append(drawn)
            y += height + 4
        bottom = max(bottom, y)
    return "".join(parts), bottom + GAP


def _cell(cell: GridCell, x: int, y: int) -> tuple[str, int]:
    """Draw one entry; return its height too."""
    left = x + (INDENT if cell.below else 0)
    wide = x + COLUMN - left
    start = left + PAD + (BAND + MARK if cell.color else 0)
    room = x + COLUMN - PAD - start
    names, notes = wrapped(cell.name, room, SIZE), wrapped(cell.note, room, SMALL) if cell.note else []
    height = len(names) * LINE + len(notes) * SMALL_LINE + PAD + 2
    parts = [
        f'<g role="img"><title>{safe(cell.says)}</title>'
        f'<rect x="{left}" y="{y}" width="{wide}" height="{height}" rx="3" class="cell {cell.fill}"/>'
    ]
    if cell.color:
        parts.append(_band(left, y, BAND, height, cell.color))
        parts.append(text(MARKS[cell.color], left + BAND + PAD - 1, y + LINE, f"sign {cell.color.value}"))
    parts += [text(line, start, y + LINE * (row + 1)) for row, line in enumerate(names)]
    below = y + LINE * len(names)
    parts += [text(line, start, below + SMALL_LINE * (row + 1), "small") for row, line in enumerate(notes)]
    return "".join([*parts, "</g>"]), height


def _band(x: int, y: int, wide: int, height: int, color: Color) -> str:
    return f'<path d="M{x} {y}h{wide}v{height}h-{wide}z" class="band {color.value}"/>'
