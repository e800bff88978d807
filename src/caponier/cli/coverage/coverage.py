"""`caponier coverage`: which techniques are validated, which only declared, and which not covered, and why."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from caponier import __version__
from caponier.app.coverage.cover import cover, read_trials
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.coverage.view import ENTRIES, CoverageColumns
from caponier.cli.terminal import options
from caponier.cli.terminal.output import choose_format, json_text, notes, write_table, write_text
from caponier.coverage.heat_map import MATRIX, Cell, Status
from caponier.coverage.navigator import layer
from caponier.coverage.svg import svg

EXAMPLE: Final = "Example: [bold]caponier coverage --format svg --out coverage.svg[/bold]"


class CoverageFormat(StrEnum):
    """How to print the heat-map."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    SVG = "svg"
    NAVIGATOR = "navigator"


def coverage(
    trials: Annotated[
        list[Path] | None,
        typer.Option("--trials", metavar="FILE", help="Trials written by `validate --out`; may be repeated."),
    ] = None,
    status: Annotated[Status | None, typer.Option("--status", help="List only entries with this status.")] = None,
    as_list: Annotated[bool, typer.Option("--list", help="One line for each entry, not the matrix.")] = False,
    workspace: options.Where = None,
    format_: Annotated[CoverageFormat | None, options.FORMAT] = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Show which entries of the 2020 matrix are validated, declared or not covered.

    Validated: on this version, an emulated attack succeeded and was detected, and its benign controls were not.
    Declared: a detector names the technique, and no trial on this version has shown that it works.
    Trials come from the workspace and from --trials.
    """
    home = load_workspace(workspace)
    given = [trial for path in trials or () for trial in read_trials(path)]
    cells = cover(home, given)
    shown = [cell for cell in cells if status in (None, cell.status)]
    chosen = choose_format(format_, out, CoverageFormat.TABLE)
    if chosen is CoverageFormat.SVG:
        write_text(svg(shown), out)
    elif chosen is CoverageFormat.NAVIGATOR:
        write_text(json_text(layer(shown, __version__)), out)
    elif chosen is CoverageFormat.TABLE and not (as_list or status):
        write_table(CoverageColumns(cells), out)
    else:
        ENTRIES.write(shown, chosen, out, lambda: document(shown))
    console = notes(quiet=quiet)
    console.print(_counts(cells), markup=False)
    others = sum(trial.caponier_version != __version__ for trial in given)
    if others:
        console.print(f"{others} trials are of another version than {__version__} and do not count", markup=False)
    if not any(cell.trials for cell in cells):
        console.print(
            "No technique has been tested with this version yet. Run: caponier validate "
            "(needs pip install 'caponier[emulate]')",
            markup=False,
        )


def document(cells: Sequence[Cell]) -> dict[str, Any]:
    """Return the heat-map as the document `caponier.coverage/1`."""
    return {
        "schema": "caponier.coverage/1",
        "matrix": MATRIX,
        "caponier_version": __version__,
        "counts": {status.value: sum(cell.status is status for cell in cells) for status in Status},
        "techniques": [
            {
                "id": cell.technique.id,
                "name": cell.technique.name,
                "color": cell.technique.color.value if cell.technique.color else None,
                "tactics": list(cell.technique.tactics),
                "status": cell.status.value,
                "why": cell.why,
                "detectors": list(cell.detectors),
                "trials": [trial.trial_id for trial in cell.trials],
                "means": {one.means.value: one.status.value for one in cell.means},
                "sub_techniques": {"covered": cell.children_covered[0], "of": cell.children_covered[1]},
            }
            for cell in cells
        ],
    }


def _counts(cells: Sequence[Cell]) -> str:
    counts = ", ".join(f"{sum(cell.status is status for cell in cells)} {status.value}" for status in Status)
    meant = (
        "validated: an attack was detected in a test; "
        "declared: a detector names the entry, but has not yet detected it in a test"
    )
    return f"{len(cells)} entries: {counts} (Caponier {__version__})\n{meant}"
