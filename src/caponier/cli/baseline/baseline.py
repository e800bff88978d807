"""`caponier baseline`: what benign traffic of a model looks like."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from caponier.app.inference.baseline.build import BaselineReport, build_baseline
from caponier.app.inference.baseline.in_words import changes_in_words
from caponier.app.inference.baseline.picture import picture
from caponier.app.inference.baseline.story import Story, stories
from caponier.app.inference.baseline.warm_start import warm_start
from caponier.app.inference.promise import DEFAULT_BUDGET, promise_of
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.baseline import checks
from caponier.cli.terminal import log_options, options
from caponier.cli.terminal.log_report import print_rejected, say, say_skipped
from caponier.cli.terminal.moments import parse_moment
from caponier.cli.terminal.output import choose_format, notes, write_table, write_text
from caponier.cli.terminal.watch import Watch
from caponier.detect.calibration.baseline import Baseline
from caponier.errors import InputError
from caponier.formats.atomic_file import write_bytes
from caponier.records.alert_budget import AlertBudget
from caponier.records.inventory import Workspace
from caponier.telemetry.labelled_data.dataset import Columns
from caponier.telemetry.labelled_data.datasets import read_dataset
from caponier.telemetry.rejections import RejectedRows

app = typer.Typer(
    help="What benign traffic of a model looks like: build a baseline, and look at one.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier baseline build benign.parquet --out digits.safetensors[/bold]",
)

PARTLY = 3


Budget = Annotated[
    str | None,
    typer.Option("--alert-budget", metavar="RATE", help='What promises are held against, such as "2 per week".'),
]
Picture = Annotated[
    Path | None,
    typer.Option("--picture", metavar="FILE", help="Draw benign maxima against each threshold, as SVG."),
]


TrainingSet = Annotated[
    Path | None,
    typer.Option(
        "--training-set",
        metavar="FILE",
        help="What the model was trained on (.npz, .parquet, .csv), scaled as the logged inputs are. Only a salted "
        "sketch of it is kept; with it, membership inference is detected.",
    ),
]
TrainingLabel = Annotated[
    str | None,
    typer.Option(
        "--training-label",
        "--label",
        metavar="COLUMN",
        help="The label of a training set, or of canaries, in a table.",
    ),
]
Canaries = Annotated[
    Path | None,
    typer.Option(
        "--canaries",
        metavar="FILE",
        help="Records that exist only where a thief finds them (.npz, .parquet, .csv), scaled likewise. Only a salted "
        "sketch of them is kept; a single query for one is a finding.",
    ),
]
Start = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="A baseline of earlier versions: with little traffic of a new one, start warm from it.",
    ),
]


Last = Annotated[
    datetime | None,
    typer.Option("--last", parser=parse_moment, metavar="SPAN", help="Learn from the last 30d, 12h … only."),
]
Drop = Annotated[
    list[str] | None,
    typer.Option("--drop", metavar="CALLER", help="Leave out a principal or session; may be given several times."),
]


class Shown(StrEnum):
    """How a baseline is shown."""

    TABLE = "table"
    JSON = "json"


@app.command("build", epilog="Example: [bold]caponier baseline build benign/ --out digits.safetensors[/bold]")
def build(
    events: log_options.Paths,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The baseline file to write.")],
    horizon: Annotated[
        int | None, typer.Option(min=2, help="Different queries over which a promise is given; 200 by default.")
    ] = None,
    training_set: TrainingSet = None,
    training_label: TrainingLabel = None,
    canaries: Canaries = None,
    start: Start = None,
    budget: Budget = None,
    drawn: Picture = None,
    workspace: options.Where = None,
    kind: log_options.Kind = None,
    shape: log_options.Shape = None,
    range_: log_options.Range = None,
    sampling: log_options.Sampling = None,
    last: Last = None,
    drop: Drop = None,
    map_: log_options.Map = None,
    reader: log_options.Reader = "auto",
    lateness: log_options.Lateness = None,
    rejected: log_options.Rejected = None,
    quiet: options.Quiet = False,
) -> None:
    """Learn benign traffic, and say what it is like and which false-alarm promise it can keep."""
    home = load_workspace(workspace)
    how = log_options.read_options(reader, lateness, sampling, map_=map_, home=home, since=last, without=drop or ())
    before = _before(out)
    known = Baseline.load(start) if start else None
    learned = read_dataset(training_set, Columns(label=training_label)) if training_set else None
    hidden = read_dataset(canaries, Columns(label=training_label)) if canaries else None
    with RejectedRows(rejected) as rows, Watch(quiet=quiet) as watch:
        report = build_baseline(
            events,
            workspace=home,
            spec=log_options.feature_spec(kind, shape, range_),
            horizon=horizon,
            training_set=learned.x if learned else None,
            canaries=hidden.x if hidden else None,
            rejected=rows,
            options=how,
            progress=watch,
        )
        if known:
            report = warm_start(report, events, known, workspace=home, options=how, progress=watch)
    write_bytes(out, report.baseline.to_bytes())
    console = notes(quiet=quiet)
    for words in changes_in_words(before, report.baseline, _budget(budget, home)) if before else ():
        say(console, f"change: {words}")
    _draw(_tell(console, report, _budget(budget, home)), drawn)
    for read, what in ((learned, "rows of the training set"), (hidden, "canaries")):
        if read and read.rejections:
            say(console, f"note: {len(read.rejections):,} {what} could not be used")
    print_rejected(console, rows)
    if report.skipped or rows.count:
        raise typer.Exit(PARTLY)


def _before(out: Path) -> Baseline | None:
    """Return the baseline that will be replaced; None if there is none."""
    try:
        return Baseline.load(out) if out.is_file() else None
    except InputError:
        # Whatever it is, it was going to be written over.
        return None


def _tell(console: Console, report: BaselineReport, budget: AlertBudget) -> list[Story]:
    """Say what was learned and what was left out; return the stories, one a model."""
    told = stories(report.baseline, budget, report.nearest)
    for story in told:
        say(console, f"{story.section.model}: {promise_of(story.section, budget)}")
        for line in story.lines:
            say(console, line)
    for note in report.notes:
        say(console, f"note: {note}")
    say_skipped(console, report.skipped)
    return told


@app.command("show", epilog="Example: [bold]caponier baseline show digits.safetensors[/bold]")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A baseline file.")],
    format_: Annotated[Shown | None, typer.Option("--format", help="How to print; or by the ending of --out.")] = None,
    out: options.Out = None,
    budget: Budget = None,
    drawn: Picture = None,
    quiet: options.Quiet = False,
) -> None:
    """Show the models, principals, habits, promises and back-tests of a baseline."""
    baseline, asked = Baseline.load(file), _budget(budget, None)
    told = stories(baseline, asked)
    _draw(told, drawn)
    if choose_format(format_, out, Shown.TABLE) is Shown.JSON:
        write_text(
            orjson.dumps([_plain(story, asked) for story in told], option=orjson.OPT_INDENT_2).decode() + "\n", out
        )
        return
    table = Table("model", "version", "principals", "events", "horizon", "detector", "set aside", "back-test")
    for section in baseline.models:
        for name, detector in section.detectors.items():
            test = detector.back_test
            tested = f"{test.seen} of {test.of} passed where {test.expected:.1f} were expected"
            row = (section.principals, section.events, section.horizon)
            names = (Text(section.model), Text(section.version or ""))
            table.add_row(*names, *(f"{n:,}" for n in row), name, str(detector.maxima.aside), tested)
    write_table(table, out)
    console = notes(quiet=quiet)
    for story in told:
        say(console, f"{story.section.model}: {promise_of(story.section, asked)}")
        for line in story.lines:
            say(console, line)


app.command("check", epilog="Example: [bold]caponier baseline check digits.safetensors today.parquet[/bold]")(
    checks.check
)
app.command("compare", epilog="Example: [bold]caponier baseline compare old.safetensors new.safetensors[/bold]")(
    checks.compare
)


def _budget(given: str | None, home: Workspace | None) -> AlertBudget:
    if given:
        return AlertBudget.parse(given)
    return home.detect.alert_budget if home else DEFAULT_BUDGET


def _draw(told: Sequence[Story], drawn: Path | None) -> None:
    if drawn:
        write_bytes(drawn, picture(told).encode())


def _plain(story: Story, budget: AlertBudget) -> dict[str, Any]:
    section, standings = story.section, {standing.detector: standing.to_dict() for standing in story.standings}
    return {
        "model": section.model,
        "model_version": section.version,
        "created": section.created,
        "features": section.spec.model_dump(mode="json"),
        "horizon": section.horizon,
        "principals": section.principals,
        "events": section.events,
        "horizons_per_week": section.horizons_per_week,
        "promise": promise_of(section, budget),
        **story.to_dict(),
        "detectors": {
            name: {
                "full_horizons": len(detector.maxima.full),
                "largest": detector.maxima.largest,
                "set_aside": detector.maxima.aside,
                "back_test": {
                    "bound": detector.back_test.bound,
                    "seen": detector.back_test.seen,
                    "of": detector.back_test.of,
                },
                **standings.get(name, {}),
            }
            for name, detector in section.detectors.items()
        },
    }
