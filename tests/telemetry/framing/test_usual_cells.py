"""Which cells of a row belong together whose text has a delimiter in it and no quotes."""

import pytest

from caponier.telemetry.framing.usual_cells import UsualCells

ROWS = [
    ["2026-01-05 09:00:00", "ada", "curl", "35.5", "1200", "a"],
    ["2026-01-05 09:00:01", "ben", "wget", "35.0", "", "b"],
    ["2026-01-05 09:00:02", "ada", "python", "3", "800", "a"],
]


@pytest.fixture
def usual() -> UsualCells:
    made = UsualCells(6)
    for row in ROWS:
        made.see(row)
    made.see(["of another", "length"])
    return made


def test_the_cells_of_a_text_are_put_together(usual: UsualCells) -> None:
    cells = ["2026-01-05 09:00:03", "ada", "Mozilla (KHTML", " like Gecko", " 5.0)", "35.5", "1200", "a"]
    assert usual.fitted(cells, ",")[1:] == ["ada", "Mozilla (KHTML, like Gecko, 5.0)", "35.5", "1200", "a"]


def test_a_known_name_tells_which_of_two_texts_is_meant(usual: UsualCells) -> None:
    assert usual.fitted(["2026-01-05 09:00:03", "ben", "x", "y", "1", "2", "b"], ",")[1:3] == ["ben", "x,y"]


def test_where_two_may_be_meant_nothing_is_guessed(usual: UsualCells) -> None:
    cells = ["2026-01-05 09:00:03", "eve", "x", "y", "1", "2", "c"]
    assert usual.fitted(cells, ",") == cells


def test_where_no_column_fits_nothing_is_guessed(usual: UsualCells) -> None:
    cells = ["x"] * 8
    assert usual.fitted(cells, ",") == cells


def test_after_some_rows_it_is_known(usual: UsualCells) -> None:
    assert usual.is_learning
    for _ in range(500):
        usual.see(ROWS[0])
    assert not usual.is_learning
