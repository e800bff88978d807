"""The heat-map as a picture: the columns of the 2020 matrix, told apart without colour too."""

from collections.abc import Iterator, Sequence
from typing import Final

from caponier.coverage.heat_map import MATRIX, Cell, Status
from caponier.matrix.technique import Color
from caponier.matrix.versions.catalogue import load
from caponier.matrix.writers import grid
from caponier.matrix.writers.grid import MARKS, GridColumn, LegendLine, draw

STYLE: Final = """
.validated { fill: #bfe3d3; } .declared { fill: #dfeaf5; } .not-covered { fill: #fff; }
@media (prefers-color-scheme: dark) {
  .validated { fill: #1f5c47; } .declared { fill: #26405a; } .not-covered { fill: #12181f; }
}
"""


def svg(cells: Sequence[Cell], title: str = "Coverage of the Adversarial ML Threat Matrix") -> str:
    """Draw the heat-map as SVG, with a text for screen readers on every cell.

    Args:
        cells: The heat-map.
        title: Heading.
    """
    columns = [
        GridColumn(tactic.name, tuple(_drawn(cell) for cell in cells if tactic.id in cell.technique.tactics))
        for tactic in load(MATRIX).tactics
    ]
    counts = ", ".join(f"{sum(cell.status is status for cell in cells)} {status.value}" for status in Status)
    return draw(title, f"{len(cells)} entries: {counts}.", columns, list(_legend(cells)), STYLE)


def _legend(cells: Sequence[Cell]) -> Iterator[LegendLine]:
    for status in Status:
        count = sum(cell.status is status for cell in cells)
        yield LegendLine(f"{status.mark} {status.value}: {count}", _class(status))
    for color in Color:
        yield LegendLine(f"{MARKS[color]} {color.words}", color=color)


def _drawn(cell: Cell) -> grid.GridCell:
    technique = cell.technique
    words = f"{technique.id} {technique.name}, {technique.color}: {cell.status.value}. {cell.why}"
    below = technique.parent is not None
    return grid.GridCell(technique.name, words, _class(cell.status), _status(cell), technique.color, below)


def _status(cell: Cell) -> str:
    covered, of = cell.children_covered
    if cell.status is Status.NOT_COVERED and covered:
        return f"{covered} of {of} below"
    return f"{cell.status.mark} {cell.status.value}"


def _class(status: Status) -> str:
    return status.value.replace(" ", "-")
