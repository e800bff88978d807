"""What a regular expression needs must be in every value that it is found in."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caponier.detect.sigma.compiler import compile_rules, linear_regex
from caponier.detect.sigma.regex_literals import LEAST, MOST, regex_literals
from caponier.detect.sigma.rule_files import own_rules


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("abc", {"abc"}),
        ("ABC", {"abc"}),
        (r"(?i)\bvssadmin\b.*\bdelete\b", {"admin"}),
        ("(abc|defg)", {"abc", "defg"}),
        ("(delete|delay)s", {"deletes", "delays"}),
        (r"\b(nc|ncat)(\.exe)? ", {"nc", "ncat"}),
        ("^/(tmp|dev/shm)/.*", {"/tmp/", "/dev/shm/"}),
        ("(abc|de.)xyz", {"xyz"}),
        ("(?:abc)+", {"abc"}),
        ("(?:abc)*", None),
        ("(?:abc)?", None),
        ("a.b.c", None),
        ("a[bc]d", {"abd", "acd"}),
        ("a[^b]d", None),
        ("[a-z]{9}", None),
        ("abc|d", None),
        ("", None),
        ("ab\u00e9cd", {"ab"}),
        ("(?x) a b c ", None),
        (r"\pN+abc", None),
        ("(", None),
        ("ab{3}c", None),
        ("|".join(f"{n:03}word." for n in range(MOST + 1)), None),
    ],
)
def test_what_a_pattern_needs(pattern: str, texts: set[str] | None) -> None:
    assert regex_literals(pattern) == texts


PARTS = st.recursive(
    st.sampled_from(
        ["abc", "xyz", "k", "s", "a", ".", "[bc]", r"\b", r"\s", "(?:ab)?", "(?i:abK)", "ABC", r"\.", "sudo"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: f"({'|'.join(some)})"),
        inner.map(lambda one: f"(?:{one})+"),
        inner.map(lambda one: f"(?:{one}){{0,2}}"),
    ),
    max_leaves=6,
)
VALUES = st.lists(
    st.sampled_from(
        ["abc", "ABC", "ab\u212a", "xyz", "k", "\u212a", "s", "\u017f", "a", "b", ".", " ", "\u017fudo", "sudo"]
    ),
    max_size=7,
).map("".join)


@given(pattern=PARTS, fold=st.booleans(), values=st.lists(VALUES, max_size=8))
@example(pattern="sudo", fold=True, values=["\u017fudo"])
@example(pattern="(?i:mask)ed", fold=False, values=["ma\u017f\u212aed"])
def test_nothing_that_matches_lacks_all_of_them(pattern: str, fold: bool, values: list[str]) -> None:
    whole = f"(?i){pattern}" if fold else pattern
    texts, search = regex_literals(whole), linear_regex()(whole)
    assert texts is None or all(len(text) >= LEAST for text in texts)
    for value in values:
        if search(value) and texts is not None:
            plain = value.encode().lower()
            assert any(text.encode() in plain for text in texts), (whole, value, texts)


def test_hardly_any_rule_of_ours_is_asked_about_everything() -> None:
    """A rule that needs nothing is tried on every event of its log source, which is most of what matching costs.

    Alarms of sensors, told by a number, are few: their log source holds nothing else.
    """
    tables = compile_rules(own_rules()).tables
    assert {rule for table in tables if not table.keyed for rule, _ in table.queries} <= {"data_sent", "sensor_alarm"}
