"""A demo's result on a terminal: plain words first, then who, when, and what to look at next."""

import shlex
from pathlib import Path

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from caponier.demo.result import DemoResult
from caponier.demo.story import COLOR_WORDS, acted, headline, story, techniques
from caponier.demo.timeline import timeline
from caponier.matrix.technique import TechniqueRef


def view(result: DemoResult, out: Path) -> RenderableType:
    """Draw the story.

    Args:
        result: What the demo showed.
        out: Its folder, as the user named it.
    """
    parts: list[RenderableType] = [Text(headline(result), "bold green" if not result.problems else "bold red"), Text()]
    if result.problems:
        parts += [*(Text(f"Not as it must be: {problem}.") for problem in result.problems), Text()]
    for part in (_told(result), _steps(result), _attackers(result), _techniques(result)):
        parts += [part, Text()]
    parts.append(_next(result, out))
    return Group(*parts)


def _told(result: DemoResult) -> Table:
    table = _fields()
    # What to do next has the last word, with the folder as the user named it.
    for told in story(result)[:-1]:
        table.add_row(told.head, Text(told.text))
    return table


def _steps(result: DemoResult) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), header_style="bold")
    for head in ("Step", "Tactic", "Colour", "Seen by", "Who or what", "Times"):
        table.add_column(head, overflow="fold")
    line = timeline(result)
    for row in line.rows if line else ():
        color = f"{row.mark} {row.color}"
        table.add_row(str(row.number), row.tactic, color, Text(row.by), Text(row.who), str(row.count))
    return table


def _attackers(result: DemoResult) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), header_style="bold")
    for head in ("Attack", "Principal", "Noticed after", "Of queries", "Outcome", "Distance"):
        table.add_column(head, overflow="fold")
    for attacker in result.attackers:
        outcome = attacker.evasion
        noticed = f"{attacker.first_noticed} different queries" if attacker.flagged else "not at all"
        way = (
            f"{outcome.first_distance:.2f} -> {outcome.final_distance:.2f}"
            if outcome and outcome.first_distance is not None and outcome.final_distance is not None
            else "none"
        )
        table.add_row(attacker.title, attacker.principal, noticed, f"{attacker.queries:,}", attacker.achieved, way)
    return table


def _techniques(result: DemoResult) -> Table:
    table = _fields()
    done = acted(result)
    for index, technique in enumerate(techniques(result)):
        table.add_row("May be a trace of" if index == 0 else "", Text(_technique(technique, technique.id in done)))
    return table


def _technique(technique: TechniqueRef, done: bool) -> str:
    color = f" ({COLOR_WORDS[technique.color]})" if technique.color else ""
    return f"{technique.id} {technique.name}{color}{'' if done else ', not an act of this demo'}"


def _next(result: DemoResult, out: Path) -> Table:
    table = _fields()
    folder = shlex.quote(str(out))
    ours = next((technique.id for technique in techniques(result) if technique.matrix != "atlas"), "AMLTM.EVADE.01.02")
    table.add_row("Report", Text(f"{folder}/report.html"))
    table.add_row("Next", Text(f"caponier incidents list --workspace {folder}"))
    table.add_row("", Text(f"caponier audit verify --workspace {folder}"))
    table.add_row("", Text(f"caponier matrix show {ours}"))
    table.add_row("Took", Text(f"{result.total_seconds:.0f} seconds, {result.events:,} events scanned"))
    return table


def _fields() -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True, min_width=20)
    table.add_column(overflow="fold")
    return table
