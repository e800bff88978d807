"""Layers of a version: the format, the domain, every entry, and both colours of the 2020 matrix."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from caponier.matrix import attack
from caponier.matrix.crosswalk import to_atlas
from caponier.matrix.layer import Layer, to_text
from caponier.matrix.technique import Color, Level, Tactic, Technique
from caponier.matrix.versions.catalogue import Matrix, load
from caponier.matrix.writers.navigator import layers
from matrix.layer_schema import complaints

ATLAS = load("atlas-5.6")
ENTERPRISE = Matrix(
    "attack-enterprise-17.0",
    "attack",
    "ATT&CK Enterprise",
    None,
    "",
    (Tactic("TA0011", "Command and Control"), Tactic("TA0010", "Exfiltration")),
    (
        Technique("T1071", "Application Layer Protocol", Level.TECHNIQUE, ("TA0011", "TA0010"), 1),
        Technique("T1071.001", "Web Protocols", Level.SUB_TECHNIQUE, ("TA0011",), 1, parent="T1071"),
    ),
)


def written(matrix: Matrix) -> Any:
    return json.loads(to_text(layers(matrix, matrix.techniques)))


@pytest.mark.parametrize("matrix", [load(), ATLAS, ENTERPRISE], ids=lambda matrix: matrix.version)
def test_layers_follow_format_4_5_and_read_back(matrix: Matrix) -> None:
    assert complaints(written(matrix)) == []
    made = layers(matrix, matrix.techniques)
    assert Layer.read(to_text(made).encode()) == made


def test_atlas_has_a_row_for_each_tactic_of_a_parent_and_one_for_what_is_below() -> None:
    rows = written(ATLAS)["techniques"]
    parents = [technique for technique in ATLAS.techniques if technique.parent is None]
    assert (len(parents), len(ATLAS.techniques) - len(parents)) == (101, 69)
    counted = Counter(row["techniqueID"] for row in rows)
    assert counted == {t.id: 1 if t.parent else len(t.tactics) for t in ATLAS.techniques}
    assert sum("tactic" in row for row in rows) == 111, "as many as in ATLAS's own layers"
    assert all("tactic" not in row for row in rows if row["techniqueID"].count(".") == 2)


def test_atlas_tactics_are_the_short_names_of_its_own_layers() -> None:
    assert {row["tactic"] for row in written(ATLAS)["techniques"] if "tactic" in row} == {
        "reconnaissance", "resource-development", "initial-access", "ai-model-access", "execution", "persistence",
        "privilege-escalation", "defense-evasion", "credential-access", "discovery", "lateral-movement", "collection",
        "ai-attack-staging", "command-and-control", "exfiltration", "impact",
    }  # fmt: skip


def test_atlas_names_its_domain_data_and_pages() -> None:
    layer = written(ATLAS)
    assert layer["domain"] == "atlas-atlas"
    assert {"name": "atlas_data_version", "value": "5.6.0"} in layer["metadata"]
    assert "attack" not in layer["versions"]
    row = next(row for row in layer["techniques"] if row["techniqueID"] == "AML.T0024.002")
    assert row["links"] == [{"label": "AML.T0024.002", "url": "https://atlas.mitre.org/techniques/AML.T0024.002"}]
    assert row["metadata"] == [{"name": "maturity", "value": "realized"}]


def test_only_parents_with_children_in_the_layer_open_up() -> None:
    opened = {row["techniqueID"] for row in written(ATLAS)["techniques"] if row.get("showSubtechniques")}
    assert opened == {technique.parent for technique in ATLAS.techniques if technique.parent}


@pytest.mark.parametrize(
    ("version", "said"),
    [("atlas-4.4.0", "4.4.0"), ("atlas-2026.09", "2026.09"), ("x-atlas-4.9.1", "4.9.1"), ("ours", "ours")],
)
def test_other_releases_say_their_own_version(version: str, said: str) -> None:
    (layer,) = layers(replace(ATLAS, version=version, released=None), ATLAS.techniques[:3])
    assert layer.metadata == {"matrix": version, "atlas_data_version": said}


def test_the_2020_matrix_goes_out_by_colour() -> None:
    orange, white = written(load())
    assert (orange["domain"], white["domain"]) == ("atlas-atlas", "enterprise-attack")
    assert white["versions"]["attack"] == attack.VERSION.partition(".")[0]
    assert "attack" not in orange["versions"]
    assert orange["techniques"][0]["color"] != white["techniques"][0]["color"]


def test_no_entry_of_2020_is_lost_between_the_two_layers() -> None:
    named = [pair["value"].split()[0] for layer in written(load()) for row in layer["techniques"]
             for pair in row["metadata"]]  # fmt: skip
    assert set(named) == {technique.id for technique in load().techniques}


def test_every_id_stands_for_the_entries_that_map_to_it() -> None:
    orange, white = written(load())
    for row in orange["techniques"]:
        for pair in row["metadata"]:
            assert row["techniqueID"] in {ref.id for ref in to_atlas(pair["value"].split()[0])}
    for row in white["techniques"]:
        for pair in row["metadata"]:
            assert row["techniqueID"] in load().technique(pair["value"].split()[0]).attack_ids
    assert all(row["techniqueID"] in ATLAS for row in orange["techniques"])


def test_one_colour_alone_makes_one_layer() -> None:
    matrix = load()
    white = [t for t in matrix.techniques if t.color is Color.WHITE and t.attack_ids]
    orange = [t for t in matrix.techniques if t.color is Color.ORANGE]
    assert [layer.domain for layer in layers(matrix, white)] == ["enterprise-attack"]
    assert [layer.domain for layer in layers(matrix, orange)] == ["atlas-atlas"]
    assert [len(layer.annotations) for layer in layers(matrix, [])] == [0]


def test_attack_names_its_own_version_and_domain() -> None:
    layer = written(ENTERPRISE)
    assert (layer["domain"], layer["versions"]["attack"]) == ("enterprise-attack", "17")
    assert [row.get("tactic") for row in layer["techniques"]] == ["command-and-control", "exfiltration", None]
    assert layer["techniques"][2]["links"][0]["url"] == "https://attack.mitre.org/techniques/T1071/001/"


def test_attack_of_another_domain_says_so() -> None:
    (layer,) = layers(replace(ENTERPRISE, version="attack-mobile-16.1"), ENTERPRISE.techniques)
    assert layer.domain == "mobile-attack"
    assert layer.to_dict()["versions"]["attack"] == "16"


def test_a_contributed_entry_goes_where_it_has_an_id_or_is_named() -> None:
    new = replace(load().techniques[0], id="AMLTM.RECON.07", name="New", attack=None, attack_also=())
    (layer,) = layers(load(), [new])
    assert (layer.annotations, layer.metadata["no cell for"]) == ((), "AMLTM.RECON.07 New")
    assert complaints(layer.to_dict()) == []
    (layer,) = layers(load(), [replace(new, attack="T1595")])
    assert [one.technique for one in layer.annotations] == ["T1595"]
    assert layer.domain == "enterprise-attack"
    assert "no cell for" not in layer.metadata
