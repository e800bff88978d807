"""Findings by whom they are about: a row a caller, an account, a file or a source, however many detectors speak."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from caponier.cli.findings.view import FINDINGS, named, weekly
from caponier.cli.terminal.listing import SEVERITY_STYLES, Listing, ListingColumn
from caponier.cli.terminal.moments import moment
from caponier.cli.terminal.output import Format
from caponier.records.accused import BUCKET, accused
from caponier.records.finding import Finding


@dataclass(frozen=True)
class SubjectFindings:
    """All findings about one subject, the most severe first, and of these the surest."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """What is looked at first."""
        return self.findings[0]

    @property
    def who(self) -> str:
        """Kind and name of the subject."""
        return _who(self.first)[1]


def by_caller(findings: Iterable[Finding]) -> list[SubjectFindings]:
    """Gather findings by system, model and subject, in the order in which subjects come first."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        groups.setdefault(_who(finding), []).append(finding)
    return [SubjectFindings(tuple(sorted(own, key=_rank))) for own in groups.values()]


def _rank(finding: Finding) -> tuple[float | str, ...]:
    """Rank the findings about one subject, so that every list of them has the same one first."""
    expected = finding.evidence.expected
    rare = expected.benign if expected else 0.0
    return -finding.severity.rank, -finding.confidence, rare, -finding.last_time.timestamp(), finding.finding_id


def _who(finding: Finding) -> tuple[str, str]:
    """Return the system or model, and the subject: like queries that one caller sent are that caller's."""
    callers = accused(finding)
    alone = finding.subject.kind == BUCKET and len(callers) == 1
    who = f"principal {min(callers)}" if alone else named(finding.subject)
    return finding.model or finding.system or "", who


CALLERS: Final[Listing[SubjectFindings]] = Listing(
    [
        ListingColumn("finding_id", lambda one: one.first.finding_id, whole=True),
        ListingColumn("time", lambda one: moment(max(own.last_time for own in one.findings)), whole=True),
        ListingColumn(
            "severity",
            lambda one: one.first.severity.value,
            whole=True,
            style=lambda one: SEVERITY_STYLES[one.first.severity],
        ),
        ListingColumn("who", lambda one: one.who),
        ListingColumn("detectors", lambda one: ", ".join(dict.fromkeys(own.detector for own in one.findings))),
        ListingColumn("false alarms a week", lambda one: weekly(one.first), sparse=True),
        ListingColumn("what was seen", lambda one: one.first.summary),
    ],
    # Names are what somebody looks up elsewhere: none is cut.
    folded=True,
)
"""A row a subject, with the id and the words of its first finding."""


def write_findings(
    found: Sequence[Finding], chosen: Format, out: Path | None, document: Any, *, each: bool = False, bare: bool = True
) -> None:
    """Write findings: for people a row a subject, as data each finding.

    Args:
        found: The findings, in the order in which they are to be read.
        chosen: The format.
        out: The file; None means standard output.
        document: Makes what JSON holds.
        each: A row a finding for people, too.
        bare: Whether a table without a row is drawn.

    Raises:
        InputError: If the file cannot be written.
    """
    if each or chosen not in (Format.TABLE, Format.MARKDOWN):
        FINDINGS.write(found, chosen, out, document, bare=bare)
    else:
        CALLERS.write(by_caller(found), chosen, out, document, bare=bare)
