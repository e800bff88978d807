import pytest

from caponier.matrix.search import Text, rank
from caponier.matrix.versions.catalogue import load

MATRIX = load()


def found(*words: str) -> list[str]:
    return [entry.id for entry in MATRIX.search(words)]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["pickle"], "AMLTM.EXEC.01.02"),
        (["membership"], "AMLTM.EXFIL.01.01"),
        (["denial", "service"], "AMLTM.IMPACT.02"),
        (["shadow model"], "AMLTM.RECON.05.01"),
        (["ONLINE"], "AMLTM.EVADE.01.02"),
        (["ransom"], "AMLTM.IMPACT.04"),
        (["camera"], "AMLTM.RECON.04"),
        (["T1078"], "AMLTM.INIT.02"),
        (["AML.T0024.000"], "AMLTM.EXFIL.01.01"),
        (["MLT0017"], "AMLTM.EVADE.01.02"),
        (["AMLTM.EVADE.02"], "AMLTM.EVADE.02"),
    ],
)
def test_best_match_comes_first(words: list[str], first: str):
    assert found(*words)[0] == first


def test_plural_and_parents_are_understood():
    assert found("poison", "labels") == ["AMLTM.EVADE.03.01", "AMLTM.EVADE.03.04"]


def test_names_come_before_descriptions():
    names = [entry.name for entry in MATRIX.search(["container"])]
    assert names[0] == "Implant Container Image"


def test_all_words_are_needed_unless_nothing_has_them_all():
    assert set(found("membership", "ransom")) >= {"AMLTM.EXFIL.01.01", "AMLTM.IMPACT.04"}


def test_tactic_names_find_their_column():
    assert {entry.id for entry in MATRIX.columns()[5][1]} <= set(found("exfiltration"))


def test_an_id_prefix_finds_its_branch():
    assert set(found("AMLTM.EVADE.03")) == {"AMLTM.EVADE.03", *(f"AMLTM.EVADE.03.0{n}" for n in range(1, 5))}
    assert found("AMLTM.EVADE.03")[0] == "AMLTM.EVADE.03"


@pytest.mark.parametrize("words", [[], [""], ["  "], ["zzzz"], ["%"]])
def test_nothing_is_found_for_nothing(words: list[str]):
    assert MATRIX.search(words) == ()


def test_equal_scores_keep_the_order_of_the_matrix():
    entries = [(entry, Text(entry.id, entry.name)) for entry in MATRIX.techniques]
    assert [e.id for e in rank(entries, ["unsafe"])][:2] == ["AMLTM.EXEC.01", "AMLTM.PERSIST.01"]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["tay"], "AMLTM.CS10"),
        (["proofpoint"], "AMLTM.CS09"),
        (["AMLTM.CS05"], "AMLTM.CS05"),
        (["AML.CS0009"], "AMLTM.CS10"),
        (["Skylight"], "AMLTM.CS04"),
        (["virtual", "camera"], "AMLTM.CS05"),
    ],
)
def test_a_case_study_is_found_by_name_actor_summary_and_the_id_it_has_elsewhere(words: list[str], first: str):
    assert MATRIX.search_studies(words)[0].id == first


def test_case_studies_are_found_by_the_techniques_of_their_steps():
    found_by_name = [study.id for study in MATRIX.search_studies(["denial", "service"])]
    assert found_by_name[0] == "AMLTM.CS11"
    shown = {study.id for study in MATRIX.studies_of("AMLTM.EVADE.01.02")}
    assert {study.id for study in MATRIX.search_studies(["AMLTM.EVADE.01.02"])} == shown


@pytest.mark.parametrize("words", [[], [" "], ["zzzz"]])
def test_no_case_study_is_found_for_nothing(words: list[str]):
    assert MATRIX.search_studies(words) == ()
