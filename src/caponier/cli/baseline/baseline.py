"""`caponier baseline`: what benign traffic of a model looks like."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from caponier.app.inference.baseline.build import BaselineReport, SelfTest, build_baseline
from caponier.app.inference.baseline.in_words import changes_in_words
from caponier.app.inference.baseline.picture import picture
from caponier.app.inference.baseline.set_aside import Overrules
from caponier.app.inference.baseline.story import TYPICAL, Story, stories
from caponier.app.inference.baseline.training_rows import Rows, read_training_set
from caponier.app.inference.baseline.warm_start import warm_start
from caponier.app.inference.plan import enabled
from caponier.app.workspace.workspace import load_workspace, read_salt, require_workspace
from caponier.cli.baseline import checks
from caponier.cli.terminal import engine_options, log_options, options
from caponier.cli.terminal.log_report import print_rejected, say, say_notes
from caponier.cli.terminal.moments import parse_moment
from caponier.cli.terminal.output import choose_format, notes, write_table, write_text
from caponier.cli.terminal.watch import Watch
from caponier.cli.terminal.written_files import refuse_foreign
from caponier.detect.calibration.baseline import Baseline, is_baseline
from caponier.engines.plan import DAY_US
from caponier.errors import InputError
from caponier.formats.atomic_file import write_bytes
from caponier.formats.figures import figure
from caponier.records.inventory import Workspace
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.rejections import RejectedRows

app = typer.Typer(
    add_completion=False,
    help="Build, show, check and compare baselines: records of what benign traffic of a model looks like.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier baseline build benign.parquet --out digits.safetensors[/bold]",
)

PARTLY = 3


Alpha = Annotated[
    float | None,
    typer.Option(
        "--alpha",
        metavar="SHARE",
        help="Share of benign callers that may be flagged. By default alpha of the workspace, else 0.01.",
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        metavar="PRINCIPAL",
        help="Learn from this caller although it looks like an attacker; may be repeated.",
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option("--drop", metavar="PRINCIPAL", help="Learn nothing from this caller; may be repeated."),
]
Test = Annotated[
    bool,
    typer.Option(
        "--self-test/--no-self-test",
        envvar="CAPONIER_SELF_TEST",
        help="Plant emulated attacks into a copy of the log, and switch off detectors that cannot tell them from "
        "benign callers of this model; takes up to three minutes, and needs the extra emulate.",
    ),
]
Verdicts = Annotated[bool, typer.Option("--verdicts", help="Take verdicts into account (caponier findings verdict).")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Also show the threshold of each detector, and who comes nearest.")
]
Picture = Annotated[
    Path | None,
    typer.Option("--picture", metavar="FILE", help="Draw the highest benign scores beside each threshold, as SVG."),
]


TrainingSet = Annotated[
    Path | None,
    typer.Option(
        "--training-set",
        metavar="FILE",
        help="The data that the model was trained on (.npz, .parquet, .csv), scaled and encoded as the inputs in the "
        "log are. Lets membership inference be "
        "detected; only a salted sketch of it is kept.",
    ),
]
TrainingLabel = Annotated[
    str | None,
    typer.Option(
        "--training-label",
        "--label",
        metavar="COLUMN",
        help="The label column of --training-set and --canaries.",
    ),
]
Canaries = Annotated[
    Path | None,
    typer.Option(
        "--canaries",
        metavar="FILE",
        help="Decoy records that only a thief of your data can know (.npz, .parquet, .csv), scaled likewise. A single "
        "query for one is a finding; only a salted sketch of them is kept.",
    ),
]
Start = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Baseline of an earlier version of the model, to start from while the new version has little traffic.",
    ),
]


Last = Annotated[
    datetime | None,
    typer.Option(
        "--last",
        parser=parse_moment,
        metavar="SPAN",
        help="Learn only from the last part of the log, such as 30d or 12h.",
    ),
]


class Shown(StrEnum):
    """How a baseline is shown."""

    TABLE = "table"
    JSON = "json"


@app.command("build", epilog="Example: [bold]caponier baseline build benign/ --out digits.safetensors[/bold]")
def build(
    events: log_options.Paths,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The baseline file to write.")],
    alpha: Alpha = None,
    keep: Keep = None,
    drop: Drop = None,
    verdicts: Verdicts = False,
    self_test: Test = True,
    verbose: Verbose = False,
    training_set: TrainingSet = None,
    training_label: TrainingLabel = None,
    canaries: Canaries = None,
    start: Start = None,
    horizon: options.Horizon = None,
    budget: options.OldBudget = None,
    drawn: Picture = None,
    engine: engine_options.Chosen = engine_options.EngineKind.LOCAL,
    master: engine_options.Master = None,
    shared: engine_options.Shared = None,
    workspace: options.Where = None,
    kind: log_options.Kind = None,
    shape: log_options.Shape = None,
    range_: log_options.Range = None,
    sampling: log_options.Sampling = None,
    last: Last = None,
    map_: log_options.Map = None,
    reader: log_options.Reader = "auto",
    lateness: log_options.Lateness = None,
    rejected: log_options.Rejected = None,
    quiet: options.Quiet = False,
) -> None:
    """Learn what benign traffic looks like, and how many false alerts to expect."""
    home, console = load_workspace(workspace), notes(quiet=quiet)
    how = log_options.read_options(reader, lateness, sampling, map_=map_, home=home, since=last)
    before, label = _replaced(out), Columns(label=training_label)
    learned, hidden = (read_training_set(path, label) if path else None for path in (training_set, canaries))
    started = engine_options.started(engine, master, shared)
    with started as run, RejectedRows(rejected) as rows, Watch(quiet=quiet) as watch:
        report = build_baseline(
            events,
            workspace=home,
            spec=log_options.feature_spec(kind, shape, range_),
            alpha=options.share_of(alpha),
            overrules=_overrules(workspace, keep or (), drop or (), verdicts=verdicts),
            self_test=_self_test(home, watch) if self_test else None,
            training_set=learned,
            canaries=hidden,
            rejected=rows,
            options=how,
            engine=run,
            shared=shared,
            progress=watch,
        )
        if start:
            report = warm_start(report, events, Baseline.load(start), workspace=home, options=how, progress=watch)
    write_bytes(out, report.baseline.to_bytes())
    options.tell_deprecated(console, horizon=horizon, alert_budget=budget)
    _draw(_tell(console, report, out, before, home, verbose=verbose), drawn)
    _tell_unused(console, {"rows of the training set": learned, "canaries": hidden}, rows)
    _end(partly=bool(report.skipped or rows.count))


def _end(*, partly: bool) -> None:
    if partly:
        raise typer.Exit(PARTLY)


def _tell_unused(console: Console, given: Mapping[str, Rows | None], rows: RejectedRows) -> None:
    for what, read in given.items():
        if isinstance(read, Dataset) and read.rejections:
            say(console, f"note: {len(read.rejections):,} {what} could not be used")
    print_rejected(console, rows)


def _replaced(out: Path) -> Baseline | None:
    """Return the baseline that will be replaced; None if there is none.

    Raises:
        InputError: If the file is not a baseline.
    """
    refuse_foreign(out, "a baseline", is_baseline)
    try:
        return Baseline.load(out) if out.is_file() else None
    except InputError:
        # A baseline that is damaged, or of an old schema, is replaced.
        return None


def _self_test(home: Workspace | None, watch: Watch) -> SelfTest:
    # Imported here, for it brings emulations and what they attack with.
    from caponier.app.planting import self_test

    return self_test.SelfTest(enabled(home), read_salt(home) if home else b"", watch)


def _overrules(workspace: Path | None, keep: Iterable[str], drop: Iterable[str], *, verdicts: bool) -> Overrules:
    """Return what people know of callers.

    Raises:
        InputError: If verdicts are asked for, and there is no workspace that holds them.
    """
    given = Overrules(frozenset(keep), frozenset(drop))
    if not verdicts:
        return given
    # Imported here, for it brings the whole store, which no other build needs.
    from caponier.app.incidents.verdicts import lessons_of

    taught = lessons_of(require_workspace(workspace))
    return replace(given, drop=given.drop | taught.attackers - given.keep, benign=taught.benign)


def _tell(
    console: Console,
    report: BaselineReport,
    out: Path,
    before: Baseline | None,
    home: Workspace | None,
    *,
    verbose: bool,
) -> list[Story]:
    """Say what is new, what was learned and what was left out; return the stories, one a model."""
    for words in changes_in_words(before, report.baseline) if before else ():
        say(console, f"change: {words}")
    told = stories(report.baseline, report.nearest)
    for story in told:
        for line in (*story.lines, *(story.details if verbose else ())):
            say(console, line)
    say_notes(console, report.notes, report.skipped)
    say(console, f"next: caponier scan inference LOG --baseline {out}")
    if home and (unset := sorted({one.model for one in report.baseline.models} - _set(home))):
        said = f'to use it in every scan, add baseline = "{out}" to [[model]] {", ".join(unset)} in {home.file}'
        say(console, said)
    return told


def _set(home: Workspace) -> set[str]:
    return {model.name for model in home.models if model.baseline}


@app.command("show", epilog="Example: [bold]caponier baseline show digits.safetensors[/bold]")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A baseline file.")],
    format_: Annotated[
        Shown | None, typer.Option("--format", help="Output format. By default, the ending of --out decides.")
    ] = None,
    out: options.Out = None,
    verbose: Verbose = False,
    budget: options.OldBudget = None,
    drawn: Picture = None,
    quiet: options.Quiet = False,
) -> None:
    """Show what a baseline learned: models, callers, expected false alerts, and the threshold of each detector."""
    baseline = Baseline.load(file)
    told = stories(baseline)
    _draw(told, drawn)
    if choose_format(format_, out, Shown.TABLE) is Shown.JSON:
        write_text(orjson.dumps([_plain(story) for story in told], option=orjson.OPT_INDENT_2).decode() + "\n", out)
        return
    table = Table(
        "model",
        "version",
        "detector",
        "highest score of a benign caller",
        f"threshold after {TYPICAL} different queries",
    )
    for story in told:
        section = story.section
        for one in story.statuses:
            names = (Text(section.model), Text(section.version or ""))
            needed = "does not run" if one.needed is None else figure(one.needed)
            table.add_row(*names, one.detector, figure(one.largest), needed)
    write_table(table, out)
    console = notes(quiet=quiet)
    options.tell_deprecated(console, alert_budget=budget)
    for story in told:
        for line in (*story.lines, *(story.details if verbose else ())):
            say(console, line)


app.command("check", epilog="Example: [bold]caponier baseline check digits.safetensors today.parquet[/bold]")(
    checks.check
)
app.command("compare", epilog="Example: [bold]caponier baseline compare old.safetensors new.safetensors[/bold]")(
    checks.compare
)


def _draw(told: Sequence[Story], drawn: Path | None) -> None:
    if drawn:
        write_bytes(drawn, picture(told).encode())


def _plain(story: Story) -> dict[str, Any]:
    section = story.section
    return {
        "model": section.model,
        "model_version": section.version,
        "created": section.created,
        "features": section.spec.model_dump(mode="json"),
        "principals": section.principals,
        "events": section.events,
        "days": section.span / DAY_US,
        "alpha": section.alpha,
        "callers_per_week": section.callers_per_week,
        "self_tested": section.tested,
        **story.to_dict(),
        "detectors": {status.detector: status.to_dict() for status in story.statuses},
    }
