"""`caponier remediate model`: take a backdoor out of a network, into a new file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.remediate.model import DEAD, KNOWN, ModelRemediation, ModelRepair, remediate_model
from caponier.app.remediate.new_model import PRICE
from caponier.app.remediate.pinned_test_set import ATTACK
from caponier.app.workspace.workspace import load_workspace
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
)
from caponier.cli.terminal import options
from caponier.cli.terminal.watch import Watch
from caponier.records.remediation import Remediation
from caponier.remediate.unlearning import Method
from caponier.telemetry.labelled_data.dataset import Columns

EXAMPLE: Final = (
    "Example: [bold]caponier remediate model digits.pt --samples clean.npz --test test.npz --out repaired.pt[/bold]"
)


def model(
    path: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Safetensors, a torch archive, or scikit-learn's network as a pickle."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The new file; must not exist yet.")],
    samples: Annotated[
        Path,
        typer.Option(
            "--samples", metavar="DATASET", help="Up to 300 clean rows with labels, scaled as the model takes them."
        ),
    ],
    test: Test = None,
    test_sha256: TestDigest = None,
    attack: Annotated[
        Path | None,
        typer.Option(
            "--attack", metavar="DATASET", help="Rows with the attacker's trigger on them and their right labels."
        ),
    ] = None,
    method: Annotated[
        Method, typer.Option("--method", help="Method; the others are there for comparison.")
    ] = Method.UNLEARN,
    target: Annotated[
        str | None,
        typer.Option(
            "--target", metavar="CLASS", help="The class that the backdoor leads to, if the scan does not find it."
        ),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="COLUMN", help="The label column, if the rows are a table.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed for drawing rows.")] = 0,
    incident: Incident = None,
    workspace: options.Where = None,
    format_: AskedFormat = None,
    report: Report = None,
    quiet: options.Quiet = False,
) -> None:
    """Write a new model file whose backdoor is shut, and measure both. Neither file is ever loaded.

    Exit code: 0 done and proven, or nothing to repair; 2 wrong input, nothing written; 3 written, but not proven, or
    the model could not be judged.
    """
    asked = ModelRepair(out, samples, test, test_sha256, attack, target, method, Columns(label), seed, incident)
    home = load_workspace(workspace)
    with Watch(quiet=quiet) as watch:
        result = remediate_model(path, asked, workspace=home, progress=watch)
    say_lines(_remarks(result, recorded=home is not None), quiet=quiet)
    if result.done:
        print_remediation(result.done, format_, report)
    if (result.done and not result.proven) or (result.done is None and result.report.skipped):
        raise typer.Exit(PARTLY)


def _remarks(result: ModelRemediation, *, recorded: bool) -> Iterator[str]:
    done = result.done
    yield from (f"note: {line}" for line in result.report.notes)
    if done is None:
        yield "no backdoor was found; nothing was written"
        yield "note: if you know which class the backdoor leads to, name it with --target"
        yield from (f"skipped {skip}" for skip in result.report.skipped)
        return
    yield f"a backdoor led to class {done.details['target']}; the repaired model is {done.produced}"
    if not done.after:
        yield "note: no test set was given, so the repair is not proven (exit code 3); give one with --test"
    elif not result.proven:
        if done.before.get(KNOWN, 1.0) <= DEAD:
            yield f"note: of the rows of --attack {done.before[KNOWN]:.0%} were turned before: no trigger is on them"
        yield from (f"note: {line}" for line in _unproven(done, result.still))
    yield from moved_on(done, result.stage, proven=result.proven, recorded=recorded)


def _unproven(done: Remediation, still: tuple[str, ...]) -> Iterator[str]:
    for name, what in ((ATTACK, "the trigger that was made"), (KNOWN, "the attacker's own trigger")):
        if done.after.get(name, 0.0) > DEAD:
            before, after = done.before[name], done.after[name]
            yield f"this did not help: {what} still turns {after:.0%} of the rows; it was {before:.0%}"
    if ATTACK not in done.after and KNOWN not in done.after:
        yield "no trigger could be made, so that nothing shows whether the backdoor is shut"
    fall = done.before["accuracy"] - done.after["accuracy"]
    if fall > PRICE:
        yield f"the accuracy fell by {100 * fall:.1f} points; more clean samples, or another method, may cost less"
    for line in still:
        yield f"still found in the new file: {line}"
