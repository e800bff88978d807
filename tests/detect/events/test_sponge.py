from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.events.sponge import FAR, LEVELS, MOST, REPEAT, UNIT, WINDOW, detector


def charged(*subjects: list[float | None]) -> EventBatch:
    """Make a batch of events with the given costs; None is an event without one."""
    costs = [-1 if cost is None else round(cost * UNIT) for line in subjects for cost in line]
    n = len(costs)
    return EventBatch(
        offsets=np.cumsum([0, *map(len, subjects)]),
        time=np.arange(n),
        source=np.zeros(n, np.int32),
        seq=np.arange(n),
        query=np.zeros((n, 0), np.uint8),
        key=np.zeros(n, np.uint64),
        label=np.zeros(n, np.uint64),
        signals={"cost": np.array(costs, np.int64)},
    )


def repeating(batch: EventBatch, first: int) -> EventBatch:
    """Say that all queries from one on are exact repeats."""
    unique = np.arange(len(batch)) < first
    return replace(batch, key=np.ones(len(batch), np.uint64)).with_signals({"unique": unique})


def usual(seed: int = 0, clients: int = 200) -> EventBatch:
    """Make clients whose queries cost 2 to 9, and one of twenty up to 20."""
    rng = np.random.default_rng(seed)
    lines = rng.uniform(2, 9, (clients, 100))
    hard = rng.random(lines.shape) < 0.05
    lines[hard] = rng.uniform(10, 20, int(hard.sum()))
    return charged(*lines.tolist())


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
    def test_the_middle_of_the_costs_is_usual(self) -> None:
        assert detector.fit(charged([1, 2, 3], [4, 100]))["usual"].tolist() == [3 * UNIT]

    def test_events_without_a_cost_are_passed_over(self) -> None:
        with_gaps, without = charged([None, 5, None], [7, None]), charged([5], [7])
        assert {k: v.tolist() for k, v in detector.fit(with_gaps).items()} == {
            k: v.tolist() for k, v in detector.fit(without).items()
        }

    def test_without_any_cost_the_unit_is_taken_for_usual(self) -> None:
        assert detector.fit(charged([None, None]))["usual"].tolist() == [UNIT]

    def test_costs_begin_to_count_at_three_times_the_usual(self, params: Params) -> None:
        assert params["cutoffs"][0] == FAR * params["usual"][0]
        assert len(params["evidence"]) == LEVELS + 1
        assert (np.diff(params["cutoffs"]) > 0).all()

    def test_a_usual_cost_speaks_against_a_sponge_and_one_that_never_was_for_it(self, params: Params) -> None:
        assert params["evidence"][0] < 0
        assert params["evidence"][-1] == MOST

    def test_clients_with_hard_inputs_make_hard_inputs_count_less(self) -> None:
        easy = [[5.0] * 100 for _ in range(50)]
        hard = [[5.0, 20.0] * 50 for _ in range(5)]
        alone, among = detector.fit(charged(*easy)), detector.fit(charged(*easy, *hard))
        level = int(np.searchsorted(among["cutoffs"], 20 * UNIT, side="right"))
        assert among["evidence"][level] < alone["evidence"][level]

    def test_the_order_of_clients_does_not_matter(self) -> None:
        lines = [[5.0, 9.0, 40.0], [2.0], [3.0, 33.0], [8.0, 8.0]]
        one, other = detector.fit(charged(*lines)), detector.fit(charged(*lines[::-1]))
        assert all((one[name] == other[name]).all() for name in one)


class TestTexts:
    """Where a log has no costs, the length of what was sent stands for them."""

    def _sized(self, *subjects: list[float | None]) -> EventBatch:
        batch = charged(*subjects)
        size = np.where(batch.signals["cost"] < 0, -1, batch.signals["cost"] // UNIT)
        return batch.with_signals({"size": size, "cost": np.full(len(batch), -1)})

    def _usual(self) -> EventBatch:
        rng = np.random.default_rng(0)
        return self._sized(*(100 * rng.lognormal(0, 0.4, (200, 50))).round().tolist())

    def test_endless_texts_are_told_by_their_length(self) -> None:
        learned = detector.fit(self._usual())
        assert learned["by_size"].tolist() == [True]
        assert max(scored(learned, self._sized([100, 90, 4_000, 4_100, 3_900]))) > detector.floor
        assert max(scored(learned, self._sized([100, 150, 80, 300] * 20))) < detector.floor

    def test_costs_count_wherever_there_are_any(self) -> None:
        both = usual().with_signals({"size": np.full(len(usual()), 7)})
        assert detector.fit(both)["by_size"].tolist() == [False]

    def test_a_log_with_costs_says_nothing_about_a_baseline_of_lengths(self) -> None:
        assert max(scored(detector.fit(self._usual()), charged([9_000] * 9))) == 0

    def test_it_says_that_it_goes_by_length(self) -> None:
        events = self._sized([4_000]).with_signals({"score": np.array([40**2])})
        said = detector.explain(detector.fit(self._usual()), events)
        assert f"{said.facts['times_usual']:g} times as long " in said.summary
        assert "cost the model" not in said.summary


class TestScores:
    def test_five_sponges_in_a_row_pass_what_any_usual_client_reaches(self, params: Params) -> None:
        strangers = usual(seed=9)
        most = max(scored(params, strangers))
        assert scored(params, charged([5, 5, 100, 100, 100, 100, 100]))[-1] == (5 * MOST) ** 2 > most

    def test_one_hard_input_is_nothing(self, params: Params) -> None:
        assert max(scored(params, charged([5] * 10 + [1_000] + [5] * 20))) == MOST**2 < detector.floor

    def test_it_forgets(self, params: Params) -> None:
        assert scored(params, charged([100] * 5 + [5] * 40))[-1] == 0

    def test_cheap_queries_in_between_do_not_hide_sponges(self, params: Params) -> None:
        assert max(scored(params, charged([5, 100] * 12))) > detector.floor

    def test_an_exact_repeat_counts_a_quarter(self, params: Params) -> None:
        assert scored(params, repeating(charged([100] * 3), 1)) == [
            (MOST + at * MOST // REPEAT) ** 2 for at in range(3)
        ]

    def test_who_sends_one_sponge_for_ever_is_found_all_the_same(self, params: Params) -> None:
        most = max(scored(params, usual(seed=9)))
        assert max(scored(params, repeating(charged([100] * WINDOW), 1))) > max(most, detector.floor)

    def test_a_cheap_repeat_speaks_against_it_as_any_cheap_query(self, params: Params) -> None:
        costs: list[float | None] = [100, 100, 5, 5]
        assert scored(params, repeating(charged(costs), 2)) == scored(params, charged(costs))

    def test_without_an_input_nothing_is_a_repeat(self, params: Params) -> None:
        bare = charged([100] * 3)
        assert scored(params, bare.with_signals({"unique": np.zeros(3, bool)})) == scored(params, bare)

    def test_events_without_a_cost_neither_count_nor_help(self, params: Params) -> None:
        plain = scored(params, charged([100] * 6))
        assert scored(params, charged([100, None] * 6))[::2] == plain
        assert set(scored(params, charged([100, None] * 6))[1::2]) == {0}

    def test_a_model_that_always_costs_the_same_has_no_sponges(self) -> None:
        flat = detector.fit(charged(*[[10.0, 10.1, 9.9] * 20] * 30))
        assert max(scored(flat, charged([10.2, 12, 20, 29] * 20))) == 0

    def test_no_more_than_a_window_counts(self, params: Params) -> None:
        assert max(scored(params, charged([1e9] * 100))) == (WINDOW * MOST) ** 2

    def test_subjects_are_kept_apart(self, params: Params) -> None:
        assert scored(params, charged([100, 100], [], [100])) == [MOST**2, (2 * MOST) ** 2, MOST**2]

    @given(costs=st.lists(st.sampled_from([None, 5.0, 16.0, 30.0, 90.0]), max_size=90), cut=st.integers(0, 90))
    def test_scores_do_not_depend_on_where_the_stream_was_cut(self, costs: list[float | None], cut: int) -> None:
        known = detector.fit(charged([5.0] * 50, [5.0, 16.0] * 25))
        assert scored(known, charged(costs[:cut]), charged(costs[cut:])) == scored(known, charged(costs))

    @given(costs=st.lists(st.sampled_from([5.0, 16.0, 30.0, 90.0]), min_size=1, max_size=80))
    def test_the_score_is_the_largest_sum_that_ends_here(self, costs: list[float]) -> None:
        known = detector.fit(charged([5.0] * 50, [5.0, 16.0] * 25))
        level = np.searchsorted(known["cutoffs"], np.array(costs) * UNIT, side="right")
        bits = known["evidence"][level]
        plain = [
            max(
                int(bits[begin : end + 1].sum()) ** 2 if bits[begin : end + 1].sum() > 0 else 0
                for begin in [*range(max(0, end + 1 - WINDOW), end + 1), end + 1]
            )
            for end in range(len(costs))
        ]
        assert scored(known, charged(costs)) == plain


def test_an_explanation_names_the_cost_and_the_usual_one(params: Params) -> None:
    said = detector.explain(params, charged([60]).with_signals({"score": np.array([2_500])}))
    assert said.facts["cost"] == 60
    assert said.facts["evidence_bits"] == 12.5
    assert said.facts["times_usual"] == pytest.approx(60 / said.facts["usual_cost"], abs=0.05)
    assert "12.5 bits" in said.summary
    assert said.rows.tolist() == [0]


def test_it_needs_a_baseline_to_know_what_is_usual() -> None:
    assert detector.priors() is None


class TestSizes:
    def texts(self, clients: int = 100, seed: int = 0, dear: float = 1.0) -> EventBatch:
        """Make clients whose inputs have 1 to 40 words, at a cost for each."""
        rng = np.random.default_rng(seed)
        words = rng.integers(1, 41, (clients, 40))
        batch = charged(*(dear * words * rng.uniform(0.8, 1.2, words.shape)).tolist())
        return replace(batch, query=(np.arange(40) < words.reshape(-1, 1)).astype(np.uint8))

    def of_long_ones(self, cost: float, words: int = 40) -> EventBatch:
        batch = charged([cost] * 40)
        return replace(batch, query=np.repeat((np.arange(40) < words)[None], 40, axis=0).astype(np.uint8))

    def test_what_an_input_costs_for_its_size_is_no_evidence(self) -> None:
        params = detector.fit(self.texts())
        assert (np.diff(params["of_size"]) > 0).all()
        assert max(scored(params, self.of_long_ones(44))) == 0

    def test_a_short_input_that_costs_as_much_as_a_long_one_is(self) -> None:
        params = detector.fit(self.texts())
        assert max(scored(params, self.of_long_ones(44, words=3))) > detector.floor

    def test_beyond_the_largest_benign_size_nothing_is_explained(self) -> None:
        params = detector.fit(self.texts())
        wider = charged([400] * 40)
        wider = replace(wider, query=np.ones((40, 400), np.uint8))
        assert max(scored(params, wider)) > detector.floor

    def test_where_nothing_is_looked_at_there_is_one_size(self) -> None:
        params = detector.fit(usual())
        assert len(params["of_size"]) == len(params["sizes"]) + 1
        assert set(params["of_size"].tolist()) == {int(params["usual"][0])} | set(params["of_size"][1:].tolist())
