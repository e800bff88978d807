import numpy as np
import pytest

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Params
from caponier.detect.events.score_climb import FULL, RISE, TRY, UNKNOWN, WINDOW, _best_before, detector
from caponier.detect.rarity.dependence_tree import fit_tree
from detect.batches import batch_of, similar

WIDTH = 6
TRIED = FULL // TRY


def benign(n: int = 30, each: int = 60) -> EventBatch:
    """Make clients whose inputs are dark, but for one bright value."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 12, (n, each, WIDTH))
    rows[:, :, 2] = rng.integers(90, 128, (n, each))
    return similar(batch_of(rows.tolist()))


@pytest.fixture(scope="module")
def params() -> Params:
    return {**detector.fit(benign()), "near": np.array([60])}


def foreign(*steps: int) -> list[list[int]]:
    """Return inputs like none of `benign`, each as far from the first as is said."""
    return [[120, 60, 20, 120, 40, 60 + step] for step in steps]


def asked(queries: list[list[int]], tops: list[int], labels: list[int] | None = None) -> EventBatch:
    batch = similar(batch_of([queries], [labels or [1] * len(queries)]))
    return batch.with_signals({Column.TOP_SCORE.value: np.array(tops, np.int64)})


def scored(params: Params, batch: EventBatch) -> list[int]:
    return detector.score(params, np.zeros(batch.subjects, detector.state), batch)[1].tolist()


class TestScore:
    def test_steps_up_on_foreign_inputs_add_up(self, params: Params) -> None:
        climb = asked(foreign(0, 2, 4, 6), [1_000, 2_000, 3_000, 4_000])
        assert scored(params, climb) == [0, FULL, 2 * FULL, 3 * FULL]

    def test_tries_that_fail_count_a_quarter_and_harm_nothing(self, params: Params) -> None:
        climb = asked(foreign(0, 2, 4, 6), [2_000, 1_000, 1_900, 3_000])
        assert scored(params, climb) == [0, TRIED, 2 * TRIED, FULL + 2 * TRIED]

    def test_who_only_tries_never_climbs(self, params: Params) -> None:
        assert max(scored(params, asked(foreign(*range(30)), [9_000] * 30))) == FULL < detector.floor

    def test_tries_count_at_most_one_step_more_than_the_steps_up(self, params: Params) -> None:
        climb = asked(foreign(*range(31)), [1_000, 2_000, 3_000] + [2_000] * 28)
        assert scored(params, climb)[-1] == 2 * FULL + 3 * FULL

    def test_tries_on_benign_inputs_are_none(self, params: Params) -> None:
        light = [[5, 5, 90 + step, 5, 5, 5] for step in range(30)]
        assert max(scored(params, asked(light, [9_000] * 30))) == 0

    def test_a_score_that_wavers_is_no_climb(self, params: Params) -> None:
        climb = asked(foreign(0, 2, 4), [9_000, 9_000 + RISE - 1, 9_000 + 2 * RISE])
        assert scored(params, climb) == [0, TRIED, FULL + TRIED]

    def test_on_benign_inputs_nobody_climbs(self, params: Params) -> None:
        light = [[5, 5, 90 + step, 5, 5, 5] for step in range(0, 20, 2)]
        assert max(scored(params, asked(light, list(range(1_000, 11_000, 1_000))))) == 0

    def test_a_far_step_begins_anew(self, params: Params) -> None:
        climb = asked(foreign(0, 2, 40, 42), [1_000, 5_000, 2_000, 3_000])
        assert scored(params, climb) == [0, FULL, FULL, 2 * FULL]

    def test_every_answer_has_its_own_best(self, params: Params) -> None:
        climb = asked(foreign(0, 2, 4, 6), [9_000, 3_000, 4_000, 5_000], [1, 2, 2, 2])
        assert scored(params, climb) == [0, TRIED, FULL + TRIED, 2 * FULL + TRIED]

    def test_answers_without_label_or_score_are_passed_over(self, params: Params) -> None:
        climb = asked(foreign(0, 2, 4, 6), [1_000, -1, 9_000, 2_000], [1, 1, 0, 1])
        assert scored(params, climb) == [0, 0, 0, FULL]

    def test_without_any_scores_it_says_nothing(self, params: Params) -> None:
        assert scored(params, similar(batch_of([foreign(*range(0, 20, 2))]))) == [0] * 10

    def test_only_the_last_queries_count(self, params: Params) -> None:
        queries = foreign(0, 2, 4) + [[5, 5, 92 + n, 5, 5, 5] for n in range(WINDOW)]
        tops = [1_000, 2_000, 3_000] + [9_900] * WINDOW
        assert scored(params, asked(queries, tops))[-1] == 0

    def test_scores_beyond_all_measure_are_no_error(self, params: Params) -> None:
        climb = asked(foreign(0, 2, 4), [1_000, 2**52, 2**53])
        assert scored(params, climb) == [0, FULL, FULL + TRIED]

    def test_a_climb_goes_on_in_the_next_batch(self, params: Params) -> None:
        queries, tops = foreign(0, 2, 4, 6), [1_000, 3_000, 2_000, 4_000]
        whole = asked(queries, tops)
        state, found = np.zeros(1, detector.state), []
        for at in range(4):
            part = whole.take(np.array([at]))
            state, scores = detector.score(params, state, part)
            found += scores.tolist()
        assert found == scored(params, whole) == [0, FULL, FULL + TRIED, 2 * FULL + TRIED]


def test_the_best_before_is_that_of_the_same_subject_climb_and_slot() -> None:
    rng = np.random.default_rng(2)
    subject = np.sort(rng.integers(0, 4, 200))
    climb, slot, top = np.sort(rng.integers(0, 3, 200)), rng.integers(0, 3, 200), rng.integers(-1, 50, 200)
    for row, best in enumerate(_best_before(subject, climb, slot, top)):
        alike = [
            top[at] for at in range(row) if (subject[at], climb[at], slot[at]) == (subject[row], climb[row], slot[row])
        ]
        assert best == max(alike, default=UNKNOWN)


class TestFit:
    def test_a_small_step_is_half_as_long_as_benign_inputs_are_apart(self) -> None:
        batch = benign()
        rows = batch.query.astype(np.int64)
        apart = np.mean([np.square(rows - rows[at]).sum(axis=1).mean() for at in range(0, len(rows), 50)])
        assert detector.fit(batch)["near"][0] == pytest.approx(apart / 4, rel=0.1)

    def test_two_attackers_among_a_hundred_do_not_make_noise_common(self) -> None:
        rng = np.random.default_rng(1)
        clients = [list(map(list, rows)) for rows in benign(98).query.reshape(98, 60, WIDTH).tolist()]
        noise = rng.integers(0, 128, (2, 60, WIDTH)).tolist()
        clean, dirty = detector.fit(similar(batch_of(clients))), detector.fit(similar(batch_of([*clients, *noise])))
        climb = asked(foreign(0, 2, 4), [1_000, 2_000, 3_000])
        assert scored({**dirty, "near": np.array([60])}, climb) == scored({**clean, "near": np.array([60])}, climb)

    def test_nobody_at_all_is_no_error(self) -> None:
        nobody = similar(batch_of([[[1] * WIDTH]])).take(np.zeros(0, np.int64))
        found = detector.fit(nobody)
        assert found["near"].tolist() == [0]
        assert set(fit_tree(nobody.query)) < set(found)


def test_an_explanation_names_the_small_steps_on_foreign_inputs(params: Params) -> None:
    queries = [[5, 5, 90, 5, 5, 5], *foreign(0, 2, 4)]
    said = detector.explain(params, asked(queries, [9_900, 1_000, 2_000, 3_000]).queries()[0])
    assert said.rows.tolist() == [2, 3]
    assert said.facts == {"small_foreign_steps": 2, "answers": 1, "window": 4}
