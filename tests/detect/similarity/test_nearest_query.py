from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.similarity import nearest_query
from caponier.detect.similarity.changes import FEWEST, RIGHT
from caponier.detect.similarity.nearest_query import (
    BLOCK,
    CROWDED,
    EXACT_FEATURES,
    FAR,
    RING,
    STRETCH,
    add_signals,
    state_dtype,
)
from detect.batches import batch_of, line, similar

WIDTHS = (1, 64, 196, 520, 521, 784, 1040)


def oracle(batch: EventBatch) -> tuple[list[bool], list[int], list[bool], list[int], list[int]]:
    """Compute the signals one event at a time, in Python's own whole numbers."""
    unique, squared, flip, crowd, between = [], [], [], [], []
    for subject in range(batch.subjects):
        ring: list[tuple[int, list[int], int]] = []
        for row in range(batch.offsets[subject], batch.offsets[subject + 1]):
            key, query, label = int(batch.key[row]), batch.query[row].tolist(), int(batch.label[row])
            new = key != 0 and key not in {one for one, _, _ in ring}
            distances = [apart(query, other) for _, other, _ in ring]
            near = distances.index(min(distances)) if new and distances else None
            unique.append(new)
            squared.append(FAR if near is None else distances[near])
            flip.append(near is not None and 0 != label != ring[near][2] != 0)
            crowd.append(0 if near is None else sum(one <= CROWDED * distances[near] for one in distances))
            between.append(middle(query, ring, distances) if new else 0)
            if new:
                ring = [*ring, (key, query, label)][-RING:]
    return unique, squared, flip, crowd, between


def apart(one: list[int], other: list[int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def middle(query: list[int], ring: list[tuple[int, list[int], int]], distances: list[int]) -> int:
    order = sorted(range(len(ring)), key=lambda at: distances[at])
    if len(order) < 2 or sum(a != b for a, b in zip(query, ring[order[0]][1], strict=True)) < FEWEST:
        return 0
    nearest, second = order[:2]
    (_, one, answer), (_, other, another) = ring[nearest], ring[second]
    share = 1000 * apart(one, other) // (2 * (distances[nearest] + distances[second]))
    if share < RIGHT or not 0 != answer != another != 0:
        return 0
    changes = [a - b for a, b in zip(one, other, strict=True)]
    return -share if 3 * abs(sum(changes)) >= 2 * sum(map(abs, changes)) else share


def check(batch: EventBatch) -> None:
    unique, squared, flip, crowd, between = oracle(batch)
    seen = similar(batch)
    assert seen.signals["unique"].tolist() == unique
    assert seen.signals["squared"].tolist() == squared
    assert seen.signals["flip"].tolist() == flip
    assert seen.signals["crowd"].tolist() == crowd
    assert seen.signals["between"].tolist() == between


def drawn(seed: int, width: int, subjects: int, rows: int, kinds: int) -> EventBatch:
    """Draw a batch of few different rows, some of them extreme, some without input or answer."""
    rng = np.random.default_rng(seed)
    pool = rng.integers(0, 128, (kinds, width))
    pool[0], pool[-1] = 0, 127
    picks = rng.integers(-1, kinds, (subjects, rows))
    lengths = rng.integers(0, rows + 1, subjects)
    queries = [[None if i < 0 else pool[i].tolist() for i in line[:n]] for line, n in zip(picks, lengths, strict=True)]
    queries[0] = queries[0] or [pool[0].tolist()]
    return batch_of(queries, [rng.integers(0, 4, len(line)).tolist() for line in queries])


@pytest.mark.parametrize("width", WIDTHS)
def test_random_batches_are_like_the_oracle(width: int) -> None:
    for seed in range(3):
        check(drawn(seed, width, subjects=3, rows=40, kinds=25))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    width=st.integers(1, 12),
    subjects=st.integers(1, 5),
    rows=st.integers(1, 30),
    kinds=st.integers(2, 40),
)
def test_made_up_batches_are_like_the_oracle(seed: int, width: int, subjects: int, rows: int, kinds: int) -> None:
    check(drawn(seed, width, subjects, rows, kinds))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_farthest_two_queries_are_exactly_that_far(width: int) -> None:
    seen = similar(batch_of([[[0] * width, [127] * width]]))
    assert seen.signals["squared"].tolist() == [FAR, 127 * 127 * width]


@pytest.mark.parametrize("width", [EXACT_FEATURES, EXACT_FEATURES + 1, 1040])
def test_one_unit_in_one_feature_is_seen_next_to_the_largest_values(width: int) -> None:
    bright, nearly = [127] * width, [127] * (width - 1) + [126]
    assert similar(batch_of([[bright, nearly]])).signals["squared"].tolist() == [FAR, 1]


def test_more_queries_than_the_ring_holds_are_like_the_oracle() -> None:
    rng = np.random.default_rng(5)
    queries = rng.integers(0, 128, (RING + 150, 3)).tolist()
    # Repeats of what the ring still holds, of what just left it, and again once it is back.
    queries += [queries[-1], queries[151], queries[149], queries[0], queries[0]]
    check(batch_of([queries, queries[:30]]))


@pytest.mark.parametrize("kinds", [RING + 1, RING + 40])
def test_queries_that_the_ring_forgets_and_meets_again_are_like_the_oracle(kinds: int) -> None:
    rng = np.random.default_rng(kinds)
    pool = rng.integers(0, 128, (kinds, 2)).tolist()
    check(batch_of([[pool[i] for i in rng.integers(0, kinds, 900)], [pool[i % kinds] for i in range(3 * kinds)], pool]))


def test_runs_longer_than_a_stretch_are_like_the_oracle() -> None:
    queries = [[row % 128, row // 128] for row in range(STRETCH + 2 * BLOCK)]
    check(batch_of([queries[:3], queries]))


@pytest.mark.parametrize(("width", "lengths"), [(2, (3, 260, 1, 17, 130)), (521, (40, 1, 33))])
@pytest.mark.parametrize("worth", [0, 10**9])
def test_blocks_that_are_multiplied_each_for_itself_are_like_the_oracle(
    worth: int, width: int, lengths: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearest_query, "WORTH_A_CALL", worth)
    rng = np.random.default_rng(width)
    check(batch_of([rng.integers(0, 128, (n, width)).tolist() for n in lengths]))


def test_only_where_much_is_left_out_each_block_has_a_call_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[int, list[int]] = {}

    def begins(self: Any, reach: Any, most: int, blocks: int, rows: int) -> list[int]:
        return found.setdefault(len(reach), original(self, reach, most, blocks, rows))

    original = nearest_query._Stretch._begins
    monkeypatch.setattr(nearest_query._Stretch, "_begins", begins)
    rng = np.random.default_rng(3)
    for rows in (200, 100):
        similar(batch_of([rng.integers(0, 128, (rows, 196)).tolist()]))
    assert found[200] == [199 - first for first in range(0, 199, BLOCK)]
    assert found[100] == []


def test_a_query_is_new_again_once_it_has_left_the_ring() -> None:
    queries = [[i // 128, i % 128] for i in range(RING)]
    inside = similar(batch_of([[*queries, queries[0]]]))
    assert not inside.signals["unique"][-1]
    outside = similar(batch_of([[*queries, [100, 100], queries[0], queries[0]]]))
    assert outside.signals["unique"][-2:].tolist() == [True, False]


def test_repeats_do_not_push_others_out_of_the_ring() -> None:
    queries = [[i // 128, i % 128] for i in range(RING)]
    seen = similar(batch_of([[*queries, *([queries[7]] * 300), queries[0]]]))
    assert not seen.signals["unique"][RING:].any()


def test_the_neighbour_is_the_oldest_of_the_nearest() -> None:
    seen = similar(batch_of([line(10, 20, 15)], [[1, 2, 2]]))
    assert seen.signals["squared"].tolist() == [FAR, 100, 25]
    assert seen.signals["flip"].tolist() == [False, True, True]


def test_queries_around_one_point_are_a_crowd_and_the_way_back_of_a_walk_is_none() -> None:
    around = [[60 + 9 * (place == at) for place in range(6)] for at in range(6)]
    assert similar(batch_of([around])).signals["crowd"].tolist() == [0, 1, 2, 3, 4, 5]
    assert similar(batch_of([line(0, 9, 18, 27, 36)])).signals["crowd"].tolist() == [0, 1, 1, 1, 1]


def test_two_different_inputs_of_one_cell_are_no_repeat() -> None:
    seen = similar(batch_of([line(10, 10)], [[1, 2]], keys=[[1, 2]]))
    assert seen.signals["unique"].tolist() == [True, True]
    assert seen.signals["squared"].tolist() == [FAR, 0]
    assert seen.signals["flip"].tolist() == [False, True]


@pytest.mark.parametrize("labels", [[0, 1], [1, 0], [0, 0], [1, 1]])
def test_an_answer_that_is_not_known_does_not_flip(labels: list[int]) -> None:
    assert not similar(batch_of([line(10, 11)], [labels])).signals["flip"].any()


def test_subjects_do_not_see_each_other() -> None:
    seen = similar(batch_of([line(10), line(11), line(10, 10)]))
    assert seen.signals["squared"].tolist() == [FAR] * 4
    assert seen.signals["unique"].tolist() == [True, True, True, False]


def test_events_without_an_input_are_nobodys_neighbour() -> None:
    seen = similar(batch_of([[[9], None, [0], None]]))
    assert seen.signals["unique"].tolist() == [True, False, True, False]
    assert seen.signals["squared"].tolist() == [FAR, FAR, 81, FAR]


@pytest.mark.parametrize("batch", [EventBatch.empty(4), batch_of([[], []]), batch_of([[None, None]])])
def test_batches_without_queries_give_nothing(batch: EventBatch) -> None:
    assert not similar(batch).signals["unique"].any()


def test_only_the_states_that_are_asked_for_are_filled() -> None:
    batch = batch_of([line(1, 2), line(3)])
    seen = add_signals(np.zeros(2, state_dtype(1)), batch, np.array([1]))
    assert seen.state["count"].tolist() == [1]
    assert seen.state["query"][0, 0].tolist() == [3]


def test_states_stand_in_the_order_of_those_to_keep() -> None:
    batch = batch_of([line(1, 2), line(3), line(4, 5, 6)])
    seen = add_signals(np.zeros(3, state_dtype(1)), batch, np.array([2, 0]))
    assert seen.state["count"].tolist() == [3, 2]
    assert seen.state["query"][:, 0, 0].tolist() == [4, 1]


def test_what_a_ring_held_before_its_count_was_cleared_is_not_seen() -> None:
    held = add_signals(np.zeros(1, state_dtype(1)), batch_of([line(1, 2)]), np.array([0])).state
    held["count"] = 0
    seen = add_signals(held, batch_of([line(2, 1)]), np.array([0]))
    assert seen.batch.signals["unique"].tolist() == [True, True]
    assert seen.batch.signals["squared"].tolist() == [FAR, 1]


def test_the_ring_remembers_what_its_queries_were_near_to() -> None:
    first = add_signals(np.zeros(1, state_dtype(1)), batch_of([line(10, 14)], [[1, 2]]), np.array([0]))
    second = add_signals(first.state, batch_of([line(15)], keys=[[9]]), np.array([0]))
    assert second.history.signals["squared"].tolist() == [FAR, 16, 1]
    assert second.history.signals["flip"].tolist() == [False, True, True]
    assert second.history.signals["crowd"].tolist() == [0, 1, 1]


def test_the_ring_remembers_how_even_the_steps_were() -> None:
    one, other = [60] * 8, [40, 80] * 4
    first = add_signals(np.zeros(1, state_dtype(8)), batch_of([[one, other]]), np.array([0]))
    second = add_signals(first.state, batch_of([[[0] * 8]], keys=[[9]]), np.array([0]))
    assert second.history.signals["even"].tolist() == [0, 1000, 0]
    assert second.at.tolist() == [2]
