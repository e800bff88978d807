"""How response actions look: planned with what they would have stopped, and as they stand."""

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from caponier.app.respond.respond import PlanReport, carried_out_by, done_by_guard, in_plain_words
from caponier.cli.terminal.listing import Listing, ListingColumn, ShownIn, facts
from caponier.cli.terminal.moments import moment
from caponier.formats.safe_text import plain
from caponier.records.response_action import ResponseAction

ACTIONS: Final[Listing[ResponseAction]] = Listing(
    [
        ListingColumn("action_id", lambda action: action.action_id, whole=True),
        ListingColumn("incident", lambda action: action.incident_id, whole=True),
        ListingColumn("kind", lambda action: action.kind.value, whole=True),
        ListingColumn("scope", lambda action: action.scope.in_words),
        ListingColumn("where", lambda action: action.model or action.system or "everywhere"),
        ListingColumn("state", lambda action: action.state.value, whole=True),
        ListingColumn("until", lambda action: moment(action.expires), whole=True),
        ListingColumn("by", lambda action: "guard" if done_by_guard(action) else "you"),
        ListingColumn("reason", lambda action: " ".join(action.reason.split("\n")), ShownIn.DATA),
    ]
)
"""A row an action. Reasons are sentences: they stand in the plan and in the other formats."""


def planned(report: PlanReport) -> RenderableType:
    """Draw a plan: what would be done, until when, what it would have stopped, and how it is undone."""
    parts: list[RenderableType] = []
    for place, action in enumerate(report.plan.actions):
        count = report.dry_runs[place].words if report.dry_runs else ""
        parts.append(_card(action, count))
    # Of data sets and files no query is stopped, by one action or by all.
    if any(run.verb == "stopped" for run in report.dry_runs[:-1]):
        parts.append(Text(plain(f"All together {report.dry_runs[-1].words}.")))
    return Group(*parts)


def _card(action: ResponseAction, count: str) -> Table:
    approval = "needed from a second person before it begins" if action.needs_approval else "not needed"
    rows = [
        (action.action_id, in_plain_words(action)),
        ("  because", " ".join(action.reason.split("\n"))),
        ("  until", moment(action.expires)),
        ("  approval", approval),
        ("  carried out by", carried_out_by(action)),
        *([("  dry run", count)] if count else []),
        ("  when undone", action.undo),
    ]
    return facts(rows)


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


def document(found: Sequence[ResponseAction]) -> dict[str, Any]:
    """Return the document `caponier.response-actions/1`."""
    return {"schema": "caponier.response-actions/1", "actions": [action.to_dict() for action in found]}
