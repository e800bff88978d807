import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from caponier.formats.csv_text import csv_text, safe_csv

CELLS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r")), min_size=1, max_size=4)


@given(CELLS)
def test_cells_come_back(cells: list[str]) -> None:
    for quoted in (False, True):
        assert next(csv.reader(io.StringIO(csv_text([cells], quoted=quoted), newline=""))) == cells


def test_lines_end_with_a_newline_alone() -> None:
    assert csv_text([("a", 1, None), ("b,", 2.5, "")]) == 'a,1,\n"b,",2.5,\n'


def test_every_cell_may_be_quoted() -> None:
    assert csv_text([("a", 1)], quoted=True) == '"a","1"\n'


def test_no_cell_becomes_a_formula_or_begins_a_row() -> None:
    assert safe_csv(("name",), [("=1",), ("a\r=1",)]) == 'name\n\'=1\n"a\n=1"\n'
