"""The demo's report: one self-contained HTML file."""

import base64
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

from caponier.app.respond.respond import carried_out_by, in_plain_words
from caponier.coverage.heat_map import Status
from caponier.coverage.svg import svg
from caponier.demo import chart, matrix, pictures, story, timeline
from caponier.demo.pictures import PictureChange, Tile
from caponier.demo.replay import Replay
from caponier.demo.result import Attacker, DemoResult
from caponier.extras import needs
from caponier.formats.atomic_file import write_bytes
from caponier.records.accused import accused
from caponier.records.finding import Basis, Finding
from caponier.records.response_action import ActionState

LOOKS_FOR: Final = {
    "iterative_query": "small steps from query to query, and answers that flip on them: a search for the boundary",
    "distance_shape": "steps of one size from earlier queries: synthetic images with which a model is copied",
    "novelty": "images unlike anything that benign users send: noise and mixtures, with which a search begins",
}
"""What detectors look for, for people; one that is not here has only its name."""
PACKAGES: Final = ("numpy", "scikit-learn", "adversarial-robustness-toolbox", "duckdb", "uvicorn")
BASIS_WORDS: Final = {
    Basis.PROMISE: "promise: a rank among benign users, nothing assumed",
    Basis.ESTIMATE: "estimate: a tail fitted beyond the largest benign score",
    Basis.COLD_START: "cold start: no benign users to compare with",
}


@dataclass(frozen=True)
class AttackerCard:
    """One attacker as the page shows it."""

    attacker: Attacker
    strip: tuple[Tile, ...]
    change: PictureChange | None
    style: int
    """Colour, dash and marker in the charts."""


@dataclass(frozen=True)
class ActionRow:
    """One response action as the page shows it."""

    words: str
    state: str
    until: str
    by: str
    approver: str


@dataclass(frozen=True)
class FindingRow:
    """One finding as the page shows it."""

    finding: Finding
    who: str
    detector: str
    when: str


def write_report(file: Path, result: DemoResult, seen: Replay) -> None:
    """Write the page.

    Args:
        file: Where to; an existing file is replaced.
        result: What the demo showed.
        seen: Every query and score of the scanned log.

    Raises:
        MissingExtraError: If the extra `emulate` is not installed.
    """
    write_bytes(file, render(result, seen).encode())


def render(result: DemoResult, seen: Replay) -> str:
    """Return the page as HTML."""
    with needs("emulate", "The report"):
        from jinja2 import Environment, PackageLoader, StrictUndefined
    environment = Environment(
        loader=PackageLoader("caponier.demo", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page: str = environment.get_template("report.html.j2").render(_context(result, seen))
    return page


def detector_titles(names: Any) -> dict[str, str]:
    """Return what detectors are called for people."""
    return {name: name.replace("_", " ").capitalize() for name in names}


def _context(result: DemoResult, seen: Replay) -> dict[str, Any]:
    titles = detector_titles(seen.thresholds)
    shown = matrix.columns(result)
    fastest = [attacker.first_noticed for attacker in result.attackers if attacker.first_noticed is not None]
    return {
        "result": result,
        "line": timeline.timeline(result),
        "in_force": _in_force(result),
        "coverage": [(status, result.after.validated.count(status)) for status in Status],
        "heat_map": _heat_map(result),
        "headline": story.headline(result),
        "story": story.story(result),
        "portraits": _portraits(result, seen, titles),
        "columns": shown,
        "seen_cells": matrix.seen(shown),
        "charts": chart.charts(result, seen, titles),
        "frame": chart,
        "titles": titles,
        "looks_for": LOOKS_FOR,
        "rows": _rows(result, titles),
        "techniques": story.techniques(result),
        "acted": story.acted(result),
        "color_words": story.COLOR_WORDS,
        "basis_words": {basis.value: words for basis, words in BASIS_WORDS.items()},
        "versions": _versions(result),
        "fastest": story.spread(fastest) if fastest else "no",
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "median_latency": float(np.median([share.latency_ms for share in result.benign])),
    }


def _in_force(result: DemoResult) -> list[ActionRow]:
    done = result.after.containment
    over = (ActionState.UNDONE, ActionState.EXPIRED)
    return [
        ActionRow(
            in_plain_words(action).replace(f"{result.out}/", ""),
            action.state.value.replace("-", " "),
            action.expires.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
            carried_out_by(action),
            action.approver or ("nobody yet" if action.state is ActionState.AWAITING_APPROVAL else "needs no approval"),
        )
        for action in (done.actions if done else ())
        if action.state not in over
    ]


def _heat_map(result: DemoResult) -> str:
    """Return the heat-map as a picture: so its styles stay its own."""
    drawn = svg(result.after.validated.cells)
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()}"


def _portraits(result: DemoResult, seen: Replay, titles: dict[str, str]) -> list[AttackerCard]:
    return [
        AttackerCard(
            attacker,
            pictures.strip(attacker, seen.queries[attacker.principal], titles),
            pictures.change(attacker),
            style,
        )
        for style, attacker in enumerate(result.attackers)
    ]


def _rows(result: DemoResult, titles: dict[str, str]) -> list[FindingRow]:
    names = {attacker.principal: attacker.title for attacker in result.attackers}
    ordered = sorted(result.findings, key=lambda finding: (finding.last_time, finding.finding_id))
    return [
        FindingRow(
            finding,
            _titles(finding, names),
            titles.get(finding.detector, finding.detector),
            finding.last_time.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3],
        )
        for finding in ordered
    ]


def _titles(finding: Finding, names: dict[str, str]) -> str:
    """Return the attacks that a finding is about; whoever is none of them is a benign user."""
    return ", ".join(sorted({names.get(who, "benign user") for who in accused(finding)}))


def _versions(result: DemoResult) -> list[tuple[str, str]]:
    found = [("Caponier", result.version), ("Python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return found
