"""Steps that are written down by hand: how long each is, and whether the answer turned on it."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.similarity.turns import BOUND, KNOWN, LENGTHS, OFTEN, QUARTERS, SELDOM, TOLD, learned, turned
from detect.batches import batch_of

NEAR = 2**20
Steps = list[tuple[int, bool]]
"""Squared length of each step, and whether the answer turned."""


def asked(callers: list[Steps]) -> EventBatch:
    batch = batch_of([[[at % 256] for at in range(len(steps))] for steps in callers])
    steps = [one for own in callers for one in own]
    squared, flip = np.array([one[0] for one in steps], np.int64), np.array([one[1] for one in steps], bool)
    return batch.with_signals({"squared": squared, "flip": flip})


def course(callers: list[Steps], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    queries = asked(callers)
    none = np.zeros((queries.subjects, LENGTHS), np.int64)
    return turned(counts, NEAR, none, queries, np.ones(len(queries), bool))[0]


def walk(n: int, share: float, squared: list[int], seed: int = 0) -> Steps:
    rng = np.random.default_rng(seed)
    return [(int(rng.choice(squared)), bool(rng.random() < share)) for _ in range(n)]


def usual() -> NDArray[np.int64]:
    """Sensors make short steps and their answers stay; people make wide ones, of which some turn."""
    sensors = [walk(60, 0.0, [2, 5, 9], seed) for seed in range(40)]
    people = [walk(40, 0.2, [NEAR // 3, NEAR // 2], seed) for seed in range(40, 80)]
    return learned(asked([*sensors, *people]), NEAR)


SHORTER = [NEAR // 4**at for at in range(8)]
"""A way that is halved again and again."""


class TestLearned:
    def test_a_turn_counts_more_where_benign_answers_stay(self) -> None:
        counts = usual()
        assert counts[-1, 1] > counts[0, 1] >= 0
        assert (np.diff(counts[:, 1]) >= 0).all()
        assert (counts[:, 0] <= 0).all()

    def test_what_nobody_does_may_be_a_habit_all_the_same(self) -> None:
        """However long no answer turned, a turn counts no more than where one in a dozen does."""
        assert usual()[-1, 1] == int(QUARTERS * np.log2(OFTEN / SELDOM))

    def test_a_few_who_search_teach_nothing(self) -> None:
        sensors = [walk(60, 0.0, [2, 5, 9], seed) for seed in range(98)]
        hidden = learned(asked([*sensors, walk(400, 0.5, SHORTER), walk(400, 0.5, SHORTER, 1)]), NEAR)
        assert np.array_equal(hidden[-1], learned(asked(sensors), NEAR)[-1])

    def test_a_length_that_hardly_anybody_has_says_no_more_than_longer_ones(self) -> None:
        people = [walk(40, 0.2, [NEAR // 2], seed) for seed in range(40)]
        few = [walk(TOLD, 0.0, [4], seed) for seed in range(KNOWN - 1)]
        counts = learned(asked([*people, *few]), NEAR)
        assert np.array_equal(counts[-1], counts[0])
        enough = learned(asked([*people, *few, few[0]]), NEAR)
        assert enough[-1, 1] > enough[0, 1]

    def test_where_answers_turn_as_often_as_in_a_search_they_say_nothing(self) -> None:
        """Short texts, of which any two are near."""
        assert not learned(asked([walk(40, 0.6, SHORTER, seed) for seed in range(40)]), NEAR).any()

    @pytest.mark.parametrize("callers", [[], [[]], [[(FAR, False)]], [[(3, True)]]])
    def test_nobody_tells_nothing(self, callers: list[Steps]) -> None:
        assert not learned(asked(callers) if callers else EventBatch.empty(1).with_signals(_none()), NEAR).any()


def _none() -> dict[str, NDArray[np.int64]]:
    return {"squared": np.zeros(0, np.int64), "flip": np.zeros(0, bool)}


class TestTurned:
    def test_a_search_turns_along_steps_of_many_lengths(self) -> None:
        """Found after some twenty queries, whether its steps are as short as a sensor's or not."""
        found = course([walk(60, 0.5, SHORTER)], usual())
        assert found[20] > 3 * QUARTERS
        assert found[-1] > 12 * QUARTERS

    @pytest.mark.parametrize("noise", [[2], [4, 8], [3, 4, 5, 6], [300, 450]])
    def test_a_camera_on_the_boundary_turns_along_those_of_its_noise_alone(self, noise: list[int]) -> None:
        assert course([walk(3_000, 0.5, noise)], usual()).max() == 0

    def test_answers_that_stay_take_off_what_turns_added(self) -> None:
        steps = [*walk(30, 0.5, SHORTER), *walk(400, 0.0, SHORTER)]
        found = course([steps], usual())
        assert found[29] > 0 == found[-1]

    def test_one_length_counts_up_to_a_bound(self) -> None:
        found = course([walk(20_000, 0.6, SHORTER)], usual())
        assert found.max() <= (LENGTHS - 2) * BOUND
        assert found[-1] == found[-5_000:].max()

    def test_queries_far_from_all_others_and_those_without_an_answer_change_nothing(self) -> None:
        steps, counts = walk(40, 0.5, SHORTER), usual()
        between = [one for step in steps for one in (step, (FAR, False), (NEAR + 1, True))]
        assert course([between], counts)[2::3].tolist() == course([steps], counts).tolist()
        queries = asked([steps])
        unanswered = replace(queries, label=np.zeros(len(queries), np.uint64))
        none = np.zeros((1, LENGTHS), np.int64)
        assert not turned(counts, NEAR, none, unanswered, np.ones(len(queries), bool))[0].any()

    def test_what_is_left_out_does_not_count(self) -> None:
        queries = asked([walk(40, 0.5, SHORTER)])
        left = np.zeros(len(queries), bool)
        assert not turned(usual(), NEAR, np.zeros((1, LENGTHS), np.int64), queries, left)[0].any()

    @pytest.mark.parametrize("at", [1, 17, 59])
    def test_it_goes_on_wherever_a_stream_was_cut(self, at: int) -> None:
        callers = [walk(60, share, SHORTER, seed) for seed, share in enumerate((0.5, 0.0, 0.8, 0.2))]
        callers.append(walk(60, 0.5, [NEAR * 2, 5], 9))
        counts, none = usual(), np.zeros((len(callers), LENGTHS), np.int64)

        def part(steps: list[Steps], before: NDArray[np.int64]) -> tuple[list[NDArray[np.int64]], NDArray[np.int64]]:
            queries = asked(steps)
            found, after = turned(counts, NEAR, before, queries, np.ones(len(queries), bool))
            return np.split(found, queries.offsets[1:-1]), after

        whole, last = part(callers, none)
        first, held = part([one[:at] for one in callers], none)
        second, after = part([one[at:] for one in callers], held)
        assert [one.tolist() for one in whole] == [[*a, *b] for a, b in zip(first, second, strict=True)]
        assert np.array_equal(after, last)
