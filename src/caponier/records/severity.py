"""How severe a finding is: how sure a detector is, times how critical the system is; never a property of the matrix."""

from typing import Final

from caponier.records.finding import Severity
from caponier.records.inventory import Criticality

SEVERITY: Final[dict[str, tuple[Severity, Severity, Severity, Severity]]] = {
    "low": (Severity.INFO, Severity.LOW, Severity.LOW, Severity.MEDIUM),
    "medium": (Severity.LOW, Severity.MEDIUM, Severity.MEDIUM, Severity.HIGH),
    "high": (Severity.MEDIUM, Severity.HIGH, Severity.HIGH, Severity.CRITICAL),
}
"""Grade of confidence to severity, for systems of low, medium, high and critical criticality."""

LEVELS: Final = ("informational", "low", "medium", "high", "critical")
"""Levels of a Sigma rule, from the lowest."""


def severity(confidence: float, criticality: Criticality) -> Severity:
    """Combine a confidence from 0 to 1 with the criticality of the system."""
    grade = "high" if confidence >= 0.7 else "medium" if confidence >= 0.4 else "low"
    return SEVERITY[grade][list(Criticality).index(criticality)]


def severity_of_rule(level: str, criticality: Criticality) -> Severity:
    """Combine the level of a rule with the criticality of the system: one step down for low, one up for critical."""
    step = {Criticality.LOW: -1, Criticality.CRITICAL: 1}.get(criticality, 0)
    rank = LEVELS.index(level) + step
    return list(Severity)[min(max(rank, 0), len(Severity) - 1)]
