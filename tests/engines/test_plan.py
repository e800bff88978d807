"""What a plan asks for: which score is needed at which age, and whose events come together."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.calibration.ages import AGES, step_of
from caponier.detect.calibration.joint_tail import UNIT, whole
from caponier.detect.calibration.lives import Lives
from caponier.detect.calibration.tail_ranks import TailRanks
from caponier.detect.detector import Subject
from caponier.engines.plan import COLD_LEVEL, CalibratedDetector, Plan
from engines.test_judge import ENCODER, Event, Said, ranks
from laws.bad_detectors import Counter

levels = st.integers(500, 15_000)
"""In thousandths: from what every other caller reaches to what nobody does."""
ages = st.integers(1, 5_000)
seeds = st.integers(0, 30)


def line(seed: int, limit: float = 0.0) -> CalibratedDetector:
    return CalibratedDetector(Said("one", 0), {}, limit, ranks(seed))


class Crowd(Counter):
    """Looks at all callers of like queries."""

    name = "crowd"
    subject = Subject.BUCKET


class TestNeeded:
    @settings(max_examples=60, deadline=None)
    @given(seed=seeds, level=levels, age=ages)
    def test_it_is_the_least_score_that_is_rare_enough_at_that_age(self, seed: int, level: int, age: int) -> None:
        one = line(seed)
        needed = int(np.ceil(one.needed(level, age)))
        at = step_of(np.array([age, age]))
        assert one.ranks is not None
        enough, short = one.ranks.rarity(np.array([needed, needed - 1]), at)
        assert enough * UNIT >= level - 1
        assert short * UNIT < level

    @settings(max_examples=60, deadline=None)
    @given(seed=seeds, one=levels, other=levels, age=ages)
    def test_whoever_is_to_be_rarer_needs_no_lower_score(self, seed: int, one: int, other: int, age: int) -> None:
        low, high = sorted([one, other])
        assert line(seed).needed(low, age) <= line(seed).needed(high, age)

    @settings(max_examples=60, deadline=None)
    @given(seed=seeds, first=ages, later=ages)
    def test_where_ranks_alone_decide_the_old_need_no_less_than_the_young(
        self, seed: int, first: int, later: int
    ) -> None:
        """Running maxima only rise: half of benign callers stand higher later."""
        young, old = sorted([first, later])
        half = round(-np.log(0.5) * UNIT)
        assert line(seed).needed(half, young) <= line(seed).needed(half, old)

    @settings(max_examples=40, deadline=None)
    @given(seed=seeds, level=levels, asked=st.lists(ages, min_size=1, max_size=20))
    def test_many_ages_at_once_are_each_age_by_itself(self, seed: int, level: int, asked: list[int]) -> None:
        at_once = line(seed).needed_at(level, np.array(asked))
        assert at_once.tolist() == [line(seed).needed(level, age) for age in asked]

    @settings(max_examples=40, deadline=None)
    @given(seed=seeds, level=levels, age=ages, limit=st.floats(0, 1e6))
    def test_it_is_never_below_the_limit_and_the_limit_never_lowers_it(
        self, seed: int, level: int, age: int, limit: float
    ) -> None:
        plain, limited = line(seed).needed(level, age), line(seed, limit).needed(level, age)
        assert limited == max(limit, plain)

    @pytest.mark.parametrize("level", [UNIT, COLD_LEVEL])
    def test_without_ranks_it_is_the_limit_whatever_is_asked_for(self, level: int) -> None:
        cold = CalibratedDetector(Said("one", 0), {}, 7.5)
        assert cold.needed_at(level, AGES).tolist() == [7.5] * len(AGES)

    def test_no_age_at_all_counts_as_the_first(self) -> None:
        assert line(1).needed(8 * UNIT, 0) == line(1).needed(8 * UNIT, 1)

    def test_beyond_the_last_age_that_is_known_nothing_more_is_asked(self) -> None:
        one = line(1)
        assert one.ranks is not None
        last = int(AGES[one.ranks.steps - 1])
        assert one.needed(8 * UNIT, last) == one.needed(8 * UNIT, 1_000 * last)

    def test_where_benign_callers_reach_more_more_is_needed(self) -> None:
        calm, loud = (CalibratedDetector(Said("one", 0), {}, 0.0, ranks(1, scale)) for scale in (1.0, 20.0))
        assert (loud.needed_at(8 * UNIT, AGES[:12]) > calm.needed_at(8 * UNIT, AGES[:12])).all()

    def test_where_nobody_ever_scored_a_little_is_not_enough(self) -> None:
        """A first hit may be chance, but the score that it takes stays within what an attack reaches."""
        silent = TailRanks.of(Lives(np.zeros((200, 10)), np.full(200, 9)), 12)
        needed = CalibratedDetector(Said("one", 0), {}, 0.0, silent).needed(8 * UNIT, 10)
        assert 1 < needed < 30
        assert whole(silent.rarity(np.array([1]), np.array([5])))[0] < 8 * UNIT


class TestParts:
    LINES = (line(1), CalibratedDetector(Crowd(), {}, 1.0), CalibratedDetector(Event("two", 1), {}, 2.0))

    def test_every_detector_runs_in_one_part_the_one_of_its_subject(self) -> None:
        plan = Plan("m", ENCODER, self.LINES)
        parts = plan.parts()
        assert [(part.subject, [one.name for one in part.lines]) for part in parts] == [
            (Subject.PRINCIPAL, ["one", "two"]),
            (Subject.BUCKET, ["crowd"]),
        ]
        assert all(replace(part, lines=self.LINES, subject=plan.subject) == plan for part in parts)

    def test_callers_are_looked_at_even_where_only_cells_are_judged(self) -> None:
        """Whoever sits for a profile, and is counted, is a caller."""
        parts = Plan("m", ENCODER, (CalibratedDetector(Crowd(), {}, 1.0),)).parts()
        assert [(part.subject, len(part.lines)) for part in parts] == [(Subject.PRINCIPAL, 0), (Subject.BUCKET, 1)]

    def test_sessions_and_addresses_come_together_as_callers_do(self) -> None:
        kinds = {subject: type("One", (Counter,), {"subject": subject})() for subject in Subject}
        assert {subject for subject, one in kinds.items() if Plan.kind_of(one) is Subject.BUCKET} == {Subject.BUCKET}

    def test_the_level_is_that_of_its_own_kind(self) -> None:
        plan = Plan("m", ENCODER, self.LINES, levels={Subject.BUCKET: 9_000})
        assert [part.level for part in plan.parts()] == [COLD_LEVEL, 9_000]
        assert [part.tail for part in plan.parts()] == [None, None]


def test_what_a_function_made_cannot_be_handed_to_another_process() -> None:
    local = type("Local", (Counter,), {"__module__": __name__})()
    assert CalibratedDetector(Crowd(), {}).travels
    assert not CalibratedDetector(local, {}).travels
