"""How sure a finding is and whether somebody is told at once, whatever its share, basis and budget."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.test_findings import CALLERS, CASE, COLD, FOUND, GROUPS, SECTION, detection
from caponier.app.inference.findings import HowRare, how_rare
from caponier.detect.detector import Subject
from caponier.records.alert_budget import AlertBudget
from caponier.records.finding import Basis, Expected

shares = st.floats(0, 1)
caps = st.floats(0, 1)
bases = st.sampled_from([Basis.PROMISE, Basis.ESTIMATE])
strengths = st.integers(0, 60_000)
budgets = st.builds(lambda rate: AlertBudget(per_week=rate), st.floats(1e-3, 1e3)) | st.builds(
    lambda bound: AlertBudget(bound=bound), st.floats(1e-4, 0.99)
)


def rare(share: float, basis: Basis = Basis.PROMISE, callers: float = 100.0) -> HowRare:
    return HowRare(basis, share, Expected(share * callers, 0.0, callers))


@given(share=shares, basis=bases, cap=caps)
def test_confidence_lies_between_nothing_and_the_cap(share: float, basis: Basis, cap: float) -> None:
    assert 0 <= rare(share, basis).confidence(cap) <= round(cap, 2)


@given(one=shares, other=shares, basis=bases, cap=caps)
def test_the_rarer_is_never_less_sure(one: float, other: float, basis: Basis, cap: float) -> None:
    few, many = sorted((one, other))
    assert rare(few, basis).confidence(cap) >= rare(many, basis).confidence(cap)


@given(share=shares, cap=caps)
def test_an_estimate_is_never_surer_than_a_promise_nor_than_nine_in_ten(share: float, cap: float) -> None:
    estimate = rare(share, Basis.ESTIMATE).confidence(cap)
    assert estimate <= min(0.9, rare(share).confidence(cap))


@given(cap=caps)
def test_a_cold_start_is_a_coin_toss_at_most(cap: float) -> None:
    cold = HowRare(Basis.COLD_START, None, None)
    assert cold.confidence(cap) == round(min(0.5, cap), 2)


@given(budget=budgets)
def test_a_cold_start_is_within_every_budget(budget: AlertBudget) -> None:
    assert HowRare(Basis.COLD_START, None, None).within(budget)


@given(one=shares, other=shares, budget=budgets)
def test_what_is_rarer_is_within_whatever_the_commoner_is(one: float, other: float, budget: AlertBudget) -> None:
    few, many = sorted((one, other))
    assert rare(few).within(budget) >= rare(many).within(budget)


@given(share=shares, tight=st.floats(1e-3, 0.9), loose=st.floats(1e-3, 0.9))
def test_a_larger_budget_lets_through_whatever_a_smaller_one_does(share: float, tight: float, loose: float) -> None:
    small, large = sorted((tight, loose))
    assert rare(share).within(AlertBudget(bound=large)) >= rare(share).within(AlertBudget(bound=small))
    assert rare(share).within(AlertBudget(per_week=large)) >= rare(share).within(AlertBudget(per_week=small))


@pytest.mark.parametrize("callers", [1.0, 1e6])
def test_a_bound_asks_after_the_share_and_a_rate_after_the_number(callers: float) -> None:
    found = rare(0.01, callers=callers)
    assert found.within(AlertBudget(bound=0.01)), "the limit itself is within"
    assert not found.within(AlertBudget(bound=0.0099))
    assert found.within(AlertBudget(per_week=2.0)) is (callers == 1.0)


@given(strength=strengths)
def test_the_expected_number_lies_between_its_limits(strength: int) -> None:
    for found in (detection(strength), replace(FOUND, strength=strength)):
        how = how_rare(found, CASE)
        assert how.expected is not None
        assert 0 <= how.expected.low <= how.expected.benign <= how.expected.high


@given(strength=strengths)
def test_cells_are_held_against_cells_and_callers_against_callers(strength: int) -> None:
    assert how_rare(detection(strength), CASE).share == CALLERS.share(strength)
    assert how_rare(replace(FOUND, strength=strength), CASE).share == GROUPS.share(strength)


@given(strength=strengths, kind=st.sampled_from(["principal", "session", "address"]))
def test_who_stands_for_a_principal_is_held_against_principals(strength: int, kind: str) -> None:
    assert how_rare(detection(strength, kind=kind), CASE) == how_rare(detection(strength), CASE)


@given(strength=strengths)
def test_a_promise_reaches_as_far_as_one_in_all_who_were_seen(strength: int) -> None:
    how = how_rare(detection(strength), CASE)
    assert how.share is not None
    assert (how.basis is Basis.PROMISE) == (CASE.sure and how.share * (len(CALLERS) + 1) >= 1)


@given(strength=strengths)
def test_without_a_tail_of_its_kind_a_finding_is_a_cold_start(strength: int) -> None:
    callers_alone = replace(CASE, plan=replace(CASE.plan, tails={Subject.PRINCIPAL: CALLERS}))
    assert how_rare(replace(FOUND, strength=strength), callers_alone) == HowRare(Basis.COLD_START, None, None)
    assert how_rare(detection(strength), callers_alone) == how_rare(detection(strength), CASE)
    assert how_rare(replace(FOUND, strength=strength), COLD).share is None


@given(strength=strengths, times=st.integers(2, 50))
def test_more_callers_a_week_bring_more_false_alarms_of_the_same_share(strength: int, times: int) -> None:
    busy = replace(CASE, section=replace(SECTION, callers_per_week=SECTION.callers_per_week * times))
    one, many = how_rare(detection(strength), CASE), how_rare(detection(strength), busy)
    assert one.share == many.share
    assert one.expected is not None
    assert many.expected is not None
    assert many.expected.benign == pytest.approx(one.expected.benign * times, abs=1e-4 * times)
