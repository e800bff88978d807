from collections.abc import Sequence

import numpy as np
import pytest

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.events.adversarial_input import FIGURES, LEVELS, MOST, WINDOW, detector
from detect.batches import batch_of, similar

Figures = tuple[int, int, int]
"""Class distance, neighbour ratio and squeezing of a query, in units of their last digits."""


def figured(*subjects: Sequence[Figures | None], repeated: bool = False) -> EventBatch:
    """Make a batch of different queries with figures, None for one that was not enriched; or all with one input."""
    counter = iter(range(10**6))
    rows = [[[0 if repeated else next(counter) % 128, next(counter) // 128 % 128] for _ in line] for line in subjects]
    keys = [[1 if repeated else 1 + next(counter) for _ in line] for line in subjects]
    batch = similar(batch_of(rows, keys=keys))
    columns = np.array([(-1, -1, -1) if one is None else one for line in subjects for one in line], np.int64)
    columns = columns.reshape(-1, len(FIGURES))
    return batch.with_signals({figure.name: columns[:, at] for at, figure in enumerate(FIGURES)})


def usual(seed: int = 0, clients: int = 100, each: int = 50) -> EventBatch:
    """Make clients whose figures vary, each by itself."""
    drawn = np.random.default_rng(seed).exponential([800, 500, 2_000], (clients, each, 3)).astype(int)
    return figured(*[[tuple(row) for row in line] for line in drawn.tolist()])


ODD: Figures = (9_000, 8_000, 19_000)
"""Beyond what almost any benign query reaches."""
PLAIN: Figures = (800, 500, 2_000)


@pytest.fixture(scope="module")
def params() -> Params:
    return detector.fit(usual())


def scored(params: Params, *batches: EventBatch) -> list[int]:
    state = np.zeros(batches[0].subjects, detector.state)
    found: list[int] = []
    for batch in batches:
        state, scores = detector.score(params, state, batch)
        found += scores.tolist()
    return found


class TestLearning:
    def test_each_level_is_reached_by_so_many_fewer_benign_queries(self, params: Params) -> None:
        queries = usual()
        for figure in FIGURES:
            seen = [(queries.signals[figure.name] >= level).mean() for level in params[figure.name]]
            assert np.allclose(seen, 0.5 ** (np.arange(1, len(seen) + 1) / 4), atol=0.02)

    def test_there_are_as_many_levels_as_benign_queries_bear(self, params: Params) -> None:
        assert len(params["squeezing"]) == LEVELS
        assert len(detector.fit(figured([PLAIN] * 15))["squeezing"]) == 16
        assert len(detector.fit(figured([None] * 15))["squeezing"]) == 0

    def test_one_benign_query_of_twenty_counts_at_all(self, params: Params) -> None:
        each = figured(*[[one] for one in np.random.default_rng(5).exponential([800, 500, 2_000], (4_000, 3)).tolist()])
        assert 0.02 < np.mean(np.array(scored(params, each)) > 0) < 0.06


class TestScoring:
    def test_common_figures_count_nothing(self, params: Params) -> None:
        assert scored(params, figured([PLAIN] * 50)) == [0] * 50

    def test_one_odd_query_counts_no_more_than_the_most_and_is_no_alarm(self, params: Params) -> None:
        assert max(scored(params, figured([PLAIN, ODD, PLAIN]))) == MOST < detector.floor

    def test_odd_queries_add_up_over_the_window_and_are_forgotten(self, params: Params) -> None:
        scores = scored(params, figured([ODD] * 4 + [PLAIN] * WINDOW))
        assert scores[:4] == [MOST, 2 * MOST, 3 * MOST, 4 * MOST]
        assert scores[WINDOW - 1] == 4 * MOST
        assert scores[-1] == 0

    def test_any_one_figure_is_enough_if_it_is_odd_enough(self, params: Params) -> None:
        for at in range(3):
            figures = list(PLAIN)
            figures[at] = ODD[at]
            assert scored(params, figured([tuple(figures)]))[0] > 0

    def test_a_repeat_is_no_new_evidence(self, params: Params) -> None:
        assert scored(params, figured([ODD] * 5, repeated=True)) == [MOST, 0, 0, 0, 0]

    def test_events_that_were_not_enriched_count_nothing(self, params: Params) -> None:
        assert scored(params, figured([ODD, None, ODD])) == [MOST, MOST, 2 * MOST]
        assert scored(params, similar(batch_of([[[1], [2]]]))) == [0, 0]

    def test_the_state_goes_on_in_the_next_batch(self, params: Params) -> None:
        line = [ODD, PLAIN, ODD, ODD, PLAIN]
        whole = figured(line)
        rows = np.arange(5)
        assert scored(params, whole.take(rows[:2]), whole.take(rows[2:])) == scored(params, whole)


def told(figures: Figures | None, score: int) -> EventBatch:
    return figured([figures]).with_signals({"score": np.array([score])})


def test_an_explanation_gives_the_figures_and_how_few_reach_them(params: Params) -> None:
    said = detector.explain(params, told(ODD, 72))
    assert said.facts["values"] == {"class_distance": 9.0, "neighbour_ratio": 8.0, "squeezing": 1.9}
    assert said.facts["bits"]["class_distance"] > 10
    assert said.rows.tolist() == [0]


def test_an_explanation_of_an_event_without_figures_says_so(params: Params) -> None:
    assert detector.explain(params, told(None, 48)).facts["values"] == dict.fromkeys(
        ["class_distance", "neighbour_ratio", "squeezing"]
    )
