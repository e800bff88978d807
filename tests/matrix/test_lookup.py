from dataclasses import replace

import pytest

from caponier.errors import InputError
from caponier.matrix.case_study import StudyStep
from caponier.matrix.lookup import look_up
from caponier.matrix.versions.catalogue import load


@pytest.mark.parametrize(
    ("text", "version", "ids"),
    [
        ("AMLTM.EVADE.01.V4", "amltm-2020", ["AMLTM.EVADE.01.V4"]),
        ("  amltm.evade.01.v4 ", "amltm-2020", ["AMLTM.EVADE.01.V4"]),
        ("AML.T0043.001", "atlas-5.6", ["AML.T0043.001"]),
        ("aml.t0024.000", "atlas-5.6", ["AML.T0024.000"]),
        ("T1078", "amltm-2020", ["AMLTM.INIT.02"]),
        ("t1530", "amltm-2020", ["AMLTM.EXFIL.03", "AMLTM.EXFIL.03.01", "AMLTM.EXFIL.03.02"]),
        ("T1596", "atlas-5.6", ["AML.T0000"]),
        ("MLT0017", "amltm-2020", ["AMLTM.EVADE.01.02"]),
    ],
)
def test_every_kind_of_id_leads_to_its_entries(text: str, version: str, ids: list[str]):
    found = look_up(text)
    assert (found.matrix.version, [entry.id for entry in found.techniques]) == (version, ids)
    assert found.tactic is None


@pytest.mark.parametrize(
    ("text", "tactic"),
    [
        ("AMLTM.EVADE", "AMLTM.EVADE"),
        ("MLTA0000", "AMLTM.EVADE"),
        ("TA0040", "AMLTM.IMPACT"),
        ("AML.TA0002", "AML.TA0002"),
        ("TA0006", "AML.TA0013"),
    ],
)
def test_a_tactic_leads_to_its_column(text: str, tactic: str):
    found = look_up(text)
    assert found.tactic is not None
    assert found.tactic.id == tactic
    assert found.techniques
    assert all(tactic in entry.tactics and entry.parent is None for entry in found.techniques)


def test_the_wanted_matrix_answers_for_an_attack_id():
    assert [entry.id for entry in look_up("T1078", [load("atlas-5.6"), load("amltm-2020")]).techniques] == ["AML.T0012"]


def test_says_how_a_foreign_id_led_there():
    assert look_up("AMLTM.INIT.02").remark is None
    assert (
        look_up("T1078").remark
        == "T1078 Valid Accounts is from ATT&CK Enterprise; this is what carries it in amltm-2020"
    )
    assert "March 2021" in (look_up("MLT0017").remark or "")


def test_every_id_of_either_matrix_is_found():
    for matrix in (load("amltm-2020"), load("atlas-5.6")):
        for entry in matrix.techniques:
            assert look_up(entry.id).techniques == (entry,)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("AMLTM.EVADE.1", "AMLTM.EVADE."),
        ("AML.T0043.01", "AML.T0043"),
        ("T9078", "T1078"),
        ("T1055", "caponier matrix search"),
        ("MLT0071", "MLT00"),
        ("AML.T0115.001", "ATLAS 2026.07 gave this id to AML.T0058"),
        ("AML.T0045", "ATLAS 4.5.0 put AML.T0048.004 in its place"),
        ("nonsense", "caponier matrix search"),
    ],
)
def test_an_unknown_id_is_an_input_error_with_a_hint(text: str, hint: str):
    with pytest.raises(InputError) as unknown:
        look_up(text)
    assert hint in (unknown.value.hint or "")


@pytest.mark.parametrize(
    ("text", "entries", "how"),
    [
        ("T1195", ["AMLTM.INIT.01", "AMLTM.EVADE.03.02"], "nothing carries it"),
        ("T1027.001", ["AMLTM.EVADE.01.V4"], "T1027.001 Binary Padding"),
        ("T1078.004", ["AMLTM.INIT.02"], "T1078.004 Cloud Accounts is a sub-technique of T1078"),
        ("T1086", ["AML.T0050"], "T1086 PowerShell has become T1059.001"),
    ],
)
def test_an_attack_id_that_nothing_carries_leads_to_what_is_nearest(text: str, entries: list[str], how: str):
    found = look_up(text)
    assert [entry.id for entry in found.techniques] == entries
    assert how in (found.remark or "")


def test_an_attack_id_without_any_neighbour_is_told_by_name():
    with pytest.raises(InputError, match=r"T1055 Process Injection.*no entry"):
        look_up("T1055")


@pytest.mark.parametrize("typed", ["AMLTM.CS09", "amltm.cs09", " AMLTM.CS09 "])
def test_a_case_study_stands_for_itself_and_the_entries_of_its_steps(typed: str):
    found = look_up(typed)
    assert found.study
    assert (found.matrix.version, found.study.name, found.tactic) == ("amltm-2020", "ProofPoint Evasion", None)
    assert [entry.id for entry in found.techniques] == [step.technique for step in found.study.steps]


def test_an_entry_of_two_steps_is_named_once():
    found = look_up("AML.CS0036")
    assert found.study
    assert len(found.study.steps) == 13
    assert len(found.techniques) == len({entry.id for entry in found.techniques}) == 12


def test_a_misspelt_case_study_is_told_the_nearest():
    with pytest.raises(InputError) as unknown:
        look_up("AML.CS0099")
    assert "AML.CS00" in (unknown.value.hint or "")


def test_a_step_that_names_an_id_of_another_matrix_is_left_out():
    matrix = load()
    study = replace(
        matrix.studies[0], id="OWN.CS1", steps=(StudyStep("AMLTM.RECON", "T1595"), *matrix.studies[0].steps)
    )
    found = look_up("OWN.CS1", [replace(matrix, studies=(study,))])
    assert found.study == study
    assert "T1595" not in [entry.id for entry in found.techniques]
