from dataclasses import replace

import pytest

from caponier.app.brief.exercise import FEWEST, MINUTES, MOST, exercise, prompts
from caponier.matrix.brief import Match
from caponier.matrix.case_study import CaseStudy, StudyStep
from caponier.matrix.evidence import StudyType
from caponier.matrix.versions.catalogue import load

ATLAS = load("atlas-5.6")
AFAR = {"AML.TA0003", "AML.TA0001"}


def study(id_: str, *steps: str) -> CaseStudy:
    made = tuple(StudyStep(*step.split("/")) for step in steps)
    return CaseStudy(id_, id_, StudyType.EXERCISE, steps=made)


def told(*matches: Match) -> list[tuple[str, str, list[str]]]:
    made = exercise(ATLAS, matches)
    return [(inject.study.id, inject.tactic, [act.id for act in inject.acts]) for inject in made.injects]


@pytest.mark.parametrize("one", ATLAS.studies, ids=[one.id for one in ATLAS.studies])
def test_every_study_makes_an_exercise_of_its_own(one: CaseStudy):
    made = exercise(ATLAS, [Match(one, ("why",), 1)])
    assert made.studies == (one,)
    assert 1 <= len(made.injects) <= MOST
    assert [inject.minute for inject in made.injects] == [place * MINUTES for place in range(len(made.injects))]
    assert len({inject.tactic for inject in made.injects}) == len(made.injects)
    for inject in made.injects:
        assert inject.acts
        assert inject.prompt in prompts().values()


def test_steps_of_one_tactic_in_a_row_are_one_inject():
    one = study("a", "AML.TA0002/AML.T0000", "AML.TA0002/AML.T0001", "AML.TA0011/AML.T0015", "AML.TA0011/AML.T0015")
    assert told(Match(one, (), 1)) == [
        ("a", "Reconnaissance", ["AML.T0000", "AML.T0001"]),
        ("a", "Impact", ["AML.T0015"]),
    ]


def test_a_tactic_that_comes_back_is_not_asked_again():
    one = study("a", "AML.TA0002/AML.T0000", "AML.TA0004/AML.T0012", "AML.TA0002/AML.T0001")
    assert [tactic for _, tactic, _ in told(Match(one, (), 1))] == ["Reconnaissance", "Initial Access"]


def test_among_equal_matches_the_study_with_most_tactics_here_is_played():
    far = study("a", "AML.TA0003/AML.T0002", "AML.TA0001/AML.T0005", "AML.TA0002/AML.T0000")
    near = study("b", "AML.TA0004/AML.T0012", "AML.TA0011/AML.T0015")
    best = study("c", "AML.TA0002/AML.T0000")
    assert exercise(ATLAS, [Match(far, (), 1), Match(near, (), 1)]).studies[0] is near
    assert exercise(ATLAS, [Match(best, (), 2), Match(near, (), 1)]).studies[0] is best


def test_a_study_of_models_that_take_something_else_is_not_played_if_another_is_as_good():
    alike = study("a", "AML.TA0002/AML.T0000")
    other = study("b", "AML.TA0004/AML.T0012", "AML.TA0011/AML.T0015")
    assert exercise(ATLAS, [Match(alike, (), 1), Match(other, (), 1, elsewhere=True)]).studies[0] is alike


def test_a_short_study_takes_missing_tactics_from_the_next_ones_only_until_it_is_long_enough():
    short = study("a", "AML.TA0011/AML.T0015")
    second = study("b", "AML.TA0003/AML.T0002", "AML.TA0002/AML.T0000", "AML.TA0011/AML.T0031")
    third = study("c", "AML.TA0004/AML.T0012", "AML.TA0009/AML.T0035")
    fourth = study("d", "AML.TA0010/AML.T0025")
    made = told(*(Match(one, (), 9 - place) for place, one in enumerate((short, second, third, fourth))))
    assert [(id_, tactic) for id_, tactic, _ in made] == [
        ("a", "Impact"),
        ("b", "Reconnaissance"),
        ("c", "Initial Access"),
        ("c", "Collection"),
    ]
    assert len(made) == FEWEST


def test_a_long_study_first_loses_what_happens_elsewhere_and_keeps_its_end():
    long = ATLAS.study("AML.CS0051")
    tactics = [tactic for _, tactic, _ in told(Match(long, (), 1))]
    names = {ATLAS.tactic(id_).name for id_ in AFAR}
    assert len(tactics) == MOST
    assert not names & set(tactics)
    assert tactics[-1] == ATLAS.tactic(long.steps[-1].tactic).name


def test_the_clock_counts_hours():
    (inject, *_) = exercise(ATLAS, [Match(ATLAS.study("AML.CS0009"), (), 1)]).injects
    assert inject.clock == "0:00"
    assert replace(inject, minute=72).clock == "1:12"
