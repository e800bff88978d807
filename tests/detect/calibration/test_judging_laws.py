"""What the promise of a false-alarm bound says, tried on benign subjects that nobody has seen."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.calibration.judging import (
    ASIDE,
    FEWEST,
    MAX_BOUND,
    BackTest,
    HorizonMaxima,
    Maxima,
    Threshold,
    back_test,
    threshold,
)
from caponier.detect.detector import Confidence
from caponier.records.finding import Basis

scores = st.integers(0, 60).map(float)
full = st.lists(scores | st.just(math.inf), min_size=FEWEST, max_size=150)
bounds = st.floats(1e-9, 1.0)


def known(whole: list[float], begun: list[float] = []) -> Maxima:  # noqa: B006 - read only
    return Maxima(np.array(whole, np.float64), np.array(begun, np.float64))


def line_at(maxima: Maxima, bound: float, floor: float = 0.0) -> Threshold:
    line = threshold(maxima, bound, floor)
    assert line is not None
    return line


@given(whole=full, begun=st.lists(scores, max_size=20), bound=bounds, floor=st.floats(0, 100))
def test_a_threshold_is_finite_and_never_below_the_floor(
    whole: list[float], begun: list[float], bound: float, floor: float
) -> None:
    line = line_at(known(whole, begun), bound, floor)
    assert math.isfinite(line.value)
    assert line.value >= floor
    assert line.bound <= MAX_BOUND


@given(whole=full, bound=bounds)
def test_no_more_benign_subjects_pass_than_the_bound_allows(whole: list[float], bound: float) -> None:
    line = line_at(known(whole), bound)
    finite = [value for value in whole if math.isfinite(value)]
    # A newcomer takes a place in the ranks as well.
    assert sum(value > line.value for value in finite) <= max(0, math.floor(line.bound * (len(whole) + 1) + 1e-9) - 1)
    if line.basis is Basis.ESTIMATE:
        assert line.value >= max(finite, default=0.0)


@given(whole=full, begun=st.lists(scores, max_size=20), one=bounds, other=bounds)
def test_a_stricter_bound_is_never_a_lower_threshold(
    whole: list[float], begun: list[float], one: float, other: float
) -> None:
    strict, generous = sorted((one, other))
    assert line_at(known(whole, begun), strict).value >= line_at(known(whole, begun), generous).value


@given(whole=full, begun=st.lists(scores, max_size=20), bound=bounds)
def test_subjects_that_did_not_stay_only_raise_the_threshold(
    whole: list[float], begun: list[float], bound: float
) -> None:
    assert line_at(known(whole, begun), bound).value >= line_at(known(whole), bound).value


@given(whole=full, bound=bounds, data=st.data())
def test_the_order_of_benign_subjects_is_none(whole: list[float], bound: float, data: st.DataObject) -> None:
    mixed = data.draw(st.permutations(whole))
    one, other = (line_at(known(values), bound) for values in (whole, mixed))
    assert one.basis is other.basis
    assert one.value == pytest.approx(other.value, rel=1e-12)


@given(whole=full, low=st.floats(0, 100), high=st.floats(0, 100))
def test_p_values_fall_and_never_reach_zero(whole: list[float], low: float, high: float) -> None:
    maxima = known(whole)
    low, high = sorted((low, high))
    assert 1 >= maxima.p_value(low) >= maxima.p_value(high) >= 1 / (len(whole) + 1)
    assert maxima.p_value(0.0) == 1


@given(whole=full, begun=st.lists(scores, max_size=9), bound=bounds, score=st.floats(0, 1e9))
def test_confidence_lies_between_nothing_and_the_cap(
    whole: list[float], begun: list[float], bound: float, score: float
) -> None:
    line = line_at(known(whole, begun), bound)
    for grade in Confidence:
        assert 0 <= line.confidence(score, grade.cap) <= grade.cap
    if line.basis is Basis.ESTIMATE:
        assert line.confidence(score, 0.99) <= 0.9


@given(whole=full, bound=bounds, low=st.floats(0, 100), high=st.floats(0, 100))
def test_a_louder_subject_is_never_less_sure(whole: list[float], bound: float, low: float, high: float) -> None:
    line = line_at(known(whole), bound)
    low, high = sorted((low, high))
    assert line.confidence(low, 0.99) <= line.confidence(high, 0.99)


@given(n=st.integers(0, FEWEST - 1), bound=bounds)
def test_hardly_any_subjects_promise_nothing(n: int, bound: float) -> None:
    assert threshold(known([1.0] * n, [5.0] * 500), bound, 0.0) is None


@pytest.mark.parametrize("draw", ["exponential", "geometric", "heavy", "two kinds"])
@pytest.mark.parametrize("bound", [0.02, 0.01])
def test_the_promise_holds_on_subjects_that_nobody_has_seen(draw: str, bound: float) -> None:
    """Averaged over logs, at most the bound of new benign horizons pass, whatever the distribution."""
    rng = np.random.default_rng(5)
    draws = {
        "exponential": lambda n: np.floor(rng.exponential(30, n)),
        "geometric": lambda n: rng.geometric(0.2, n).astype(np.float64),
        "heavy": lambda n: np.floor(rng.pareto(1.2, n) * 10),
        "two kinds": lambda n: np.where(rng.random(n) < 0.05, rng.integers(90, 100, n), rng.integers(0, 9, n)) * 1.0,
    }
    passed = []
    for _ in range(60):
        line = line_at(known(draws[draw](150).tolist()), bound)
        assert line.basis is Basis.PROMISE
        passed.append((draws[draw](400) > line.value).mean())
    error = np.std(passed) / math.sqrt(len(passed))
    assert np.mean(passed) <= bound + 3 * error


def test_attackers_in_the_benign_log_do_not_lift_the_threshold_once_set_aside() -> None:
    benign = np.random.default_rng(1).exponential(20, 200)
    aside = int(ASIDE * len(benign))
    clean = line_at(known(benign.tolist()), 0.001).value
    taught = line_at(known([*benign[aside:].tolist(), *[5_000.0] * aside]), 0.001).value
    trimmed = line_at(known([*benign[aside:].tolist(), *[math.inf] * aside]), 0.001).value
    assert taught >= 5_000
    assert trimmed < 2 * clean


@given(values=st.lists(scores | st.just(math.inf), max_size=120), floor=st.floats(0, 100), folds=st.integers(1, 9))
def test_a_back_test_counts_no_more_than_there_are(values: list[float], floor: float, folds: int) -> None:
    tested = back_test(np.array(values), np.arange(len(values)) % folds, floor)
    assert 0 <= tested.seen <= tested.of == sum(map(math.isfinite, values))
    assert tested.seen <= sum(floor < value < math.inf for value in values)
    assert 0 < tested.bound <= 0.1
    assert tested.expected == tested.bound * tested.of


@given(bound=st.floats(0.001, 0.1), of=st.integers(0, 1000))
def test_a_back_test_fails_from_three_deviations_on(bound: float, of: int) -> None:
    expected = bound * of
    limit = expected + 3 * math.sqrt(expected)
    assert not BackTest(bound, math.floor(limit), of).failed
    assert BackTest(bound, math.floor(limit) + 1, of).failed


@settings(deadline=None)
@given(
    stays=st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=25), min_size=1, max_size=4),
    horizon=st.integers(1, 8),
)
def test_the_maximum_of_a_subject_is_that_of_one_of_its_horizons(stays: list[list[int]], horizon: int) -> None:
    gathered = HorizonMaxima(horizon)
    for at, line in enumerate(stays):
        n = len(line)
        gathered.add([f"s{at}"], np.array(line), np.arange(1, n + 1), np.zeros(n, np.int64))
    for at, line in enumerate(stays):
        best, whole = gathered.by_subject()[f"s{at}"]
        parts = [line[begin : begin + horizon] for begin in range(0, len(line), horizon)]
        assert best in [float(max(part)) for part in parts]
        assert whole == (len(line) >= horizon)
        if whole:
            assert best in [float(max(part)) for part in parts if len(part) == horizon]


def test_adding_nothing_is_nobody() -> None:
    gathered = HorizonMaxima()
    none = np.zeros(0, np.int64)
    gathered.add([], none, none, none)
    assert gathered.by_subject() == {}
    assert gathered.horizons == 0
