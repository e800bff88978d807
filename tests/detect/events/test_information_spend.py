import numpy as np
import pytest

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Params
from caponier.detect.events.information_spend import LEVELS, OTHER, UNITS, _levels, _rarity, detector
from caponier.detect.similarity.nearest_query import FAR
from caponier.telemetry.features import MARK
from detect.batches import batch_of, line, similar

HALVES = np.arange(1, LEVELS + 1)
"""Rarity in parts of a bit."""


def learned(allowed: int = 0, far: int = 100, unsure: int = 5_000) -> Params:
    """Know that no input is rarely farther than `far`, squared, and no score rarely below `unsure`."""
    return {
        "unsure": np.full(LEVELS, unsure),
        "far": np.full(LEVELS, far),
        "allowed": np.array([allowed]),
    }


def asked(points: list[int], tops: list[int], labels: list[int] | None = None) -> EventBatch:
    batch = similar(batch_of([line(*points)], [labels or [1] * len(points)]))
    return batch.with_signals({Column.TOP_SCORE.value: np.array(tops, np.int64)})


def scored(params: Params, batch: EventBatch) -> list[int]:
    return detector.score(params, np.zeros(batch.subjects, detector.state), batch)[1].tolist()


class TestScore:
    def test_a_first_query_tells_nothing_yet(self) -> None:
        assert scored(learned(), asked([5], [100])) == [0]

    def test_an_unsure_answer_counts(self) -> None:
        assert scored(learned(), asked([5, 6, 7], [9_000, 100, 9_000])) == [0, LEVELS, LEVELS]

    def test_an_input_far_from_all_earlier_ones_counts(self) -> None:
        assert scored(learned(), asked([5, 40, 41], [9_000] * 3)) == [0, LEVELS, LEVELS]

    def test_another_answer_than_the_nearest_query_counts(self) -> None:
        assert scored(learned(), asked([5, 6, 7], [9_000] * 3, [1, 2, 2])) == [0, OTHER, OTHER]

    def test_all_three_add_up(self) -> None:
        assert scored(learned(), asked([5, 90], [9_000, 1], [1, 2])) == [0, 2 * LEVELS + OTHER]

    def test_what_is_allowed_is_used_up_and_saves_nothing(self) -> None:
        found = scored(learned(allowed=UNITS), asked([5, 6, 7, 8, 40, 41, 42], [9_000] * 7))
        assert found == [0, 0, 0, 0, LEVELS - UNITS, LEVELS - 2 * UNITS, LEVELS - 3 * UNITS]

    def test_an_answer_without_a_score_is_not_taken_for_an_unsure_one(self) -> None:
        assert scored(learned(), asked([5, 6], [-1, -1])) == [0, 0]

    def test_without_any_scores_distances_still_count(self) -> None:
        batch = similar(batch_of([line(5, 90)]))
        assert scored(learned(), batch) == [0, LEVELS]

    def test_repeats_do_not_count(self) -> None:
        assert scored(learned(), asked([5, 90, 90, 90], [9_000] * 4)) == [0, LEVELS, 0, 0]


class TestFillers:
    """Values that are left out, or put for such as are."""

    ROWS = np.random.default_rng(3).integers(0, 128, (40, 19))

    @staticmethod
    def filled(places: int, value: int) -> list[list[int]]:
        rows = TestFillers.ROWS.copy()
        rows[:, :places] = value
        return [row.tolist() for row in rows]

    def spent(self, rows: list[list[int]], usual: int = 0) -> int:
        params = {**learned(), "stood": np.array([usual])}
        return scored(params, similar(batch_of([rows])))[-1]

    @pytest.mark.parametrize("value", [0, 64, 127, MARK + 64])
    def test_far_inputs_count_as_far_as_they_are_new(self, value: int) -> None:
        whole = self.spent(self.filled(0, value))
        assert self.spent(self.filled(9, value)) == pytest.approx(whole * 11 / 20, rel=0.1)
        assert self.spent(self.filled(15, value)) == pytest.approx(whole * 5 / 20, rel=0.1)

    def test_what_usually_stands_costs_nothing(self) -> None:
        assert self.spent(self.filled(9, 0), usual=12) == self.spent(self.filled(0, 0), usual=12) == 39 * LEVELS

    def test_where_all_usually_stand_far_inputs_count_in_full(self) -> None:
        assert self.spent(self.filled(9, 0), usual=19) == 39 * LEVELS

    def test_a_baseline_of_before_counts_as_if_nothing_usually_stood(self) -> None:
        batch = similar(batch_of([self.filled(9, 0)]))
        assert scored(learned(), batch) == scored({**learned(), "stood": np.array([0])}, batch)

    def test_how_much_usually_stands_is_learned_of_callers_alike(self) -> None:
        callers = [self.filled(6, 0), self.filled(6, 0)[:9], self.filled(0, 0)[:9]]
        assert detector.fit(similar(batch_of(callers)))["stood"].tolist() == [6]

    def test_leaving_values_out_now_and_then_does_not_hide_a_copier(self) -> None:
        openly = self.filled(0, 0)
        hidden = [self.filled(9, 0)[at] if at % 2 else row for at, row in enumerate(openly)]
        assert self.spent(hidden) > 0.7 * self.spent(openly)


class TestRarity:
    def test_one_bit_is_half_of_the_benign_values(self) -> None:
        values = np.arange(10_000)
        low, high = _levels(values, rare_below=True), _levels(values, rare_below=False)
        for bits in (1, 2, 3):
            share = 10_000 // 2**bits
            assert _rarity(low, np.array([share]), rare_below=True)[0] == pytest.approx(bits * UNITS, abs=1)
            assert _rarity(high, np.array([10_000 - share]), rare_below=False)[0] == pytest.approx(bits * UNITS, abs=1)

    def test_the_rarest_count_no_more_than_the_limit(self) -> None:
        values = np.arange(10_000)
        assert _rarity(_levels(values, rare_below=True), np.array([-5]), rare_below=True).tolist() == [LEVELS]
        assert _rarity(_levels(values, rare_below=False), np.array([FAR]), rare_below=False).tolist() == [LEVELS]

    @pytest.mark.parametrize("rare_below", [True, False])
    def test_where_all_are_alike_none_of_them_is_rare(self, rare_below: bool) -> None:
        levels = _levels(np.full(50, 9_999), rare_below=rare_below)
        assert _rarity(levels, np.array([9_999]), rare_below=rare_below).tolist() == [0]

    @pytest.mark.parametrize("rare_below", [True, False])
    def test_where_nothing_was_seen_nothing_is_rare(self, rare_below: bool) -> None:
        levels = _levels(np.zeros(0, np.int64), rare_below=rare_below)
        assert _rarity(levels, np.array([0, 10_000, 10**9]), rare_below=rare_below).tolist() == [0, 0, 0]


def users(n: int, each: int = 80, seed: int = 0) -> EventBatch:
    rng = np.random.default_rng(seed)
    batch = similar(batch_of(rng.integers(0, 128, (n, each, 4)).tolist(), rng.integers(1, 4, (n, each)).tolist()))
    return batch.with_signals({Column.TOP_SCORE.value: rng.integers(8_000, 10_000, n * each)})


def test_most_benign_clients_spend_no_more_than_is_allowed() -> None:
    benign = users(40)
    params = detector.fit(benign)
    last = detector.score(params, np.zeros(40, detector.state), benign)[0]["spent"]
    assert np.median(last) < 10 * UNITS


def test_a_copier_in_the_benign_log_does_not_raise_what_is_allowed() -> None:
    clean, loud = users(98), users(2, seed=1)
    loud.signals[Column.TOP_SCORE.value][:] = 100
    parts = (clean, loud)
    both = similar(
        batch_of(
            [p.query[p.offsets[s] : p.offsets[s + 1]].tolist() for p in parts for s in range(p.subjects)],
            [p.label[p.offsets[s] : p.offsets[s + 1]].tolist() for p in parts for s in range(p.subjects)],
        )
    ).with_signals({Column.TOP_SCORE.value: np.concatenate([p.signals[Column.TOP_SCORE.value] for p in parts])})
    allowed, with_copiers = detector.fit(clean)["allowed"][0], detector.fit(both)["allowed"][0]
    assert with_copiers < 1.05 * allowed


def test_an_explanation_names_far_queries_that_got_another_answer() -> None:
    batch = asked([5, 90, 91, 20], [9_000] * 4, [1, 2, 3, 2])
    said = detector.explain(learned(), batch.queries()[0])
    assert said.rows.tolist() == [1, 3]
    assert said.facts == {"far": 2, "far_and_other_answer": 2, "answers": 3, "window": 4}
