import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.events.novelty import CAP, COMMON, STEEP, WEIGHT, WINDOW, _distance, detector
from caponier.detect.rarity.dependence_tree import CELLS, ODD, ROOT, UNITS, surprise_of, without_odd
from caponier.detect.rarity.likely_values import without_fillers
from detect.batches import batch_of, line, scores, similar
from outputs.held_output import HeldOutputs

RULER: Params = {
    "weights": np.ones((1, 1), np.float32),
    "mean": np.array([50]),
    "precision": np.array([0.01]),
    "common": np.array([1.0]),
    "parents": np.array([ROOT]),
    "surprise": np.zeros((1, CELLS, CELLS), np.int32),
    "usual": np.array([0, UNITS]),
}
"""One feature; 10 away from 50 is as far as common queries go, and no value is a surprise."""
RARE: Params = {**RULER, "precision": np.array([0.0]), "surprise": np.full((1, CELLS, CELLS), 2 * UNITS, np.int32)}
"""One feature; nothing is far away, and every value surprises twice as much as is usual."""


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

    def test_a_surprise_counts_as_far_as_it_exceeds_the_usual_one(self) -> None:
        assert scores(detector, RARE, batch_of([line(50)])).tolist() == [int(CAP / STEEP)]
        usual = {**RARE, "usual": np.array([0, 2 * UNITS])}
        assert scores(detector, usual, batch_of([line(50)])).tolist() == [0]

    def test_the_larger_of_distance_and_surprise_counts_and_not_both(self) -> None:
        both = {**RARE, "precision": RULER["precision"]}
        assert scores(detector, both, batch_of([line(50)])).tolist() == [int(CAP / STEEP)]
        assert scores(detector, both, batch_of([line(90)])).tolist() == [CAP]


class TestFit:
    def test_one_benign_query_in_a_thousand_is_more_than_common(self) -> None:
        many = cloud(n=4000)
        batch = similar(batch_of([part.tolist() for part in np.split(many, 20)]))
        params = detector.fit(batch)
        rows, query = without_fillers(params, batch)
        away, surprise = _distance(params, batch.query), surprise_of(params, batch.query)
        # What stands in one of the last few queries may be a filler: the lesser counts.
        away[rows] = np.minimum(away[rows], _distance(params, query))
        surprise[rows] = np.minimum(surprise[rows], surprise_of(params, query))
        far, rare = away > params["common"][0], surprise > params["usual"][1]
        assert far.mean() == pytest.approx(1 - COMMON, abs=0.0005)
        assert rare.mean() <= 1 - COMMON

    def test_values_that_never_meet_are_foreign_though_each_is_common(self) -> None:
        """Two features that are always alike: a covariance calls their mixture far, a histogram of each would not."""
        alike = np.random.default_rng(5).integers(0, 2, 400) * 100 + 10
        params = detector.fit(similar(batch_of([[[v, v] for v in part] for part in np.split(alike, 10)])))
        mixed = surprise_of(params, np.array([[10, 110], [110, 110]], np.uint8))
        assert mixed[0] > params["usual"][1] > mixed[1]

    def test_a_few_who_surprise_most_are_not_learned_from(self) -> None:
        users = [part.tolist() for part in np.split(cloud(n=4000), 100)]
        noise = np.random.default_rng(3).integers(0, 128, (200, 4))
        clean = detector.fit(similar(batch_of(users)))
        mixed = detector.fit(similar(batch_of([*users, noise[:100].tolist(), noise[100:].tolist()])))
        query = noise.astype(np.uint8)
        assert np.median(surprise_of(mixed, query)) > 0.9 * np.median(surprise_of(clean, query))
        assert (surprise_of(mixed, query) > mixed["usual"][1]).mean() > 0.9

    def test_a_search_from_noise_is_suspect_and_other_users_are_not(self) -> None:
        params = detector.fit(benign(0))
        noise = np.random.default_rng(3).integers(0, 128, (WINDOW, 4)).tolist()
        assert scores(detector, params, batch_of([cloud(1).tolist()])).max() < detector.suspect
        assert scores(detector, params, batch_of([noise])).max() > detector.suspect

    def test_of_few_subjects_nobody_is_left_out(self) -> None:
        few = benign()
        assert few.subjects < 1 / ODD
        assert len(without_odd(few)) == len(few)

    def test_left_out_are_the_odd_ones_whatever_the_order(self) -> None:
        users = [part.tolist() for part in np.split(cloud(n=400), 40)]
        odd = [[[0, 127, 0, 127], [127, 0, 127, 0]]]
        for order in (users + odd, odd + users):
            kept = without_odd(similar(batch_of(order)))
            assert sorted(np.diff(kept.offsets).tolist()) == [0] + [10] * 40

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
        assert all(np.array_equal(one[name], other[name]) for name in ("parents", "surprise", "usual"))

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
    def test_it_names_the_foreign_queries(self, held: HeldOutputs) -> None:
        told = detector.explain(RULER, similar(batch_of([line(50, 80, 55, 90)])))
        assert told.facts == {"foreign": 2, "farthest": 4.0, "rarest": 0.0, "window": 4}
        assert told.rows.tolist() == [1, 3]
        held.check("summaries/novelty-of-distance", told.summary)

    def test_it_names_rare_combinations_too(self, held: HeldOutputs) -> None:
        told = detector.explain(RARE, similar(batch_of([line(50, 80)])))
        assert told.facts["rarest"] == 2.0
        assert told.rows.tolist() == [0, 1]
        held.check("summaries/novelty-of-values", told.summary)

    def test_rows_are_those_of_all_events(self) -> None:
        told = detector.explain(RULER, similar(batch_of([line(*range(40, 60), *range(1, 30), 120)])))
        assert told.facts["window"] == WINDOW
        assert told.rows.tolist() == list(range(20, 50))
