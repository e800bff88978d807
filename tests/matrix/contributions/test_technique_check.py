"""Beside what the command's test spoils: proposals for ATLAS, and for matrices that have taken entries back."""

from dataclasses import replace
from pathlib import Path

import pytest

from caponier.matrix.technique import Retirement
from caponier.matrix.versions.catalogue import load
from caponier.matrix.versions.library import Library
from caponier.matrix.versions.release import Release
from matrix.contributions.made import TECHNIQUE, changed, errors, looks, reviewed

LAST = max(t.id for t in load("atlas-5.6").techniques if t.parent is None)
FREE = f"AML.T{int(LAST[-4:]) + 1:04}"
ATLAS = changed(TECHNIQUE, matrix="atlas-5.6", id=FREE, tactics=["AML.TA0007"], color=None)


def test_a_technique_for_atlas_has_no_colour(tmp_path: Path) -> None:
    assert reviewed(tmp_path, ATLAS).level is None
    assert errors(reviewed(tmp_path, changed(ATLAS, color="orange"))) == ["color"]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"id": "AMLTM.EVADE.04"}, ["id"]),
        ({"id": "AML.T01"}, ["id"]),
        ({"id": "AML.T0020.900"}, ["id"]),
        ({"id": "AML.T0020.900", "parent": "AML.T0020", "tactics": ["AML.TA0003", "AML.TA0006"]}, []),
        ({"id": "AML.T0043.900", "parent": "AML.T0020", "tactics": ["AML.TA0003", "AML.TA0006"]}, ["id"]),
        ({"id": "AML.T0020.900", "parent": "AML.T0020"}, ["tactics"]),
        ({"id": "AML.T0020"}, ["id"]),
        ({"tactics": ["AMLTM.EVADE"]}, ["tactics[1]"]),
        ({"id": "AML.T\u0661\u0662\u0663\u0664"}, ["id"]),
    ],
)
def test_ids_of_atlas_have_their_own_shape(tmp_path: Path, changes: dict[str, object], wrong: list[str]) -> None:
    assert load("atlas-5.6").technique("AML.T0020").tactics == ("AML.TA0003", "AML.TA0006")
    assert errors(reviewed(tmp_path, changed(ATLAS, **changes))) == wrong


def test_an_attack_id_that_is_not_known_here_is_looked_at(tmp_path: Path) -> None:
    assert looks(reviewed(tmp_path, changed(TECHNIQUE, color="white", attack="T9999"))) == ["attack"]
    assert reviewed(tmp_path, changed(TECHNIQUE, color="white", attack="T1078")).level is None


def test_an_id_that_was_taken_back_is_never_given_again(tmp_path: Path) -> None:
    library = Library(tmp_path / "matrix")
    gone = replace(load("atlas-5.6"), version="atlas-x", retired=(Retirement(FREE, "Gone"),))
    library.add(Release(gone, "caponier", ""))
    found = reviewed(tmp_path, changed(ATLAS, matrix="atlas-x"), library=library)
    assert errors(found) == ["id"]
    assert "taken back" in found.issues[0].what


def test_numbers_that_are_proposed_together_skip_nothing(tmp_path: Path) -> None:
    other = changed(TECHNIQUE, id="AMLTM.EVADE.05", name="Blinding", description="Blinds it.")
    assert reviewed(tmp_path, TECHNIQUE, other).level is None
    assert looks(reviewed(tmp_path, other)) == ["id"]


@pytest.mark.parametrize(
    ("id_", "parent", "words"),
    [
        ("AMLTM.EVADE.01.03", "AMLTM.EVADE.01", ""),
        ("AMLTM.EVADE.01.05", "AMLTM.EVADE.01", "skips a number"),
        ("AMLTM.EVADE.01.V9", "AMLTM.EVADE.01", ""),
        ("AMLTM.EVADE.00", None, "in a gap"),
    ],
)
def test_an_odd_number_is_looked_at(tmp_path: Path, id_: str, parent: str | None, words: str) -> None:
    found = reviewed(tmp_path, changed(TECHNIQUE, id=id_, parent=parent))
    assert errors(found) == []
    assert [words in one.what for one in found.issues] == ([True] if words else [])


def test_likeness_is_told_once_to_the_later_one(tmp_path: Path) -> None:
    twins = [changed(TECHNIQUE, id=f"AMLTM.EVADE.{number:02}") for number in (4, 5, 6)]
    found = reviewed(tmp_path, *twins)
    assert [[one.field for one in file.issues] for file in found.files] == [[], *[["name", "description"]] * 2]


def test_a_name_in_another_column_is_only_looked_at(tmp_path: Path) -> None:
    text = changed(TECHNIQUE, id="AMLTM.EXEC.04", tactics=["AMLTM.EXEC"], name="Model Poisoning")
    assert (errors(reviewed(tmp_path, text)), looks(reviewed(tmp_path, text))) == ([], ["name"])


def test_a_long_circle_is_found(tmp_path: Path) -> None:
    ring = [
        changed(TECHNIQUE, id=f"AMLTM.EVADE.1{number}", parent=f"AMLTM.EVADE.1{(number + 1) % 5}")
        for number in range(5)
    ]
    found = reviewed(tmp_path, *ring)
    assert errors(found).count("parent") == 5
