"""How sure findings are, over any measurement and any verdicts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.log import LogRule
from caponier.detect.sigma.confidence import ASSUMED, WEIGHT, RuleConfidence, RuleRecord, RuleVerdicts, measured
from caponier.records.severity import LEVELS

counts = st.integers(0, 10**9)
NAMES = (*measured(), "one_of_the_users")


def rule(name: str, level: str = "high") -> LogRule:
    return LogRule(f"sigma:{name}", "A rule", level, (), "", "r.yml")


@given(ways=st.integers(1, 50), data=st.data(), told=counts, months=st.integers(1, 10**6))
def test_no_measurement_makes_certain_or_impossible(ways: int, data: st.DataObject, told: int, months: int) -> None:
    found = data.draw(st.integers(0, ways))
    assert 0 < RuleRecord(found, ways, told, months).confidence < 1


@given(ways=st.integers(1, 50), data=st.data(), told=counts, months=st.integers(1, 10**4))
def test_finding_more_and_looking_longer_never_lower_it(ways: int, data: st.DataObject, told: int, months: int) -> None:
    found = data.draw(st.integers(0, ways - 1))
    one = RuleRecord(found, ways, told, months)
    assert RuleRecord(found + 1, ways, told, months).confidence > one.confidence
    assert RuleRecord(found, ways, told, months + 1).confidence > one.confidence
    assert RuleRecord(found, ways, told + 1, months).confidence < one.confidence


@given(name=st.sampled_from(NAMES), level=st.sampled_from(LEVELS), true=counts, benign=counts)
def test_it_lies_between_what_was_known_and_what_analysts_say(name: str, level: str, true: int, benign: int) -> None:
    mine = rule(name, level)
    before = RuleConfidence().of(mine)
    after = RuleConfidence({mine.name: RuleVerdicts(true, benign)}).of(mine)
    share = true / (true + benign) if true + benign else before
    assert min(before, share) - 0.011 <= after <= max(before, share) + 0.011
    assert 0 <= after <= 1


@given(name=st.sampled_from(NAMES), true=st.integers(0, 500), benign=st.integers(0, 500))
def test_one_more_word_never_moves_it_the_other_way(name: str, true: int, benign: int) -> None:
    mine = rule(name)

    def sure(more_true: int, more_benign: int) -> float:
        return RuleConfidence({mine.name: RuleVerdicts(true + more_true, benign + more_benign)}).of(mine)

    assert sure(0, 1) <= sure(0, 0) <= sure(1, 0)


@pytest.mark.parametrize("name", NAMES)
def test_after_as_many_words_as_the_weight_the_own_word_is_half_of_it(name: str) -> None:
    mine = rule(name)
    before = RuleConfidence().of(mine)
    assert RuleConfidence({mine.name: RuleVerdicts(0, WEIGHT)}).of(mine) == pytest.approx(before / 2, abs=0.011)
    assert RuleConfidence({mine.name: RuleVerdicts(WEIGHT, 0)}).of(mine) == pytest.approx((1 + before) / 2, abs=0.011)


def test_a_verdict_that_says_neither_is_no_word_of_the_estate() -> None:
    """A duplicate is neither true nor benign."""
    mine = rule("workload_exec")
    said = RuleConfidence({mine.name: RuleVerdicts(0, 0)})
    assert said.of(mine) == RuleConfidence().of(mine)
    assert said.basis(mine) == RuleConfidence().basis(mine)
    assert "were called" not in said.basis(mine)


def test_levels_are_assumed_in_their_order() -> None:
    assert list(ASSUMED) == list(LEVELS)
    assert list(ASSUMED.values()) == sorted(ASSUMED.values())


def test_all_that_was_measured_is_possible() -> None:
    for name, record in measured().items():
        assert 0 <= record.found <= record.ways, name
        assert record.told >= 0 < record.months, name
        assert record.false_a_month > 0, name
        assert f"{record.found} of {record.ways} ways" in RuleConfidence().basis(rule(name))
