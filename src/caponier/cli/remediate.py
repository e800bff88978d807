"""`caponier remediate`: repair with proof. The old is always kept."""

from pathlib import Path
from typing import Annotated

import typer

from caponier.app.remediate.dataset import DEAD, DatasetRemediation, DatasetRepair, remediate_dataset
from caponier.app.remediate.mlflow_rollback import AliasRollback, rollback_alias
from caponier.app.remediate.pinned_test_set import ATTACK
from caponier.app.remediate.rollback import Measurement, rollback_model
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.remediate_model import EXAMPLE as MODEL_EXAMPLE
from caponier.cli.remediate_model import model
from caponier.cli.remediate_training import MEMBERSHIP_EXAMPLE, ROBUSTNESS_EXAMPLE, membership, robustness
from caponier.cli.remediation_view import (
    PARTLY,
    AskedFormat,
    Incident,
    Report,
    Test,
    TestDigest,
    moved_on,
    print_remediation,
    say_lines,
    unrecorded,
)
from caponier.cli.scan.dataset import Exclude, Features, Id, Label, RecordedRows, Source, named
from caponier.cli.terminal import log_options, options
from caponier.cli.terminal.log_report import print_rejected
from caponier.cli.terminal.output import notes
from caponier.cli.terminal.watch import Watch
from caponier.errors import InputError
from caponier.records.remediation import Remediation
from caponier.remediate.dataset_file import Repair
from caponier.remediate.mlflow_server import is_address
from caponier.telemetry.labelled_data.dataset import Columns
from caponier.telemetry.rejections import RejectedRows

app = typer.Typer(
    add_completion=False,
    help="Repair a data set or model into a new file; the old one is kept, and the two are compared.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier remediate dataset train.npz --out repaired.npz --test test.npz[/bold]",
)


@app.command(
    "dataset",
    epilog="Example: [bold]caponier remediate dataset train.csv --label species --out clean.csv --test test.csv[/bold]",
)
def dataset(
    path: Annotated[
        Path, typer.Argument(metavar="DATASET", help="A .npz, a table (Parquet, Arrow, JSON Lines, CSV), or a folder.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The new data set; must not exist yet.")],
    repair: Annotated[Repair, typer.Option("--repair", help="Drop flagged rows, or give them the suggested label.")] = (
        Repair.RELABEL
    ),
    quarantine: Annotated[
        Path | None,
        typer.Option("--quarantine", metavar="FILE", help="File for the flagged rows. By default beside --out."),
    ] = None,
    test: Test = None,
    test_sha256: TestDigest = None,
    train_command: Annotated[
        str | None,
        typer.Option(
            "--train-command",
            metavar="COMMAND",
            help='Trains on {dataset} and tests on {test}; its last line is {"accuracy": …}. Else a built-in model.',
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the built-in model.")] = 0,
    label: Label = None,
    source: Source = None,
    id_: Id = None,
    features: Features = None,
    exclude: Exclude = None,
    manifest: RecordedRows = None,
    incident: Incident = None,
    workspace: options.Where = None,
    rejected: log_options.Rejected = None,
    format_: AskedFormat = None,
    report: Report = None,
    quiet: options.Quiet = False,
) -> None:
    """Write a new data set with wrong labels repaired, and compare models trained on the old and the new one.

    Exit code: 0 done, and the accuracy is not below what it was (or nothing was wrong); 2 wrong input, nothing written;
    3 written, but not proven, or not every row could be read or judged.
    """
    asked = DatasetRepair(out, quarantine, repair, test, test_sha256, train_command, seed, incident, manifest)
    home = load_workspace(workspace)
    chosen = Columns(label, source, id_, named(features), named(exclude))
    with RejectedRows(rejected) as rows, Watch(quiet=quiet) as watch:
        result = remediate_dataset(path, asked, chosen, workspace=home, rejected=rows, progress=watch)
    say_lines(_remarks(result, recorded=home is not None), quiet=quiet)
    print_rejected(notes(quiet=quiet), rows)
    if result.done:
        print_remediation(result.done, format_, report)
    if (result.done and not result.proven) or result.report.skipped or rows.count:
        raise typer.Exit(PARTLY)


@app.command("rollback", epilog="Example: [bold]caponier remediate rollback digits --registry models/[/bold]")
def rollback(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Its name in the registry.")],
    registry: Annotated[
        str,
        typer.Option(
            "--registry", metavar="PATH|URL", help="registry.json or its folder, or the address of an MLflow server."
        ),
    ],
    alias: Annotated[
        str | None, typer.Option("--alias", metavar="NAME", help="On an MLflow server: the alias in use.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="VERSION", help="The version to roll back to. By default the last good one."),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Roll forward again: undo the last rollback.")] = False,
    sha256: Annotated[
        str | None,
        typer.Option("--sha256", metavar="DIGEST", help="On an MLflow server: accept only files with these digests."),
    ] = None,
    test: Test = None,
    test_sha256: TestDigest = None,
    evaluate_command: Annotated[
        str | None,
        typer.Option(
            "--evaluate-command",
            metavar="COMMAND",
            help='Loads {model} and tests on {test}; its last line is {"accuracy": …}.',
        ),
    ] = None,
    measure_bad: Annotated[
        bool,
        typer.Option(
            "--measure-bad", help="Let the command load the bad version, too, which may run code hidden in it."
        ),
    ] = False,
    label: Label = None,
    incident: Incident = None,
    workspace: options.Where = None,
    format_: AskedFormat = None,
    report: Report = None,
    quiet: options.Quiet = False,
) -> None:
    """Put the last good version of a model back into service, after verifying its files, and quarantine the bad one."""
    how = Measurement(test, Columns(label), test_sha256, evaluate_command, measure_bad) if test else None
    home = load_workspace(workspace)
    if is_address(registry):
        asked = AliasRollback(registry, model, alias, to, undo, sha256, how, incident)
        result = rollback_alias(asked, workspace=home)
    else:
        _refuse_of_files({"--alias": alias, "--sha256": sha256})
        result = rollback_model(
            Path(registry), model, to=to, undo=undo, measurement=how, workspace=home, incident_id=incident
        )
    moved = [f"the incident is {result.stage.value}"] if result.stage else []
    remarks = (*result.notes, *moved, *unrecorded(recorded=home is not None))
    active = f"{model}: version {result.takes} is active, {_fate(undo=undo)} {result.leaves}"
    say_lines([active, *(f"note: {line}" for line in remarks)], quiet=quiet)
    print_remediation(result.done, format_, report)


def _refuse_of_files(given: dict[str, str | None]) -> None:
    for option, value in given.items():
        if value is not None:
            hint = "Name the server's address with --registry; a registry.json holds digests itself."
            raise InputError(f"{option} is of use with an MLflow server alone", hint=hint)


def _fate(*, undo: bool) -> str:
    return "retired is" if undo else "quarantined is"


def _remarks(result: DatasetRemediation, *, recorded: bool) -> list[str]:
    skipped = [f"skipped {skip}" for skip in result.report.skipped]
    if result.done is None:
        return [f"none of the {result.report.rows:,} rows was flagged; nothing was written", *skipped]
    details = result.done.details
    lines = [
        f"{details['flagged']:,} of {details['rows']:,} rows were flagged; they are in {details['quarantine']}",
        f"the new data set has {details['rows_after']:,} rows: {result.done.produced}",
    ]
    if not result.done.after:
        lines.append("note: no test set was given, so the repair is not proven (exit code 3); give one with --test")
    elif not result.proven:
        lines.append(_unproven(result.done))
    moved = moved_on(result.done, result.stage, proven=result.proven, recorded=recorded)
    return [*lines, *moved, *skipped]


def _unproven(done: Remediation) -> str:
    if done.after.get(ATTACK, 0.0) > DEAD:
        return (
            f"note: the trigger that was found still turns {done.after[ATTACK]:.0%} of the test rows; it was "
            f"{done.before[ATTACK]:.0%} before. Some rows that carry it may be left"
        )
    return "note: the accuracy fell; look at the flagged rows before you use the new data set"


app.command("model", epilog=MODEL_EXAMPLE)(model)
app.command("membership", epilog=MEMBERSHIP_EXAMPLE)(membership)
app.command("robustness", epilog=ROBUSTNESS_EXAMPLE)(robustness)
