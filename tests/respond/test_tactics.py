import pytest

from caponier.matrix import attack
from caponier.matrix.technique import Color, TechniqueRef
from caponier.matrix.versions.catalogue import load
from caponier.respond.tactics import UNKNOWN, by_tactic, colors_of, tactic_of
from respond.made import refs


@pytest.mark.parametrize("id_", [technique.id for technique in load().techniques])
def test_every_entry_of_the_2020_matrix_stands_under_its_own_tactic(id_: str) -> None:
    entry = load().technique(id_)
    (ref,) = refs(id_)
    assert tactic_of(ref) == load().tactic(entry.tactics[0]).name
    assert colors_of([ref]) == {entry.color}


def test_every_known_technique_of_attack_has_a_tactic() -> None:
    for id_ in attack.names():
        (ref,) = refs(id_)
        assert tactic_of(ref) != UNKNOWN, id_
        assert colors_of([ref]) <= {Color.WHITE}, id_


@pytest.mark.parametrize("id_", [technique.id for technique in load("atlas-5.6").techniques])
def test_every_technique_of_atlas_has_a_tactic(id_: str) -> None:
    (ref,) = refs(id_)
    assert tactic_of(ref) != UNKNOWN
    assert colors_of([ref])


@pytest.mark.parametrize(
    ("id_", "tactic"),
    [
        ("T1078", "Initial Access"),
        ("T1078.004", "Initial Access"),
        ("T1021", "Lateral Movement"),
        ("T1021.004", "Lateral Movement"),
        ("T1530", "Exfiltration"),
        ("T1064", UNKNOWN),
        ("T1086", "Execution"),
        ("T1685", "Defense Impairment"),
        ("T1685.099", "Defense Impairment"),
        ("T9999", UNKNOWN),
    ],
)
def test_attack_ids(id_: str, tactic: str) -> None:
    assert tactic_of(TechniqueRef("attack", id_, "")) == tactic


def test_a_newer_atlas_id_is_no_error() -> None:
    assert tactic_of(TechniqueRef("atlas", "AML.T9999", "")) == UNKNOWN


def test_references_beside_the_2020_matrix_name_the_same_act() -> None:
    found = by_tactic(refs("AML.T0043.001", "AMLTM.EVADE.01.02"))
    assert {tactic: [ref.id for ref in group] for tactic, group in found.items()} == {
        "Model Evasion": ["AML.T0043.001", "AMLTM.EVADE.01.02"]
    }


def test_an_entry_in_two_columns_counts_once() -> None:
    assert list(by_tactic(refs("AMLTM.EXFIL.02", "AMLTM.RECON.06"))) == ["Exfiltration"]
    assert list(by_tactic(refs("AMLTM.RECON.06", "AMLTM.EXFIL.02"))) == ["Reconnaissance"]
    assert list(by_tactic(refs("AMLTM.EXFIL.02", "AMLTM.RECON.05.01"))) == ["Exfiltration", "Reconnaissance"]


def test_without_techniques_the_tactic_is_unknown() -> None:
    assert by_tactic(()) == {UNKNOWN: ()}
