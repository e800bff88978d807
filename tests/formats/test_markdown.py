import pytest

from caponier.formats.markdown import escaped, link, one_line


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("C&C traffic", "C&amp;C traffic"),
        ("a | b", "a \\| b"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("[here](https://evil.example)", "\\[here\\](https://evil.example)"),
        ("two\nlines\ttab", "two lines tab"),
        ("bell \x07 and \x1b[31mred", "bell \N{REPLACEMENT CHARACTER} and \N{REPLACEMENT CHARACTER}\\[31mred"),
        ("`code` *bold* _it_ \\", "\\`code\\` \\*bold\\* \\_it\\_ \\\\"),
    ],
)
def test_text_is_shown_as_it_is(given: str, shown: str):
    assert escaped(given) == shown


def test_one_line_keeps_the_marks_of_markdown():
    assert one_line(" a_b \u202e c ") == "a_b \N{REPLACEMENT CHARACTER} c"


@pytest.mark.parametrize("address", ["https://example.org/a_b?c=d&e", "http://example.org/"])
def test_an_address_becomes_a_link(address: str):
    assert link(address) == f"<{address}>"


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "https://example.org/ x", "https://example.org/>x", "data:text/html,x", "none"]
)
def test_what_is_no_address_of_the_web_stays_text(address: str):
    assert not link(address).startswith("<")
