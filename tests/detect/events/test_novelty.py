import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.events.novelty import CAP, COMMON, WEIGHT, WINDOW, _distance, detector
from detect.batches import batch_of, line, scores, similar

RULER: Params = {
    "weights": np.ones((1, 1), np.float32),
    "mean": np.array([50]),
    "precision": np.array([0.01]),
    "common": np.array([1.0]),
}
"""One feature; 10 away from 50 is as far as common queries go."""


def cloud(seed: int = 0, n: int = 400, width: int = 4) -> NDArray[np.int64]:
    drawn = np.random.default_rng(seed).normal(60, 6, (n, width))
    return np.clip(np.rint(drawn), 0, 127).astype(np.int64)


def benign(seed: int = 0) -> EventBatch:
    return similar(batch_of([part.tolist() for part in np.split(cloud(seed), 10)]))


class TestScore:
    @pytest.mark.parametrize(
        ("value", "excess"), [(50, 0), (60, 0), (40, 0), (65, CAP // 2), (70, CAP), (30, CAP), (127, CAP), (0, CAP)]
    )
    def test_a_query_counts_as_far_as_it_exceeds_what_is_common(self, value: int, excess: int) -> None:
        assert scores(detector, RULER, batch_of([line(value)])).tolist() == [excess]

    def test_the_last_queries_add_up(self) -> None:
        found = scores(detector, RULER, batch_of([[[i] for i in range(71, 128)]]))
        assert found.tolist() == [CAP * min(i, WINDOW) for i in range(1, 58)]

    def test_repeats_and_events_without_an_input_score_nothing(self) -> None:
        assert scores(detector, RULER, batch_of([[[100], [100], None, [101]]])).tolist() == [CAP, 0, 0, 2 * CAP]

    def test_subjects_do_not_add_up(self) -> None:
        assert scores(detector, RULER, batch_of([line(100), line(100)])).tolist() == [CAP, CAP]

    def test_one_foreign_query_is_never_worth_an_alarm(self) -> None:
        assert scores(detector, RULER, batch_of([line(127)]))[0] <= detector.floor


class TestFit:
    def test_one_benign_query_in_a_hundred_is_more_than_common(self) -> None:
        params = detector.fit(benign())
        far = _distance(params, cloud().astype(np.uint8)) > params["common"][0]
        assert far.mean() == pytest.approx(1 - COMMON, abs=0.005)

    def test_other_users_of_the_kind_are_not_foreign(self) -> None:
        params = detector.fit(benign(0))
        assert scores(detector, params, batch_of([cloud(1).tolist()])).max() < CAP

    def test_noise_is(self) -> None:
        params = detector.fit(benign())
        noise = np.random.default_rng(3).integers(0, 128, (10, 4)).tolist()
        assert scores(detector, params, batch_of([noise]))[-1] > 4 * CAP

    def test_weights_are_whole_so_that_their_sums_are_exact(self) -> None:
        weights = detector.fit(benign())["weights"]
        assert weights.dtype == np.float32
        assert (weights == np.rint(weights)).all()
        assert np.abs(weights).max() <= WEIGHT

    def test_the_order_of_subjects_hardly_matters(self) -> None:
        parts = [part.tolist() for part in np.split(cloud(), 10)]
        one, other = (detector.fit(similar(batch_of(order))) for order in (parts, parts[::-1]))
        assert one["common"][0] == pytest.approx(other["common"][0], rel=0.02)

    @pytest.mark.parametrize("queries", [[], line(5), [None], line(5, 5)])
    def test_too_little_to_learn_from_is_no_error(self, queries: list[list[int]]) -> None:
        params = detector.fit(similar(batch_of([queries])))
        assert all(np.isfinite(value).all() for value in params.values())
        assert scores(detector, params, batch_of([line(5)])).shape == (1,)

    def test_a_feature_that_never_varies_is_no_error(self) -> None:
        rows = [[i, 9] for i in range(60)]
        params = detector.fit(similar(batch_of([rows])))
        assert scores(detector, params, batch_of([[[30, 9], [30, 120]]])).tolist()[1] > 0


def test_without_a_baseline_nothing_is_foreign() -> None:
    assert detector.priors() is None


class TestExplanation:
    def test_it_names_the_foreign_queries(self) -> None:
        told = detector.explain(RULER, similar(batch_of([line(50, 80, 55, 90)])))
        assert told.facts == {"foreign": 2, "farthest": 4.0, "window": 4}
        assert told.summary.startswith("2 of the last 4 different queries lie outside the benign inputs")
        assert "4.0 times" in told.summary
        assert told.rows.tolist() == [1, 3]

    def test_rows_are_those_of_all_events(self) -> None:
        told = detector.explain(RULER, similar(batch_of([line(*range(40, 60), *range(1, 30), 120)])))
        assert told.facts["window"] == WINDOW
        assert told.rows.tolist() == list(range(20, 50))
