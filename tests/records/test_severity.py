"""Severity: a detector's confidence or a rule's level, times how critical the system is."""

import pytest

from caponier.records.finding import Severity
from caponier.records.inventory import Criticality
from caponier.records.severity import severity, severity_of_rule


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [
        (0.39, "info low low medium"),
        (0.4, "low medium medium high"),
        (0.69, "low medium medium high"),
        (0.7, "medium high high critical"),
        (0.99, "medium high high critical"),
    ],
)
def test_severity_is_confidence_times_criticality(confidence: float, expected: str) -> None:
    assert [severity(confidence, criticality).value for criticality in Criticality] == expected.split()


@pytest.mark.parametrize(
    ("level", "criticality", "expected"),
    [
        ("informational", Criticality.LOW, Severity.INFO),
        ("low", Criticality.LOW, Severity.INFO),
        ("medium", Criticality.MEDIUM, Severity.MEDIUM),
        ("high", Criticality.HIGH, Severity.HIGH),
        ("high", Criticality.CRITICAL, Severity.CRITICAL),
        ("critical", Criticality.CRITICAL, Severity.CRITICAL),
        ("critical", Criticality.LOW, Severity.HIGH),
    ],
)
def test_severity_of_a_rule_is_level_times_criticality(
    level: str, criticality: Criticality, expected: Severity
) -> None:
    assert severity_of_rule(level, criticality) is expected
