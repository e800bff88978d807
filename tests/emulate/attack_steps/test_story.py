"""Stories made of steps: what is done in order, by whom, and that nothing of it is left in the days without it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.emulate.attack_steps import acts, clouds, cluster, people, planted, servers
from caponier.emulate.attack_steps.attack_step import PAUSE, THIEF, AttackStep, lasting, requested, timed
from caponier.emulate.attack_steps.story import SYSTEM, StepStory
from caponier.emulate.log_story import LogTrace
from caponier.emulate.office import MONDAY
from caponier.emulate.registry import stories
from caponier.matrix.technique import TechniqueId
from caponier.matrix.versions.catalogue import load

STORIES = {name: story for name, story in stories().items() if isinstance(story, StepStory)}
STEPS = cluster.STEPS | servers.STEPS | people.STEPS | clouds.STEPS | acts.STEPS | planted.STEPS
START = datetime(2026, 1, 6, 2, tzinfo=UTC)
SEEDS = range(8)


def moment(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["time"])


def bad_rows(trace: LogTrace) -> Iterator[dict[str, Any]]:
    return (trace.rows[at] for at in trace.malicious)


def slow(name: str, pause: float) -> AttackStep:
    """A step of two records with a pause in between."""
    steps = (requested(THIEF, "GET", f"/{name}/1"), {**requested(THIEF, "GET", f"/{name}/2"), PAUSE: pause})
    return AttackStep(name, (steps,), ())


def told(*told: AttackStep) -> StepStory:
    class Told(StepStory):
        name, description, techniques, actor = "x", "x", (), THIEF
        steps = told

    return Told()


@pytest.mark.parametrize("pause", [1, 419, 3_600, 90_000])
def test_a_step_begins_when_the_one_before_it_has_ended_however_long_that_took(pause: float) -> None:
    trace = told(slow("first", pause), slow("second", 1), slow("third", 1)).attack(0)
    targets = [row["log"].split('"')[1].split()[1] for row in bad_rows(trace)]
    assert targets == ["/first/1", "/first/2", "/second/1", "/second/2", "/third/1", "/third/2"]


def test_what_lies_between_two_steps_does_not_depend_on_how_long_the_first_took() -> None:
    def gap(pause: float) -> timedelta:
        _, ended, begun, _ = bad_rows(told(slow("first", pause), slow("second", 1)).attack(0))
        return moment(begun) - moment(ended)

    assert gap(1) == gap(7_200) > timedelta(minutes=5)


@settings(max_examples=30, deadline=None)
@given(pauses=st.lists(st.none() | st.floats(0, 1e6), max_size=8))
def test_records_last_as_long_as_their_times_say(pauses: list[float | None]) -> None:
    rows = [{"a": at} if pause is None else {"a": at, PAUSE: pause} for at, pause in enumerate(pauses)]
    moments = [START, *(moment(row) for row in timed(rows, START))]
    # Times are written to the millisecond.
    assert abs(moments[-1] - START - lasting(rows)) <= timedelta(milliseconds=1)
    assert all(later >= earlier for earlier, later in pairwise(moments))


@pytest.mark.parametrize("name", STORIES)
class TestStories:
    def test_it_is_told_the_same_twice_and_otherwise_with_another_seed(self, name: str) -> None:
        story = STORIES[name]
        assert story.attack(3).to_json_lines() == story.attack(3).to_json_lines()
        assert story.control(3).to_json_lines() == story.control(3).to_json_lines()
        assert len({story.attack(seed).to_json_lines() for seed in SEEDS}) > 1

    def test_its_rows_are_in_order_of_time_and_begin_on_its_monday(self, name: str) -> None:
        for trace in (STORIES[name].attack(1), STORIES[name].control(1)):
            moments = [moment(row) for row in trace.rows]
            assert moments == sorted(moments)
            assert moments[0] >= MONDAY
            assert not any(PAUSE in row for row in trace.rows)
            assert all(moment(row) < MONDAY + timedelta(days=3) for row in bad_rows(trace)), "usual work goes on"

    def test_the_attack_is_the_control_and_what_is_malicious(self, name: str) -> None:
        """Nobody benign does anything else because somebody attacks."""
        trace, control = STORIES[name].attack(2), STORIES[name].control(2)
        bad = set(trace.malicious)
        calm = [row for at, row in enumerate(trace.rows) if at not in bad]
        assert sorted(map(repr, calm)) == sorted(map(repr, control.rows))
        assert trace.success
        assert not control.success
        assert not control.malicious
        assert control.actor is None

    def test_the_logs_name_its_actor_for_every_step_whatever_way_it_is_done(self, name: str) -> None:
        story = STORIES[name]
        for step in story.steps:
            which = story.fitting.get(step.name, range(len(step.variants)))
            assert which
            for at in which:
                assert story.actor in repr(step.variants[at]), (step.name, at)

    def test_what_fits_its_actor_is_told_of_steps_that_it_has(self, name: str) -> None:
        story = STORIES[name]
        variants = {step.name: len(step.variants) for step in story.steps}
        for step, which in story.fitting.items():
            assert 0 <= min(which) <= max(which) < variants[step]

    def test_every_way_is_taken_by_some_seed(self, name: str) -> None:
        """Where one choice follows the next, no step may be stuck to one of its ways."""
        story = STORIES[name]
        ways = max(len(story.fitting.get(step.name, step.variants)) for step in story.steps)
        told = {tuple(sorted(map(_without_times, bad_rows(story.attack(seed))))) for seed in range(24)}
        assert len(told) >= min(ways, 4)

    def test_its_techniques_exist(self, name: str) -> None:
        for technique in STORIES[name].techniques:
            if technique.matrix == "amltm-2020":
                assert technique in {TechniqueId("amltm-2020", one.id) for one in load("amltm-2020").techniques}
        assert any(technique.matrix == "attack" for technique in STORIES[name].techniques)
        assert STORIES[name].system == SYSTEM


def _without_times(row: dict[str, Any]) -> str:
    marks = {name: value for name, value in row.items() if name != "time" and not str(value).startswith("2026-")}
    return "".join(letter for letter in repr(marks) if not letter.isdigit())


def test_a_story_is_itself_and_can_be_a_key() -> None:
    """Records are dictionaries, which have no hash: what is told of a story by its seed could not be kept."""
    assert len({story: name for name, story in STORIES.items()}) == len(STORIES)


def test_a_story_is_shown_in_a_few_lines() -> None:
    """Tools that show what they were given refuse hundreds of kilobytes."""
    assert max(len(repr(story)) for story in STORIES.values()) < 3_000


@pytest.mark.parametrize("rule", STEPS)
class TestDeeds:
    def test_no_way_to_do_it_is_what_only_looks_like_it(self, rule: str) -> None:
        step = STEPS[rule]
        assert not {repr(one) for one in step.variants} & {repr(one) for one in step.lookalikes}

    def test_no_two_ways_are_the_same(self, rule: str) -> None:
        for rows in (STEPS[rule].variants, STEPS[rule].lookalikes):
            assert len({repr(one) for one in rows}) == len(rows)
            assert all(one for one in rows)

    def test_it_is_never_changed_by_being_told(self, rule: str) -> None:
        """All stories share the records of a step."""
        before = repr(STEPS[rule])
        for rows in (*STEPS[rule].variants, *STEPS[rule].lookalikes):
            list(timed(rows, START))
        assert repr(STEPS[rule]) == before

    def test_no_mark_is_left_where_a_time_belongs(self, rule: str) -> None:
        for rows in (*STEPS[rule].variants, *STEPS[rule].lookalikes):
            for row in timed(rows, START):
                assert not any(mark in repr(row) for mark in ("<stamp>", "<clock>", "<iso>"))
                assert None not in row.values()
