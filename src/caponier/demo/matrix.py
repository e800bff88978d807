"""The 2020 matrix as a page shows it, with what the findings of a demo may be traces of."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from caponier.demo.result import DemoResult
from caponier.demo.story import acted
from caponier.matrix.technique import Color, Level, Technique
from caponier.matrix.versions.catalogue import DEFAULT, Matrix, load


@dataclass(frozen=True)
class MatrixCell:
    """One technique or sub-technique.

    Args:
        id: Its id.
        name: Its name.
        orange: Special to ML; else from ATT&CK Enterprise.
        variant: Named in the text of 2020 only.
        findings: How many findings may be a trace of it.
        acted: Whether an attacker of the demo did it.
        first: Where the page tells of the first of these findings; None if there is none.
        children: Its sub-techniques and variants.
    """

    id: str
    name: str
    orange: bool
    variant: bool
    findings: int
    acted: bool
    first: str | None
    children: tuple["MatrixCell", ...]


@dataclass(frozen=True)
class MatrixColumn:
    """One tactic."""

    id: str
    name: str
    cells: tuple[MatrixCell, ...]


def columns(result: DemoResult) -> tuple[MatrixColumn, ...]:
    """Return the tactics of the 2020 matrix with their techniques."""
    matrix = load(DEFAULT)
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    shown = {finding.finding_id for finding in result.findings}
    for finding in sorted(result.hunt.findings, key=lambda finding: finding.last_time):
        for technique in finding.techniques:
            counts[technique.id] += 1
            # Findings outside the model's traffic have no row of their own on the page.
            first.setdefault(technique.id, finding.finding_id if finding.finding_id in shown else "incident")
    return tuple(
        MatrixColumn(tactic.id, tactic.name, _cells(matrix, tops, counts, first, acted(result)))
        for tactic, tops in matrix.columns()
    )


def seen(shown: Sequence[MatrixColumn]) -> tuple[MatrixCell, ...]:
    """Return the cells that a finding names, in the order of the matrix."""
    every = [cell for column in shown for top in column.cells for cell in (top, *top.children)]
    return tuple(cell for cell in every if cell.findings)


def _cells(
    matrix: Matrix, entries: Sequence[Technique], counts: Counter[str], first: dict[str, str], done: frozenset[str]
) -> tuple[MatrixCell, ...]:
    return tuple(
        MatrixCell(
            id=entry.id,
            name=entry.name,
            orange=entry.color is Color.ORANGE,
            variant=entry.level is Level.VARIANT,
            findings=counts[entry.id],
            acted=entry.id in done,
            first=first.get(entry.id),
            children=_cells(matrix, matrix.children(entry.id), counts, first, done),
        )
        for entry in entries
    )
