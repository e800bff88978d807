import json
from typing import Any

import pytest

from caponier.formats.strict_json import read_nodes as parse
from caponier.matrix.documents import stix
from caponier.matrix.documents.ids import Role, Spelling
from caponier.matrix.documents.mention import Beside, Document, apply
from caponier.matrix.versions.catalogue import load
from matrix.documents.old_atlas import old_atlas


def pattern(id_: str, name: str, **keys: Any) -> dict[str, Any]:
    reference = {"source_name": "mitre-atlas", "external_id": id_, "url": f"https://atlas.mitre.org/techniques/{id_}"}
    return {
        "type": "attack-pattern",
        "id": f"attack-pattern--{id_}",
        "name": name,
        "external_references": [reference],
        **keys,
    }


def read(*objects: Any) -> Document:
    text = json.dumps({"type": "bundle", "id": "bundle--1", "objects": list(objects)})
    root = parse(text, "x")
    assert stix.is_bundle(root)
    return stix.read(text, root)


def test_a_pattern_says_id_name_and_tactics():
    phases = [
        {"kill_chain_name": "mitre-atlas", "phase_name": "impact"},
        {"kill_chain_name": "own", "phase_name": "boom"},
    ]
    mention, echo = read(pattern("AML.T0029", "Denial of AI Service", kill_chain_phases=phases)).mentions
    assert mention.name
    assert (mention.id, mention.name.value, mention.beside) == ("AML.T0029", "Denial of AI Service", Beside.SURE)
    assert [tactic.value for tactic in mention.tactics] == ["impact"]
    assert (echo.id, echo.echo) == ("AML.T0029", True)


def test_an_address_of_attack_is_rewritten_as_a_path():
    reference = {"external_id": "T1566.001", "url": "https://attack.mitre.org/techniques/T1566/001"}
    document = read(
        {"type": "attack-pattern", "name": "x", "external_references": [{"external_id": "CVE-1"}, reference]}
    )
    echo = document.mentions[1]
    assert (echo.id, echo.spelling) == ("T1566.001", Spelling.PATH)
    assert document.text[echo.written.start : echo.written.end] == "T1566/001"


def test_a_tactic_is_one():
    (mention,) = read(
        {"type": "x-mitre-tactic", "name": "Impact", "external_references": [{"external_id": "AML.TA0011"}]}
    ).mentions
    assert (mention.role, mention.id) == (Role.TACTIC, "AML.TA0011")


def test_a_relation_says_the_parent():
    relation = {
        "type": "relationship",
        "relationship_type": "subtechnique-of",
        "source_ref": "attack-pattern--AML.T0043.001",
        "target_ref": "attack-pattern--AML.T0024",
    }
    objects = [pattern("AML.T0043.001", "x"), pattern("AML.T0024", "y")]
    child = read(*objects, relation).mentions[0]
    assert child.parent
    assert child.parent.value == "AML.T0024"
    assert read(*objects, {**relation, "revoked": True}).mentions[0].parent is None


@pytest.mark.parametrize("key", ["revoked", "x_mitre_deprecated"])
def test_what_the_bundle_itself_took_back_is_marked(key: str):
    assert all(mention.withdrawn for mention in read(pattern("AML.T0029", "x", **{key: True})).mentions)


def test_an_action_of_a_flow_names_technique_and_tactic():
    action = {"type": "attack-action", "name": "Steal it", "technique_id": "AML.T0024.002", "tactic_id": "AML.TA0010"}
    (mention,) = read(action).mentions
    assert (mention.id, mention.beside, mention.tactics[0].value) == ("AML.T0024.002", Beside.MAYBE, "AML.TA0010")
    (only,) = read({"type": "attack-action", "name": "x", "tactic_id": "AML.TA0010"}).mentions
    assert only.role is Role.TACTIC


def test_a_collection_or_our_matrix_object_says_the_version():
    collection = {"type": "x-mitre-collection", "x_mitre_version": "17.0"}
    attack = {"type": "attack-pattern", "name": "x", "external_references": [{"external_id": "T1078"}]}
    assert read(collection, attack).version("", "attack") == "17.0"
    assert read({"type": "x-mitre-matrix", "description": "Version atlas-4.4.0"}).version("", "atlas") == "4.4.0"
    assert read({"type": "x-mitre-matrix", "description": "Anything"}).said == ()


def test_the_version_of_our_matrix_object_is_carried_over():
    text = json.dumps(
        {"type": "bundle", "objects": [{"type": "x-mitre-matrix", "description": "Version atlas-4.4.0"}, {}]}
    )
    edits = list(stix.version_edits(parse(text, "x"), old_atlas(), load("atlas-5.6")))
    assert apply(text, edits) == text.replace("atlas-4.4.0", "atlas-5.6")


def test_stray_objects_are_passed_over():
    assert (
        read(
            1, None, [], {}, {"type": "attack-pattern"}, {"type": "attack-pattern", "external_references": [1, {}]}
        ).mentions
        == ()
    )


@pytest.mark.parametrize("plain", [{}, {"type": "bundle"}, {"type": "bundle", "objects": 1}, [], 1])
def test_other_json_is_no_bundle(plain: Any):
    assert not stix.is_bundle(parse(json.dumps(plain), "x"))
