"""Detectors at their limits: the loudest client, the largest window, the widest model, the longest stay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.detector import EventDetector
from caponier.detect.events import (
    adversarial_input,
    caller_profile,
    distance_shape,
    distributed_query,
    feedback_dispute,
    feedback_flood,
    feedback_skew,
    flood,
    growing_doubt,
    information_spend,
    input_search,
    iterative_query,
    membership_probe,
    novelty,
    schema_probe,
    score_climb,
    sponge,
)
from caponier.detect.rarity import signal_rarity
from caponier.detect.registry import event_detectors
from caponier.detect.similarity import nearest_query
from caponier.detect.similarity.changes import PERFECT, levels_beyond
from caponier.detect.similarity.nearest_query import FAR, RING
from caponier.detect.training_sketch import near_rows
from caponier.detect.training_sketch.sketch import OWN, ROWS
from detect.batches import batch_of, similar
from detect.events.test_flood import scored as rates
from detect.events.test_flood import timed

WIDEST = 1_040


class TestBounds:
    @settings(max_examples=30, deadline=None)
    @given(seed=st.integers(0, 2**32), n=st.integers(1, 120))
    def test_no_client_scores_more_than_its_window_holds(self, seed: int, n: int) -> None:
        rng = np.random.default_rng(seed)
        spread = int(rng.integers(1, 128))
        batch = similar(batch_of([rng.integers(0, spread, (n, 2)).tolist()], [rng.integers(0, 3, n).tolist()]))
        most = {
            "iterative_query": iterative_query.WINDOW
            * (
                (iterative_query.CLOSENESS * iterative_query.FLIP + iterative_query.CLOUD + iterative_query.EVEN)
                * iterative_query.LEVELS
                + (iterative_query.HALVING + iterative_query.AXIS) * iterative_query.MAX_RUN
            ),
            "novelty": novelty.WINDOW * novelty.CAP,
            "membership_probe": near_rows.WINDOW - OWN,
            "flood": flood.KINDS * n,
            "schema_probe": schema_probe.KEPT * (schema_probe.KEPT + 20),
            "distance_shape": distance_shape.BINS * distance_shape.WINDOW**2,
            # Steady steps count at most as much as those on which the answer flips.
            "distributed_query": 4
            * (distributed_query.FLIP * distributed_query.LEVELS * distributed_query.WINDOW) ** 2,
            "sponge": (sponge.WINDOW * sponge.MOST) ** 2,
            "feedback_skew": feedback_skew.AGAINST * feedback_skew.WINDOW,
            "feedback_flood": feedback_flood.WINDOW,
            "feedback_dispute": 8 * n * feedback_dispute.UNITS,
            "growing_doubt": n * growing_doubt.UNITS,
            "information_spend": n * (2 * information_spend.LEVELS + information_spend.OTHER),
            "score_climb": score_climb.WINDOW * score_climb.FULL,
            "input_search": int(input_search.ODDS[-1]),
            "caller_profile": (len(caller_profile.FEATURES) * 2 * caller_profile.MOST + 1) << (2 * caller_profile.BITS),
            "adversarial_input": adversarial_input.WINDOW * adversarial_input.MOST,
            **dict.fromkeys(("local_patch", "trigger_probe"), signal_rarity.WINDOW * signal_rarity.MOST),
        }
        for name, detector in event_detectors().items():
            params = {**detector.fit(batch), ROWS: np.arange(1, 10_000, dtype=np.uint64)}
            scores = detector.score(params, np.zeros(1, detector.state), batch)[1]
            assert scores.max() <= most[name], name

    def test_the_bound_of_an_iterative_search_can_be_reached(self) -> None:
        """A limit that nothing reaches would be a wrong one: every step small and flipping."""
        always = np.full(iterative_query.LEVELS, 1e9)
        never = levels_beyond(PERFECT, iterative_query.LEVELS)
        params = {"cutoffs": always, "crowded": -always, "near": np.array([1e9, 1e9]), "even": never}
        batch = similar(batch_of([[[i % 128, i // 128] for i in range(60)]], [[1 + i % 2 for i in range(60)]]))
        state = np.zeros(1, iterative_query.detector.state)
        scores = iterative_query.detector.score(params, state, batch)[1]
        small = iterative_query.CLOSENESS * iterative_query.LEVELS * iterative_query.FLIP
        assert scores.max() >= iterative_query.WINDOW * small

    def test_the_bound_of_a_shape_can_be_reached(self) -> None:
        cuts = np.arange(distance_shape.BINS, dtype=np.int64) + 1
        params = {"cuts": cuts, "shapes": np.zeros((1, distance_shape.BINS), np.uint8)}
        batch = similar(batch_of([[[i] for i in range(60)]]))
        scores = distance_shape.detector.score(params, np.zeros(1, distance_shape.detector.state), batch)[1]
        assert scores.max() == distance_shape.BINS * distance_shape.WINDOW**2


class TestWidestModel:
    @pytest.fixture
    def queries(self) -> list[list[int]]:
        corners = np.zeros((8, WIDEST), np.int64)
        corners[1::2] = 127
        corners[2:, : WIDEST // 2] = 126
        corners[np.arange(8), np.arange(8)] = np.arange(8)
        return corners.tolist()

    @pytest.mark.parametrize("name", event_detectors())
    def test_scores_are_the_same_one_by_one_and_together(self, name: str, queries: list[list[int]]) -> None:
        detector: EventDetector = event_detectors()[name]
        params = detector.fit(similar(batch_of([queries[:4], queries[4:]])))
        whole = detector.score(params, np.zeros(1, detector.state), similar(batch_of([queries])))[1]
        state = np.zeros(1, detector.state)
        near = np.zeros(1, nearest_query.state_dtype(WIDEST))
        found: list[int] = []
        for at, query in enumerate(queries):
            seen = nearest_query.add_signals(near, batch_of([[query]], keys=[[at + 1]]), np.array([0]))
            near = seen.state
            # Flood counts by time, and each of these batches begins anew at its own.
            state, scores = detector.score(params, state, seen.batch)
            found += scores.tolist()
        assert found == whole.tolist()

    def test_the_largest_distance_is_exact(self, queries: list[list[int]]) -> None:
        squared = similar(batch_of([[[0] * WIDEST, [127] * WIDEST]])).signals["squared"]
        assert squared.tolist() == [FAR, 127 * 127 * WIDEST]


class TestLongStays:
    def test_a_member_of_two_rings_ago_counts_once_each_time_it_is_new_again(self) -> None:
        """What left the ring is new again, but so is the window: no row counts twice within one."""
        numbers = [*range(10), *range(1_000, 1_000 + RING), *range(10)]
        batch = similar(batch_of([[[n % 128, n // 128] for n in numbers]], keys=[[n + 1 for n in numbers]]))
        params = {ROWS: np.arange(1, 11, dtype=np.uint64)}
        scores = membership_probe.detector.score(params, np.zeros(1, membership_probe.detector.state), batch)[1]
        assert scores.max() == 10 - OWN

    @pytest.mark.parametrize("rate", [1, 19, 20, 21, 500])
    def test_a_steady_client_scores_ten_seconds_of_its_rate(self, rate: int) -> None:
        scores = rates(timed([second + i / rate for second in range(30) for i in range(rate)]))
        assert max(scores) == flood.KINDS * rate * flood.SECONDS
        assert (max(scores) > flood.KINDS * flood.FLOOR) == (rate > flood.FLOOR / flood.SECONDS)

    @settings(max_examples=30, deadline=None)
    @given(gaps=st.lists(st.sampled_from([0.0, 0.4, 1.0, 9.0, 10.0, 11.0, 1e5]), min_size=1, max_size=60))
    def test_one_event_a_batch_counts_as_all_in_one(self, gaps: list[float]) -> None:
        times = np.cumsum(gaps).tolist()
        assert rates(*[timed([time]) for time in times]) == rates(timed(times))

    @settings(max_examples=30, deadline=None)
    @given(gaps=st.lists(st.floats(0, 3), min_size=1, max_size=40), later=st.floats(0, 1e6))
    def test_a_rate_does_not_depend_on_the_hour(self, gaps: list[float], later: float) -> None:
        times = np.cumsum(gaps)
        assert rates(timed(times.tolist())) == rates(timed((times + np.floor(later)).tolist()))

    @settings(max_examples=20, deadline=None)
    @given(times=st.lists(st.floats(0, 20), min_size=1, max_size=40).map(sorted), at=st.integers(0, 40))
    def test_one_event_more_never_lowers_a_count(self, times: list[float], at: int) -> None:
        at = min(at, len(times) - 1)
        before, after = rates(timed(times)), rates(timed([*times[:at], times[at], *times[at:]]))
        del after[at]
        assert all(more >= less for more, less in zip(after, before, strict=True))
        assert sum(after) >= sum(before)


class TestWhereNothingVaries:
    def test_a_query_that_benign_clients_all_send_is_not_foreign_and_any_other_is(self) -> None:
        params = novelty.detector.fit(similar(batch_of([[[64, 64]]] * 60)))
        state = np.zeros(1, novelty.detector.state)
        asked = similar(batch_of([[[64, 64], [64, 65], [0, 127]]]))
        assert novelty.detector.score(params, state, asked)[1].tolist() == [0, novelty.CAP, 2 * novelty.CAP]
        said = novelty.detector.explain(params, asked)
        assert said.facts["farthest"] is None

    def test_steps_of_nothing_do_not_make_every_step_a_small_one(self) -> None:
        """Benign clients that send different inputs of one cell: no step is smaller than theirs."""
        users = [[[64, 64], [64, 64], [64, 64]]] * 40
        keys = [[1, 2, 3]] * 40
        params = iterative_query.detector.fit(similar(batch_of(users, keys=keys)))
        walk = similar(batch_of([[[64 + n % 2, 64] for n in range(60)]], keys=[list(range(1, 61))]))
        assert iterative_query.detector.score(params, np.zeros(1, iterative_query.detector.state), walk)[1].max() == 0
