"""What a contributed version says stays text in a spreadsheet and on a page."""

import csv
import io
from dataclasses import replace

import pytest

from caponier.formats.safe_text import markdown, plain, spreadsheet
from caponier.matrix.versions.catalogue import load
from caponier.matrix.writers.csv_file import to_csv
from caponier.matrix.writers.markdown_file import to_markdown

ENTRY = load().techniques[0]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1"])
def test_a_formula_becomes_text(text: str) -> None:
    (row,) = csv.DictReader(io.StringIO(to_csv(load(), [replace(ENTRY, name=text, description=text)])))
    assert row["name"].startswith("'")
    assert row["description"].startswith("'")


@pytest.mark.parametrize(("text", "cell"), [("a\r=1+1", "a\n=1+1"), ("a\r\nb", "a\nb"), ("a", "a"), ("", "")])
def test_no_carriage_return_begins_a_row(text: str, cell: str) -> None:
    assert spreadsheet(text) == cell
    assert "\r" not in to_csv(load(), [replace(ENTRY, name=text or "x")])


def test_a_line_break_stays_in_its_cell() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(load(), [replace(ENTRY, description="a\r=cmd()\nb"), ENTRY]))))
    assert [row["description"] for row in rows] == ["a\n=cmd()\nb", ENTRY.description]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a|b", "a\\|b"), ("<b>", "&lt;b&gt;"), ("[x](y)", "\\[x\\](y)"), ("a\nb\x1b", "a�b�"), ("AT&T", "AT&amp;T")],
)
def test_markup_becomes_text(text: str, shown: str) -> None:
    assert markdown(text) == shown
    table = to_markdown(load(), [replace(ENTRY, name=text)]).splitlines()
    assert len(table) == 5
    assert f"| {shown} |" in table[4]


def test_a_name_cannot_break_out_of_the_heading() -> None:
    assert to_markdown(replace(load(), name="a\n# b", released=None), []).splitlines()[0] == "# a�# b (undated)"


def test_a_terminal_gets_nothing_to_obey() -> None:
    assert plain("a_b \x1b[31m\u202e|\n") == "a_b �[31m�|�"
