import pytest

from caponier.errors import CaponierError
from caponier.matrix.shipped import EvidenceFile, MatrixFile, parse

MATRIX = """
schema: caponier.matrix/1
version: test
name: Test
released: 2026-01-01
repository: example/test
tactics: [{id: X, name: Tactic}]
techniques:
- {id: X.1, name: One, level: technique, tactics: [X], position: 1}
- {id: X.1.1, name: Two, level: sub-technique, parent: X.1, tactics: [X], position: 1}
"""


def test_a_whole_file_is_read():
    assert [t.id for t in parse(MATRIX, MatrixFile, "test.yaml").techniques] == ["X.1", "X.1.1"]


@pytest.mark.parametrize("key", ["mitigation", "severity", "score", "anything"])
def test_there_is_no_place_for_further_keys(key: str):
    doctored = MATRIX.replace("name: One,", f"name: One, {key}: high,")
    with pytest.raises(CaponierError, match=key):
        parse(doctored, MatrixFile, "test.yaml")
    with pytest.raises(CaponierError, match=key):
        parse(MATRIX.replace("name: Tactic", f"name: Tactic, {key}: high"), MatrixFile, "test.yaml")
    with pytest.raises(CaponierError, match=key):
        parse(f"{MATRIX}{key}: high\n", MatrixFile, "test.yaml")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("id: X.1.1", "id: X.1", "X.1 is there twice"),
        ("parent: X.1", "parent: X.9", "names .*, which is not there"),
        ("level: technique, tactics: [X]", "level: technique, tactics: [Y]", "names .*, which is not there"),
        ("position: 1}\n- ", "position: 1, same_as: X.8}\n- ", "names .*, which is not there"),
        ("position: 1}\n- ", "position: 1, same_as: X.1}\n- ", "X.1 is said to be the same as itself"),
        ("position: 1}\n- ", "position: 1, color: green}\n- ", "color"),
        ("position: 1}\n- ", "position: 1, harms: [reputation]}\n- ", "harms"),
        ("caponier.matrix/1", "caponier.matrix/9", "schema"),
        ("tactics: [{", "tactics: [[{", "YAML|expected|flow"),
    ],
)
def test_a_damaged_file_is_rejected_with_its_name(old: str, new: str, reason: str):
    assert old in MATRIX
    with pytest.raises(CaponierError, match=reason) as damaged:
        parse(MATRIX.replace(old, new, 1), MatrixFile, "test.yaml")
    assert damaged.value.where == "test.yaml"
    assert damaged.value.exit_code == 4


def test_a_source_must_be_an_incident_or_an_exercise():
    text = """
schema: caponier.evidence/1
matrix: test
sources: [{id: CVE-2020-0001, name: Rumour, date: 2020-01-01, type: rumour}]
techniques: []
"""
    with pytest.raises(CaponierError, match="incident"):
        parse(text, EvidenceFile, "evidence.yaml")
