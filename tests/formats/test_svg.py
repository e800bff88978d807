from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.formats.svg import page, safe, text

SVG = "{http://www.w3.org/2000/svg}"


@given(st.text())
def test_whatever_is_said_it_is_xml_and_nothing_else(words: str) -> None:
    root = ElementTree.fromstring(page(words, words, (10, 20), "", text(words, 1, 2, fill=words)))
    assert [element.tag.removeprefix(SVG) for element in root.iter()] == [
        "svg", "title", "desc", "style", "rect", "text",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "shown"), [("a<b>", "a&lt;b&gt;"), ("a&b", "a&amp;b"), ("a\x1b\x00", "a��"), ('"', "&quot;")]
)
def test_what_xml_would_obey_is_shown(words: str, shown: str) -> None:
    assert safe(words) == shown


def test_a_line_of_text_has_what_it_is_given_and_no_more() -> None:
    assert text("a", 1, 2.5) == '<text x="1" y="2.5">a</text>'
    assert text("a", 1, 2, "head", text_anchor="end", fill="") == (
        '<text x="1" y="2" class="head" text-anchor="end">a</text>'
    )


def test_a_page_says_its_size_and_stands_on_a_ground() -> None:
    root = ElementTree.fromstring(page("title", "told", (10, 20), ".page {}", ""))
    assert root.get("viewBox") == "0 0 10 20"
    assert (root.find(f"{SVG}rect")) is not None
