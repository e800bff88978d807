"""Lives that were cut off go on as others did, and what was seen stays what it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.calibration.lives import Lives
from detect.calibration.plain_lives import plainly_completed

few = settings(max_examples=60, deadline=None)


@st.composite
def lives(draw: st.DrawFn) -> Lives:
    """Rising x of some callers, each seen up to a step."""
    n, steps = draw(st.integers(1, 14)), draw(st.integers(1, 9))
    rises = draw(
        st.lists(
            st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.1, 0.5, 1.0, 4.0]), min_size=steps, max_size=steps),
            min_size=n,
            max_size=n,
        )
    )
    last = draw(st.lists(st.integers(0, steps - 1), min_size=n, max_size=n))
    return Lives(np.cumsum(rises, axis=1), np.array(last, np.int64))


def seen(one: Lives, steps: int) -> np.ndarray:  # type: ignore[type-arg]
    """Return which cells (n, steps) were seen."""
    known = np.arange(steps) <= one.last[:, None]
    return known & (np.arange(steps) < one.x.shape[1])


@few
@given(one=lives(), steps=st.integers(1, 15))
def test_what_was_seen_is_kept_as_it_was(one: Lives, steps: int) -> None:
    full = one.completed(steps)
    assert full.shape == (len(one.last), steps)
    known = seen(one, steps)
    assert np.array_equal(full[known], one.x[:, :steps][known[:, : one.x.shape[1]]])


@few
@given(one=lives(), steps=st.integers(1, 15))
def test_they_are_completed_as_it_is_defined(one: Lives, steps: int) -> None:
    assert one.completed(steps).tolist() == plainly_completed(one, steps).tolist()


@pytest.mark.parametrize("n", [1, 7, 60])
@pytest.mark.parametrize("often", [0.02, 0.3, 1.0])
def test_many_callers_over_many_steps_are_completed_as_it_is_defined(n: int, often: float) -> None:
    rng = np.random.default_rng(n)
    scores = np.floor(3 * rng.pareto(1.5, (n, 30))) * (rng.random((n, 30)) < often)
    one = Lives(np.log1p(np.maximum.accumulate(scores, axis=1)), rng.integers(0, 30, n))
    assert one.completed(40).tolist() == plainly_completed(one, 40).tolist()


@few
@given(one=lives(), steps=st.integers(1, 15))
def test_nobody_falls_by_going_on(one: Lives, steps: int) -> None:
    full = one.completed(steps)
    assert np.isfinite(full).all()
    assert (np.diff(full, axis=1) >= -1e-12).all()


@few
@given(one=lives(), steps=st.integers(1, 15), data=st.data())
def test_the_order_of_callers_is_none(one: Lives, steps: int, data: st.DataObject) -> None:
    order = np.array(data.draw(st.permutations(range(len(one.last)))))
    mixed = Lives(one.x[order], one.last[order])
    # Who of those alike in all that was seen got something later is chance; how many did, and how much, is not.
    whole, other = (np.sort(full, axis=0) for full in (one.completed(steps), mixed.completed(steps)))
    assert other == pytest.approx(whole, abs=1e-9)


@few
@given(one=lives(), steps=st.integers(2, 15))
def test_more_steps_change_nothing_of_the_earlier_ones(one: Lives, steps: int) -> None:
    assert one.completed(steps)[:, :-1] == pytest.approx(one.completed(steps - 1))


def test_what_lies_beyond_the_last_step_of_a_caller_does_not_matter() -> None:
    x = np.array([[1.0, 2.0, 3.0], [1.0, 99.0, 99.0]])
    tidy = Lives(np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]]), np.array([2, 0]))
    assert np.array_equal(Lives(x, np.array([2, 0])).completed(6), tidy.completed(6))


def test_whoever_was_cut_off_goes_on_as_others_did_but_less() -> None:
    going = np.tile(np.arange(1.0, 9.0), (40, 1))
    cut = np.array([[1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]])
    full = Lives(np.concatenate([going, cut]), np.array([7] * 40 + [2])).completed(8)
    assert 3.0 < full[-1, -1] < 8.0


def test_where_nobody_ever_rose_nobody_rises_later() -> None:
    full = Lives(np.full((20, 3), 2.0), np.array([0, 2] * 10)).completed(12)
    assert np.array_equal(full, np.full((20, 12), 2.0))


def test_as_many_of_those_without_anything_get_something_as_of_those_who_went_on() -> None:
    steps = 12
    onsets = np.arange(400) % 40
    x = np.where(np.arange(steps) >= onsets[:, None], 1.0, 0.0)
    cut = Lives(x, np.where(np.arange(400) // 40 < 5, 3, steps - 1))
    full = cut.completed(steps)
    short = cut.last == 3
    had, went = (full[short, -1] > 0).mean(), (full[~short, -1] > 0).mean()
    assert had == pytest.approx(went, abs=0.05)


def test_of_those_without_anything_nobody_gets_something_where_nobody_ever_did() -> None:
    assert not Lives(np.zeros((30, 4)), np.array([0, 1, 2] * 10)).completed(20).any()
