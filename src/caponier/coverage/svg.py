"""The heat-map as a picture: the columns of the 2020 matrix, told apart without colour too."""

from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Final

from caponier.coverage.heat_map import MATRIX, Cell, Status
from caponier.matrix.catalogue import load
from caponier.matrix.technique import Color

COLUMN, GAP, LINE, PAD, HEAD = 176, 8, 15, 7, 78
CHARACTERS: Final = 25
"""Letters of a line: what fits a column at 12 px."""

STYLE: Final = """
svg { font: 12px system-ui, sans-serif; background: #fff; }
text { fill: #16202a; } .small { font-size: 10.5px; fill: #45525f; } .head { font-weight: 600; font-size: 13px; }
.cell { stroke: #8794a1; } .validated { fill: #bfe3d3; } .declared { fill: #dfeaf5; } .not-covered { fill: #fff; }
text.orange { fill: #a85200; } text.white { fill: #45525f; }
@media (prefers-color-scheme: dark) {
  svg { background: #12181f; } text { fill: #e8edf2; } .small { fill: #aab6c2; } .cell { stroke: #5a6876; }
  .validated { fill: #1f5c47; } .declared { fill: #26405a; } .not-covered { fill: #12181f; }
  text.orange { fill: #f0a04b; } text.white { fill: #aab6c2; }
}
"""


def svg(cells: Sequence[Cell], title: str = "Coverage of the Adversarial ML Threat Matrix") -> str:
    """Draw the heat-map as SVG, with a text for screen readers on every cell.

    Args:
        cells: The heat-map.
        title: Heading.
    """
    matrix = load(MATRIX)
    columns = [[c for c in cells if tactic.id in c.technique.tactics] for tactic in matrix.tactics]
    drawn = [
        _column(tactic.name, column, index)
        for index, (tactic, column) in enumerate(zip(matrix.tactics, columns, strict=True))
    ]
    width = len(columns) * (COLUMN + GAP) + GAP
    height = max(bottom for _, bottom in drawn) + GAP
    body = "".join(part for part, _ in drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="{escape(title)}"><style>{STYLE}</style>'
        f'<text x="{GAP}" y="20" class="head">{escape(title)}</text>{_legend(cells)}{body}</svg>\n'
    )


def _legend(cells: Sequence[Cell]) -> str:
    parts, x = [], GAP
    for status in Status:
        count = sum(cell.status is status for cell in cells)
        text = f"{status.mark} {status.value}: {count}"
        parts.append(
            f'<rect x="{x}" y="30" width="14" height="14" class="cell {_class(status)}"/>'
            f'<text x="{x + 20}" y="41">{escape(text)}</text>'
        )
        x += 150
    for text in ("◆ orange: special to ML", "◇ white: from ATT&CK Enterprise"):
        parts.append(f'<text x="{x}" y="41">{escape(text)}</text>')
        x += 170
    return "".join(parts)


def _column(name: str, cells: Sequence[Cell], index: int) -> tuple[str, int]:
    """Draw one tactic; return the drawing and where it ends."""
    x, y = GAP + index * (COLUMN + GAP), HEAD
    parts = [f'<text x="{x}" y="{y - 10}" class="head">{escape(name)}</text>']
    for cell in cells:
        part, height = _drawn(cell, x, y)
        parts.append(part)
        y += height + 4
    return "".join(parts), y


def _drawn(cell: Cell, x: int, y: int) -> tuple[str, int]:
    indent = 0 if cell.technique.parent is None else 12
    lines = wrap(cell.technique.name, CHARACTERS - indent // 6) or [""]
    height = len(lines) * LINE + LINE + PAD
    sign = "◆" if cell.technique.color is Color.ORANGE else "◇"
    words = f"{cell.technique.id} {cell.technique.name}, {cell.technique.color}: {cell.status.value}. {cell.why}"
    texts = "".join(
        f'<text x="{x + indent + PAD + 14}" y="{y + LINE * (row + 1)}">{escape(line)}</text>'
        for row, line in enumerate(lines)
    )
    left, width = x + indent, COLUMN - indent
    return (
        f"<g><title>{escape(words)}</title>"
        f'<rect x="{left}" y="{y}" width="{width}" height="{height}" rx="3" class="cell {_class(cell.status)}"/>'
        f'<text x="{left + PAD}" y="{y + LINE}" class="{cell.technique.color}">{sign}</text>{texts}'
        f'<text x="{left + PAD + 14}" y="{y + LINE * (len(lines) + 1)}" class="small">{escape(_status(cell))}</text>'
        "</g>",
        height,
    )


def _status(cell: Cell) -> str:
    covered, of = cell.children_covered
    if cell.status is Status.NOT_COVERED and covered:
        return f"{covered} of {of} below"
    return f"{cell.status.mark} {cell.status.value}"


def _class(status: Status) -> str:
    return status.value.replace(" ", "-")
