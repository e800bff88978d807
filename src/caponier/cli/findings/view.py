"""How findings look: as a table, a card, CSV, Markdown and JSON."""

import json
from typing import Final

from rich.table import Table

from caponier.cli.terminal.listing import SEVERITY_STYLES, Column, Listing, ShownIn, facts
from caponier.cli.terminal.moments import moment
from caponier.records.finding import Finding, SubjectRef, rfc3339
from caponier.records.suppression import Suppression
from caponier.records.verdict import Verdict


def weekly(finding: Finding) -> str:
    """Return how many benign subjects are expected to come as high in a week; empty where nobody is ranked."""
    expected = finding.evidence.expected
    return "" if expected is None else f"{expected.benign:.2g}"


def named(subject: SubjectRef) -> str:
    """Return kind and name of a subject; of a file its path, which people know it by."""
    return f"file {subject.path}" if subject.kind == "file" and subject.path else subject.in_words


_EVENTS: Final = 20
"""Events that the card of a finding names."""
FINDINGS: Final[Listing[Finding]] = Listing(
    [
        Column("finding_id", lambda finding: finding.finding_id, whole=True),
        Column("time", lambda finding: moment(finding.last_time), ShownIn.PAGE, whole=True),
        Column("first_time", lambda finding: rfc3339(finding.first_time), ShownIn.CSV),
        Column("last_time", lambda finding: rfc3339(finding.last_time), ShownIn.CSV),
        Column(
            "severity",
            lambda finding: finding.severity.value,
            whole=True,
            style=lambda finding: SEVERITY_STYLES[finding.severity],
        ),
        Column("confidence", lambda finding: finding.confidence, ShownIn.CSV),
        Column("detector", lambda finding: finding.detector),
        Column("system", lambda finding: finding.system or "", ShownIn.CSV),
        Column("model", lambda finding: finding.model or "", sparse=True),
        Column("model_version", lambda finding: finding.model_version or "", ShownIn.CSV),
        Column("subject", lambda finding: named(finding.subject), ShownIn.PAGE),
        Column("subject_kind", lambda finding: finding.subject.kind, ShownIn.CSV),
        Column("subject_id", lambda finding: finding.subject.id, ShownIn.CSV),
        Column("techniques", lambda finding: " ".join(technique.id for technique in finding.techniques), ShownIn.CSV),
        Column("harms", lambda finding: " ".join(finding.harms), ShownIn.CSV),
        Column("expected_per_week", weekly, ShownIn.CSV),
        Column("false alerts a week", weekly, ShownIn.PAGE, sparse=True),
        Column("unique_queries", lambda finding: finding.unique_queries, ShownIn.CSV),
        Column("summary", lambda finding: finding.summary),
    ]
)
"""A row a finding; CSV has more columns than there is room for elsewhere."""


SUPPRESSIONS: Final[Listing[tuple[Suppression, int]]] = Listing(
    [
        Column("suppression_id", lambda one: one[0].suppression_id, whole=True),
        Column("scope", lambda one: one[0].scope),
        Column("reason", lambda one: one[0].reason),
        Column("author", lambda one: one[0].author),
        Column("expires", lambda one: moment(one[0].expires), whole=True),
        Column("findings", lambda one: one[1]),
    ]
)
"""A row a suppression, with how many findings it kept back."""


def card(finding: Finding, verdict: Verdict | None = None) -> Table:
    """Draw all about one finding, and what was said of it."""
    said = [("Verdict", f"{verdict.judgement.value}, by {verdict.author}. {verdict.note}".strip())] if verdict else []
    return facts([*_facts(finding), *said])


def _facts(finding: Finding) -> list[tuple[str, str]]:
    evidence = finding.evidence
    rank = (
        f"{evidence.above} of {evidence.of} benign callers scored this high"
        if evidence.of
        else "no benign callers known"
    )
    rows = [
        ("Finding", finding.finding_id),
        ("Summary", finding.summary),
        ("Severity", f"{finding.severity.value}, confidence {finding.confidence:.2f}"),
        ("Subject", named(finding.subject)),
        ("Model", " ".join(filter(None, [finding.model, finding.model_version]))),
        ("System", finding.system or "not in the inventory"),
        ("Detector", finding.detector),
        *[("Technique", f"{technique.id} {technique.name} ({technique.matrix})") for technique in finding.techniques],
        *([("See also", f"caponier matrix show {finding.techniques[0].id}")] if finding.techniques else []),
        ("Harms", ", ".join(finding.harms)),
        ("Time", f"{moment(finding.first_time)} to {moment(finding.last_time)}"),
        *_queries(finding),
        ("Evidence", f"{evidence.statistic} = {evidence.value:g}, threshold {evidence.threshold:g}"),
        *([("Basis", f"{evidence.basis}: {rank} in their first {evidence.age:,} queries")] if evidence.basis else []),
        *_rarity(finding),
        # What was not seen is no evidence; JSON has it.
        *[(f"  {name}", json.dumps(value, ensure_ascii=False)) for name, value in evidence.facts.items() if value],
        ("Events", _events(finding)),
    ]
    return [(name, value) for name, value in rows if value]


def _events(finding: Finding) -> str:
    named, more = finding.event_ids[:_EVENTS], len(finding.event_ids) - _EVENTS
    return ", ".join(named) + (f" and {more:,} more: --format json lists all" if more > 0 else "")


def _rarity(finding: Finding) -> list[tuple[str, str]]:
    evidence = finding.evidence
    if evidence.expected is None:
        return []
    told = evidence.expected
    said = [
        (one.detector, f"{one.statistic} = {one.value:g}; 1 benign caller in {1 / one.share:,.0f} scores this high")
        for one in evidence.beside
    ]
    return [
        (
            "Rarity",
            f"{told.benign:.2g} benign callers a week are expected to score this high "
            f"({told.low:.2g} to {told.high:.2g}, 90 % interval)",
        ),
        *((f"Also {name}", text) for name, text in said),
    ]


def _queries(finding: Finding) -> list[tuple[str, str]]:
    if finding.trigger_event_id is None:
        return []
    # Events of a security log are no queries.
    name, ones = ("Queries", " different ones") if finding.model else ("Events counted", "")
    return [(name, f"{finding.unique_queries:,}{ones}, up to event {finding.trigger_event_id}")]
