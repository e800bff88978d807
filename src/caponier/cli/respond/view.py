"""How response actions look: planned with what they would have stopped, and as they stand."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from caponier.app.respond.respond import PlanReport, carried_out_by, done_by_guard, in_plain_words
from caponier.cli.incidents.view import moment
from caponier.cli.terminal.safe_text import markdown, plain, spreadsheet
from caponier.records.response_action import ResponseAction

_COLUMNS: Final = ("action_id", "incident", "kind", "scope", "where", "state", "until", "by", "reason")

_NARROW: Final = ("action_id", "incident", "kind", "state", "until")


def listing(found: Sequence[ResponseAction]) -> Table:
    """Draw a row an action."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    # Reasons are sentences: they stand in the plan and in the other formats.
    for column in _COLUMNS[:-1]:
        table.add_column(column.upper().replace("_", " "), no_wrap=column in _NARROW)
    for action in found:
        table.add_row(*(Text(plain(cell)) for cell in cells(action)[:-1]))
    return table


def planned(report: PlanReport) -> RenderableType:
    """Draw a plan: what would be done, until when, what it would have stopped, and how it is undone."""
    parts: list[RenderableType] = []
    for place, action in enumerate(report.plan.actions):
        count = report.dry_runs[place].words if report.dry_runs else ""
        parts.append(_card(action, count))
    if report.dry_runs and report.plan.actions:
        parts.append(Text(plain(f"All together {report.dry_runs[-1].words}.")))
    return Group(*parts)


def _card(action: ResponseAction, count: str) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, title=None)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    approval = "by somebody else, before it begins" if action.needs_approval else "not needed"
    facts = [
        (action.action_id, in_plain_words(action)),
        ("  because", " ".join(action.reason.split("\n"))),
        ("  until", moment(action.expires)),
        ("  approval", approval),
        ("  carried out by", carried_out_by(action)),
        *([("  dry run", count)] if count else []),
        ("  undone", action.undo),
    ]
    for name, value in facts:
        table.add_row(name, Text(plain(value)))
    return table


def plan_document(report: PlanReport) -> dict[str, Any]:
    """Return the document `caponier.response-plan/1`."""
    runs = [
        {
            "action_id": run.action_id,
            "verb": run.verb,
            "attack": run.attack,
            "of_attack": run.of_attack,
            "others": run.others,
            "of_others": run.of_others,
        }
        for run in report.dry_runs
    ]
    return {
        "schema": "caponier.response-plan/1",
        "incident_id": report.plan.incident.incident_id,
        "actions": [action.to_dict() for action in report.plan.actions],
        "standing": [action.action_id for action in report.plan.standing],
        "unanswered": list(report.plan.unanswered),
        "dry_run": runs,
        "rejected": {"rows": report.log.rejected.count if report.log else 0},
    }


def to_json(found: Sequence[ResponseAction]) -> str:
    """Write the document `caponier.response-actions/1`."""
    document = {"schema": "caponier.response-actions/1", "actions": [action.to_dict() for action in found]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_csv(found: Sequence[ResponseAction]) -> str:
    """Write a line an action."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for action in found:
        writer.writerow([spreadsheet(cell) for cell in cells(action)])
    return text.getvalue()


def to_markdown(found: Sequence[ResponseAction]) -> str:
    """Write a Markdown table."""
    lines = [f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}"]
    lines += [f"| {' | '.join(markdown(cell) for cell in cells(action))} |" for action in found]
    return "\n".join(lines) + "\n"


def cells(action: ResponseAction) -> list[str]:
    """Return a row of text for an action."""
    return [
        action.action_id,
        action.incident_id,
        action.kind.value,
        action.scope.in_words,
        action.model or action.system or "everywhere",
        action.state.value,
        moment(action.expires),
        "guard" if done_by_guard(action) else "you",
        " ".join(action.reason.split("\n")),
    ]
