import pytest

from caponier.matrix.technique import Technique
from caponier.matrix.versions.catalogue import load
from caponier.matrix.writers.rows import COLUMNS, document, row, tactic_document

MATRIX = load()
ATLAS = load("atlas-5.6")


@pytest.mark.parametrize("entry", [*MATRIX.techniques, *ATLAS.techniques], ids=lambda entry: entry.id)
def test_a_row_has_every_column_as_text(entry: Technique):
    matrix = MATRIX if entry.id in MATRIX else ATLAS
    flat = row(matrix, entry)
    assert tuple(flat) == COLUMNS
    assert all(isinstance(value, str) for value in flat.values())
    assert all(flat[column] for column in ("id", "name", "level", "tactics", "evidence"))


def test_lists_are_joined():
    flat = row(MATRIX, MATRIX.technique("AMLTM.IMPACT.06"))
    assert flat["attack"] == "T1529; T1489"
    assert row(MATRIX, MATRIX.technique("AMLTM.RECON.02"))["atlas"] == "AML.T0007; AML.T0013; AML.T0014"


def test_an_entry_that_harms_nothing_says_so_in_json():
    assert document(MATRIX, MATRIX.technique("AMLTM.RECON.01"))["harms"] == []
    assert "harms" not in document(ATLAS, ATLAS.technique("AML.T0000"))


def test_json_of_an_entry_tells_all():
    told = document(MATRIX, MATRIX.technique("AMLTM.EXEC.01"))
    assert told["crosswalk"]["relation"] == "broader"
    assert told["evidence"]["grade"] == "later-study"
    assert {"study", "name", "date", "type", "url", "through"} == set(told["evidence"]["sources"][0])
    assert told["same_as"] == "AMLTM.PERSIST.01"
    assert told["tactics"] == [{"id": "AMLTM.EXEC", "name": "Execution"}]


def test_json_of_an_atlas_entry_points_back_to_2020():
    told = document(ATLAS, ATLAS.technique("AML.T0020"))
    assert [back["id"] for back in told["crosswalk"]["entries"]] == [
        "AMLTM.EVADE.03",
        "AMLTM.EVADE.03.01",
        "AMLTM.EVADE.03.04",
    ]
    assert told["maturity"] == "realized"


def test_tactics_tell_their_neighbours():
    assert tactic_document(MATRIX.tactic("AMLTM.EVADE"))["atlas"] == ["AML.TA0007", "AML.TA0001", "AML.TA0011"]
    assert list(tactic_document(ATLAS.tactic("AML.TA0001"))) == ["id", "name", "description"]


def test_an_entry_tells_how_it_stands_to_attack():
    told = document(MATRIX, MATRIX.technique("AMLTM.EVADE.01.V4"))
    assert told["attack_crosswalk"]["to"] == "attack-enterprise-18.1"
    assert (told["attack_crosswalk"]["relation"], told["attack_crosswalk"]["ids"]) == ("related", ["T1027.001"])
    assert told["attack_crosswalk"]["reason"]
    assert "attack" not in told
    assert "attack_crosswalk" not in document(ATLAS, ATLAS.technique("AML.T0012"))


def test_failure_modes_carry_a_relation_where_they_are_mapped_to_the_2020_matrix():
    (mode,) = document(MATRIX, MATRIX.technique("AMLTM.EVADE.02"))["failure_modes"]
    assert (mode["id"], mode["name"], mode["relation"]) == ("FM10", "Backdoor ML", "split")
    (mode,) = document(ATLAS, ATLAS.technique("AML.T0018.000"))["failure_modes"]
    assert (mode["id"], "relation" in mode) == ("FM10", False)


def test_a_record_of_a_vulnerability_says_what_it_showed_and_where():
    sources = document(MATRIX, MATRIX.technique("AMLTM.RECON.05.01"))["evidence"]["sources"]
    assert [source["study"] for source in sources if "result" in source] == ["CVE-2019-20634"]
    assert sources[-1]["system"].startswith("Proofpoint")
