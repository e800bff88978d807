from dataclasses import replace
from pathlib import Path

import pytest

from caponier.matrix.contributions.contribution_form import ContributionForm, read_sheet
from caponier.matrix.contributions.review_context import ReviewContext, is_attack, series, study_series
from caponier.matrix.technique import Color, Retirement
from caponier.matrix.versions.catalogue import load
from matrix.contributions.made import TECHNIQUE, file

FOUNDING, ATLAS = load("amltm-2020"), load("atlas-5.6")


def sheet(folder: Path) -> ContributionForm:
    read, _ = read_sheet(file(folder, TECHNIQUE))
    assert read is not None
    return read


def test_an_entry_is_known_be_it_there_or_proposed(tmp_path: Path) -> None:
    ground = ReviewContext(FOUNDING, [sheet(tmp_path)])
    proposed = ground.entry("AMLTM.EVADE.04")
    assert proposed is not None
    assert (proposed.tactics, proposed.parent, proposed.color) == (("AMLTM.EVADE",), None, Color.ORANGE)
    there = ground.entry("AMLTM.EVADE.01.02")
    assert there is not None
    assert there.parent == "AMLTM.EVADE.01"
    assert ground.entry("AMLTM.EVADE.05") is None
    assert ground.ids[-1] == "AMLTM.EVADE.04"
    assert len(ground.ids) == 59


@pytest.mark.parametrize(
    ("matrix", "id_", "colors"),
    [
        (FOUNDING, "AMLTM.EVADE.01", {Color.ORANGE}),
        (FOUNDING, "AMLTM.INIT.03", {Color.WHITE}),
        (FOUNDING, "T1021", {Color.WHITE}),
        (ATLAS, "AML.T0012", {Color.WHITE}),
        (ATLAS, "AML.T0020", {Color.ORANGE}),
        (ATLAS, "AML.T0051", {Color.ORANGE}),
    ],
)
def test_a_step_has_the_colour_of_its_entry(matrix: object, id_: str, colors: set[Color]) -> None:
    assert isinstance(matrix, type(FOUNDING))
    assert ReviewContext(matrix, ()).colors(id_) == colors


def test_the_next_number_is_past_every_one_that_was_ever_given() -> None:
    assert series(FOUNDING, "AMLTM.EVADE", None).next == "AMLTM.EVADE.04"
    assert series(FOUNDING, "", "AMLTM.EVADE.02").next == "AMLTM.EVADE.02.01"
    assert series(FOUNDING, "", "AMLTM.EVADE.01").next == "AMLTM.EVADE.01.03"
    assert series(ATLAS, "", "AML.T0001").next == "AML.T0001.000"
    last = max(t.id for t in ATLAS.techniques if t.parent is None)
    assert series(ATLAS, "", None).next == f"AML.T{int(last[-4:]) + 1:04}"
    gone = replace(ATLAS, retired=(Retirement("AML.T8000", "Gone"), Retirement("AML.T0020.007", "Gone, too")))
    assert series(gone, "", None).next == "AML.T8001"
    assert series(gone, "", "AML.T0020").next == "AML.T0020.008"


def test_case_studies_are_numbered_on() -> None:
    assert study_series(FOUNDING).next == "AMLTM.CS14"
    assert study_series(replace(FOUNDING, studies=())).next == "AMLTM.CS01"
    assert study_series(replace(ATLAS, studies=())).next == "AML.CS0000"


@pytest.mark.parametrize(
    ("id_", "is_one"), [("T1078", True), ("T1078.001", True), ("AML.T0012", False), ("T107", False)]
)
def test_attack_ids_are_told_by_their_shape(id_: str, is_one: bool) -> None:
    assert is_attack(id_) is is_one


@pytest.mark.parametrize(
    ("id_", "number"),
    [("AMLTM.EVADE.04", 4), ("AMLTM.EVADE.4", None), ("AMLTM.EVADE.01.02", None), ("AMLTM.INIT.04", None), ("", None)],
)
def test_an_id_has_a_number_in_its_own_series(id_: str, number: int | None) -> None:
    assert series(FOUNDING, "AMLTM.EVADE", None).number(id_) == number
