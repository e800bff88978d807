"""Logs as nobody imagined them: constant, narrow, wide, of one caller or none, with the largest numbers there are."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, EventDetector, Subject
from caponier.detect.registry import event_detectors
from caponier.detect.similarity import nearest_query
from caponier.detect.similarity.stays import STAYS
from detect.batches import batch_of
from detect.events.promises.worlds import looked_at, signals, stream

NAMES = ("caller_profile", "input_search", "schema_probe", "sponge")
Callers = list[list[list[int]]]


def constant(callers: int = 30, n: int = 40, width: int = 6) -> Callers:
    """Every input is the same for the model, and another one for the digest."""
    return [[[64] * width] * n for _ in range(callers)]


def one_feature(callers: int = 40, n: int = 60, seed: int = 0) -> Callers:
    return np.random.default_rng(seed).integers(0, 128, (callers, n, 1)).tolist()


def one_varies(callers: int = 40, n: int = 60, seed: int = 0) -> Callers:
    """Of eight features seven never change."""
    rows = np.full((callers, n, 8), 17)
    rows[:, :, 3] = np.random.default_rng(seed).integers(0, 128, (callers, n))
    return rows.tolist()


def corners(callers: int = 30, n: int = 40, seed: int = 0) -> Callers:
    """Records of yes and no."""
    return (127 * np.random.default_rng(seed).integers(0, 2, (callers, n, 10))).tolist()


def wide(callers: int = 12, n: int = 12, seed: int = 0) -> Callers:
    return np.random.default_rng(seed).integers(0, 128, (callers, n, 3_000)).tolist()


WORLDS = {one.__name__: one for one in (constant, one_feature, one_varies, corners, wide)}


def asked(callers: Callers, seed: int = 0, scores: str = "told") -> EventBatch:
    """Lay out callers whose inputs all have digests of their own, with random answers and other columns."""
    # Apart from the inputs' own chance: of the same seed, a benign answer would follow from its input, and others' not.
    rng = np.random.default_rng((seed, 1))
    labels = [[int(one) << 50 for one in rng.integers(1, 4, len(line))] for line in callers]
    numbers = iter(range(1, 10**6))
    batch = batch_of(callers, labels, [[next(numbers) for _ in line] for line in callers])
    moments = np.cumsum(rng.exponential(3e7, len(batch))).astype(np.int64) + 10**15
    batch = looked_at(replace(batch, time=moments))
    more = {**signals(len(batch), rng), Column.STATUS.value: np.full(len(batch), 200)}
    more[Column.OPERATION.value] = np.zeros(len(batch), np.uint8)
    more[Column.COST.value] = rng.integers(900, 1_100, len(batch))
    if scores == "none":
        more = {name: np.full(len(batch), -1) for name in more}
    if scores == "same":
        more |= {name.value: np.full(len(batch), 9_000) for name in (Column.TOP_SCORE, Column.SURENESS)}
    return batch.with_signals(more)


def highest(detector: EventDetector, benign: EventBatch, other: EventBatch) -> NDArray[np.int64]:
    """Return how high each caller comes (s,) beside benign ones."""
    state, scores = detector.score(detector.fit(benign), np.zeros(other.subjects, detector.state), other)
    assert scores.dtype == np.int64
    assert (scores >= 0).all()
    assert len(state) == other.subjects
    found = np.zeros(other.subjects, np.int64)
    np.maximum.at(found, other.subject, scores)
    return found


@pytest.mark.parametrize("scores", ["told", "same", "none"])
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", NAMES)
def test_who_is_like_all_others_is_suspect_in_no_world(name: str, world: str, scores: str) -> None:
    detector = event_detectors()[name]
    made = WORLDS[world]
    others = [made(10) if world == "constant" else made(10, seed=seed) for seed in (98, 99)]
    benign = asked(made(), 0, scores)
    peers, found = (highest(detector, benign, asked(one, at, scores)) for at, one in enumerate(others, 1))
    # The engine learns the threshold from such peers; below the floor nobody is ever told.
    assert found.max() <= (detector.suspect or max(detector.floor, 1.5 * peers.max()))
    assert np.median(found) <= max(detector.floor, peers.max())


@pytest.mark.parametrize("benign", ["nobody", "nothing", "one", "one query", "no input"])
@pytest.mark.parametrize("name", NAMES)
def test_of_hardly_any_benign_callers_it_learns_and_scores_all_the_same(name: str, benign: str) -> None:
    log = {
        "nobody": looked_at(EventBatch.empty(5)),
        "nothing": asked([[], [], []]) if benign == "nothing" else None,
        "one": looked_at(stream(3, 1, 80, 5)),
        "one query": asked([[[1, 2, 3, 4, 5]]]),
        "no input": looked_at(batch_of([[[0] * 5, None, None], [None]])),
    }[benign]
    assert log is not None
    if log.query.shape[1] != 5:
        log = replace(log, query=np.zeros((len(log), 5), np.uint8))
    found = highest(event_detectors()[name], log, looked_at(stream(4, 3, 150, 5)))
    assert found.shape == (3,)


@pytest.mark.parametrize("name", NAMES)
def test_without_any_further_column_nothing_fails(name: str) -> None:
    bare = replace(stream(1, 20, 60, 5), signals={})
    assert (highest(event_detectors()[name], looked_at(bare), looked_at(bare)) >= 0).all()


@pytest.mark.parametrize("column", [Column.COST, Column.TOP_SCORE, Column.SURENESS, Column.STATUS])
@pytest.mark.parametrize("value", [-1, 0, 2**16 - 1, 2**53])
@pytest.mark.parametrize("name", NAMES)
def test_the_largest_numbers_that_a_column_can_hold_overflow_nothing(name: str, column: Column, value: int) -> None:
    batch = looked_at(stream(5, 10, 60, 5))
    odd = batch.with_signals({column.value: np.full(len(batch), value, np.int64)})
    detector = event_detectors()[name]
    for benign, other in ((batch, odd), (odd, batch), (odd, odd)):
        found = highest(detector, benign, other)
        assert (found >= 0).all()
        # What one client can come to is bounded by what it sent, not by how large a number was.
        assert found.max() < 2**40


@pytest.mark.parametrize("name", NAMES)
def test_moments_before_1970_and_far_in_the_future_fail_nowhere(name: str) -> None:
    batch = looked_at(stream(6, 6, 40, 5))
    far = replace(batch, time=np.where(np.arange(len(batch)) % 2, 2**61, -(2**61)))
    assert (highest(event_detectors()[name], batch, far) >= 0).all()


class TestSizes:
    def test_what_stays_keep_of_a_caller_takes_less_than_four_kilobytes(self) -> None:
        assert STAYS.itemsize < 4_096
        assert event_detectors()["input_search"].state.itemsize <= 4_096

    @pytest.mark.parametrize("name", event_detectors())
    def test_no_detector_keeps_more_of_a_subject_than_four_kilobytes(self, name: str) -> None:
        assert event_detectors()[name].state.itemsize <= 4_096

    @pytest.mark.parametrize("subject", Subject)
    def test_all_of_a_subject_fits_into_64_kilobytes_at_196_features(self, subject: Subject) -> None:
        kept = [one.state.itemsize for one in event_detectors().values() if one.subject is subject]
        assert nearest_query.state_dtype(196).itemsize + sum(kept) <= 64 * 1024

    @pytest.mark.parametrize("name", NAMES)
    def test_a_state_does_not_grow_with_what_was_sent(self, name: str) -> None:
        detector = event_detectors()[name]
        params = detector.fit(looked_at(stream(1, 9, 60, 5)))
        for most in (1, 700):
            batch = looked_at(stream(8, 2, most, 5))
            state, _ = detector.score(params, np.zeros(2, detector.state), batch)
            assert state.nbytes == 2 * detector.state.itemsize

    @pytest.mark.parametrize("name", NAMES)
    def test_what_is_learned_stays_small(self, name: str) -> None:
        """It is stored with each model, and read by every guard."""
        params = event_detectors()[name].fit(asked(wide()))
        assert sum(np.asarray(one).nbytes for one in params.values()) < 3_000 * 64


class TestWide:
    """A model of 3,000 features: distances no longer fit into float32, and counts of changes are capped."""

    def steps(self, changed: int, n: int = 40, seed: int = 3) -> Callers:
        rng = np.random.default_rng(seed)
        row, found = rng.integers(20, 100, 3_000), []
        for _ in range(n):
            row = row.copy()
            row[rng.choice(3_000, changed, replace=False)] += rng.choice([-9, 9], changed)
            found.append(np.clip(row, 0, 127).tolist())
        return [found]

    @pytest.mark.parametrize("changed", [1, 8])
    def test_steps_of_a_few_features_are_told_without_a_score(self, changed: int) -> None:
        detector = event_detectors()["input_search"]
        found = highest(detector, asked(wide(), 0, "none"), asked(self.steps(changed), 1, "none"))
        assert found[0] > detector.suspect

    def test_steps_of_all_features_are_as_everybodys(self) -> None:
        detector = event_detectors()["input_search"]
        found = highest(detector, asked(wide(), 0, "none"), asked(self.steps(3_000), 1, "none"))
        assert found[0] <= detector.floor
