"""A version as a picture: its tactics as columns, orange told from white and maturity in words."""

from collections.abc import Iterable, Iterator
from typing import Final

from caponier.matrix.evidence import Maturity
from caponier.matrix.technique import Color, Level, Technique
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.writers.grid import MARKS, GridCell, GridColumn, LegendLine, draw

STYLE: Final = """
.orange-ground { fill: #fbdcb6; } .white-ground { fill: #fff; }
.realized { fill: #cfe0f1; } .demonstrated { fill: #eaf1f8; } .feasible { fill: #fff; stroke-dasharray: 3 2; }
@media (prefers-color-scheme: dark) {
  .orange-ground { fill: #3b2712; } .white-ground { fill: #12181f; }
  .realized { fill: #26405a; } .demonstrated { fill: #1b2a39; } .feasible { fill: #12181f; }
}
"""


def to_svg(matrix: Matrix, techniques: Iterable[Technique]) -> str:
    """Draw entries of a version in the columns of its tactics; what has no entry among them has no column.

    Args:
        matrix: The version.
        techniques: The entries, each parent before its children.
    """
    entries = tuple(techniques)
    columns = [
        GridColumn(tactic.name, tuple(_cells(matrix, tactic.id, entries)))
        for tactic in matrix.tactics
        if any(tactic.id in entry.tactics for entry in entries)
    ]
    title = f"{matrix.name} ({matrix.version}, {matrix.released or 'undated'})"
    words = f"{len(entries)} entries in {len(columns)} columns, one for each tactic."
    return draw(title, words, columns, list(_legend(entries)), STYLE)


def _cells(matrix: Matrix, tactic: str, entries: tuple[Technique, ...]) -> Iterator[GridCell]:
    """Return a column from top to bottom, each entry followed by what is below it."""
    column = [entry for entry in entries if tactic in entry.tactics]
    ids = {entry.id for entry in column}
    below: dict[str, list[Technique]] = {}
    for entry in column:
        if entry.parent in ids:
            below.setdefault(str(entry.parent), []).append(entry)
    waiting = [entry for entry in reversed(column) if entry.parent not in ids]
    while waiting:
        entry = waiting.pop()
        yield _cell(matrix, entry, entry.parent in ids)
        waiting += reversed(below.get(entry.id, []))


def _cell(matrix: Matrix, entry: Technique, below: bool) -> GridCell:
    kind = f", {entry.color.words}" if entry.color else ""
    known = f", {entry.maturity.value}: {entry.maturity.words}" if entry.maturity else ""
    above = f" of {matrix.technique(entry.parent).name}" if entry.parent else ""
    notes = [entry.id, entry.maturity.value if entry.maturity else ""]
    notes += ["variant"] if entry.level is Level.VARIANT else []
    return GridCell(
        entry.name,
        f"{entry.id} {entry.name}, {entry.level.value}{above}{kind}{known}",
        f"{entry.color.value}-ground" if entry.color else (entry.maturity or Maturity.DEMONSTRATED).value,
        ", ".join(filter(None, notes)),
        entry.color,
        below,
    )


def _legend(entries: tuple[Technique, ...]) -> Iterator[LegendLine]:
    for color in Color:
        count = sum(entry.color is color for entry in entries)
        if count:
            yield LegendLine(f"{MARKS[color]} {color.words}: {count}", f"{color.value}-ground", color)
    for maturity in reversed(Maturity):
        count = sum(entry.maturity is maturity for entry in entries)
        if count:
            yield LegendLine(f"{maturity.value}, {maturity.words}: {count}", maturity.value)
