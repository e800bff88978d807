import numpy as np
import pytest

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.events.iterative_query import (
    AXIS,
    AXIS_COMMON,
    AXIS_LEAST,
    AXIS_NEAR,
    CLOSENESS,
    CLOUD,
    CROWD,
    EVEN,
    FLIP,
    HALVED,
    HALVING,
    LEVELS,
    MAX_RUN,
    UNBOUNDED,
    WINDOW,
    _axial,
    _runs_among,
    detector,
)
from caponier.detect.similarity.changes import EVENLY as LEAST_EVEN
from caponier.detect.similarity.changes import PERFECT, levels_beyond
from caponier.detect.similarity.nearest_query import FAR
from detect.batches import batch_of, line, scores, similar
from outputs.held_output import HeldOutputs

NOTHING: Params = {"crowded": np.full(LEVELS, -1.0), "even": levels_beyond(PERFECT, LEVELS)}
"""Neither crowds nor even steps say anything."""
ANYWHERE = np.array([UNBOUNDED, -1.0])
"""Halvings count at any length, steps along one feature at none."""
NEVER: Params = {**NOTHING, "cutoffs": np.full(LEVELS, -1.0), "near": ANYWHERE}
"""No step is small."""
ALWAYS: Params = {**NOTHING, "cutoffs": np.full(LEVELS, 1e9), "near": ANYWHERE}
"""Every step is as small as can be."""
TENFOLD: Params = {**NOTHING, "cutoffs": 100 * 2.0 ** (-np.arange(LEVELS)[::-1] / 2), "near": ANYWHERE}
"""A squared step of 100 is the limit."""
STRAIGHT: Params = {**NOTHING, "cutoffs": np.full(LEVELS, -1.0), "near": np.array([-1.0, 1000.0])}
"""Only steps along one feature count, up to a squared length of 1,000."""
SMALLEST = CLOSENESS * LEVELS
AROUND = [[60 + 9 * (place == at) for place in range(12)] for at in range(12)]
"""Queries around one point, all as far from each other."""
AMID: Params = {**NEVER, "crowded": np.full(LEVELS, 1e9)}
"""Amid a crowd every step is as small as can be."""
CORNERS = [[60] * 16, [85, 35] * 8, [85, 85, 35, 35] * 4]
"""A point and two corners of a box around it."""
EVENLY: Params = {**NEVER, "even": levels_beyond(LEAST_EVEN, LEVELS)}
"""Benign steps are not even at all."""


def scored(params: Params, queries: list[list[int]], labels: list[int] | None = None) -> list[int]:
    return scores(detector, params, batch_of([queries], [labels] if labels else None)).tolist()


class TestSmallSteps:
    def test_the_first_query_has_no_step(self) -> None:
        assert scored(ALWAYS, line(5)) == [0]

    def test_every_small_step_counts_its_closeness(self) -> None:
        assert scored(ALWAYS, line(5, 6, 7)) == [0, SMALLEST, 2 * SMALLEST]

    @pytest.mark.parametrize(("step", "levels"), [(11, 0), (10, 1), (9, 1), (8, 2), (7, 3), (5, 5), (1, 14)])
    def test_closeness_is_counted_in_quarter_bits_below_the_limit(self, step: int, levels: int) -> None:
        assert scored(TENFOLD, line(50, 50 + step)) == [0, CLOSENESS * levels]

    def test_an_answer_that_flips_counts_four_times(self) -> None:
        assert scored(ALWAYS, line(5, 6, 7), [1, 2, 2]) == [0, FLIP * SMALLEST, (FLIP + 1) * SMALLEST]

    def test_a_flip_on_a_large_step_is_nothing(self) -> None:
        assert scored(NEVER, line(0, 120), [1, 2]) == [0, 0]

    def test_repeats_are_no_steps(self) -> None:
        assert scored(ALWAYS, line(5, 6, 6, 5, 6)) == [0, SMALLEST, 0, 0, 0]

    def test_only_the_last_queries_count(self) -> None:
        found = scored(ALWAYS, line(*range(60)))
        assert max(found) == WINDOW * SMALLEST
        assert found[-1] == WINDOW * SMALLEST


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

    def test_halvings_between_things_that_lie_far_apart_are_chance(self) -> None:
        near = {**NEVER, "near": np.array([100.0, -1.0])}
        # Steps of 64, 32, 16, 8: only the last one is within 10 of an earlier query.
        assert scored(near, line(0, 64, 32, 48, 40)) == [0, 0, 0, 0, 2 * HALVING]


class TestStepsAlongOneFeature:
    def square(self, *changes: int) -> list[list[int]]:
        """Return queries that change one feature after the other."""
        rows = [[60] * 8]
        for at, change in enumerate(changes):
            rows.append([value + change * (place == at % 8) for place, value in enumerate(rows[-1])])
        return rows

    def test_the_third_in_a_row_counts_and_every_further_one_more(self) -> None:
        assert scored(STRAIGHT, self.square(20, -20, 20, 20, -20)) == [0, 0, 0, AXIS, 3 * AXIS, 6 * AXIS]

    def test_steps_of_several_features_break_a_run(self) -> None:
        rows = self.square(20, 20, 20)
        slanted = [value + 9 for value in rows[-1]]
        assert scored(STRAIGHT, [*rows, slanted])[-1] == AXIS
        assert _axial(np.array([8 * 9**2])).tolist() == [False]

    def test_queries_of_another_kind_in_between_hide_nothing(self) -> None:
        rows = self.square(20, 20, 20, 20)
        others = [[at, 127, 0, at, 127, 0, 127 - at, 0] for at in (0, 60, 110)]
        mixed = [rows[0], rows[1], others[0], rows[2], others[1], rows[3], others[2], rows[4]]
        assert scored(STRAIGHT, mixed)[-1] == scored(STRAIGHT, rows)[-1] == 3 * AXIS

    def test_where_they_are_too_long_they_are_nothing(self) -> None:
        assert scored(STRAIGHT, self.square(40, 40, 40, 40)) == [0] * 5

    def test_of_the_smallest_steps_too_many_are_squares_by_chance(self) -> None:
        assert _axial(np.array([1, 4, 9, AXIS_LEAST, 17, 25, 624, 625, 676, FAR])).tolist() == [
            False, False, False, True, False, True, False, True, True, False,
        ]  # fmt: skip

    def test_a_run_goes_on_over_a_cut_of_the_stream(self) -> None:
        holds, among = np.array([True, True, False, True]), np.array([True, False, False, True])
        offsets, whole = np.array([0, 2, 4]), np.array([3, 0])
        runs, last = _runs_among(holds, among, offsets, whole)
        assert runs.tolist() == [4, 0, 0, 1]
        assert last.tolist() == [4, 1]

    def test_a_subject_without_a_row_that_matters_keeps_its_run(self) -> None:
        none = np.zeros(2, bool)
        runs, last = _runs_among(none, none, np.array([0, 2]), np.array([5]))
        assert (runs.tolist(), last.tolist()) == ([0, 0], [5])


class TestClouds:
    def test_steps_amid_a_crowd_count(self) -> None:
        first = [0] * (CROWD + 1)
        assert scored(AMID, AROUND)[: CROWD + 1] == [0] * CROWD + [CLOUD * LEVELS]
        assert scored(AMID, AROUND)[-1] == (len(AROUND) - CROWD) * CLOUD * LEVELS
        assert scored(NEVER, AROUND)[: CROWD + 1] == first

    def test_a_walk_in_as_small_steps_has_no_crowd(self) -> None:
        assert scored(AMID, line(*range(0, 120, 9))) == [0] * 14

    def test_photos_mixed_in_hide_nothing(self) -> None:
        rng = np.random.default_rng(3)
        mixed = [row for pair in zip(AROUND, rng.integers(0, 128, (12, 12)).tolist(), strict=True) for row in pair]
        params = {**NEVER, "crowded": np.full(LEVELS, 200.0)}
        assert scored(params, mixed)[-1] == scored(params, AROUND)[-1] > 0

    def test_the_limit_is_that_of_benign_crowds_and_not_of_benign_walks(self) -> None:
        walks = [line(*range(at, 128, 2), width=12) for at in range(40)]
        scenes = [
            np.clip(60 + np.random.default_rng(at).normal(0, 9, (40, 12)), 0, 127).astype(int).tolist()
            for at in range(40)
        ]
        params = detector.fit(similar(batch_of(walks + scenes)))
        assert params["cutoffs"][-1] == 12 * 2**2
        assert params["crowded"][-1] > 100
        assert max(scored(params, AROUND)) > 0

    def test_the_explanation_counts_them(self) -> None:
        told = detector.explain(AMID, similar(batch_of([AROUND])))
        assert told.facts["crowded"] == len(AROUND) - CROWD
        assert told.rows.tolist() == list(range(CROWD, len(AROUND)))

    def test_where_nobody_makes_crowds_none_is_close(self) -> None:
        params = detector.fit(similar(batch_of([line(*range(at, 128, 2)) for at in range(20)])))
        assert (params["crowded"] < 0).all()


class TestEvenSteps:
    def test_corners_of_a_box_count_most(self) -> None:
        assert scored(EVENLY, CORNERS) == [0, EVEN * LEVELS, 2 * EVEN * LEVELS]

    def test_photos_are_no_more_even_than_those_that_it_learned_from(self) -> None:
        rng = np.random.default_rng(4)
        users = [rng.integers(0, 128, (60, 64)).tolist() for _ in range(40)]
        even = detector.fit(similar(batch_of(users[1:])))["even"]
        assert max(scored({**NEVER, "even": even}, users[0])) == 0
        assert scored({**NEVER, "even": even}, CORNERS)[-1] == 2 * EVEN * LEVELS

    def test_where_benign_steps_are_perfectly_even_none_says_anything(self) -> None:
        switches = [np.random.default_rng(at).integers(0, 2, (40, 24)) * 80 + 20 for at in range(30)]
        params = detector.fit(similar(batch_of([rows.tolist() for rows in switches])))
        assert params["even"].tolist() == [PERFECT + 1] * LEVELS
        assert scored({**NEVER, "even": params["even"]}, CORNERS) == [0, 0, 0]

    def test_a_few_attackers_among_the_benign_do_not_teach_it(self) -> None:
        rng = np.random.default_rng(5)
        users = [rng.integers(0, 128, (20, 16)).tolist() for _ in range(98)]
        clean, mixed = (detector.fit(similar(batch_of(one))) for one in (users, [*users, *[CORNERS] * 2]))
        assert clean["even"][0] < 1000
        assert abs(mixed["even"] - clean["even"]).max() <= 20

    def test_the_explanation_counts_them(self) -> None:
        told = detector.explain(EVENLY, similar(batch_of([CORNERS])))
        assert told.facts["even_steps"] == 2
        assert told.rows.tolist() == [1, 2]


class TestFit:
    def benign(self, subjects: list[list[list[int]]]) -> EventBatch:
        return similar(batch_of(subjects))

    def test_the_limit_is_below_benign_steps(self) -> None:
        users = [line(*range(i, 127, 9)) for i in range(8)]
        cutoffs = detector.fit(self.benign(users))["cutoffs"]
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
        params = detector.fit(similar(twice))
        assert (params["cutoffs"] < 0).all()
        assert params["near"].tolist() == [UNBOUNDED, -1]
        assert scored(params, line(5, 6)) == [0, 0]

    def test_what_is_near_is_measured_by_the_limit(self) -> None:
        rng = np.random.default_rng(1)
        users = [rng.integers(0, 128, (40, 6)).tolist() for _ in range(30)]
        params = detector.fit(self.benign(users))
        limit = params["cutoffs"][-1]
        assert params["near"].tolist() == pytest.approx([HALVED * limit, AXIS_NEAR * limit])

    def test_clients_who_change_one_field_after_the_other_make_such_steps_common(self) -> None:
        forms = [[[at, 3 * user % 128] for at in range(0, 120, 5)] for user in range(20)]
        benign = self.benign(forms)
        assert _axial(benign.signals["squared"]).mean() > AXIS_COMMON
        params = detector.fit(benign)
        assert params["near"][1] == -1
        assert max(scored(params, [[20 * at, 60] for at in range(6)])) == 0

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
    def test_it_names_small_steps_flips_and_halvings(self, held: HeldOutputs) -> None:
        events = similar(batch_of([line(0, 64, 32, 48, 40, 41)], [[1, 1, 1, 2, 1, 2]]))
        told = detector.explain(TENFOLD, events)
        assert told.facts == {
            "small_steps": 2,
            "flips": 1,
            "halvings": 3,
            "single_feature": 0,
            "crowded": 0,
            "even_steps": 0,
            "window": 6,
        }
        held.check("summaries/iterative_query", told.summary)

    def test_it_counts_steps_along_a_single_feature(self) -> None:
        told = detector.explain(STRAIGHT, similar(batch_of([line(0, 20, 40, 60, 80)])))
        assert told.facts["single_feature"] == 4
        assert told.rows.tolist() == [3, 4]

    def test_it_points_at_the_events_that_carry_the_evidence(self) -> None:
        events = similar(batch_of([line(0, 64, 32, 48, 40, 41)]))
        assert detector.explain(TENFOLD, events).rows.tolist() == [3, 4, 5]

    def test_rows_are_those_of_all_events_not_of_the_window(self) -> None:
        events = similar(batch_of([line(*range(0, 120, 2), 119)]))
        told = detector.explain({**NOTHING, "cutoffs": np.array([2.0] * LEVELS), "near": ANYWHERE}, events)
        assert told.facts["window"] == WINDOW
        assert told.rows.tolist() == [60]
