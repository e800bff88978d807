import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.matrix.documents.mention import Document, DocumentKind, Edit, Form, apply

WORDS = st.text(st.characters(codec="utf-8"), max_size=30)


def test_edits_change_their_places_and_nothing_else():
    assert apply("one two three", [Edit(8, 13, "3"), Edit(0, 3, "1")]) == "1 two 3"


def test_insertions_at_one_place_keep_their_order():
    assert apply("[a]", [Edit(2, 2, ", b"), Edit(2, 2, ", c")]) == "[a, b, c]"


def test_an_edit_within_a_larger_one_is_dropped():
    assert apply("0123456789", [Edit(4, 5, "x"), Edit(2, 8, "-"), Edit(2, 3, "y")]) == "01-89"


def test_an_insertion_before_a_change_at_the_same_place_is_kept():
    assert apply("ab", [Edit(1, 2, "B"), Edit(1, 1, "+")]) == "a+B"


@given(WORDS, st.data())
def test_replacing_pieces_by_themselves_gives_the_same_text(text: str, data: st.DataObject):
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    edits = [Edit(start, end, text[start:end]) for start, end in zip(places[::2], places[1::2], strict=False)]
    assert apply(text, edits) == text


@given(WORDS)
def test_a_json_text_reads_as_what_was_written(value: str):
    assert json.loads(Form.JSON.write(value)) == value


@given(WORDS.filter(lambda value: "\r" not in value and "\x00" not in value), st.sampled_from(",;\t"))
def test_a_cell_reads_as_what_was_written(value: str, delimiter: str):
    for form in (Form.CSV, Form.QUOTED):
        row = next(
            csv.reader(io.StringIO(f"x{delimiter}{form.write(value, delimiter)}{delimiter}y"), delimiter=delimiter)
        )
        assert row == ["x", value, "y"]


def test_plain_text_is_written_as_it_is():
    assert Form.PLAIN.write('a "b", c') == 'a "b", c'


@given(WORDS, st.data())
def test_line_and_column_are_counted_from_one(text: str, data: st.DataObject):
    place = data.draw(st.integers(0, len(text)))
    before = text[:place]
    expected = (before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
    assert Document(DocumentKind.MARKDOWN, text, ()).line_and_column(place) == expected


@pytest.mark.parametrize(
    ("group", "kind", "version"), [("", "atlas", "5.6.0"), ("[1].", "attack", "17"), ("", "attack", None)]
)
def test_a_document_says_versions_by_group_and_kind(group: str, kind: str, version: str | None):
    document = Document(DocumentKind.LAYER, "", (), (("", "atlas", "5.6.0"), ("[1].", "attack", "17")))
    assert document.version(group, kind) == version
