"""`caponier remediate membership` and `robustness`: teach a network anew, into a new file, and measure both."""

from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.remediate.membership import MembershipRepair, remediate_membership
from caponier.app.remediate.retrained_model import RetrainedModel
from caponier.app.remediate.robustness import RobustnessRepair, remediate_robustness
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.remediation_view import (
    PARTLY,
    AskedFormat,
    Incident,
    Report,
    TestDigest,
    moved_on,
    print_remediation,
    say_lines,
)
from caponier.cli.scan.dataset import Id, Label
from caponier.cli.terminal import options
from caponier.cli.terminal.watch import Watch
from caponier.telemetry.labelled_data.dataset import Columns

MEMBERSHIP_EXAMPLE: Final = (
    "Example: [bold]caponier remediate membership model.pt --rows train.npz --test test.npz --out new.pt[/bold]"
)
ROBUSTNESS_EXAMPLE: Final = (
    "Example: [bold]caponier remediate robustness digits.pt --rows train.npz --test test.npz --epsilon 0.2 "
    "--out new.pt[/bold]"
)
Model = Annotated[
    Path, typer.Argument(metavar="FILE", help="Safetensors, a torch archive, or scikit-learn's network as a pickle.")
]
Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="The new file; must not exist yet.")]
Rows = Annotated[
    Path,
    typer.Option("--rows", metavar="DATASET", help="The training rows with labels, scaled as the model takes them."),
]
Unseen = Annotated[Path, typer.Option("--test", metavar="DATASET", help="Rows that the model was not trained on.")]
Seed = Annotated[int, typer.Option(min=0, help="Random seed for weights and drawing rows.")]


def membership(
    path: Model,
    out: Out,
    rows: Rows,
    test: Unseen,
    without: Annotated[
        Path | None,
        typer.Option(
            "--without", metavar="FILE", help="Ids of rows to leave out, one on each line. By default all are kept."
        ),
    ] = None,
    test_sha256: TestDigest = None,
    label: Label = None,
    id_: Id = None,
    seed: Seed = 0,
    incident: Incident = None,
    workspace: options.Where = None,
    format_: AskedFormat = None,
    report: Report = None,
    quiet: options.Quiet = False,
) -> None:
    """Retrain a model so that it reveals less of its training data; the attack is tried on both versions.

    Exit code: 0 done and proven; 2 wrong input, nothing written; 3 written, but not proven.
    """
    columns = Columns(label, id=id_)
    asked = MembershipRepair(out, rows, test, test_sha256, columns, seed, incident, without=without)
    home = load_workspace(workspace)
    with Watch(quiet=quiet) as watch:
        result = remediate_membership(path, asked, workspace=home, progress=watch)
    _show(result, format_, report, quiet=quiet, recorded=home is not None)


def robustness(
    path: Model,
    out: Out,
    rows: Rows,
    test: Unseen,
    epsilon: Annotated[
        float, typer.Option("--epsilon", metavar="SIZE", help="How far an attacker may move a feature.")
    ],
    lessons: Annotated[int, typer.Option("--lessons", metavar="COUNT", help="Training steps, of 64 rows each.")] = (
        3_000
    ),
    test_sha256: TestDigest = None,
    label: Label = None,
    seed: Seed = 0,
    incident: Incident = None,
    workspace: options.Where = None,
    format_: AskedFormat = None,
    report: Report = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a model to withstand small changes of its input; the attack is tried on both versions.

    Exit code: 0 done and proven; 2 wrong input, nothing written; 3 written, but not proven.
    """
    asked = RobustnessRepair(
        out, rows, test, test_sha256, Columns(label), seed, incident, epsilon=epsilon, lessons=lessons
    )
    home = load_workspace(workspace)
    with Watch(quiet=quiet) as watch:
        result = remediate_robustness(path, asked, workspace=home, progress=watch)
    _show(result, format_, report, quiet=quiet, recorded=home is not None)


def _show(result: RetrainedModel, format_: AskedFormat, report: Path | None, *, quiet: bool, recorded: bool) -> None:
    unproven = (f"note: {line}" for line in result.unproven)
    moved = moved_on(result.done, result.stage, proven=result.proven, recorded=recorded)
    say_lines([f"the new file is {result.done.produced}", *unproven, *moved], quiet=quiet)
    print_remediation(result.done, format_, report)
    if not result.proven:
        raise typer.Exit(PARTLY)
