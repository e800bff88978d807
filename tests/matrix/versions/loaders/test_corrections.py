"""What the readers put right stands in a table, each line with its reason."""

import pytest

from caponier.matrix import attack
from caponier.matrix.evidence import StudyType
from caponier.matrix.versions import catalogue
from caponier.matrix.versions.loaders import corrections


@pytest.mark.parametrize(
    ("id_", "given", "right"), [("AML.T0106", "T1211", "T1212"), ("AML.T0011.003", "T1204", "T1204.001")]
)
def test_an_attack_id_is_put_right_to_one_of_the_same_name(id_: str, given: str, right: str):
    row = corrections.attack_correction(id_, given)
    assert row is not None
    assert (row.right, len(row.why) > 20) == (right, True)
    assert attack.name(right) == catalogue.load("atlas-5.6").technique(id_).name


def test_only_the_id_that_does_not_fit_is_put_right():
    assert corrections.attack_correction("AML.T0106", "T1212") is None
    assert corrections.attack_correction("AML.T0000", "T1211") is None


def test_the_types_of_the_first_studies_are_those_of_later_releases():
    later = {study.id: study.type for study in catalogue.load("atlas-5.6").studies}
    known = {id_: corrections.study_type(id_) for id_ in later}
    assert sum(type_ is not None for type_ in known.values()) == 15
    assert all(type_ is later[id_] for id_, type_ in known.items() if type_)
    assert corrections.study_type("AML.CS0006") is StudyType.INCIDENT
    assert corrections.study_type("AML.CS9999") is None


def test_every_tactic_of_the_shipped_release_is_known_by_name_or_was_renamed():
    for tactic in catalogue.load("atlas-5.6").tactics:
        old = tactic.name.replace("AI ", "ML ")
        assert tactic.id in (corrections.tactic_id(tactic.name), corrections.tactic_id(old))
    assert corrections.tactic_id("Sabotage") is None
