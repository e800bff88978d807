"""Scores and states are the same however a stream is cut, whoever stands beside, and in whatever order they come."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.detector import EventDetector, Params
from caponier.detect.registry import event_detectors
from caponier.detect.training_sketch.sketch import ROWS
from detect.events.promises.worlds import in_parts, looked_at, part_of, stream

pytestmark = pytest.mark.slow
NAMES = ("caller_profile", "input_search", "schema_probe", "sponge")
WIDTH = 5
law = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
BENIGN = looked_at(stream(1, 40, 90, WIDTH))
KNOWN: dict[str, Params] = {name: one.fit(BENIGN) for name, one in event_detectors().items() if name in NAMES}


def of(name: str) -> tuple[EventDetector, Params]:
    return event_detectors()[name], {**KNOWN[name], ROWS: np.arange(1, 1_000, dtype=np.uint64)}


def scored(name: str, batch: EventBatch) -> list[list[int]]:
    return in_parts(*of(name), batch, np.zeros((0, batch.subjects), np.int64))[0]


def alone(batch: EventBatch, subject: int) -> EventBatch:
    return batch.take(np.arange(batch.offsets[subject], batch.offsets[subject + 1]))


@pytest.mark.parametrize("name", NAMES)
@law
@given(
    seed=st.integers(0, 2**32), subjects=st.integers(1, 5), most=st.sampled_from([1, 20, 240]), cuts=st.integers(1, 4)
)
def test_neither_scores_nor_states_depend_on_cuts(name: str, seed: int, subjects: int, most: int, cuts: int) -> None:
    batch = stream(seed, subjects, most, WIDTH)
    places = np.sort(np.random.default_rng(seed).integers(0, most + 1, (cuts, subjects)), axis=0)
    places = np.minimum(places, np.diff(batch.offsets))
    detector, params = of(name)
    whole, after = in_parts(detector, params, batch, np.zeros((0, subjects), np.int64))
    pieces, other = in_parts(detector, params, batch, places)
    assert pieces == whole
    assert after.tobytes() == other.tobytes()


@pytest.mark.parametrize("name", NAMES)
@law
@given(seed=st.integers(0, 2**32), subjects=st.integers(2, 5))
def test_a_caller_is_scored_as_if_it_were_alone(name: str, seed: int, subjects: int) -> None:
    batch = stream(seed, subjects, 120, WIDTH)
    together = scored(name, batch)
    for subject in range(subjects):
        own = alone(batch, subject)
        if len(own):
            assert [line for line in scored(name, own) if line] == [together[subject]]


@pytest.mark.parametrize("name", NAMES)
@law
@given(seed=st.integers(0, 2**32), turn=st.integers(-(10**15), 10**12))
def test_no_score_depends_on_the_date(name: str, seed: int, turn: int) -> None:
    batch = stream(seed, 2, 60, WIDTH)
    later = EventBatch(
        batch.offsets, batch.time + turn, batch.source, batch.seq, batch.query, batch.key, batch.label, batch.signals
    )
    assert scored(name, later) == scored(name, batch)


@pytest.mark.parametrize("name", NAMES)
@law
@given(seed=st.integers(0, 2**32))
def test_what_is_learned_does_not_depend_on_the_order_of_callers(name: str, seed: int) -> None:
    batch = stream(seed, 9, 60, WIDTH)
    order = np.random.default_rng(seed).permutation(batch.subjects)
    rows = np.concatenate([np.arange(batch.offsets[one], batch.offsets[one + 1]) for one in order])
    counts = np.diff(batch.offsets)[order]
    turned = EventBatch(
        np.concatenate([[0], np.cumsum(counts)]),
        *(getattr(batch, column)[rows] for column in ("time", "source", "seq", "query", "key", "label")),
        {column: values[rows] for column, values in batch.signals.items()},
    )
    detector = event_detectors()[name]
    one, other = detector.fit(looked_at(batch)), detector.fit(looked_at(turned))
    assert one.keys() == other.keys()
    for column in one:
        assert np.array_equal(one[column], other[column]), column


@pytest.mark.parametrize("name", NAMES)
@law
@given(seed=st.integers(0, 2**32))
def test_what_comes_later_changes_nothing_before(name: str, seed: int) -> None:
    """Nobody is accused of what has not happened yet."""
    batch = stream(seed, 2, 150, WIDTH)
    half = np.diff(batch.offsets) // 2
    first = part_of(batch, np.zeros_like(half), half)
    whole = scored(name, batch)
    for subject, line in enumerate(scored(name, first)):
        assert line == whole[subject][: half[subject]]


@pytest.mark.parametrize("name", NAMES)
def test_the_state_that_was_given_is_left_alone(name: str) -> None:
    """Who holds a state may score from it again."""
    detector, params = of(name)
    batch = looked_at(stream(7, 3, 80, WIDTH))
    state, _ = detector.score(params, np.zeros(3, detector.state), batch)
    before = state.tobytes()
    one = detector.score(params, state, batch)[1]
    assert state.tobytes() == before
    assert detector.score(params, state, batch)[1].tolist() == one.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_scores_are_whole_and_never_negative(name: str) -> None:
    for seed in range(6):
        scores = scored(name, stream(seed, 3, 200, WIDTH))
        assert all(score >= 0 for line in scores for score in line)
