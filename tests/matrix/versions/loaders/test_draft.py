"""What a reader gathered is checked as a whole, ordered, and given the evidence that the file itself has."""

import datetime
from dataclasses import replace

import pytest

from caponier.errors import InputError
from caponier.matrix.case_study import CaseStudy, StudyStep
from caponier.matrix.evidence import Grade, Maturity, StudyType
from caponier.matrix.technique import Level, Retirement, Tactic, Technique
from caponier.matrix.versions import atlas_releases
from caponier.matrix.versions.loaders.draft import Draft
from caponier.matrix.versions.loaders.source_file import SourceFile
from caponier.matrix.versions.release import Countermeasure


def technique(id_: str, parent: str | None = None, maturity: Maturity | None = None) -> Technique:
    return Technique(id_, f"Name of {id_}", Level.TECHNIQUE, ("TA1",), 1, parent=parent, maturity=maturity)


def study(id_: str, *techniques: str) -> CaseStudy:
    steps = tuple(StudyStep("TA1", technique) for technique in techniques)
    return CaseStudy(id_, "A study", StudyType.INCIDENT, datetime.date(2024, 1, 1), steps=steps)


def draft(*techniques: Technique, studies: tuple[CaseStudy, ...] = ()) -> Draft:
    made = Draft(SourceFile("f.yaml", "", "ab" * 32), "atlas-4", "v", "atlas", "Name", "repository")
    made.tactics = [Tactic("TA1", "One")]
    made.techniques = list(techniques)
    made.studies = list(studies)
    return made


def test_entries_are_ordered_by_id_with_children_under_parents():
    release = draft(
        technique("B.2", "B"), technique("C"), technique("B.1", "B"), technique("A"), technique("B")
    ).release()
    places = [(t.id, t.level, t.position) for t in release.matrix.techniques]
    assert places == [
        ("A", Level.TECHNIQUE, 1),
        ("B", Level.TECHNIQUE, 2),
        ("B.1", Level.SUB_TECHNIQUE, 1),
        ("B.2", Level.SUB_TECHNIQUE, 2),
        ("C", Level.TECHNIQUE, 3),
    ]


def test_the_release_says_where_it_came_from():
    release = draft(technique("A")).release()
    assert (release.format, release.sha256, release.matrix.version) == ("atlas-4", "ab" * 32, "v")


def test_a_study_shows_what_its_steps_name_and_the_parents_through_them():
    made = draft(
        technique("A"),
        technique("A.1", "A"),
        technique("A.2", "A"),
        technique("B"),
        studies=(study("S", "A.1", "A.2"),),
    )
    matrix = made.release().matrix
    assert [(s.study.id, s.through) for s in matrix.technique("A").evidence.sources] == [("S", ("A.1", "A.2"))]
    assert matrix.technique("A.1").evidence.sources[0].through == ()
    assert matrix.technique("A.1").evidence.grade is Grade.OWN_STUDY
    assert matrix.technique("B").evidence is None
    assert [t.id for t in matrix.shown()] == ["A", "A.1", "A.2"]


def test_a_parent_that_a_step_names_itself_needs_no_detour():
    matrix = draft(technique("A"), technique("A.1", "A"), studies=(study("S", "A", "A.1"),)).release().matrix
    assert [s.through for s in matrix.technique("A").evidence.sources] == [()]


def test_a_maturity_speaks_for_itself():
    made = draft(
        technique("A", maturity=Maturity.FEASIBLE),
        technique("B", maturity=Maturity.REALIZED),
        studies=(study("S", "A"),),
    )
    matrix = made.release().matrix
    assert [t.id for t in matrix.shown()] == ["B"]
    assert matrix.technique("A").evidence is None


def test_what_is_left_out_of_the_default_view_is_said():
    assert draft(technique("A"), studies=(study("S", "A"),)).release().remarks == ()
    assert draft(technique("A")).release().remarks == (
        "Entries left out of the default view, since nothing shows them on a real system: 1.",
    )


def test_attack_shows_everything_without_studies():
    made = draft(technique("A"))
    made.kind = "attack"
    assert len(made.release().matrix.shown()) == 1


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda d: d.tactics.clear(), "no tactics or no techniques"),
        (lambda d: d.techniques.clear(), "no tactics or no techniques"),
        (lambda d: d.tactics.append(Tactic("TA1", "Again")), "the id TA1 is there twice"),
        (lambda d: d.techniques.append(technique("A")), "the id A is there twice"),
        (lambda d: d.techniques.append(technique("B", "Z")), "B names Z, which is not there"),
        (lambda d: d.techniques.append(technique("B", "B")), "B stands under B, which is itself a sub-technique"),
        (lambda d: d.techniques.extend([technique("B", "A"), technique("C", "B")]), "C stands under B"),
        (lambda d: d.techniques.extend([technique("B", "C"), technique("C", "B")]), "is itself a sub-technique"),
        (lambda d: d.techniques.append(replace(technique("B"), tactics=())), "B has no tactic"),
        (lambda d: d.techniques.append(replace(technique("B"), tactics=("TA2",))), "B names TA2, which is not there"),
        (lambda d: d.studies.append(study("S", "Z")), "S names Z, which is not there"),
        (lambda d: d.studies.extend([study("S", "A"), study("S", "A")]), "the id S is there twice"),
        (lambda d: d.countermeasures.append(Countermeasure("M", "M", ("Z",))), "M names Z, which is not there"),
        (lambda d: d.countermeasures.extend([Countermeasure("M", "M")] * 2), "the id M is there twice"),
        (lambda d: d.retired.extend([Retirement("R", "R")] * 2), "the id R is there twice"),
    ],
)
def test_what_does_not_fit_together_is_an_error(change, what: str):
    made = draft(technique("A"))
    change(made)
    with pytest.raises(InputError) as wrong:
        made.release()
    assert what in wrong.value.what
    assert wrong.value.where == "f.yaml"
    assert wrong.value.hint


def test_a_published_release_has_to_be_whole():
    made = draft(technique("A"))
    made.published = atlas_releases.find("4.4.0")
    with pytest.raises(InputError, match=r"4\.4\.0.*\b12 tactics.*\b1\b"):
        made.release()


def test_a_format_without_studies_need_not_have_them():
    made = draft(*(technique(f"T{number:03}") for number in range(200)))
    made.tactics += [Tactic(f"TA{number}", "More") for number in range(2, 20)]
    made.published = atlas_releases.find("4.4.0")
    with pytest.raises(InputError, match=r"\b17 studies.*\b0\b"):
        made.release()
    made.has_studies = False
    assert len(made.release().matrix.techniques) == 200
