from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.similarity import nearest_query, stays
from caponier.detect.similarity.nearest_query import CROWDED, FAR, RING
from caponier.detect.similarity.stays import (
    ALIKE,
    ALONE,
    ENTRIES,
    MANY,
    PLANES,
    RENEWED,
    STAYS,
    STEADY,
    WALK,
    Followed,
    follow,
    learned,
)
from detect.batches import batch_of

WIDTH = 16
NEAR = 200
TOLD = ("visit", "low", "again", "other", "turned", "returned", "fresh", "choice", "loyal", "onward", "heedless")
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def inputs(n: int, seed: int = 0) -> NDArray[np.int64]:
    """Return inputs (n, WIDTH) that are far from each other."""
    return np.random.default_rng(seed).integers(0, 128, (n, WIDTH))


PARAMS = learned(inputs(400, 1).astype(np.uint8))


def beside(base: NDArray[np.int64], rng: np.random.Generator, by: int = 3) -> list[int]:
    row: list[int] = np.clip(base + rng.integers(-by, by + 1, WIDTH), 0, 127).tolist()
    return row


def told(
    lines: list[list[list[int]]], labels: list[list[int]], sure: list[list[int]], cuts: Sequence[int] = ()
) -> list[list[tuple[Any, ...]]]:
    """Follow some subjects, in batches that end at the cuts, and return what is told of each of their queries."""
    rings = np.zeros(len(lines), nearest_query.state_dtype(WIDTH))
    state = np.zeros(len(lines), STAYS)
    known: dict[tuple[int, ...], int] = {}
    keys = [[known.setdefault(tuple(row), len(known) + 1) for row in line] for line in lines]
    found: list[list[tuple[Any, ...]]] = [[] for _ in lines]
    for begin, end in pairwise([0, *sorted(cuts), 10**6]):
        part = slice(begin, end)
        alone = [[*(line[part] for line in values)] for values in (lines, labels, keys)]
        batch = batch_of([*alone[0], [[0] * WIDTH]], [*alone[1], [1]], [*alone[2], [10**6]])
        batch = batch.take(np.arange(len(batch) - 1))
        object.__setattr__(batch, "offsets", batch.offsets[:-1])
        batch = batch.with_signals({"sureness": np.array([one for line in sure for one in line[part]], np.int64)})
        seen = nearest_query.add_signals(rings, batch, np.arange(len(lines)))
        rings = seen.state
        queries, _ = seen.batch.queries()
        one, state = followed(state, queries)
        for row, subject in enumerate(queries.subject):
            found[subject].append(tuple(getattr(one, name)[row].item() for name in TOLD))
    return found


def followed(state: NDArray[Any], queries: EventBatch) -> tuple[Followed, NDArray[Any]]:
    return follow(PARAMS, state, queries, queries.signals["squared"] <= NEAR, queries.signals["sureness"])


def plainly(line: list[list[int]], labels: list[int], sure: list[int]) -> Iterator[tuple[Any, ...]]:
    """Follow one subject query by query, with lists: what `follow` has to tell."""
    asked: list[tuple[list[int], int]] = []
    marks: list[int] = []
    walks: list[int] = []
    entries: list[dict[str, Any]] = []
    shared: dict[str, Any] = dict(BLANK)
    for row, label, score in zip(line, labels, sure, strict=True):
        ring = asked[-RING:]
        apart = [sum((a - b) ** 2 for a, b in zip(row, other, strict=True)) for other, _ in ring]
        returned, parent = False, -1
        if apart and min(apart) <= NEAR:
            parent = apart.index(min(apart)) - len(ring)
            entry = ring[parent][1]
            fresh = False
            if len(asked) // RENEWED != (len(asked) + parent) // RENEWED:
                alive = len(entries) - entry < ENTRIES
                stay = entries[entry]["stay"] if alive else dict(BLANK)
                entry = len(entries)
                entries.append({"sketch": sketch_of(row), "at": len(asked), "stay": stay})
        else:
            fresh, entry = True, len(entries)
            sketch = sketch_of(row)
            gone = [at for at in range(max(0, entry - ENTRIES), entry) if entries[at]["at"] < len(asked) - RING]
            bits = [(sketch ^ entries[at]["sketch"]).bit_count() for at in gone]
            stay = dict(BLANK)
            if bits and min(bits) <= ALIKE:
                returned = True
                stay = entries[max(at for at, apart in zip(gone, bits, strict=True) if apart == min(bits))]["stay"]
            entries.append({"sketch": sketch, "at": len(asked), "stay": stay})
        asked.append((row, entry))
        stay = entries[entry]["stay"] if len(entries) - 1 - entry < ENTRIES else shared
        told, before = _visited(stay, label, score)
        visit, low, again, other, _ = told
        choice = not fresh and not again and visit > 2 and 0 < before < 2**16 - 2
        best = not fresh and marks[parent] == before % 127 + 1
        marks.append(stay["low"] % 127 + 1 if low and not other else 0)
        walks.append(_walked(walks, [at for _, at in asked[-RING - 1 :]], parent, best))
        onward = walks[-1] > 0 and visit > 2 and before < 2**16 - 2 and score >= 0
        alone = onward and _alone(row, ring, parent, apart)
        yield (*told, returned, fresh, choice, choice and best, onward, alone and (not best or walks[-1] == WALK))


def _alone(row: list[int], ring: list[tuple[list[int], int]], parent: int, apart: list[int]) -> bool:
    """Tell whether no others lie about as near as the nearest, or that differs in one feature alone."""
    moved = sum(a != b for a, b in zip(row, ring[parent][0], strict=True))
    return moved == 1 or sum(one <= CROWDED * min(apart) for one in apart) <= ALONE


def _walked(walks: list[int], entries: list[int], parent: int, best: bool) -> int:
    """Return how many steps on end a query ends; `entries` are of the last queries and of itself."""
    own = [at for at, entry in enumerate(entries[:-1]) if entry == entries[-1]]
    place = len(entries) - 1 + parent
    if place in own[-1:] or (place in own[-2:] and not best):
        before = len(walks) - (len(entries) - 1) + own[-1]
        return min(walks[before] + 1, WALK)
    return 0


def sketch_of(row: list[int]) -> int:
    return int(stays._sketches(PARAMS, np.array([row], np.uint8))[0])


BLANK: dict[str, Any] = {"label": 0, "low": 2**16, "visits": 0, "again": False, "last": 0, "run": 0}


def _visited(stay: dict[str, Any], label: int, score: int) -> tuple[tuple[Any, ...], int]:
    """Return what is told of a visit, and the lowest score before it."""
    if not label:
        return (0, False, False, False, False), 0
    stay["label"] = stay["label"] or label
    stay["run"] = stay["run"] + 1 if stay["last"] == label else 1
    stay["last"] = label
    if stay["run"] >= STEADY and stay["label"] != label:
        stay |= {"label": label, "low": 2**16 - 1, "visits": 0, "again": False}
    other = label != stay["label"]
    value = 0 if other else (score + 1 if score >= 0 else 2**16 - 2)
    stay["visits"] += 1
    before, again = min(stay["low"], 2**16 - 1), stay["again"]
    low = value < before and stay["visits"] > 1 and (before < 2**16 - 2 or other)
    stay["low"], stay["again"] = min(before, value), low
    return (min(stay["visits"], MANY), low, again, other, low and other), before


def labels_of(n: int, rng: np.random.Generator) -> list[int]:
    # High bits, as digests have them.
    return [int(one) << 50 for one in rng.integers(0, 4, n)]


@few
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_it_tells_what_one_would_who_looks_at_query_after_query(data: st.DataObject, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines, labels, sure = [], [], []
    for _ in range(data.draw(st.integers(1, 3))):
        bases = inputs(data.draw(st.sampled_from([2, 230, 310])), seed)
        n = data.draw(st.integers(0, 700))
        order = data.draw(st.sampled_from(["round", "one by one", "any"]))
        which = {"round": np.arange(n), "one by one": np.arange(n) // 20, "any": rng.integers(0, 400, n)}[order]
        rows = [beside(bases[at % len(bases)], rng) for at in which.tolist()]
        unique = list({tuple(row): row for row in rows}.values())
        lines.append(unique)
        labels.append(labels_of(len(unique), rng))
        sure.append(rng.integers(-1, 9, len(unique)).tolist())
    cuts = data.draw(st.lists(st.integers(0, 700), max_size=4))
    found = told(lines, labels, sure, cuts)
    for one, *rest in zip(found, lines, labels, sure, strict=True):
        assert one == list(plainly(*rest))


class TestStays:
    def test_whoever_goes_round_hundreds_of_inputs_returns_to_each(self) -> None:
        rng, bases = np.random.default_rng(0), inputs(280)
        line = [beside(bases[n % 280], rng) for n in range(3 * 280)]
        (found,) = told([line], [[1 << 60] * len(line)], [[900 - n // 280 for n in range(len(line))]])
        assert not any(one[TOLD.index("returned")] for one in found[:280])
        later = found[280:]
        assert np.mean([one[TOLD.index("returned")] for one in later]) > 0.95
        assert np.mean([one[TOLD.index("low")] for one in later]) > 0.95
        assert np.mean([one[TOLD.index("visit")] == 3 for one in later[280:]]) > 0.9

    def test_ordinary_inputs_in_between_do_not_end_a_stay(self) -> None:
        rng, base, others = np.random.default_rng(0), inputs(1)[0], inputs(260, 7)
        line = [beside(base, rng), *others.tolist(), beside(base, rng)]
        (found,) = told([line], [[1 << 60] * len(line)], [[9] * 261 + [5]])
        assert found[-1][:2] == (2, True)

    def test_an_answer_that_turns_is_the_lowest_whatever_its_score(self) -> None:
        rng, base = np.random.default_rng(0), inputs(1)[0]
        line = [beside(base, rng) for _ in range(4)]
        (found,) = told([line], [[1 << 60, 1 << 60, 2 << 60, 2 << 60]], [[9, 9, 60_000, 3]])
        assert [one[TOLD.index("low")] for one in found] == [False, False, True, False]
        assert [one[TOLD.index("turned")] for one in found] == [False, False, True, False]

    def test_where_the_ring_remembers_more_than_this_does_nothing_breaks(self) -> None:
        """As when the detector failed over some events: what was nearest is not known here."""
        rng, base = np.random.default_rng(0), inputs(1)[0]
        batch = batch_of([[beside(base, rng) for _ in range(9)]])
        seen = nearest_query.add_signals(np.zeros(1, nearest_query.state_dtype(WIDTH)), batch, np.arange(1)).batch
        late, _ = seen.take(np.arange(5, 9)).with_signals({"unique": np.ones(4, bool)}).queries()
        late = late.with_signals({"sureness": np.zeros(4, np.int64), "back": np.array([5, 3, 2, 9], np.uint8)})
        one, _ = followed(np.zeros(1, STAYS), late)
        assert one.fresh.tolist() == [True, True, False, True]

    def test_a_walk_goes_on_where_batches_end(self) -> None:
        """Over more queries than the ring holds, some of which step back to the best so far."""
        rng = np.random.default_rng(3)
        row, line = inputs(1, 3)[0], []
        for at in range(520):
            row = inputs(1, at)[0] if at % 40 == 0 else row
            row = np.clip(row + (np.arange(WIDTH) == at % WIDTH) * rng.integers(-9, 10), 0, 127)
            line.append(row.tolist())
        labels, sure = [[1 << 60] * 520], [rng.integers(9_000, 50_000, 520).tolist()]
        whole = told([line], labels, sure)
        assert whole == told([line], labels, sure, cuts=(150, 151, 360, 420))
        walks = np.array([one[-1] for one in whole[0]])
        assert walks.mean() > 0.5

    def test_nobody_asks_nothing(self) -> None:
        none = EventBatch.empty(WIDTH).with_signals(
            {name: np.zeros(0, np.int64) for name in ("squared", "back", "sureness", "crowd", "moved")}
        )
        one, after = followed(np.zeros(0, STAYS), none)
        assert len(one.stay) == len(after) == 0


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_planes_are_learned_from_however_few_rows(rows: int) -> None:
    params = learned(inputs(rows).astype(np.uint8))
    assert params["planes"].shape == (WIDTH, PLANES)
    assert len(stays._sketches(params, inputs(3).astype(np.uint8))) == 3


def test_far_is_never_near() -> None:
    batch = batch_of([[[0] * WIDTH]]).with_signals(
        {
            "squared": np.array([FAR]),
            "back": np.zeros(1, np.uint8),
            "crowd": np.zeros(1, np.uint8),
            "moved": np.zeros(1, np.uint8),
            "sureness": np.zeros(1, np.int64),
            "unique": np.ones(1, bool),
        }
    )
    one, _ = follow(PARAMS, np.zeros(1, STAYS), batch, np.ones(1, bool), batch.signals["sureness"])
    assert one.fresh.tolist() == [True]
