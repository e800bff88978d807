"""The heat-map on a terminal: columns of tactics, or a line for each entry; told apart without colour, too."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from caponier.cli.terminal.listing import Listing, ListingColumn, ShownIn
from caponier.coverage.heat_map import MATRIX, Cell, Status
from caponier.matrix.technique import Tactic
from caponier.matrix.versions.catalogue import load

MARKS: Final = {Status.VALIDATED: ("✓", "+"), Status.DECLARED: ("·", "."), Status.NOT_COVERED: ("—", "-")}
"""Mark of each status, and what stands for it where only ASCII can be printed."""
STYLES: Final = {Status.VALIDATED: "green", Status.DECLARED: "cyan", Status.NOT_COVERED: "dim"}
_WIDTH: Final = 22

ENTRIES: Final[Listing[Cell]] = Listing(
    [
        ListingColumn("status", lambda cell: cell.status.value, whole=True, style=lambda cell: STYLES[cell.status]),
        ListingColumn("id", lambda cell: cell.technique.id, whole=True),
        ListingColumn("name", lambda cell: cell.technique.name),
        ListingColumn("kind", lambda cell: cell.technique.color.value if cell.technique.color else "", ShownIn.DATA),
        ListingColumn("tactics", lambda cell: " ".join(cell.technique.tactics), ShownIn.DATA),
        ListingColumn("means", lambda cell: " and ".join(one.means.value for one in cell.means), ShownIn.TABLE),
        ListingColumn("means", lambda cell: cell.by_means, ShownIn.DATA),
        ListingColumn("detectors", lambda cell: ", ".join(cell.detectors), ShownIn.TABLE),
        ListingColumn("detectors", lambda cell: " ".join(cell.detectors), ShownIn.DATA),
        ListingColumn("why", lambda cell: cell.why),
    ],
    wide=True,
    folded=True,
)
"""An entry a line: status, id, name, by which means it is seen, who detects it, and why."""


class CoverageColumns:
    """The heat-map as columns of tactics, in as many bands as the width asks for."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = cells

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        matrix = load(MATRIX)
        yield _legend(self.cells, options.ascii_only)
        shown = [
            (tactic, [cell for cell in self.cells if tactic.id in cell.technique.tactics]) for tactic in matrix.tactics
        ]
        a_band = max(1, min(len(shown), options.max_width // _WIDTH))
        for start in range(0, len(shown), a_band):
            yield _band(shown[start : start + a_band], options.ascii_only)


def _band(shown: Sequence[tuple[Tactic, Sequence[Cell]]], ascii_only: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1, 0, 0))
    for tactic, cells in shown:
        covered = sum(cell.status is not Status.NOT_COVERED for cell in cells)
        table.add_column(f"{tactic.name} ({covered}/{len(cells)})", ratio=1, overflow="fold")
    table.add_row(*(Group(*_drawn(cells, ascii_only)) for _, cells in shown))
    return table


def _drawn(cells: Sequence[Cell], ascii_only: bool) -> Iterator[RenderableType]:
    for cell in cells:
        line = Table.grid(padding=(0, 1, 0, 0))
        mark = MARKS[cell.status][ascii_only]
        style = STYLES[cell.status]
        line.add_row(
            Text(mark if cell.technique.parent is None else f"  {mark}", style),
            # A dash at the start of a broken line would read as the mark of an entry that is not covered.
            Text(cell.technique.name.replace(" - ", ": "), style),
        )
        yield line


def _legend(cells: Sequence[Cell], ascii_only: bool) -> Text:
    legend = Text()
    for status in Status:
        count = sum(cell.status is status for cell in cells)
        legend.append(f"{MARKS[status][ascii_only]} {status.value}: {count}   ", STYLES[status])
    return legend
