import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.matrix.technique import Color, TechniqueRef
from caponier.records.finding import (
    Basis,
    Evidence,
    Expected,
    Finding,
    Said,
    Severity,
    SubjectRef,
    by_rarity,
    finding_id,
)

words = st.text(max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 10**12)
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=8))])
moments = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1), timezones=zones)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
techniques = st.builds(TechniqueRef, words, words, words, st.none() | st.sampled_from(Color))
expecteds = st.builds(Expected, numbers, numbers, numbers)
saids = st.builds(Said, words, words, numbers, numbers)
evidences = st.builds(
    Evidence,
    statistic=words,
    value=numbers,
    threshold=numbers,
    above=counts,
    of=counts,
    age=counts,
    basis=st.sampled_from(Basis),
    facts=st.dictionaries(words, json_values, max_size=3),
    share=st.none() | numbers,
    expected=st.none() | expecteds,
    beside=st.lists(saids, max_size=2).map(tuple),
)
findings = st.builds(
    Finding,
    finding_id=words,
    detector=words,
    subject=st.builds(SubjectRef, words, words),
    system=st.none() | words,
    model=words,
    model_version=st.none() | words,
    severity=st.sampled_from(Severity),
    confidence=numbers,
    techniques=st.lists(techniques, max_size=3).map(tuple),
    harms=st.lists(words, max_size=3).map(tuple),
    first_time=moments,
    last_time=moments,
    trigger_event_id=words,
    event_ids=st.lists(words, max_size=3).map(tuple),
    unique_queries=counts,
    evidence=evidences,
    summary=words,
    notify=st.booleans(),
)


@given(findings)
def test_a_finding_survives_its_json(finding: Finding) -> None:
    assert Finding.from_dict(finding.to_dict()) == finding
    assert Finding.from_dict(json.loads(json.dumps(finding.to_dict()))) == finding


@given(findings)
def test_the_json_survives_the_finding(finding: Finding) -> None:
    plain = finding.to_dict()
    assert Finding.from_dict(plain).to_dict() == plain


@given(findings)
def test_read_facts_are_a_copy(finding: Finding) -> None:
    plain = finding.to_dict()
    again = Finding.from_dict(plain)
    plain["evidence"]["facts"]["added later"] = 1
    assert "added later" not in again.evidence.facts


@pytest.fixture
def plain() -> dict[str, Any]:
    return {
        "finding_id": "f-1",
        "detector": "iterative_query",
        "subject": {"kind": "principal", "id": "k-77"},
        "system": "digits",
        "model": "digits-mlp",
        "model_version": "3",
        "severity": "high",
        "confidence": 0.97,
        "techniques": [{"matrix": "amltm-2020", "id": "AMLTM.1", "name": "Online Evasion", "color": "orange"}],
        "harms": ["integrity"],
        "first_time": "2026-01-01T00:00:00Z",
        "last_time": "2026-01-01T00:05:00.250000Z",
        "trigger_event_id": "e-9",
        "event_ids": ["e-1", "e-9"],
        "unique_queries": 8,
        "evidence": {
            "statistic": "flips_in_near_pairs",
            "value": 3.0,
            "threshold": 1.0,
            "rank": {"above": 0, "of": 300, "age": 8},
            "share": 0.004,
            "expected_per_week": {"benign": 1.2, "low": 0.4, "high": 1.2},
            "beside": [{"detector": "novelty", "statistic": "surprise", "value": 70.0, "share": 0.02}],
            "basis": "promise",
            "facts": {"flips": [3, 8]},
        },
        "summary": "8 different queries",
        "notify": False,
    }


def test_the_published_form_is_read(plain: dict[str, Any]) -> None:
    finding = Finding.from_dict(plain)
    assert finding.subject == SubjectRef("principal", "k-77")
    assert finding.severity is Severity.HIGH
    assert finding.techniques[0].color is Color.ORANGE
    assert finding.last_time == datetime(2026, 1, 1, 0, 5, 0, 250_000, tzinfo=UTC)
    assert finding.evidence.basis is Basis.PROMISE
    assert finding.evidence.expected == Expected(1.2, 0.4, 1.2)
    assert [one.detector for one in finding.evidence.beside] == ["novelty"]
    assert finding.to_dict() == plain


def test_a_finding_from_before_rarity_was_the_number_is_read(plain: dict[str, Any]) -> None:
    del plain["notify"]
    evidence = plain["evidence"]
    for name in ("share", "expected_per_week", "beside"):
        del evidence[name]
    evidence["rank"] = {"above": 0, "of": 300}
    evidence["horizon"] = 200
    finding = Finding.from_dict(plain)
    assert finding.notify
    assert (finding.evidence.share, finding.evidence.expected, finding.evidence.beside) == (None, None, ())
    assert (finding.evidence.above, finding.evidence.of, finding.evidence.age) == (0, 300, 0)
    assert Finding.from_dict(finding.to_dict()) == finding


def test_the_rarest_come_first_and_where_nobody_was_ranked_the_most_severe(plain: dict[str, Any]) -> None:
    one = Finding.from_dict(plain)

    def made(name: str, severity: Severity, benign: float | None) -> Finding:
        expected = None if benign is None else Expected(benign, benign, benign)
        return replace(one, finding_id=name, severity=severity, evidence=replace(one.evidence, expected=expected))

    rare, common = made("rare", Severity.LOW, 0.1), made("common", Severity.LOW, 3.0)
    rule, worst = made("rule", Severity.LOW, None), made("worst", Severity.HIGH, 9.0)
    told = [finding.finding_id for finding in by_rarity([common, rare, rule, worst])]
    assert told == ["worst", "rule", "rare", "common"]


@pytest.mark.parametrize("key", ["finding_id", "subject", "severity", "evidence", "last_time"])
def test_a_missing_key_is_an_error(plain: dict[str, Any], key: str) -> None:
    del plain[key]
    with pytest.raises(KeyError, match=key):
        Finding.from_dict(plain)


@pytest.mark.parametrize(("key", "value"), [("severity", "terrible"), ("last_time", "yesterday")])
def test_a_value_without_meaning_is_an_error(plain: dict[str, Any], key: str, value: str) -> None:
    plain[key] = value
    with pytest.raises(ValueError, match=value):
        Finding.from_dict(plain)


def test_severities_are_ordered() -> None:
    assert [level.rank for level in Severity] == [0, 1, 2, 3, 4]


def test_the_id_depends_on_what_was_seen_only() -> None:
    caller = SubjectRef("principal", "k-77")
    first = finding_id("iterative_query", "digits-mlp", caller, "e-9")
    assert first == finding_id("iterative_query", "digits-mlp", caller, "e-9")
    assert first.startswith("f-")
    assert first != finding_id("iterative_query", "digits-mlp", caller, "e-10")
    assert first != finding_id("iterative_query", "digits-mlp", SubjectRef("session", "k-77"), "e-9")
