"""The pieces that stays and changes are made of, each against the loop that it stands for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.similarity.changes import COUNTED, evenness, moved
from caponier.detect.similarity.stays import (
    ALIKE,
    HELD,
    HIGHEST,
    PLANES,
    STAYS,
    STEADY,
    _held,
    _latest,
    _lowest_before,
    _roots,
    _runs,
    _sketches,
    _widened,
    learned,
)
from caponier.detect.windows import excursions

law = settings(max_examples=60, deadline=None)
groups = st.lists(st.integers(1, 9), min_size=1, max_size=12)


def laid(lengths: list[int]) -> tuple[np.ndarray, np.ndarray]:
    return np.cumsum([0, *lengths])[:-1], np.repeat(np.arange(len(lengths)), lengths)


@law
@given(lengths=groups, data=st.data())
def test_the_lowest_before_each_row_is_that_of_its_group_and_of_what_was_held(
    lengths: list[int], data: st.DataObject
) -> None:
    n = sum(lengths)
    numbers = st.sampled_from([0, 1, 7, 30_000, HIGHEST - 1, HIGHEST])
    value = np.array(data.draw(st.lists(numbers, min_size=n, max_size=n)))
    held = np.array(data.draw(st.lists(numbers, min_size=len(lengths), max_size=len(lengths))))
    begins, group = laid(lengths)
    before, lowest = _lowest_before(value, begins, group, held)
    for at in range(n):
        begin = begins[group[at]]
        assert before[at] == min([held[group[at]], *value[begin:at]])
        assert lowest[at] == min(before[at], value[at])


@law
@given(lengths=groups, data=st.data())
def test_the_latest_is_the_value_of_the_last_row_that_was_chosen(lengths: list[int], data: st.DataObject) -> None:
    n = sum(lengths)
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool)
    values = np.array(data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n)))
    held = np.array(data.draw(st.lists(st.integers(10, 19), min_size=len(lengths), max_size=len(lengths))))
    begins, group = laid(lengths)
    found = _latest(values, chosen, begins, group, held)
    for at in range(n):
        upto = [row for row in range(begins[group[at]], at + 1) if chosen[row]]
        assert found[at] == (values[upto[-1]] if upto else held[group[at]])


@law
@given(lengths=groups, data=st.data())
def test_runs_count_how_often_an_answer_came_on_end(lengths: list[int], data: st.DataObject) -> None:
    n, g = sum(lengths), len(lengths)
    short = np.array(data.draw(st.lists(st.integers(1, 3), min_size=n, max_size=n)))
    held = {
        "last": np.array(data.draw(st.lists(st.integers(0, 4), min_size=g, max_size=g))),
        "run": np.array(data.draw(st.lists(st.integers(1, STEADY), min_size=g, max_size=g))),
    }
    begins, group = laid(lengths)
    last, run = _runs(short, begins, group, held)
    assert last.tolist() == (short + 1).tolist()
    for one in range(g):
        before, length = held["last"][one], held["run"][one]
        for at in np.flatnonzero(group == one):
            length = length + 1 if last[at] == before else 1
            before = last[at]
            assert run[at] == min(length, STEADY)


@law
@given(data=st.data(), n=st.integers(0, 200))
def test_every_place_is_followed_to_where_it_begins(data: st.DataObject, n: int) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    back = data.draw(st.sampled_from([1, 3, 200]))
    earlier = np.array([max(0, at - int(rng.integers(0, back + 1))) for at in range(n)], np.int64)
    found = _roots(earlier.copy())
    for at in range(n):
        root = at
        while earlier[root] != root:
            root = int(earlier[root])
        assert found[at] == root


@law
@given(values=st.lists(st.integers(0, 2**PLANES - 1), max_size=20))
def test_a_sketch_survives_being_kept_in_six_bytes(values: list[int]) -> None:
    wide = np.array(values, np.uint64)
    kept = wide.view(np.uint8).reshape(-1, 8)[:, : PLANES // 8]
    assert _widened(kept).tolist() == values


@law
@given(data=st.data())
def test_what_is_packed_into_32_bits_comes_out_again(data: st.DataObject) -> None:
    told = {name: data.draw(st.integers(0, 2**bits - 1)) for name, (_, bits) in HELD.items()}
    packed = np.array([sum(value << HELD[name][0] for name, value in told.items())], np.uint32)
    assert {name: int(_held(packed, name)[0]) for name in HELD} == told
    assert sum(bits for _, bits in HELD.values()) == 32
    assert STAYS["held"].subdtype is not None


class TestSketches:
    @pytest.mark.parametrize("width", [1, 2, 16, 196, 3_000])
    def test_what_is_near_is_alike_and_what_is_far_is_not(self, width: int) -> None:
        rng = np.random.default_rng(0)
        rows = rng.integers(0, 128, (300, width)).astype(np.uint8)
        params = learned(rows)
        beside = np.clip(rows.astype(int) + rng.integers(-1, 2, rows.shape), 0, 127).astype(np.uint8)
        apart = np.bitwise_count(_sketches(params, rows) ^ _sketches(params, beside))
        assert np.mean(apart <= ALIKE) > 0.9
        others = np.bitwise_count(_sketches(params, rows) ^ np.roll(_sketches(params, rows), 1))
        # Of one feature nothing but its side of the middle can be told.
        assert width < 16 or np.mean(others <= ALIKE) < 0.01

    @pytest.mark.parametrize("value", [0, 64, 127])
    def test_of_inputs_that_never_vary_all_sketches_are_one(self, value: int) -> None:
        rows = np.full((9, 5), value, np.uint8)
        assert len(set(_sketches(learned(rows), rows).tolist())) == 1

    def test_they_do_not_depend_on_who_stands_beside(self) -> None:
        rows = np.random.default_rng(1).integers(0, 128, (130, 3_000)).astype(np.uint8)
        params = learned(rows)
        together = _sketches(params, rows).tolist()
        assert [int(_sketches(params, row[None])[0]) for row in rows] == together


class TestChanges:
    @law
    @given(width=st.sampled_from([1, 5, 97, 300]), seed=st.integers(0, 2**32), share=st.floats(0, 1))
    def test_moved_counts_the_features_that_differ(self, width: int, seed: int, share: float) -> None:
        rng = np.random.default_rng(seed)
        first = rng.integers(0, 128, (6, width))
        other = np.where(rng.random((6, width)) < share, (first + 1) % 128, first)
        query = np.concatenate([first, other]).astype(np.uint8)
        found = moved(query, np.arange(6, 12), np.arange(6))
        assert found.tolist() == np.minimum((first != other).sum(axis=1), COUNTED).tolist()

    @law
    @given(seed=st.integers(0, 2**32), width=st.sampled_from([1, 8, 96, 200]))
    def test_a_step_is_as_even_there_as_back(self, seed: int, width: int) -> None:
        rng = np.random.default_rng(seed)
        query = rng.integers(1, 127, (2, width)).astype(np.uint8)
        there, back = (int(evenness(query, np.array([at]), np.array([1 - at]))[0]) for at in (0, 1))
        assert there == back
        assert 0 <= there <= 1_000

    def test_without_an_earlier_query_nothing_moved(self) -> None:
        query = np.full((3, 4), 9, np.uint8)
        nobody = np.full(3, -1)
        assert moved(query, np.arange(3), nobody).tolist() == [0, 0, 0]
        assert evenness(query, np.arange(3), nobody).tolist() == [0, 0, 0]
        assert not moved(query, np.arange(3), np.zeros(3, int)).any()


@law
@given(lengths=st.lists(st.integers(0, 12), min_size=1, max_size=6), data=st.data())
def test_excursions_spread_since_the_sum_was_last_at_nothing(lengths: list[int], data: st.DataObject) -> None:
    n, s = sum(lengths), len(lengths)
    steps = data.draw(st.lists(st.integers(-5, 5), min_size=n, max_size=n))
    spread = data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    held = data.draw(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=s, max_size=s))
    # At nothing, nothing has spread.
    before = [(total, since if total else 0) for total, since in held]
    offsets = np.cumsum([0, *lengths])
    columns = [np.array([pair[column] for pair in before], np.int64) for column in (0, 1)]
    sums, since, last = excursions(
        np.array(steps, np.int64), np.array(spread, np.int64), offsets, (columns[0], columns[1])
    )
    for subject in range(s):
        total, spent = before[subject]
        for at in range(offsets[subject], offsets[subject + 1]):
            total, spent = max(0, total + steps[at]), spent + spread[at]
            spent = spent if total else 0
            assert (sums[at], since[at]) == (total, spent)
        assert (last[0][subject], last[1][subject]) == (total, spent)
