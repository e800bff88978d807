"""How incidents look: as a table, as a page with plain words first, as JSON, CSV and Markdown."""

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from caponier.app.incidents.incidents import CaseFile
from caponier.app.incidents.story import colour_words, story
from caponier.app.incidents.timeline import moments
from caponier.cli.findings.by_caller import CALLERS, by_caller
from caponier.cli.terminal.listing import SEVERITY_STYLES, Listing, ListingColumn, ShownIn, facts
from caponier.cli.terminal.moments import moment
from caponier.formats.safe_text import plain
from caponier.records.incident import Incident

INCIDENTS: Final[Listing[Incident]] = Listing(
    [
        ListingColumn("incident_id", lambda incident: incident.incident_id, whole=True),
        ListingColumn("last_time", lambda incident: moment(incident.last_time), whole=True, head="LAST SEEN"),
        ListingColumn("stage", lambda incident: incident.stage.value),
        ListingColumn(
            "severity",
            lambda incident: incident.severity.value,
            whole=True,
            style=lambda incident: SEVERITY_STYLES[incident.severity],
        ),
        ListingColumn("strategy", lambda incident: incident.strategy.value),
        ListingColumn("tactics", lambda incident: ", ".join(incident.tactics)),
        ListingColumn("target", lambda incident: ", ".join(incident.systems or incident.models or incident.things)),
        ListingColumn("actors", lambda incident: ", ".join(incident.named), ShownIn.PAGE),
        ListingColumn("actors", lambda incident: ", ".join(incident.actors), ShownIn.CSV),
        ListingColumn("owner", lambda incident: incident.owner or ""),
        ListingColumn("harms", lambda incident: " ".join(incident.harms), ShownIn.CSV),
        ListingColumn("findings", lambda incident: " ".join(incident.finding_ids), ShownIn.CSV),
    ]
)
"""A row an incident."""


def page(case: CaseFile) -> RenderableType:
    """Draw all about one incident: plain words, then the timeline, then findings, response and notes."""
    incident = case.incident
    head = Text(f"Incident {plain(incident.incident_id)}: severity {incident.severity}, {incident.stage}", style="bold")
    parts: list[RenderableType] = [head, _words(case), Text(""), Text("Timeline", style="bold"), _timeline(incident)]
    parts += [Text(""), Text("Findings", style="bold"), CALLERS.table(by_caller(case.findings))]
    if case.actions:
        parts += [Text(""), Text("Response", style="bold"), _response(case)]
    if incident.notes:
        parts += [Text(""), Text("Notes", style="bold")]
        parts += [Text(plain(f"{moment(note.time)} {note.author}: {note.text}")) for note in incident.notes]
    return Group(*parts)


def document(found: Sequence[Incident]) -> dict[str, Any]:
    """Return the document `caponier.incidents/1`."""
    return {"schema": "caponier.incidents/1", "incidents": [incident.to_dict() for incident in found]}


def _words(case: CaseFile) -> Table:
    rows = [*story(case), ("Owner", case.incident.owner or "nobody yet")]
    if case.incident.merged:
        rows.append(("Also known as", ", ".join(case.incident.merged)))
    return facts(rows)


def _timeline(incident: Incident) -> Table:
    rows = [
        [
            moment(seen.time),
            seen.tactics,
            colour_words(seen.techniques),
            ", ".join(f"{ref.id} {ref.name}" for ref in seen.techniques) or "none known",
            f"{seen.seen} ({', '.join(seen.finding_ids) or 'context: outside the ML systems'})",
        ]
        for seen in moments(incident.steps)
    ]
    return Listing.of(("time", "tactic", "kind", "techniques", "what was seen")).table(rows)


def _response(case: CaseFile) -> Table:
    rows = [
        [
            action.action_id,
            action.kind.value,
            f"{action.scope.kind} {action.scope.id}",
            action.state.value,
            moment(action.expires),
        ]
        for action in case.actions
    ]
    return Listing.of(("action", "kind", "scope", "state", "until")).table(rows)
