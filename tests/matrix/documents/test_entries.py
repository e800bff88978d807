"""What Caponier writes of a matrix is a document like others: somebody may have changed it by hand."""

import json
from typing import Any

import pytest

from caponier.matrix.documents import ids, reading
from caponier.matrix.documents.mention import Document, DocumentKind
from caponier.matrix.versions.catalogue import load, versions
from caponier.matrix.versions.release import Release
from caponier.matrix.versions.release_file import to_bytes
from caponier.matrix.writers.json_file import to_json


def read(text: str) -> Document:
    document = reading.read(text.encode(), "entries.json")
    assert document is not None
    assert document.kind is DocumentKind.ENTRIES
    return document


def entries(**changed: Any) -> str:
    one = {
        "id": "AML.T0043.003",
        "name": "Manual Modification",
        "parent": "AML.T0043",
        "tactics": [{"id": "AML.TA0001"}],
    }
    return json.dumps({"schema": "caponier.matrix-entries/1", "matrix": "atlas-5.6", "techniques": [one | changed]})


def test_an_entry_with_all_that_should_agree():
    (mention,) = read(entries()).mentions
    assert (mention.id, mention.kind, mention.where) == ("AML.T0043.003", ids.ATLAS, "techniques[0]")
    assert mention.name is not None
    assert mention.name.value == "Manual Modification"
    assert mention.parent is not None
    assert mention.parent.value == "AML.T0043"
    assert [piece.value for piece in mention.tactics] == ["AML.TA0001"]


@pytest.mark.parametrize("version", versions())
def test_both_schemas_say_the_same_of_every_entry(version: str):
    matrix = load(version)
    exported = read(to_json(matrix, matrix.techniques))
    kept = read(to_bytes(Release(matrix, "caponier", "")).decode())
    assert [mention.id for mention in exported.mentions] == [one.id for one in (*matrix.tactics, *matrix.techniques)]
    for one, other in zip(exported.mentions, kept.mentions, strict=True):
        assert (one.id, one.where) == (other.id, other.where)
        assert one.name is not None
        assert other.name is not None
        assert one.name.value == other.name.value
        assert [piece.value for piece in one.tactics] == [piece.value for piece in other.tactics]
    assert exported.said == kept.said == (("", matrix.kind, version),)


@pytest.mark.parametrize(
    "changed", [{"id": 7}, {"id": None}, {"tactics": "AML.TA0001"}, {"tactics": [7]}, {"name": None, "parent": None}]
)
def test_what_is_no_text_is_left_out(changed: dict[str, Any]):
    for mention in read(entries(**changed)).mentions:
        assert mention.id == "AML.T0043.003"
        assert mention.tactics == () or "tactics" not in changed


def test_a_version_of_no_known_matrix_says_nothing():
    assert read(entries().replace("atlas-5.6", "mine-1")).said == ()
    assert read('{"schema": "caponier.release/1", "techniques": {}}').mentions == ()
