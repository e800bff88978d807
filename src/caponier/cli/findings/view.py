"""How findings look: as a table, a card, CSV, Markdown and JSON."""

from collections.abc import Mapping
from typing import Final

from rich.table import Table

from caponier.cli.terminal.listing import SEVERITY_STYLES, Listing, ListingColumn, ShownIn, facts
from caponier.cli.terminal.moments import moment
from caponier.detect.figure_words import fact_words, score_words
from caponier.detect.wording import how_many
from caponier.formats.figures import figure
from caponier.records.finding import Basis, Finding, SubjectRef, rfc3339
from caponier.records.suppression import Suppression
from caponier.records.verdict import AnalystVerdict


def weekly(finding: Finding) -> str:
    """Return how many benign subjects are expected to come as high in a week; empty where nobody is ranked."""
    expected = finding.evidence.expected
    return "" if expected is None else f"{expected.benign:.2g}"


def named(subject: SubjectRef) -> str:
    """Return kind and name of a subject; of a file its path, which people know it by."""
    return f"file {subject.path}" if subject.kind == "file" and subject.path else subject.in_words


_BASES: Final[Mapping[str, str]] = {
    Basis.PROMISE: "promise (guaranteed)",
    Basis.ESTIMATE: "estimate (extrapolated)",
    Basis.COLD_START: "cold-start (no baseline)",
}
"""How each basis is shown: a reader who has not built the baseline knows none of these words."""
_EVENTS: Final = 20
"""Events that the card of a finding names."""
_BEYOND_COUNTING: Final = 1_000_000
"""Nobody has so many callers: a larger figure says nothing more."""
FINDINGS: Final[Listing[Finding]] = Listing(
    [
        ListingColumn("finding_id", lambda finding: finding.finding_id, whole=True),
        ListingColumn("time", lambda finding: moment(finding.last_time), ShownIn.PAGE, whole=True),
        ListingColumn("first_time", lambda finding: rfc3339(finding.first_time), ShownIn.CSV),
        ListingColumn("last_time", lambda finding: rfc3339(finding.last_time), ShownIn.CSV),
        ListingColumn(
            "severity",
            lambda finding: finding.severity.value,
            whole=True,
            style=lambda finding: SEVERITY_STYLES[finding.severity],
        ),
        ListingColumn("confidence", lambda finding: finding.confidence, ShownIn.CSV),
        ListingColumn("who", lambda finding: named(finding.subject), ShownIn.PAGE),
        ListingColumn("detector", lambda finding: finding.detector),
        ListingColumn("system", lambda finding: finding.system or "", ShownIn.CSV),
        ListingColumn("model", lambda finding: finding.model or "", sparse=True),
        ListingColumn("model_version", lambda finding: finding.model_version or "", ShownIn.CSV),
        ListingColumn("subject_kind", lambda finding: finding.subject.kind, ShownIn.CSV),
        ListingColumn("subject_id", lambda finding: finding.subject.id, ShownIn.CSV),
        ListingColumn(
            "techniques", lambda finding: " ".join(technique.id for technique in finding.techniques), ShownIn.CSV
        ),
        ListingColumn("harms", lambda finding: " ".join(finding.harms), ShownIn.CSV),
        ListingColumn("expected_per_week", weekly, ShownIn.CSV),
        ListingColumn("false alarms a week", weekly, ShownIn.PAGE, sparse=True),
        ListingColumn("unique_queries", lambda finding: finding.unique_queries, ShownIn.CSV),
        ListingColumn("what was seen", lambda finding: finding.summary, ShownIn.PAGE),
        ListingColumn("summary", lambda finding: finding.summary, ShownIn.CSV),
    ]
)
"""A row a finding; CSV has more columns than there is room for elsewhere."""


SUPPRESSIONS: Final[Listing[tuple[Suppression, int]]] = Listing(
    [
        ListingColumn("suppression_id", lambda one: one[0].suppression_id, whole=True),
        ListingColumn("scope", lambda one: one[0].scope),
        ListingColumn("reason", lambda one: one[0].reason),
        ListingColumn("author", lambda one: one[0].author),
        ListingColumn("expires", lambda one: moment(one[0].expires), whole=True),
        ListingColumn("findings", lambda one: one[1]),
    ]
)
"""A row a suppression, with how many findings it kept back."""


def card(finding: Finding, verdict: AnalystVerdict | None = None) -> Table:
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
    # None of a few hundred does not mean none of all: what is shown above rests on this share.
    rare = evidence.of and evidence.share and evidence.above / evidence.of < evidence.share
    taken = f"; taken as 1 in {1 / evidence.share:,.0f}" if rare and evidence.share else ""
    rows = [
        ("Finding", finding.finding_id),
        ("Summary", finding.summary),
        ("Severity", f"{finding.severity.value}, confidence {finding.confidence:.2f}"),
        *_rarity(finding),
        ("Subject", named(finding.subject)),
        ("Model", " ".join(filter(None, [finding.model, finding.model_version]))),
        ("System", finding.system or "not in the inventory"),
        ("Detector", finding.detector),
        *_headed("Techniques", _techniques(finding)),
        *([("See also", f"caponier matrix show {finding.techniques[0].id}")] if finding.techniques else []),
        ("Harms", ", ".join(finding.harms)),
        ("Time", f"{moment(finding.first_time)} to {moment(finding.last_time)}"),
        *_raised(finding),
        ("Evidence", _scored(finding)),
        (
            "Basis",
            f"{_BASES[evidence.basis]}: {rank} in their first {_age(evidence.age)}{taken}" if evidence.basis else "",
        ),
        *_headed("Also seen by", _beside(finding)),
        *_headed("Details", fact_words(evidence.facts)),
        ("Events", _events(finding)),
    ]
    return [(name, value) for name, value in rows if value]


def _techniques(finding: Finding) -> list[str]:
    """Name them, a line a matrix: the matrices name the same in words of their own."""
    named: dict[str, list[str]] = {}
    for one in finding.techniques:
        named.setdefault(one.matrix, []).append(f"{one.id} {one.name}")
    return [f"{matrix}: {', '.join(names)}" for matrix, names in named.items()]


def _scored(finding: Finding) -> str:
    evidence = finding.evidence
    if evidence.statistic == "rule":
        return f"the rule {finding.detector} matched"
    line = (
        f"the threshold is {figure(evidence.threshold, 6)}"
        if evidence.threshold
        else "no threshold: anything above 0 is a finding"
    )
    return f"{score_words(evidence.statistic)}: {figure(evidence.value, 6)}; {line}"


def _age(queries: int) -> str:
    return "query" if queries == 1 else f"{queries:,} queries"


def _headed(head: str, lines: list[str]) -> list[tuple[str, str]]:
    """Put lines below each other, the head beside the first."""
    return [("" if place else head, line) for place, line in enumerate(lines)]


def _events(finding: Finding) -> str:
    named, more = finding.event_ids[:_EVENTS], len(finding.event_ids) - _EVENTS
    return ", ".join(named) + (f" and {more:,} more: --format json lists all" if more > 0 else "")


def _rarity(finding: Finding) -> list[tuple[str, str]]:
    told = finding.evidence.expected
    if told is None:
        return []
    likely = f"(likely range {told.low:.2g} to {told.high:.2g})"
    what = f"about {told.benign:.2g} a week {likely}: benign callers who would score this high"
    # A rank, and severity with it, says how rare a caller is; not that it attacks.
    warned = ". This caller may be one of them: look at what it did before you act" if told.benign >= 1 else ""
    return [("False alarms", what + warned)]


def _beside(finding: Finding) -> list[str]:
    return [
        f"{one.detector}: {score_words(one.statistic)} {figure(one.value, 6)}; {_one_in(one.share)}"
        for one in finding.evidence.beside
    ]


def _one_in(share: float) -> str:
    if share * _BEYOND_COUNTING < 1:
        return "fewer than 1 benign caller in a million scores this high"
    return f"1 benign caller in {1 / share:,.0f} scores this high"


def _raised(finding: Finding) -> list[tuple[str, str]]:
    if finding.trigger_event_id is None:
        return []
    n, event = finding.unique_queries, finding.trigger_event_id
    # Events of a security log are no queries.
    if not finding.model:
        return [("Raised", f"by event {event}" + (f", the last of {how_many(n, 'event')}" if n > 1 else ""))]
    return [("Raised", f"by event {event}, after {how_many(n, 'different query', 'different queries')}")]
