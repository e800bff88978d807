import numpy as np
import pytest

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.events.iterative_query import FLIP, HALVING, LEVELS, MAX_RUN, WINDOW, detector
from detect.batches import batch_of, line, scores, similar

NEVER: Params = {"cutoffs": np.full(LEVELS, -1.0)}
"""No step is small."""
ALWAYS: Params = {"cutoffs": np.full(LEVELS, 1e9)}
"""Every step is as small as can be."""
TENFOLD: Params = {"cutoffs": 100 * 2.0 ** (-np.arange(LEVELS)[::-1] / 2)}
"""A squared step of 100 is the limit."""


def scored(params: Params, queries: list[list[int]], labels: list[int] | None = None) -> list[int]:
    return scores(detector, params, batch_of([queries], [labels] if labels else None)).tolist()


class TestSmallSteps:
    def test_the_first_query_has_no_step(self) -> None:
        assert scored(ALWAYS, line(5)) == [0]

    def test_every_small_step_counts_its_closeness(self) -> None:
        assert scored(ALWAYS, line(5, 6, 7)) == [0, LEVELS, 2 * LEVELS]

    @pytest.mark.parametrize(("step", "levels"), [(11, 0), (10, 1), (9, 1), (8, 2), (7, 3), (5, 5), (1, 14)])
    def test_closeness_is_counted_in_quarter_bits_below_the_limit(self, step: int, levels: int) -> None:
        assert scored(TENFOLD, line(50, 50 + step)) == [0, levels]

    def test_an_answer_that_flips_counts_four_times(self) -> None:
        assert scored(ALWAYS, line(5, 6, 7), [1, 2, 2]) == [0, FLIP * LEVELS, FLIP * LEVELS + LEVELS]

    def test_a_flip_on_a_large_step_is_nothing(self) -> None:
        assert scored(NEVER, line(0, 120), [1, 2]) == [0, 0]

    def test_repeats_are_no_steps(self) -> None:
        assert scored(ALWAYS, line(5, 6, 6, 5, 6)) == [0, LEVELS, 0, 0, 0]

    def test_only_the_last_queries_count(self) -> None:
        found = scored(ALWAYS, line(*range(60)))
        assert max(found) == WINDOW * LEVELS
        assert found[-1] == WINDOW * LEVELS


class TestHalving:
    def test_two_halvings_in_a_row_count_and_one_does_not(self) -> None:
        # Steps of 64, 32, 16, 8 from the nearest earlier query, each half the one before.
        assert scored(NEVER, line(0, 64, 32, 48, 40)) == [0, 0, 0, HALVING, 3 * HALVING]

    def test_equal_steps_are_no_halvings(self) -> None:
        assert scored(NEVER, line(0, 10, 20, 30, 40)) == [0] * 5

    def test_a_run_is_broken_by_another_step(self) -> None:
        # 64, 32, 16 halve; 79 breaks the run.
        assert scored(NEVER, line(0, 64, 32, 48, 127))[-1] == HALVING

    def test_a_long_run_counts_so_much_and_no_more(self) -> None:
        wide = [[min(127, max(0, int(2.0 ** (13 - i) - 127 * j))) for j in range(65)] for i in range(13)]
        found = scored(NEVER, [[0] * 65, *wide])
        assert found == sorted(found)
        assert max(np.diff(found)) <= HALVING * MAX_RUN


class TestFit:
    def benign(self, subjects: list[list[list[int]]]) -> EventBatch:
        return similar(batch_of(subjects))

    def test_the_limit_is_below_benign_steps(self) -> None:
        users = [line(*range(i, 127, 9)) for i in range(8)]
        (cutoffs,) = detector.fit(self.benign(users)).values()
        assert cutoffs[-1] == pytest.approx(81)
        assert cutoffs[-3] == pytest.approx(cutoffs[-1] / 2)

    def test_the_order_of_subjects_does_not_matter(self) -> None:
        rng = np.random.default_rng(0)
        users = [rng.integers(0, 128, (12, 3)).tolist() for _ in range(20)]
        one, other = detector.fit(self.benign(users)), detector.fit(self.benign(users[::-1]))
        assert one["cutoffs"].tolist() == other["cutoffs"].tolist()

    def test_a_few_attackers_among_the_benign_do_not_set_the_limit(self) -> None:
        users = [line(*range(i % 9, 127, 9)) for i in range(98)]
        attackers = [[[i] for i in range(20, 60)]] * 2
        clean, mixed = detector.fit(self.benign(users)), detector.fit(self.benign(users + attackers))
        assert mixed["cutoffs"].tolist() == clean["cutoffs"].tolist()

    def test_many_who_ask_in_small_steps_do(self) -> None:
        users = [line(*range(i % 9, 127, 9)) for i in range(90)]
        slow = [[[i] for i in range(20, 60)]] * 10
        assert detector.fit(self.benign(users + slow))["cutoffs"][-1] == 1

    def test_where_benign_clients_share_cells_no_step_is_small(self) -> None:
        twice = batch_of([line(9, 9)] * 40, keys=[[2 * i + 1, 2 * i + 2] for i in range(40)])
        (cutoffs,) = detector.fit(similar(twice)).values()
        assert (cutoffs < 0).all()
        assert scored({"cutoffs": cutoffs}, line(5, 6)) == [0, 0]

    @pytest.mark.parametrize("queries", [[], line(5), [None, None]])
    def test_too_little_to_learn_from_makes_no_step_small(self, queries: list[list[int]]) -> None:
        assert scored(detector.fit(self.benign([queries])), line(5, 6)) == [0, 0]


class TestColdStart:
    def test_only_steps_below_half_a_unit_a_feature_are_small(self) -> None:
        params, _ = detector.priors()
        wide, narrow = [[0] * 64, [1] * 64], [[0] * 64, [1] * 15 + [0] * 49]
        assert scored(params, wide) == [0, 0]
        assert scored(params, narrow)[1] > 0

    def test_it_asks_for_four_times_the_usual_evidence(self) -> None:
        assert detector.priors()[1] == 4 * detector.floor


class TestExplanation:
    def test_it_names_small_steps_flips_and_halvings(self) -> None:
        events = similar(batch_of([line(0, 64, 32, 48, 40, 41)], [[1, 1, 1, 2, 1, 2]]))
        told = detector.explain(TENFOLD, events)
        assert told.facts == {"small_steps": 2, "flips": 1, "halvings": 3, "window": 6}
        assert "Of the last 6 different queries, 2 are smaller steps" in told.summary
        assert "flips on 1 of them" in told.summary
        assert "halves 3 times" in told.summary

    def test_it_points_at_the_events_that_carry_the_evidence(self) -> None:
        events = similar(batch_of([line(0, 64, 32, 48, 40, 41)]))
        assert detector.explain(TENFOLD, events).rows.tolist() == [3, 4, 5]

    def test_rows_are_those_of_all_events_not_of_the_window(self) -> None:
        events = similar(batch_of([line(*range(0, 120, 2), 119)]))
        told = detector.explain({"cutoffs": np.array([2.0] * LEVELS)}, events)
        assert told.facts["window"] == WINDOW
        assert told.rows.tolist() == [60]
