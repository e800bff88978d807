"""What a section tells of itself, and of another one, whatever its figures."""

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.test_findings import RANKS, SECTION
from caponier.app.inference.baseline.build import Near
from caponier.app.inference.baseline.check import compare_baselines
from caponier.app.inference.baseline.in_words import ALIKE, _moved, changes_in_words
from caponier.app.inference.baseline.story import ENOUGH, TYPICAL, Story, ThresholdStatus, benign_at, stories
from caponier.detect.calibration.baseline import Baseline, ModelBaseline, Warm
from caponier.detect.calibration.judging import FEWEST
from caponier.detect.calibration.lives import Lives
from caponier.detect.calibration.tail_ranks import TailRanks
from caponier.detect.traffic_profile.behaviour_clusters import BehaviourCluster
from caponier.formats.figures import figure

NOVELTY = SECTION.detectors["novelty"]
BASELINE = Baseline((SECTION,))
figures = st.none() | st.floats(-1e6, 1e6)


def story(section: ModelBaseline, *nearest: Near) -> Story:
    (told,) = stories(Baseline((section,)), {(section.model, "novelty"): nearest})
    return told


def status(needed: float | None) -> ThresholdStatus:
    return replace(story(SECTION).statuses[0], needed=needed)


def of(names: Iterable[str]) -> Baseline:
    return Baseline(tuple(replace(SECTION, model=name) for name in names))


ADVICE = "learn from more callers"


class TestPromise:
    @given(alpha=st.floats(1e-4, 0.3))
    def test_as_many_callers_as_it_would_need_are_enough_and_one_fewer_is_not(self, alpha: float) -> None:
        few = story(replace(SECTION, alpha=alpha, principals=FEWEST))
        if "estimate" not in few.promise:
            assert alpha * (FEWEST + 1) >= 1
            return
        needed = few.asked_for
        assert f"{needed:,}" in few.promise
        assert "estimate" not in story(replace(SECTION, alpha=alpha, principals=needed + 1)).promise
        if needed - 2 >= FEWEST:
            assert "estimate" in story(replace(SECTION, alpha=alpha, principals=needed - 2)).promise

    @given(one=st.integers(2, 2_000))
    def test_of_one_in_so_many_the_number_that_is_needed_keeps_it(self, one: int) -> None:
        """As users write a share: 1/161 times 161 is a little less than 1 to a computer."""
        few = story(replace(SECTION, alpha=1 / one, principals=FEWEST))
        assert few.asked_for == one - 1
        assert ("estimate" in few.promise) == (one - 1 > FEWEST)
        if one - 1 >= FEWEST:
            assert "estimate" not in story(replace(SECTION, alpha=1 / one, principals=one - 1)).promise

    @given(alpha=st.floats(1e-4, 0.3), callers=st.floats(0, 1e6))
    def test_the_number_of_a_week_is_the_share_of_its_callers(self, alpha: float, callers: float) -> None:
        section = replace(SECTION, alpha=alpha, callers_per_week=callers)
        assert story(section).to_dict()["expected_per_week"] == pytest.approx(alpha * callers, abs=1e-4)

    @given(n=st.integers(0, FEWEST - 1))
    def test_fewer_than_can_be_ranked_promise_nothing(self, n: int) -> None:
        promise = story(replace(SECTION, principals=n)).promise
        assert re.findall(r"\d+", promise) == [str(n), str(FEWEST)]
        assert "%" not in promise

    def test_a_warm_start_is_told_before_anything_of_numbers(self) -> None:
        told = story(replace(SECTION, principals=3, warm=Warm("0", 2)))
        assert told.promise.startswith("2 callers of version 1; nothing is promised")
        assert not any(ADVICE in line for line in told.lines)


class TestLines:
    @given(n=st.integers(0, 3 * ENOUGH))
    def test_more_callers_are_advised_up_to_enough(self, n: int) -> None:
        advised = any(ADVICE in line for line in story(replace(SECTION, principals=n)).lines)
        assert advised == (n < ENOUGH)

    def test_each_line_names_the_model(self) -> None:
        told = story(replace(SECTION, model="credit"))
        assert all(line.startswith("credit: ") for line in (*told.lines, *told.details))

    def test_a_detector_that_is_off_is_blind_for_its_reason_and_asks_for_nothing(self) -> None:
        off = replace(SECTION, detectors={"novelty": replace(NOVELTY, off="everybody is new")}, tested=True)
        told = story(off)
        assert told.statuses[0].needed is None
        assert "m: detectors that run: none" in told.lines
        assert [line for line in told.lines if "novelty" in line and "everybody is new" in line]
        assert [line for line in told.lines if line.startswith("m: self-test: 1 ")]
        assert told.statuses[0].to_dict() | {"basis": None, "off": "everybody is new"} == told.statuses[0].to_dict()

    def test_detectors_that_this_program_does_not_know_are_passed_over(self) -> None:
        told = story(replace(SECTION, detectors={**SECTION.detectors, "of another program": NOVELTY}))
        assert [one.detector for one in told.statuses] == ["novelty"]


class TestThresholdStatus:
    def test_who_came_nearest_is_named_with_what_he_does(self) -> None:
        plain, known = Near("ann", 1234.5, None), Near("bob", 7.0, BehaviourCluster.REPEATS)
        words = story(SECTION, plain, known).statuses[0].words
        assert "; the highest: ann 1,234, bob 7 (sends exact repeats)" in words.replace("1,235", "1,234")

    def test_few_to_rank_among_are_a_cold_start_or_no_start(self) -> None:
        few = TailRanks.of(Lives(np.zeros((FEWEST - 1, 1)), np.zeros(FEWEST - 1, np.int64)), 1)
        (found,) = story(replace(SECTION, detectors={"novelty": replace(NOVELTY, ranks=few)})).statuses
        assert found.cold
        assert re.findall(r"\d+", found.why_not) == [str(FEWEST), str(FEWEST - 1)]
        assert found.to_dict()["basis"] == (None if found.needed is None else "cold-start")

    @given(one=st.floats(1e-3, 0.3), other=st.floats(1e-3, 0.3))
    def test_a_smaller_share_asks_for_no_less(self, one: float, other: float) -> None:
        strict, generous = sorted((one, other))
        needed = [story(replace(SECTION, alpha=alpha)).statuses[0].needed for alpha in (strict, generous)]
        assert needed[0] is not None
        assert needed[1] is not None
        assert needed[0] >= needed[1] - 1e-6

    @given(age=st.integers(1, 10**9))
    def test_benign_scores_fall_at_every_age(self, age: int) -> None:
        scores = benign_at(story(SECTION).statuses[0], age)
        assert scores.shape == (RANKS.scores.shape[1],)
        assert (np.diff(scores) <= 0).all()

    def test_the_age_is_the_typical_one_unless_another_is_asked_for(self) -> None:
        (found,) = story(SECTION).statuses
        assert np.array_equal(benign_at(found), benign_at(found, TYPICAL))


class TestChanges:
    @given(was=figures, now=figures)
    def test_there_and_back_are_told_both_or_neither(self, was: float | None, now: float | None) -> None:
        there, back = _moved("d", status(was), status(now)), _moved("d", status(now), status(was))
        assert (there is None) == (back is None)

    @given(was=st.floats(0.01, 1e6), by=st.floats(-0.5, 0.5))
    def test_only_what_moves_by_more_than_a_tenth_is_told(self, was: float, by: float) -> None:
        now = was * (1 + by)
        share = abs(now - was) / max(now, was)
        if abs(share - ALIKE) > 1e-6:
            assert (_moved("d", status(was), status(now)) is not None) == (share > ALIKE)

    @given(needed=st.floats(0.01, 1e6))
    def test_what_begins_or_ends_to_run_is_told_whatever_the_figure(self, needed: float) -> None:
        assert _moved("d", status(None), status(needed)) == f"d runs now, from {figure(needed)}"
        assert _moved("d", None, status(needed)) == f"d runs now, from {figure(needed)}"
        assert _moved("d", status(needed), None) == "d does not run any more"
        assert _moved("d", None, status(None)) is None

    @given(old=st.sets(st.sampled_from("abcd")), new=st.sets(st.sampled_from("abcd")))
    def test_every_model_of_either_is_named_and_what_is_in_both_is_compared(self, old: set[str], new: set[str]) -> None:
        told = changes_in_words(of(sorted(old)), of(sorted(new)))
        assert [line[0] for line in told if ": new;" in line] == sorted(new - old)
        assert [line[0] for line in told if ": gone;" in line] == sorted(old - new)
        assert {line[0] for line in told} == old | new
        if old & new:
            compared = compare_baselines(of(sorted(old)), of(sorted(new)))
            assert [one.new.section.model for one in compared] == sorted(old & new)

    def test_a_baseline_differs_from_itself_in_nothing(self) -> None:
        (compared,) = compare_baselines(BASELINE, BASELINE)
        assert all(one.old == one.new for one in compared.differences)
        assert changes_in_words(BASELINE, BASELINE)[1] == "m: no threshold moved by more than a tenth"

    def test_differences_come_by_name_whichever_side_has_them(self) -> None:
        more = replace(SECTION, detectors={"iterative_query": NOVELTY})
        (compared,) = compare_baselines(BASELINE, Baseline((more,)))
        sides = [(one.detector, one.old is None, one.new is None) for one in compared.differences]
        assert sides == [("iterative_query", True, False), ("novelty", False, True)]
