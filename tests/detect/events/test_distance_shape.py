import numpy as np
import pytest

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.events.distance_shape import BINS, SHAPES, WINDOW, detector
from detect.batches import batch_of, line, scores, similar
from outputs.held_output import HeldOutputs

CUTS = np.arange(1, BINS + 1) ** 2 * 4
"""Squared distances 4, 16, 36 ...: a step of 1 or 2 lies below every cut, one of 3 or 4 below all but the first."""


def benign(*shapes: int) -> Params:
    """Know shapes of which all 40 distances lie below the cut of the given number, from 0, but not those before it."""
    rows = [np.where(np.arange(BINS) >= cut, WINDOW, 0) for cut in shapes]
    return {"cuts": CUTS, "shapes": np.array(rows, np.uint8).reshape(len(shapes), BINS)}


def scored(params: Params, queries: list[list[int]]) -> list[int]:
    return scores(detector, params, batch_of([queries])).tolist()


class TestDeparture:
    def test_nothing_is_said_before_forty_distances(self) -> None:
        found = scored(benign(5), line(*range(WINDOW + 2)))
        assert found[:WINDOW] == [0] * WINDOW
        assert min(found[WINDOW:]) > 0

    def test_a_known_shape_is_no_departure(self) -> None:
        # All steps of 1 lie below the first cut.
        assert max(scored(benign(0), line(*range(60)))) == 0

    def test_the_statistic_is_that_of_cramer_and_von_mises(self) -> None:
        # All 40 distances lie one cut farther: 40 differ at one cut.
        assert scored(benign(1), line(*range(WINDOW + 1)))[-1] == WINDOW**2

    def test_farther_away_is_more(self) -> None:
        assert scored(benign(4), line(*range(WINDOW + 1)))[-1] == 4 * WINDOW**2

    def test_the_most_alike_of_the_benign_shapes_counts(self) -> None:
        assert scored(benign(9, 1, 4), line(*range(WINDOW + 1)))[-1] == WINDOW**2

    def test_half_a_window_of_strange_steps_counts_half(self) -> None:
        still = line(*range(WINDOW + 1))
        moved = [[query[0]] + [64] * 30 for query in still]
        found = scored(benign(0), [*([q[0]] + [0] * 30 for q in still), *moved[: WINDOW // 2]])
        # The first of the moved is far from all, the others are steps of 1 again: one distance differs at every cut.
        assert found[-1] == BINS

    def test_repeats_do_not_count(self) -> None:
        queries = line(*range(WINDOW + 1))
        twice = [query for query in queries for _ in range(2)]
        assert max(scored(benign(1), twice)) == max(scored(benign(1), queries))

    def test_without_benign_shapes_nothing_is_strange(self) -> None:
        assert max(scored(benign(), line(*range(60)))) == 0


class TestFit:
    def users(self, seed: int = 0, n: int = 12) -> list[list[list[int]]]:
        rng = np.random.default_rng(seed)
        return [rng.integers(0, 128, (70, 4)).tolist() for _ in range(n)]

    def benign(self, users: list[list[list[int]]]) -> EventBatch:
        return similar(batch_of(users))

    def test_cuts_are_benign_quantiles(self) -> None:
        batch = self.benign(self.users())
        cuts = detector.fit(batch)["cuts"]
        squared = batch.signals["squared"][batch.signals["squared"] < 10**6]
        assert (squared <= cuts[BINS // 2]).mean() == pytest.approx((BINS // 2 + 1) / (BINS + 1), abs=0.01)

    def test_shapes_cover_what_was_seen(self) -> None:
        shapes = detector.fit(self.benign(self.users(n=40)))["shapes"]
        assert SHAPES - 10 < len(shapes) <= SHAPES
        assert len(np.unique(shapes, axis=0)) == len(shapes)
        assert (np.diff(shapes.astype(int), axis=1) >= 0).all()
        assert shapes.max() <= WINDOW

    def test_the_order_of_subjects_does_not_matter(self) -> None:
        users = self.users()
        one, other = detector.fit(self.benign(users)), detector.fit(self.benign(users[::-1]))
        assert all(np.array_equal(one[name], other[name]) for name in one)

    def test_what_one_subject_alone_does_is_not_benign(self) -> None:
        """An attacker in the benign log must not teach its own shape."""
        even = [[i, i, i, i] for i in range(70)]
        alone = detector.fit(self.benign([*self.users(), even]))
        shared = detector.fit(self.benign([*self.users(), even, even, even]))
        assert scored(alone, even)[-1] > 4 * detector.floor
        assert scored(shared, even)[-1] < detector.floor

    def test_users_with_few_queries_teach_no_shape(self) -> None:
        assert len(detector.fit(self.benign([line(1, 5, 9)]))["shapes"]) == 0

    def test_nobody_at_all_is_no_error(self) -> None:
        assert len(detector.fit(self.benign([[[0]]]))["shapes"]) == 0

    def test_those_it_learned_from_are_closer_than_somebody_who_steps_evenly(self) -> None:
        params = detector.fit(self.benign(self.users()))
        own = scores(detector, params, batch_of(self.users())).max()
        even = scored(params, [[i, i, i, i] for i in range(60)])[-1]
        assert even > 4 * own


def test_an_explanation_tells_the_distances(held: HeldOutputs) -> None:
    params = benign(1)
    said = detector.explain(params, similar(batch_of([line(*range(0, 100, 2))])))
    assert said.facts["window"] == WINDOW
    assert said.facts["distance_quartiles"] == [2.0, 2.0, 2.0]
    assert said.rows.tolist() == list(range(10, 50))
    held.check("summaries/distance_shape", said.summary)


def test_an_explanation_of_a_first_query_is_no_error() -> None:
    assert detector.explain(benign(), similar(batch_of([line(7)]))).facts["window"] == 0
