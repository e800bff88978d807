"""`caponier baseline check` and `compare`: is a baseline still good, and what is new in the next one."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.table import Table
from rich.text import Text

from caponier.app.inference.baseline.check import check_baseline, compare_baselines
from caponier.app.inference.baseline.story import TYPICAL, Story, ThresholdStatus
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.terminal import log_options, options
from caponier.cli.terminal.log_report import print_rejected, say
from caponier.cli.terminal.output import notes, write_table, write_text
from caponier.cli.terminal.watch import Watch
from caponier.detect.calibration.baseline import Baseline
from caponier.formats.figures import figure
from caponier.telemetry.rejections import RejectedRows

STALE, PARTLY = 1, 3


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A baseline file.")],
    events: log_options.Paths,
    workspace: options.Where = None,
    map_: log_options.Map = None,
    reader: log_options.Reader = "auto",
    lateness: log_options.Lateness = None,
    rejected: log_options.Rejected = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Check whether the callers in logs still resemble the callers of a baseline.

    Exit code: 0 they are, 1 the baseline is stale, 2 wrong input, 3 too few callers to tell, or rows were left out.
    """
    baseline, home = Baseline.load(file), load_workspace(workspace)
    how = log_options.read_options(reader, lateness, map_=map_, home=home)
    with RejectedRows(rejected) as rows, Watch(quiet=quiet) as watch:
        fits = check_baseline(baseline, events, workspace=home, rejected=rows, options=how, progress=watch)
    if json:
        plain = orjson.dumps([fit.to_dict() for fit in fits], option=orjson.OPT_INDENT_2).decode()
        write_text(plain + "\n", out)
    else:
        write_text("".join(f"{fit.section.model}: {fit.words}\n" for fit in fits), out)
    print_rejected(notes(quiet=quiet), rows)
    verdicts = {fit.drift.stale for fit in fits}
    if True in verdicts:
        raise typer.Exit(STALE)
    if None in verdicts or rows.count:
        raise typer.Exit(PARTLY)


def compare(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A baseline file.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="A later baseline of the same models.")],
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Show how thresholds and callers differ from one baseline to another."""
    compared = compare_baselines(Baseline.load(old), Baseline.load(new))
    threshold, highest = f"finding from, after {TYPICAL} different queries", "highest score of a benign caller"
    table = Table("model", "detector", f"{threshold}: before", "now", f"{highest}: before", "now")
    for one in compared:
        for difference in one.differences:
            cells = [cell for both in _cells(difference.old, difference.new) for cell in both]
            table.add_row(Text(one.new.section.model), difference.detector, *cells)
    write_table(table, out)
    console = notes(quiet=quiet)
    for one in compared:
        for word, story in (("before", one.old), ("now", one.new)):
            say(console, f"{story.section.model}, {word}: {_callers(story)}")


def _cells(old: ThresholdStatus | None, new: ThresholdStatus | None) -> tuple[tuple[str, str], tuple[str, str]]:
    return (_line(old), _line(new)), (_reach(old), _reach(new))


def _line(status: ThresholdStatus | None) -> str:
    if status is None or status.needed is None:
        return "does not run"
    return figure(status.needed) + (" (cold start)" if status.cold else "")


def _reach(status: ThresholdStatus | None) -> str:
    return figure(status.largest) if status else ""


def _callers(story: Story) -> str:
    total = sum(count for _, count in story.groups) or 1
    groups = "".join(f", {count / total:.0%} {habit}" for habit, count in story.groups)
    version = f" of version {story.section.version}" if story.section.version else ""
    return f"{story.section.principals:,} callers{version}{groups}"
