import json
from typing import Any

import pytest

from caponier.formats.strict_json import read_nodes as parse
from caponier.matrix.documents import layer
from caponier.matrix.documents.mention import Beside, Document, DocumentKind


def read(plain: Any) -> Document:
    text = json.dumps(plain)
    root = parse(text, "layer.json")
    assert layer.is_layer(root)
    return layer.read(text, root)


def one(**keys: Any) -> dict[str, Any]:
    return {"name": "n", "domain": "atlas-atlas", "techniques": [], **keys}


def test_an_entry_says_its_id_tactic_and_place():
    document = read(one(techniques=[{"techniqueID": "AML.T0012", "tactic": "initial-access", "score": 1}]))
    (mention,) = document.mentions
    assert (document.kind, mention.id, mention.kind) == (DocumentKind.LAYER, "AML.T0012", "atlas")
    assert [tactic.value for tactic in mention.tactics] == ["initial-access"]
    assert mention.where == "techniques[0]"
    assert json.loads(document.text[mention.written.start : mention.written.end]) == "AML.T0012"


@pytest.mark.parametrize(
    ("entry", "name", "beside"),
    [
        ({"name": "N"}, "N", Beside.SURE),
        ({"techniqueName": "N"}, "N", Beside.SURE),
        ({"metadata": [{"name": "x", "value": "y"}, {"name": "Technique", "value": "N"}]}, "N", Beside.SURE),
        ({"comment": "N"}, "N", Beside.MAYBE),
    ],
)
def test_a_name_stands_where_people_put_it(entry: dict[str, Any], name: str, beside: Beside):
    (mention,) = read(one(techniques=[{"techniqueID": "AML.T0012", **entry}])).mentions
    assert mention.name
    assert (mention.name.value, mention.beside) == (name, beside)


def test_a_list_of_layers_keeps_them_apart_with_the_version_that_each_names():
    first = one(metadata=[{"name": "atlas_data_version", "value": "4.4.0"}], techniques=[{"techniqueID": "AML.T0012"}])
    second = one(domain="enterprise-attack", versions={"attack": "17"}, techniques=[{"techniqueID": "T1078"}])
    document = read([first, second])
    assert [(m.group, m.where) for m in document.mentions] == [
        ("[0].", "[0].techniques[0]"),
        ("[1].", "[1].techniques[0]"),
    ]
    assert (document.version("[0].", "atlas"), document.version("[1].", "attack")) == ("4.4.0", "17")
    assert document.version("[1].", "atlas") is None


def test_a_version_may_be_a_number():
    assert read(one(metadata=[{"name": "atlas_data_version", "value": 5.6}])).version("", "atlas") == "5.6"


def test_a_version_of_attack_counts_only_for_enterprise():
    assert read(one(domain="ics-attack", versions={"attack": "17"})).said == ()


@pytest.mark.parametrize("head", [{"version": "2.2"}, {"versions": {"layer": "4.3"}}, {"domain": "mitre-enterprise"}])
def test_layers_of_all_formats_are_known_by_their_keys(head: dict[str, Any]):
    assert layer.is_layer(parse(json.dumps({**head, "techniques": []}), "x"))


@pytest.mark.parametrize(
    "plain",
    [
        [],
        {},
        1,
        {"techniques": []},
        {"domain": "x", "techniques": 1},
        [{}],
        {"domain": "d", "techniques": [], "schema": "s"},
    ],
)
def test_other_json_is_no_layer(plain: Any):
    assert not layer.is_layer(parse(json.dumps(plain), "x"))


def test_stray_entries_are_passed_over():
    assert read(one(techniques=[1, None, {}, {"techniqueID": 5}, []], metadata=5)).mentions == ()
