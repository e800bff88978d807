"""`caponier validate --log`: what would be caught in the user's own log."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import isnan
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Group
from rich.text import Text

from caponier.app.inference.read_options import ReadOptions
from caponier.app.planting.report import KindShown, OwnLogReport, interval
from caponier.app.planting.validate_log import ATTACKERS, Effort, OwnModelServer, validate_log
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.cli.terminal.log_report import print_rejected, say
from caponier.cli.terminal.output import Format, choose_format, notes, write_table
from caponier.cli.terminal.watch import Watch
from caponier.cli.validate.own_log_picture import picture
from caponier.detect.calibration.baseline import Baseline
from caponier.errors import InputError
from caponier.formats.atomic_file import write_bytes
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.rejections import RejectedRows

MISSED, PARTLY = 1, 3
Log = Annotated[
    list[Path] | None,
    typer.Option("--log", metavar="EVENTS", help="Plant the attacks into a copy of your own log; may be repeated."),
]
Server = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="With --log: address of a copy of the model to attack. By default a surrogate is trained.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option("--url-key", metavar="KEY", envvar="CAPONIER_URL_KEY", help="Bearer token for --url."),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="With --log: the model. By default the one with most events."),
]
Known = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="FILE", help="With --log: the baseline. By default it is learned from the log."),
]
Attackers = Annotated[int, typer.Option("--attackers", min=1, help="With --log: attackers of each kind.")]
Picture = Annotated[
    Path | None,
    typer.Option(
        "--picture", metavar="FILE", help="With --log: draw how early attacks are found against false alerts, as SVG."
    ),
]
MANY: Final = ATTACKERS


@dataclass(frozen=True)
class OwnLogOptions:
    """How the log is to be read."""

    model: str | None
    spec: FeatureSpec | None
    options: ReadOptions


@dataclass(frozen=True)
class Against:
    """What is attacked, and what it is held against."""

    url: str | None
    key: str | None = field(repr=False)
    baseline: Path | None
    workspace: Path | None
    alpha: float | None


@dataclass(frozen=True)
class Output:
    """Where the results go."""

    format: Format | None
    out: Path | None
    picture: Path | None
    rejected: Path | None
    quiet: bool


def effort(attackers: int, only: tuple[str, ...], seed: int, *, quick: bool) -> Effort:
    """Return how much is done."""
    whole = Effort(attackers, only, seed=seed)
    return replace(whole, columns=()) if quick else whole


def require_log(**given: object) -> None:
    """Refuse options that say nothing without --log, and would be passed over in silence.

    Raises:
        InputError: If one of them is given.
    """
    if named := [f"--{name}" for name, value in given.items() if value is not None]:
        raise InputError(f"{', '.join(named)} says nothing without --log", hint="Name your log with --log EVENTS.")


def run(log: list[Path], reading: OwnLogOptions, against: Against, much: Effort, output: Output) -> None:
    """Validate on the user's own log, print what is shown, and end with the promised exit code.

    A key without a URL is not used: the environment may hold it for other runs.

    Raises:
        InputError: If anything of it cannot be used.
        Exit: With 1 if somebody was missed, and with 3 if not everything could be shown.
    """
    for path in (output.out, output.picture):
        # Said at once, and not after minutes of work.
        if path is not None and not path.absolute().parent.is_dir():
            raise InputError("cannot be written: there is no such folder", where=str(path))
    with RejectedRows(output.rejected) as rows, Watch(quiet=output.quiet) as watch:
        report = validate_log(
            log,
            model=reading.model,
            server=OwnModelServer(against.url, against.key) if against.url else None,
            baseline=Baseline.load(against.baseline) if against.baseline else None,
            workspace=load_workspace(against.workspace),
            spec=reading.spec,
            alpha=against.alpha,
            effort=much,
            rejected=rows,
            options=reading.options,
            progress=watch,
        )
    _print(report, choose_format(output.format, output.out, Format.TABLE), output.out)
    if output.picture:
        write_bytes(output.picture, picture(report).encode())
    console = notes(quiet=output.quiet)
    for line in told(report):
        say(console, line)
    print_rejected(console, rows)
    if report.missed:
        raise typer.Exit(MISSED)
    if report.skipped or rows.count:
        raise typer.Exit(PARTLY)


def _print(report: OwnLogReport, chosen: Format, out: Path | None) -> None:
    if chosen is Format.TABLE:
        write_table(_tables(report), out)
        return
    whole = _sheet([*caught_heads(), *worth_heads(report)[1:]])
    rows = [caught_cells(one, report) + worth_cells(one, report)[1:] for one in report.kinds]
    whole.write(rows, chosen, out, report.to_dict)


def caught_heads() -> tuple[str, ...]:
    """Return the columns of the table of who is caught, and how early."""
    return "attack", "planted", "succeeded", "caught", "recall (95 %)", "queries to the alarm", "first by"


def caught_cells(one: KindShown, report: OwnLogReport) -> tuple[str, ...]:
    """Return its row for one kind of attack."""
    caught = one.caught[report.asked]
    low, high = interval(caught, one.planted)
    return (
        one.kind,
        str(one.planted),
        str(one.succeeded),
        str(caught),
        f"{caught / one.planted:.0%} ({low:.0%} to {high:.0%})",
        "" if one.median is None else f"{one.median:g}, at most {one.queries[-1]}",
        ", ".join(one.first_by),
    )


def worth_heads(report: OwnLogReport) -> tuple[str, ...]:
    """Return the columns of the table of what shares of benign callers and columns of the log are worth."""
    alphas = (f"at {one.alpha:.1%}" for one in report.alphas)
    return "attack", *alphas, *(f"no {name}" for name in report.removed)


def worth_cells(one: KindShown, report: OwnLogReport) -> tuple[str, ...]:
    """Return its row for one kind of attack: how many are caught."""
    without = ("-" if name not in one.without else str(one.without[name]) for name in report.removed)
    return one.kind, *(str(count) for count in one.caught), *without


def cost_cells(report: OwnLogReport) -> list[tuple[str, ...]]:
    """Return its last rows: what all this costs in false alerts."""
    flagged = ("-" if flagged is None else str(flagged) for flagged in report.removed.values())
    none = ("",) * len(report.removed)
    return [
        (f"own callers flagged of {report.scanned}", *(str(one.flagged) for one in report.alphas), *flagged),
        ("alerts about them", *(str(one.alerts) for one in report.alphas), *none),
    ]


def _tables(report: OwnLogReport) -> Group:
    missed = {one.kind for one in report.missed}
    caught = _sheet(caught_heads(), lambda row: "yellow" if row[0] in missed else "green")
    worth = _sheet(worth_heads(report))
    below = worth.table(worth_cells(one, report) for one in report.kinds)
    below.add_section()
    worth.continued(below, cost_cells(report))
    return Group(caught.table(caught_cells(one, report) for one in report.kinds), Text(), below)


def _sheet(heads: Sequence[str], style: Callable[[Sequence[str]], str] | None = None) -> Listing[Sequence[str]]:
    columns = [
        ListingColumn(head, itemgetter(place), style=None if place else style, head=head.upper())
        for place, head in enumerate(heads)
    ]
    return Listing(columns, wide=True, folded=True, ours=True, quoted=True)


def told(report: OwnLogReport) -> Iterator[str]:
    """Say in sentences what the tables rest on, what the log lacks, and what was left out."""
    learned = f"a baseline of {report.learned} callers" if report.learned else "the given baseline"
    share = "an unknown share" if isnan(report.agreement) else f"{report.agreement:.0%}"
    yield (
        f"the attacks ran against {report.attacked}, which agrees with {share} of the log's answers; their queries "
        f"were planted among those of {report.scanned} callers of {report.model}; {learned} allows {report.alpha:.1%} "
        f"of benign callers to be flagged; {report.seconds:.0f} s"
    )
    for name, flagged in report.removed.items():
        if flagged is None:
            yield f"without {name}: no attack can be seen"
    for gap in report.lacking:
        yield f"{gap.advice} (used by {', '.join(gap.detectors)})"
    for note in dict.fromkeys(report.notes):
        yield f"note: {note}"
    for skip in report.skipped:
        yield f"not shown: {skip}"
