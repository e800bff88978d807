import pytest

from caponier.matrix.documents.columns import ColumnPlaces, holds_id, parts, recognise
from caponier.matrix.documents.mention import Beside

ROWS = [["AML.T0012", "Valid Accounts", "Initial Access"], ["AML.T0029", "Denial of AI Service", "Impact"]]


def test_headings_say_what_a_column_holds():
    assert recognise(["Id", "Name", "Tactics"], ROWS) == ColumnPlaces(0, 1, Beside.SURE, 2)
    assert recognise(["ATLAS-ID", "technique_name", "phase"], ROWS) == ColumnPlaces(0, 1, Beside.SURE, 2)


def test_without_headings_the_cells_do():
    assert recognise(None, ROWS) == ColumnPlaces(0, 1, Beside.SURE, 2)
    assert recognise(None, [row[::-1] for row in ROWS]) == ColumnPlaces(2, 1, Beside.SURE, 0)


def test_a_heading_that_means_other_names_is_no_column_of_names():
    people = [["AML.T0012", "Ann"], ["AML.T0029", "Bob"], ["AML.T0043", "Cy"]]
    found = recognise(["id", "name"], people)
    assert found
    assert found.beside is Beside.MAYBE


def test_a_few_rows_are_trusted_to_mean_what_their_heading_says():
    found = recognise(["id", "name"], [["AML.T0012", "Valid Acounts"]])
    assert found
    assert found.beside is Beside.SURE


def test_names_beside_rules_are_not_techniques():
    found = recognise(["name", "technique"], [["ml_login", "T1078"], ["ml_pull", "T1203, T1204"]])
    assert found == ColumnPlaces(1, 0, Beside.MAYBE)


def test_a_cell_of_id_and_name_is_a_column_of_ids():
    found = recognise(["technique", "what"], [["AML.T0012 Valid Accounts", "x"], ["[AML.T0029](u)", "y"]])
    assert found
    assert found.id == 0


@pytest.mark.parametrize("rows", [[], [[]], [["a", "b"]], [["x"], ["y"], ["AML.T0012"]]])
def test_a_table_without_a_column_of_ids(rows: list[list[str]]):
    assert recognise(None, rows) is None


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a; b", ["a", "b"]),
        ("a, b", ["a", "b"]),
        ("a<br>b", ["a", "b"]),
        ("Command and Control", ["Command and Control"]),
        (" ", []),
    ],
)
def test_entries_of_a_cell(cell: str, expected: list[str]):
    assert parts(cell) == expected


@pytest.mark.parametrize(
    ("cell", "held"),
    [
        ("AML.T0012", True),
        ("`AML.T0012`", True),
        ("AML.T0012; AML.T0029", True),
        ("T1078 Valid Accounts", True),
        ("AML.T0012: Valid Accounts", True),
        ("AML.T0012; see below", True),
        ("see AML.T0012", False),
        ("AML.M0015 Adversarial Input Detection", False),
        ("Technique", False),
        ("", False),
    ],
)
def test_a_cell_that_holds_ids(cell: str, held: bool):
    assert holds_id(cell) is held


def test_parents_stand_in_a_column_of_their_own():
    found = recognise(["id", "subtechnique of"], [["AML.T0043.001", "AML.T0043"]])
    assert found
    assert (found.id, found.parent) == (0, 1)
