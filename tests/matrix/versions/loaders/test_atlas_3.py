"""Format 3: lists at the top, reporters instead of actors, no maturity."""

import datetime

import pytest

from caponier.errors import InputError
from caponier.matrix.evidence import Grade, StudyType
from caponier.matrix.technique import Level
from caponier.matrix.versions.loaders import load_file
from matrix.versions.loaders.conftest import FOLDER

FILE = "format-3.yaml"


def test_a_file_of_format_3_is_read():
    release = load_file(FOLDER / FILE)
    matrix = release.matrix
    assert (release.format, matrix.version, matrix.kind) == ("atlas-3", "atlas-3.0.9", "atlas")
    assert matrix.released is None
    assert load_file(FOLDER / FILE, "3.0.0").matrix.released == datetime.date(2022, 3, 24)
    assert [t.name for t in matrix.tactics] == ["Reconnaissance", "ML Model Access", "Impact"]
    assert release.countermeasures == ()


def test_each_parent_stands_before_its_children_and_lends_them_its_tactics():
    matrix = load_file(FOLDER / FILE).matrix
    places = [(t.id, t.level, t.position) for t in matrix.techniques]
    assert places == [
        ("AML.T0000", Level.TECHNIQUE, 1),
        ("AML.T0000.001", Level.SUB_TECHNIQUE, 1),
        ("AML.T0015", Level.TECHNIQUE, 2),
        ("AML.T0015.000", Level.SUB_TECHNIQUE, 1),
        ("AML.T0040", Level.TECHNIQUE, 3),
    ]
    assert matrix.technique("AML.T0015.000").tactics == ("AML.TA0011", "AML.TA0000")


def test_who_reported_is_no_actor_and_a_known_study_gets_its_type():
    release = load_file(FOLDER / FILE)
    (study,) = release.matrix.studies
    assert (study.actors, study.type, study.references) == ((), StudyType.EXERCISE, ())
    assert any("say only who reported them" in remark for remark in release.remarks)


def test_only_what_a_step_names_is_in_the_default_view():
    release = load_file(FOLDER / FILE)
    matrix = release.matrix
    assert [t.id for t in matrix.shown()] == ["AML.T0000", "AML.T0000.001", "AML.T0015"]
    assert len(matrix.shown(everything=True)) == 5
    parent = matrix.technique("AML.T0000").evidence
    assert parent.grade is Grade.OWN_STUDY
    assert [(s.study.id, s.through) for s in parent.sources] == [("AML.CS0003", ("AML.T0000.001",))]
    assert matrix.technique("AML.T0015").evidence.sources[0].through == ()
    assert "Entries left out of the default view, since nothing shows them on a real system: 2." in release.remarks


def test_a_study_without_a_type_that_is_not_known_is_an_error(changed):
    def rename(content):
        content["case-studies"][0]["id"] = "AML.CS0077"

    with pytest.raises(InputError, match="neither incident nor exercise") as wrong:
        changed(FILE, rename)
    assert "case-studies.0 (AML.CS0077)" in wrong.value.where


@pytest.mark.parametrize("version", ["4.0.0", "banana", "3", "6.0.0"])
def test_the_layout_and_the_version_have_to_fit(changed, version: str):
    with pytest.raises(InputError, match="no version that a file of this layout can have"):
        changed(FILE, lambda content: content.update(version=version))
