"""Whom a finding is about: its subject, or the callers of like queries."""

from typing import Final

from caponier.records.finding import Finding

BUCKET: Final = "bucket"
"""Kind of a subject that is nobody: like queries, whoever sent them."""
NAMES: Final = "most_of_them"
"""The fact of a finding about like queries that names who sent them."""


def accused(finding: Finding) -> frozenset[str]:
    """Return who a finding is about: its subject, or the callers that one about like queries names."""
    if finding.subject.kind != BUCKET:
        return frozenset({finding.subject.id})
    return frozenset(finding.evidence.facts.get(NAMES, ()))
