"""Sponges by somebody who has read how they are weighed, and dear work that is none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Params
from caponier.detect.events.sponge import CHEAP, LEVELS, MOST, WINDOW, _of_sizes, detector
from detect.batches import batch_of
from detect.events.promises.worlds import looked_at

WORDS = 40


def texts(words: NDArray[np.int64], costs: NDArray[np.float64]) -> EventBatch:
    """Lay out texts of so many kinds of words (clients, n), at costs (clients, n) in the operator's units."""
    clients, n = words.shape
    rng = np.random.default_rng(1)
    order = rng.permuted(np.tile(np.arange(WORDS), (clients * n, 1)), axis=1)
    query = np.where(order < words.reshape(-1, 1), rng.integers(1, 128, order.shape), 0)
    batch = looked_at(batch_of(query.reshape(clients, n, WORDS).tolist()))
    return batch.with_signals({Column.COST.value: np.rint(1_000 * costs.ravel()).astype(np.int64)})


def honest(seed: int, clients: int = 100, n: int = 40, rate: float = 1.0) -> EventBatch:
    rng = np.random.default_rng(seed)
    words = rng.integers(1, WORDS + 1, (clients, n))
    return texts(words, rate * words * rng.lognormal(0, 0.2, words.shape))


@pytest.fixture(scope="module")
def params() -> Params:
    return detector.fit(honest(0))


def course(params: Params, batch: EventBatch) -> NDArray[np.int64]:
    return detector.score(params, np.zeros(batch.subjects, detector.state), batch)[1]


def mixed(dear: int, cheap: int, words: int, cost: float, n: int = 60) -> EventBatch:
    """One client whose sponges have so many words, with honest texts in between."""
    rng = np.random.default_rng(3)
    sponge = (np.arange(n) % (dear + cheap) < dear)[None]
    size = np.where(sponge, words, rng.integers(1, WORDS + 1, (1, n)))
    return texts(size, np.where(sponge, cost, size).astype(float))


@pytest.mark.parametrize(("dear", "cheap"), [(1, 0), (1, 1), (2, 1), (1, 2)])
def test_honest_texts_in_between_do_not_wash_sponges_away(params: Params, dear: int, cheap: int) -> None:
    assert course(params, mixed(dear, cheap, 20, 200)).max() > detector.floor


@pytest.mark.parametrize("words", [1, 5, 20, WORDS])
def test_no_size_of_input_excuses_ten_times_its_cost(params: Params, words: int) -> None:
    assert course(params, mixed(1, 0, words, 10 * max(words, WORDS / 2 / CHEAP))).max() > detector.floor


@pytest.mark.parametrize("words", [1, 5, 20, WORDS])
def test_a_client_that_sends_one_size_alone_is_no_sponge(params: Params, words: int) -> None:
    size = np.full((1, 200), words)
    assert course(params, texts(size, size * np.random.default_rng(2).lognormal(0, 0.2, size.shape))).max() == 0


def test_hardly_any_honest_client_comes_to_the_floor(params: Params) -> None:
    batch = honest(9, clients=60, n=100)
    highest = np.maximum.reduceat(course(params, batch), batch.offsets[:-1])
    assert np.mean(highest > detector.floor) <= 0.05


@settings(max_examples=30, deadline=None)
@given(rate=st.sampled_from([0.001, 0.1, 1, 1_000, 10**6]), seed=st.integers(0, 99))
def test_in_whatever_unit_costs_are_told(rate: float, seed: int) -> None:
    """Milliseconds or tokens: what is learned scales with them, up to what is rounded."""
    one, other = detector.fit(honest(seed, 30, 20)), detector.fit(honest(seed, 30, 20, rate))
    if rate >= 1:
        assert other["evidence"].tolist() == one["evidence"].tolist()
        assert other["usual"][0] == pytest.approx(rate * one["usual"][0], rel=0.01)
    assert (np.diff(other["cutoffs"]) >= 0).all()
    assert len(other["evidence"]) == LEVELS + 1
    assert other["evidence"].max() <= MOST
    assert other["evidence"][0] < 0


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 60), max_size=80),
    usual=st.integers(1, 2**53),
    data=st.data(),
)
def test_every_size_has_a_class_and_none_is_next_to_nothing(sizes: list[int], usual: int, data: st.DataObject) -> None:
    costs = data.draw(st.lists(st.integers(0, 2**53), min_size=len(sizes), max_size=len(sizes)))
    learned = _of_sizes(np.array(sizes, np.int64), np.array(costs, np.int64), usual)
    assert len(learned["of_size"]) == len(learned["sizes"]) + 1
    assert (np.diff(learned["sizes"]) > 0).all()
    assert learned["of_size"].min() >= max(1, usual // CHEAP)


def test_the_largest_sum_is_that_of_a_full_window(params: Params) -> None:
    scores = course(params, mixed(1, 0, 5, 1e12, n=WINDOW + 20))
    assert scores.max() == scores[WINDOW - 1] == scores[-1] == (WINDOW * int(params["evidence"][-1])) ** 2


def test_what_costs_nothing_is_never_dear(params: Params) -> None:
    free = replace(honest(4, 2, 50))
    free = free.with_signals({Column.COST.value: np.zeros(len(free), np.int64)})
    assert not course(params, free).any()
    assert not course(detector.fit(free), free).any()
