"""What holds of gathering and ranking whatever the callers: cuts, order, who is left out, and the rarest moment."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.calibration import judging
from caponier.detect.calibration.ages import AGES, AHEAD, step_of
from caponier.detect.calibration.joint_tail import UNIT, evidence, whole
from caponier.detect.calibration.judging import DIVISIONS, Gathered, Ranking, rarest
from caponier.detect.calibration.lives import Lives
from caponier.detect.calibration.tail_ranks import KEPT, TailRanks
from detect.calibration.test_judging import add

few = settings(max_examples=25, deadline=None)
lines = st.lists(st.lists(st.integers(0, 60), min_size=1, max_size=12), min_size=2, max_size=25)


def crowd(rows: list[list[int]], order: list[int] | None = None, cuts: tuple[int, ...] = ()) -> Gathered:
    """Let callers come in an order, cut into batches at some places of each."""
    scores = {f"c{at}": rows[at] for at in order or range(len(rows))}
    gathered = Gathered()
    for begin, end in pairwise((0, *sorted(cuts), 10**6)):
        add(gathered, scores, begin, end)
    return gathered


def alike(one: Ranking, other: Ranking) -> None:
    assert np.array_equal(one.tail.evidence, other.tail.evidence)
    assert one.ranks.keys() == other.ranks.keys()
    for name, ranks in one.ranks.items():
        assert ranks.n == other.ranks[name].n
        assert np.array_equal(ranks.scores, other.ranks[name].scores)
        assert np.array_equal(ranks.scales, other.ranks[name].scales)
        assert np.array_equal(ranks.apart, other.ranks[name].apart)


@few
@given(rows=lines, cuts=st.sets(st.integers(1, 12), max_size=3), data=st.data())
def test_neither_order_nor_batches_change_a_ranking(rows: list[list[int]], cuts: set[int], data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(rows))))
    alike(Ranking.of({"d": crowd(rows)}), Ranking.of({"d": crowd(rows, order, tuple(cuts))}))


@few
@given(rows=lines, data=st.data())
def test_who_is_set_aside_might_never_have_come(rows: list[list[int]], data: st.DataObject) -> None:
    aside = data.draw(st.sets(st.integers(0, len(rows) - 1)))
    rest = [at for at in range(len(rows)) if at not in aside]
    gone = frozenset(f"c{at}" for at in aside) | {"nobody"}
    left = Gathered()
    add(left, {f"c{at}": rows[at] for at in rest})
    found = Ranking.of({"d": crowd(rows)}, without=gone)
    alike(found, Ranking.of({"d": left}))
    assert len(found) == len(rest)


@few
@given(rows=lines, most=st.integers(1, 10))
def test_of_too_many_the_same_ones_stay_whoever_else_is_there(rows: list[list[int]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(judging, "MOST", most)
        found = Ranking.of({"d": crowd(rows)})
    assert len(found) == found.ranks["d"].n == min(most, len(rows))
    numbers = sorted((judging._number(f"c{at}"), at) for at in range(len(rows)))
    gone = frozenset(f"c{at}" for _, at in numbers[most:])
    alike(found, Ranking.of({"d": crowd(rows)}, without=gone))


def test_who_is_set_aside_makes_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "MOST", 20)
    gathered = crowd([[at % 7] for at in range(40)])
    assert len(Ranking.of({"d": gathered}, without=frozenset(gathered.names[:15]))) == 20
    assert len(Ranking.of({"d": gathered}, without=frozenset(gathered.names[:30]))) == 10


def test_callers_are_all_that_any_detector_saw() -> None:
    one, other = crowd([[3], [4], [5]]), add(Gathered(), {"c2": [9], "z": [1]})
    found = Ranking.of({"one": one, "other": other})
    assert len(found) == 4
    assert {name: ranks.n for name, ranks in found.ranks.items()} == {"one": 3, "other": 2}
    assert found.tail.evidence.shape == (DIVISIONS[1], 4)


@few
@given(rows=lines)
def test_a_detector_that_says_nothing_changes_nobodys_evidence(rows: list[list[int]]) -> None:
    silent = crowd([[0] * len(row) for row in rows])
    alone, both = Ranking.of({"d": crowd(rows)}), Ranking.of({"d": crowd(rows), "silent": silent})
    assert np.array_equal(alone.tail.evidence, both.tail.evidence)


@few
@given(rows=lines)
def test_the_order_of_detectors_is_none(rows: list[list[int]]) -> None:
    halves = crowd([[score // 2 for score in row] for row in rows])
    one = Ranking.of({"a": crowd(rows), "b": halves})
    other = Ranking.of({"b": halves, "a": crowd(rows)})
    assert np.array_equal(one.tail.evidence, other.tail.evidence)


@few
@given(rows=lines)
def test_the_rarest_moment_of_a_life_is_that_of_all_it_was_seen_in(rows: list[list[int]]) -> None:
    lives, _ = crowd(rows).of([f"c{at}" for at in range(len(rows))])
    ranks = Ranking.of({"d": crowd([[at % 9] * 5 for at in range(60)])}).ranks["d"]
    found = rarest(ranks, lives)
    for own, x, last in zip(found.tolist(), lives.x, lives.last.tolist(), strict=True):
        scores = np.expm1(x[: last + 1])
        assert own == max(whole(ranks.rarity(scores, np.arange(last + 1))).tolist())


@few
@given(rows=lines, more=st.lists(st.integers(0, 60), max_size=6))
def test_who_goes_on_is_never_less_rare(rows: list[list[int]], more: list[int]) -> None:
    ranks = Ranking.of({"d": crowd([[at % 9] * 5 for at in range(60)])}).ranks["d"]
    names = [f"c{at}" for at in range(len(rows))]
    short = rarest(ranks, crowd(rows).of(names)[0])
    longer = rarest(ranks, crowd([row + more for row in rows]).of(names)[0])
    assert (longer >= short).all()


def test_what_lies_beyond_the_end_of_a_life_is_not_looked_at() -> None:
    ranks = Ranking.of({"d": crowd([[at % 5] for at in range(60)])}).ranks["d"]
    x = np.log1p(np.array([[2.0, 1e6], [2.0, 2.0]]))
    first, other = rarest(ranks, Lives(x, np.array([0, 0]))).tolist()
    assert first == other < rarest(ranks, Lives(x, np.array([1, 1])))[0]


def test_without_lives_or_ranks_there_is_nothing_rare() -> None:
    nobody = Ranking.of({"d": Gathered()}).ranks["d"]
    lives, _ = crowd([[50], [2, 3]]).of(["c0", "c1"])
    assert rarest(nobody, lives).tolist() == [0, 0]
    assert rarest(nobody, Lives(np.zeros((0, 1)), np.zeros(0, np.int64))).tolist() == []


@few
@given(rows=lines)
def test_a_rarity_is_at_most_what_ranks_and_tail_allow_within_the_data(rows: list[list[int]]) -> None:
    """Whoever stays at or below the highest of those who taught is no rarer than one in all of them."""
    names = [f"c{at}" for at in range(len(rows))]
    ranks = Ranking.of({"d": crowd(rows)}).ranks["d"]
    lives, _ = crowd([[0]]).of(["c0"])
    assert rarest(ranks, lives).tolist() == [0]
    top = Lives(np.full((1, 1), float(ranks._highest[0])), np.zeros(1, np.int64))
    assert rarest(ranks, top)[0] <= round(np.log(len(names) + 1) * UNIT) + 1


@given(n=st.integers(1, 40), seed=st.integers(0, 99))
@few
def test_the_rarer_the_higher_is_the_score_that_is_asked_for(n: int, seed: int) -> None:
    x = np.log1p(np.random.default_rng(seed).integers(0, 30, (n, 1)).astype(float))
    reach = int(AHEAD[2]) + 1
    ranks = TailRanks.of(Lives(np.tile(x, (1, reach)), np.full(n, reach - 1)), 3)
    steps = np.arange(3)
    # Scores are whole numbers.
    asked = np.array([np.ceil(ranks.score_at(rarity, steps) - 1e-6) for rarity in np.linspace(0.1, 12, 25)])
    assert (np.diff(asked, axis=0) >= 0).all()


@given(n=st.integers(1, 2_000))
@few
def test_what_is_kept_of_many_begins_with_all_of_the_highest_and_ends_with_the_lowest(n: int) -> None:
    x = np.arange(n, dtype=np.float64)[:, None] / n
    reach = int(AHEAD[0]) + 1
    ranks = TailRanks.of(Lives(np.tile(x, (1, reach)), np.full(n, reach - 1)), 1)
    assert ranks.counts[0] == 1
    assert ranks.counts[-1] == n
    assert (np.diff(ranks.counts) > 0).all()
    assert ranks.counts[: min(n, KEPT)].tolist() == list(range(1, min(n, KEPT) + 1))
    assert (np.diff(ranks.scores[0]) <= 0).all()


@given(length=st.integers(1, 400))
@few
def test_a_life_ends_in_the_step_of_its_age(length: int) -> None:
    lives, _ = crowd([[1] * length]).of(["c0"])
    assert AGES[lives.last[0]] <= length < AGES[lives.last[0] + 1]
    assert lives.last[0] == step_of(np.array([length]))[0]


def test_evidence_of_one_detector_is_its_rarity() -> None:
    assert evidence(np.array([[7], [0], [9_999]])).tolist() == [7, 0, 9_999]
