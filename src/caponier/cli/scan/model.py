"""`caponier scan model`: backdoors in a model file."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.matrix.library import default_version
from caponier.app.scan.model import ModelReport, scan_model
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.findings.by_caller import write_findings
from caponier.cli.scan.exit_code import leave
from caponier.cli.scan.model_page import model_page
from caponier.cli.scan.next_step import say_next
from caponier.cli.terminal import options
from caponier.cli.terminal.log_report import say_notes, say_skipped
from caponier.cli.terminal.output import Format, choose_format, notes
from caponier.cli.terminal.watch import Watch
from caponier.formats.atomic_file import write_bytes
from caponier.formats.safe_text import plain
from caponier.records.finding import Severity
from caponier.records.findings_document import findings_document
from caponier.telemetry.labelled_data.dataset import Columns

EXAMPLE: Final = "Example: [bold]caponier scan model digits.pt --samples clean.npz --page trigger.html[/bold]"


def model(
    path: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Safetensors, a torch archive, or scikit-learn's network as a pickle."),
    ],
    samples: Annotated[
        Path | None,
        typer.Option(
            "--samples", metavar="DATASET", help="Up to 100 clean rows with labels, scaled as the model takes them."
        ),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="COLUMN", help="The label column, if the samples are a table.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--page", metavar="FILE", help="Also write a page that draws the trigger.")
    ] = None,
    system: options.System = None,
    fail_on: options.FailOn = Severity.INFO,
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Look for a backdoor in a neural network. Only its weights are read; the file is never loaded.

    Only a file that `scan artifact` calls clean is looked into. Without samples only the weights are judged.

    Exit code: 0 nothing found, 1 something found, 2 wrong input, 3 nothing found but not everything could be judged.
    """
    home = load_workspace(workspace)
    with Watch(quiet=quiet) as watch:
        report = scan_model(path, samples, Columns(label), workspace=home, system=system, progress=watch)
    chosen = choose_format(format_, out, Format.TABLE)
    write_findings(
        report.findings, chosen, out, lambda: document(report, default_version(home)), each=True, bare=bool(out)
    )
    if page:
        write_bytes(page, model_page(report).encode())
    _tell(report, quiet=quiet)
    say_next(notes(quiet=quiet), report.findings, home)
    # After the output, so that a file that cannot be written leaves nothing changed.
    if home and report.findings:
        keep_findings(home, report.findings)
    leave(report.findings, fail_on, partly=bool(report.skipped))


def document(report: ModelReport, matrix: str) -> dict[str, Any]:
    """Return the scan as the document `caponier.findings/1`."""
    parts = {"scanned": [report.scanned.to_dict()], "detectors": report.to_dict()}
    return findings_document(matrix, report.findings, skipped=report.skipped, parts=parts)


def _tell(report: ModelReport, *, quiet: bool) -> None:
    console = notes(quiet=quiet)
    for name, said in report.analyses.items():
        if said.silent is None and not said.flagged:
            console.print(plain(f"{name}: {said.score:g}, below its limit {said.limit:g}"), markup=False)
    if report.opened is not None:
        count, found_here = len(report.opened.model.network.layers), len(report.findings)
        told = f"{found_here} finding{'' if found_here == 1 else 's'} in a network of {count} layers"
        console.print(told, markup=False)
    say_notes(console, report.notes)
    say_skipped(console, report.skipped)
