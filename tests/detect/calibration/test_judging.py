"""From scores of benign callers to what is rare, and whether benign callers whom nobody has seen keep to it."""

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.calibration import judging
from caponier.detect.calibration.ages import AGES, step_of
from caponier.detect.calibration.joint_tail import evidence
from caponier.detect.calibration.judging import ALPHA, LONGER, Gathered, Ranking, rarest
from pace import Stopwatch

few = settings(max_examples=60, deadline=None)
subjects = st.lists(st.lists(st.integers(-5, 50), max_size=40), min_size=1, max_size=5)


def add(gathered: Gathered, scores: Mapping[str, list[int]], begin: int = 0, end: int = 10**6) -> Gathered:
    """Let some subjects' scores come, those from one place to another."""
    parts = {name: line[begin:end] for name, line in scores.items()}
    gathered.add(
        list(parts),
        np.array([score for line in parts.values() for score in line], np.int64),
        np.array([begin + i + 1 for line in parts.values() for i in range(len(line))], np.int64),
        np.array([at for at, line in enumerate(parts.values()) for _ in line], np.int64),
    )
    return gathered


def named(lines: list[list[int]]) -> dict[str, list[int]]:
    return {f"s{at}": line for at, line in enumerate(lines)}


class TestGathered:
    @few
    @given(lines=subjects)
    def test_a_life_is_the_running_maximum_at_each_step_of_age(self, lines: list[list[int]]) -> None:
        scores = {name: line for name, line in named(lines).items() if line}
        lives, places = add(Gathered(), scores).of(list(scores))
        assert places.tolist() == list(range(len(scores)))
        for row, last, line in zip(lives.x, lives.last, scores.values(), strict=True):
            assert last == step_of(np.array([len(line)]))[0]
            for step in range(last + 1):
                upto = int(AGES[step + 1]) - 1
                assert np.expm1(row[step]) == pytest.approx(max(0, *line[:upto], 0))

    @few
    @given(lines=subjects, cuts=st.lists(st.integers(0, 40), max_size=4))
    def test_it_does_not_depend_on_the_batches(self, lines: list[list[int]], cuts: list[int]) -> None:
        scores, whole, parts = named(lines), Gathered(), Gathered()
        add(whole, scores)
        places = sorted({0, 41, *cuts})
        for begin, end in pairwise(places):
            add(parts, scores, begin, end)
        assert sorted(whole.names) == sorted(parts.names)
        names = sorted(whole.names)
        (one, _), (other, _) = whole.of(names), parts.of(names)
        assert np.array_equal(one.x, other.x)
        assert np.array_equal(one.last, other.last)
        assert whole.peaks() == parts.peaks()

    def test_whoever_is_not_asked_for_or_was_not_seen_is_not_among_them(self) -> None:
        gathered = add(Gathered(), {"a": [1], "b": [2, 3], "c": [4]})
        lives, places = gathered.of(["a", "x", "c"])
        assert places.tolist() == [0, 2]
        assert np.expm1(lives.x[:, 0]) == pytest.approx([1, 4])

    def test_a_subject_that_comes_back_within_a_batch_is_the_same(self) -> None:
        gathered = Gathered()
        gathered.add(["b", "a", "b"], np.array([4, 3, 7, 8]), np.array([1, 1, 2, 3]), np.array([0, 1, 1, 2]))
        assert gathered.peaks() == {"b": 8.0, "a": 7.0}
        assert gathered.of(["b"])[0].last.tolist() == [2]

    def test_nothing_is_nobody(self) -> None:
        gathered = add(Gathered(), {"a": []})
        assert gathered.names == []
        assert gathered.peaks() == {}
        lives, places = gathered.of(["a"])
        assert len(lives.last) == len(places) == 0

    def test_a_peak_is_never_negative(self) -> None:
        assert add(Gathered(), {"a": [-3, -1]}).peaks() == {"a": 0.0}


Process = Callable[[np.random.Generator, int], NDArray[np.int64]]
"""Scores (n,) of a benign caller's queries, in order."""


def climbing(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    """A habit of one's own, heavy-tailed, that adds up: how often answers flip, as a count of all one did."""
    return np.cumsum(rng.random(n) < min(0.9, 0.02 * rng.pareto(2.0))).astype(np.int64)


def flaring(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    """Scores of single queries, most of them low, of callers who differ in their scale."""
    return np.floor(rng.exponential(10 * rng.lognormal(0, 0.5), n)).astype(np.int64)


def silent(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    """Nothing, but for one caller in thirty."""
    odd = rng.random() < 1 / 30
    return np.where(odd & (rng.random(n) < 0.1), rng.integers(1, 40, n), 0).astype(np.int64)


def resting(rng: np.random.Generator, n: int) -> NDArray[np.int64]:
    """A run that starts anew every now and then: its length is the score."""
    ends = rng.random(n) < rng.uniform(0.1, 0.4)
    since = np.arange(n) - np.maximum.accumulate(np.where(ends, np.arange(n), 0))
    return since.astype(np.int64)


PROCESSES: dict[str, tuple[Process, ...]] = {
    "one that adds up": (climbing,),
    "one that flares": (flaring,),
    "four of all kinds": (climbing, flaring, silent, resting),
}
UNMET = pytest.mark.xfail(
    strict=True,
    reason="what adds up without end shows each caller's habit the more, the longer it goes on: 2.8 % (one detector) "
    "and 2.0 % (four) of callers who go on five times longer are flagged, where 1 % is promised",
)


def population(rng: np.random.Generator, n: int, processes: tuple[Process, ...], longer: float = 1.0) -> list[Gathered]:
    """Let benign callers of very different lengths come, scored by several detectors."""
    lengths = np.clip(np.floor(rng.lognormal(3.0, 1.2, n) * longer), 1, 3_000).astype(int)
    gathered = [Gathered() for _ in processes]
    for at, length in enumerate(lengths.tolist()):
        for one, process in zip(gathered, processes, strict=True):
            add(one, {f"caller {at}": process(rng, length).tolist()})
    return gathered


def by_detector(gathered: list[Gathered]) -> dict[str, Gathered]:
    return {f"d{at}": one for at, one in enumerate(gathered)}


def judged(ranking: Ranking, fresh: list[Gathered]) -> NDArray[np.int64]:
    """Return the evidence (n,) that callers whom nobody has seen come to over all that they ask."""
    names = fresh[0].names
    rarities = [rarest(ranking.ranks[name], one.of(names)[0]) for name, one in by_detector(fresh).items()]
    return evidence(np.stack(rarities, axis=1))


@pytest.mark.slow
@pytest.mark.parametrize("kind", PROCESSES)
@pytest.mark.parametrize("n", [100, 300])
def test_of_benign_callers_whom_nobody_has_seen_at_most_alpha_are_flagged(kind: str, n: int) -> None:
    """Averaged over populations, as the promise says."""
    flagged = []
    for seed in range(12 if len(PROCESSES[kind]) == 1 else 6):
        rng = np.random.default_rng(seed)
        ranking = Ranking.of(by_detector(population(rng, n, PROCESSES[kind])))
        fresh = population(rng, 400, PROCESSES[kind])
        flagged.append((judged(ranking, fresh) >= ranking.tail.level(ALPHA)).mean())
    error = np.std(flagged) / np.sqrt(len(flagged))
    assert np.mean(flagged) <= ALPHA + 2 * error


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 300])
def test_where_hardly_anybody_is_told_of_at_all_it_is_alpha_but_for_chance(n: int) -> None:
    """One caller in thirty speaks: among so few, ranks know the share of them badly, and no tail can be learned."""
    flagged = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        ranking = Ranking.of(by_detector(population(rng, n, (silent,))))
        flagged.append((judged(ranking, population(rng, 400, (silent,))) >= ranking.tail.level(ALPHA)).mean())
    assert np.mean(flagged) <= 2 * ALPHA


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=UNMET) if "that flares" not in kind else kind for kind in PROCESSES]
)
def test_the_same_holds_for_callers_who_go_on_for_longer_than_those_who_were_learned_from(kind: str) -> None:
    flagged = []
    for seed in range(8 if len(PROCESSES[kind]) == 1 else 4):
        rng = np.random.default_rng(100 + seed)
        ranking = Ranking.of(by_detector(population(rng, 200, PROCESSES[kind])))
        fresh = population(rng, 300, PROCESSES[kind], longer=LONGER)
        flagged.append((judged(ranking, fresh) >= ranking.tail.level(ALPHA)).mean())
    # One error and no more: populations differ so much that two would let 4 % pass.
    assert np.mean(flagged) <= ALPHA + np.std(flagged) / np.sqrt(len(flagged))


def test_who_stands_far_apart_is_flagged() -> None:
    """So that the promise above is not kept by silence."""
    rng = np.random.default_rng(3)
    ranking = Ranking.of(by_detector(population(rng, 200, (climbing, flaring))))
    attackers = [Gathered(), add(Gathered(), {"thief": [5] * 100})]
    add(attackers[0], {"thief": list(range(1, 101))})
    assert (judged(ranking, attackers) >= ranking.tail.level(ALPHA)).all()


class TestRanking:
    def learned(self, n: int = 60) -> dict[str, Gathered]:
        return by_detector(population(np.random.default_rng(0), n, (climbing, resting)))

    def test_the_order_in_which_callers_came_is_none(self) -> None:
        lines = {f"caller {at}": [*range(at % 7), 0] for at in range(60)}
        backwards = dict(reversed(lines.items()))
        one, other = (Ranking.of({"d": add(Gathered(), order)}) for order in (lines, backwards))
        assert np.array_equal(one.tail.evidence, other.tail.evidence)
        assert np.array_equal(one.ranks["d"].scores, other.ranks["d"].scores)

    def test_whoever_is_set_aside_is_not_ranked_among(self) -> None:
        learned = self.learned()
        thieves = frozenset({"thief", "accomplice"})
        add(learned["d0"], dict.fromkeys(thieves, [10**6] * 50))
        add(learned["d1"], dict.fromkeys(thieves, [3] * 50))
        with_thieves, without = Ranking.of(learned), Ranking.of(learned, thieves)
        assert (len(with_thieves), len(without)) == (62, 60)
        thief = np.array([10**6])
        step = np.zeros(1, np.int64)
        assert with_thieves.ranks["d0"].above(thief, step).tolist() == [1]
        assert without.ranks["d0"].above(thief, step).tolist() == [0]
        assert np.array_equal(without.tail.evidence, Ranking.of(self.learned()).tail.evidence)

    def test_one_attacker_in_a_hundred_of_the_benign_log_does_not_hide_the_next(self) -> None:
        rng = np.random.default_rng(5)
        learned = by_detector(population(rng, 300, (resting,)))
        # Not so far apart from the highest benign callers that the gap would tell.
        add(learned["d0"], {f"thief {at}": list(range(1, 120 + 20 * at)) for at in range(3)})
        ranking = Ranking.of(learned)
        next_one = [add(Gathered(), {"next": list(range(1, 120))})]
        assert (judged(ranking, next_one) >= ranking.tail.level(ALPHA)).all()
        fresh = judged(ranking, population(rng, 1_000, (resting,)))
        assert (fresh >= ranking.tail.level(ALPHA)).mean() <= ALPHA

    def test_where_nobody_is_odd_the_one_that_speaks_is_held_against_the_next(self) -> None:
        cells = {"d": add(Gathered(), {f"cell {at}": [1_600 if at == 7 else 0] * 40 for at in range(64)})}
        at, known = np.array([1_600]), np.array([step_of(np.array([40]))[0]])
        held, not_held = Ranking.of(cells, odd_ones=False), Ranking.of(cells)
        alpha = 0.005
        said = 1_000 * held.ranks["d"].rarity(at, known)[0]
        assert said < held.tail.level(alpha)
        assert 1_000 * held.ranks["d"].rarity(4 * at, known)[0] > held.tail.level(alpha)
        assert 1_000 * not_held.ranks["d"].rarity(at, known)[0] > not_held.tail.level(alpha)

    def test_of_too_few_to_rank_among_nobody_is_left_out(self) -> None:
        assert Ranking.of(self.learned(30)).ranks["d0"].n == 30
        assert Ranking.of(self.learned(31)).ranks["d0"].n == 30

    def test_a_caller_whom_a_detector_did_not_see_says_nothing_there(self) -> None:
        learned = self.learned()
        add(learned["d0"], {"blind spot": [1, 2, 3]})
        ranking = Ranking.of(learned)
        assert len(ranking) == 61
        assert ranking.ranks["d0"].n == ranking.ranks["d1"].n + 1 == 61

    def test_scores_are_ranked_up_to_ages_that_are_several_times_as_old(self) -> None:
        ranks = Ranking.of({"d": add(Gathered(), {f"c{at}": [1] * 100 for at in range(40)})}).ranks["d"]
        begun = int(AGES[step_of(np.array([100]))[0]])
        assert ranks.steps == step_of(np.array([LONGER * begun]))[0] + 1

    def test_nobody_taught_what_they_are_judged_by(self) -> None:
        """One caller is far beyond the others: to ranks that know it, it would be one of many."""
        lines = {f"caller {at}": [at % 5] * 3 for at in range(100)}
        lines["caller 0"] = [10**6] * 3
        ranking = Ranking.of({"d": add(Gathered(), lines)})
        for row in ranking.tail.evidence:
            assert row[0] > 1_000 * np.log(101)

    def test_of_many_callers_some_are_left_out_by_their_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(judging, "MOST", 20)
        learned = self.learned()
        assert len(Ranking.of(learned)) == 20
        more = add(Gathered(), {"caller 0": [1]})
        assert len(Ranking.of({**learned, "d2": more})) == 20

    def test_nobody_at_all_is_ranked_without_complaint(self) -> None:
        ranking = Ranking.of({"d": Gathered()})
        assert len(ranking) == 0
        assert ranking.ranks["d"].n == 0
        assert ranking.tail.share(10**6) == 1


def test_thousands_of_callers_are_ranked_in_seconds() -> None:
    learned = by_detector(population(np.random.default_rng(1), 1_500, (climbing, resting)))
    with Stopwatch() as watch:
        assert len(Ranking.of(learned)) == 1_500
    assert watch.seconds < 20
