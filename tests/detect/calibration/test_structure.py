"""Attackers in the benign log are told by two kinds of an attack's structure, nobody by one, however far."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.calibration import judging
from caponier.detect.calibration.judging import Gathered, Ranking
from caponier.detect.calibration.structure import SUSPECTED, attackers
from caponier.detect.detector import Structure, shown_by
from caponier.detect.registry import event_detectors
from detect.calibration.test_judging import add

SHOWS = {"steps": Structure.SEARCH, "lows": Structure.SEARCH, "noise": Structure.FOREIGN, "rows": Structure.TRAINING}
DETECTORS = (*SHOWS, "rate")
few = settings(max_examples=15, deadline=None)


def benign(n: int, seed: int = 0) -> dict[str, NDArray[np.int64]]:
    """Draw what n callers come to by each detector: many small scores with a heavy tail, none of which go together."""
    rng = np.random.default_rng(seed)
    return {name: np.floor(3 * rng.pareto(3.0, n)).astype(np.int64) for name in DETECTORS}


def gathered(scores: Mapping[str, NDArray[np.int64]]) -> dict[str, Gathered]:
    return {
        name: add(Gathered(), {f"c{at:03d}": [int(score)] for at, score in enumerate(line)})
        for name, line in scores.items()
    }


def with_some(n: int, *high: Mapping[str, int], seed: int = 0) -> dict[str, Gathered]:
    """Make the first callers come high."""
    scores = benign(n, seed)
    for at, own in enumerate(high):
        for name, score in own.items():
            scores[name][at] = score
    return gathered(scores)


class TestWhoIsTold:
    @pytest.mark.parametrize("n", [60, 300])
    def test_two_kinds_far_beyond_all_others_are_an_attack(self, n: int) -> None:
        found = attackers(with_some(n, {"steps": 900, "noise": 40_000}), SHOWS)
        assert list(found) == ["c000"]
        assert [one.detector for one in found["c000"]] == ["noise", "steps"]
        assert [one.score for one in found["c000"]] == [40_000, 900]

    @pytest.mark.parametrize(
        "high",
        [
            {"steps": 10**6},
            {"steps": 10**6, "lows": 10**6},
            {"noise": 10**6, "rate": 10**6},
            {"rows": 10**6, "noise": 3},
        ],
        ids=["one", "one kind twice", "one and a rate", "one and a usual score"],
    )
    def test_one_kind_is_a_habit_however_far_it_goes(self, high: dict[str, int]) -> None:
        assert attackers(with_some(300, high, high), SHOWS) == {}

    def test_the_second_kind_must_lie_far_beyond_others_too(self) -> None:
        usual = int(np.sort(benign(300)["noise"])[-20])
        assert attackers(with_some(300, {"steps": 10**6, "noise": usual}), SHOWS) == {}

    def test_what_one_in_twenty_does_is_what_benign_callers_do(self) -> None:
        habit = [{"steps": 900, "noise": 900}] * 15
        assert len(habit) > SUSPECTED * 300
        assert attackers(with_some(300, *habit), SHOWS) == {}

    def test_of_too_few_nobody_is_told(self) -> None:
        assert attackers(with_some(30, {"steps": 900, "noise": 900}), SHOWS) == {}

    def test_who_is_kept_or_gone_already_is_not_told(self) -> None:
        lives, own = with_some(300, {"steps": 900, "noise": 900}, {"rows": 900, "noise": 900}), frozenset({"c000"})
        assert list(attackers(lives, SHOWS)) == ["c000", "c001"]
        assert list(attackers(lives, SHOWS, kept=own)) == list(attackers(lives, SHOWS, own)) == ["c001"]

    @few
    @given(seed=st.integers(0, 10_000), n=st.integers(40, 400))
    def test_habits_that_have_nothing_in_common_set_nobody_aside(self, seed: int, n: int) -> None:
        assert attackers(gathered(benign(n, seed)), SHOWS) == {}

    def test_nobody_and_nothing_are_no_attackers(self) -> None:
        assert attackers({}, SHOWS) == attackers(gathered(benign(0)), SHOWS) == {}


class TestWhatItBrings:
    ATTACKS = ({"steps": 900, "noise": 4_000}, {"rows": 900, "lows": 700}, {"noise": 900, "lows": 900})

    @pytest.mark.parametrize("seed", [0, 1])
    def test_with_2_percent_of_attackers_it_takes_what_it_takes_without_them(
        self, seed: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(judging, "DIVISIONS", (2, 2))
        lives, names = with_some(150, *self.ATTACKS, seed=seed), [f"c{at:03d}" for at in range(150)]
        aside = frozenset(attackers(lives, SHOWS))
        assert aside == set(names[:3])
        clean = {
            name: add(Gathered(), {who: [int(score)] for who, score in zip(names[3:], line[3:], strict=True)})
            for name, line in benign(150, seed).items()
        }
        assert Ranking.of(lives, aside).tail.level(0.01) == Ranking.of(clean).tail.level(0.01)

    def test_it_is_said_what_would_be_usual_with_them(self) -> None:
        found = attackers(with_some(300, *self.ATTACKS), SHOWS)
        assert all(one.without <= one.among for two in found.values() for one in two)
        assert any(one.without < one.among for two in found.values() for one in two)


def test_detectors_that_look_at_the_same_show_the_same_kind() -> None:
    told = {name: kind for name, one in event_detectors().items() if (kind := shown_by(one))}
    assert len(set(told.values())) == len(Structure)
    # What is foreign climbs by chance, and leaves a model unsure.
    assert told["novelty"] is told["score_climb"] is told["information_spend"]
    assert told["input_search"] is told["iterative_query"]


@pytest.mark.parametrize("shows", [None, "a search in small steps", 7, []])
def test_a_detector_that_shows_none_of_them_counts_for_nothing(shows: object) -> None:
    assert shown_by(type("Detector", (), {"shows": shows})) is None is shown_by(object())
