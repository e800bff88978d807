import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.matrix.documents import csv_rows
from caponier.matrix.documents.mention import Beside, Document, Form


def read(text: str) -> Document:
    document = csv_rows.read(text, "a.csv")
    assert document is not None
    return document


def test_columns_by_their_headings():
    head = "Technique ID,Technique name,Tactic,Parent,Note\n"
    text = head + "AML.T0043.001,Black-Box Optimization,AI Attack Staging,AML.T0043,x\n"
    first, parent = read(text).mentions
    assert first.name
    assert first.parent
    assert (first.id, first.name.value, first.beside, first.parent.value) == (
        "AML.T0043.001",
        "Black-Box Optimization",
        Beside.SURE,
        "AML.T0043",
    )
    assert [tactic.value for tactic in first.tactics] == ["AI Attack Staging"]
    assert (parent.id, parent.certain) == ("AML.T0043", False)


def test_columns_by_what_stands_in_them():
    document = read("Impact;Denial of AI Service;AML.T0029\ninitial-access;Valid Accounts;AML.T0012\n")
    first = document.mentions[0]
    assert document.delimiter == ";"
    assert first.name
    assert (first.id, first.name.value, first.beside) == ("AML.T0029", "Denial of AI Service", Beside.SURE)
    assert [tactic.value for tactic in first.tactics] == ["Impact"]


def test_several_ids_of_a_cell_are_all_read_without_a_name():
    document = read('id,name\n"AML.T0029, AML.T0012",both\nT1566/001,Link\n')
    assert [(m.id, m.name.value if m.name else None) for m in document.mentions] == [
        ("AML.T0029", None),
        ("AML.T0012", None),
        ("T1566.001", "Link"),
    ]


def test_a_cell_may_say_id_and_name():
    text = (
        'technique,tactic\nT1566.001 - Spearphishing Link,Initial Access\n"AML.T0012: Valid Accounts",Impact\nT1078,x\n'
    )
    mentions = read(text).mentions
    assert [(m.id, m.name.value if m.name else None, m.beside) for m in mentions[:2]] == [
        ("T1566.001", "Spearphishing Link", Beside.AFTER),
        ("AML.T0012", "Valid Accounts", Beside.AFTER),
    ]
    for mention in mentions[:2]:
        assert mention.name
        assert text[mention.name.start : mention.name.end] == mention.name.value
        assert text[mention.written.start : mention.written.end] == mention.id


def test_a_first_row_with_id_and_name_in_one_cell_is_no_heading():
    document = read("T1078 Valid Accounts,seen\nT1190 Exploit Public-Facing Application,seen\n")
    assert [(mention.id, mention.where) for mention in document.mentions] == [
        ("T1078", "column 1"),
        ("T1190", "column 1"),
    ]
    assert [mention.id for mention in read("AML.T0010 AI Supply Chain Compromise,seen").mentions] == ["AML.T0010"]


def test_several_tactics_of_a_cell_each_stand_at_their_place():
    text = 'id,tactics\nAML.T0012,"Initial Access; Command and Control"\n'
    (mention,) = read(text).mentions
    assert [text[t.start : t.end] for t in mention.tactics] == ["Initial Access", "Command and Control"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_end_of_line(end: str):
    document = read(f'id,note{end}AML.T0012,"two{end}lines"{end}AML.T0029,"a ""b"" c"{end}')
    assert [mention.id for mention in document.mentions] == ["AML.T0012", "AML.T0029"]


def test_a_byte_order_mark_stays_outside():
    text = "\ufeffid\nAML.T0012\n"
    (mention,) = read(text).mentions
    assert text[mention.written.start : mention.written.end] == "AML.T0012"


def test_short_and_empty_rows_are_no_trouble():
    assert [m.id for m in read("name,id\n\nx\n,AML.T0012\n,,,\n").mentions] == ["AML.T0012"]


def test_a_quoted_name_is_written_quoted_again():
    (mention,) = read('id,name\nAML.T0012,"Valid Accounts"\n').mentions
    assert mention.name
    assert mention.name.form is Form.QUOTED


@pytest.mark.parametrize("text", ["", "\n\n", "a,b\n1,2\n", "name,color\nAnn,red\n", "id\nfoo\n"])
def test_a_table_without_ids_is_none(text: str):
    assert csv_rows.read(text, "a.csv") is None


def test_a_quotation_mark_that_is_never_closed():
    with pytest.raises(InputError, match="never closed") as wrong:
        csv_rows.read('id\nAML.T0012\n"x\n', "a.csv")
    assert wrong.value.where == "a.csv:3"


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00\r")), min_size=2, max_size=4), max_size=5
    )
)
def test_cells_are_those_that_the_standard_library_reads(rows: list[list[str]]):
    sheet = io.StringIO()
    writer = csv.writer(sheet, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["id", "x"], *rows, ["AML.T0012", "end"], ["AML.T0029", "end"]])
    text = sheet.getvalue()
    cells = list(csv_rows._rows(text, 0, ",", "x"))
    assert [[cell.value for cell in row] for row in cells] == list(csv.reader(io.StringIO(text, newline="")))
    for cell in (cell for row in cells for cell in row):
        assert cell.form.write(cell.value) == text[cell.start : cell.end]


def test_a_wide_and_a_long_table_are_read_in_time():
    wide = ",".join(["x"] * 20_000) + "\n" + "AML.T0012\n" * 20_000
    assert csv_rows.read("id\n" + wide, "a.csv") is not None
    assert csv_rows.read(" " * 1_000_000 + "\n", "a.csv") is None


def test_a_table_that_would_take_too_much_memory_is_refused():
    with pytest.raises(InputError, match="1,000,000 cells"):
        csv_rows.read("," * (csv_rows.CELLS + 1), "a.csv")
