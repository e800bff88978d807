"""What rules out an event before the database sees it must never rule out one that matches."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.sigma.compiler import Compiled, linear_regex
from caponier.detect.sigma.matcher import Matcher
from detect.sigma.events import compiled, event, plain

VALUES = st.sampled_from(["a", "A", "b", "a*", "*b", "1", 1, 2, "", "x, y", None, True])
FIELDS = st.sampled_from(["f", "G", "f|contains", "f|startswith", "G|cased", "f|exists", "G|lt", "f|re"])
SELECTIONS = st.dictionaries(FIELDS, VALUES | st.lists(VALUES, min_size=1, max_size=3), min_size=1, max_size=2)
CONDITIONS = st.sampled_from(
    ["one", "one and two", "one or two", "not one", "one and not two", "1 of them", "all of them"]
)
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["f", "g", "h"]), st.sampled_from(["a", "A", "b", "ab", 1, 2, 1.0, "", "x, y", True])
    ),
    min_size=1,
    max_size=6,
)


def needs(selection: dict[str, Any], condition: str = "one", **more: Any) -> Any:
    rule = plain("r", {}, detection={"one": selection, "condition": condition, **more})
    (table,) = compiled(rule).tables
    return table.needs.get("r")


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"f": "A"}, {"f": {"a"}}),
        ({"f": ["a", "b"]}, {"f": {"a", "b"}}),
        ({"f": 7}, {"f": {"7"}}),
        ({"f": ["a", "b"], "g": "c"}, {"g": {"c"}}),
        ([{"f": "a"}, {"g": "b"}], {"f": {"a"}, "g": {"b"}}),
        ({"f": "a*"}, None),
        ({"f": ["a", "b*"]}, None),
        ({"f": None}, None),
        ({"f|contains": "a"}, None),
        (["word"], None),
        ({"f|lt": 3}, None),
        ({"caponier.account": "ann"}, None),
    ],
)
def test_what_follows_from_a_condition(selection: Any, expected: Any) -> None:
    found = needs(selection)
    assert (found and {field: set(values) for field, values in found.items()}) == expected


def test_nothing_follows_from_what_must_not_be() -> None:
    assert needs({"f": "a"}, "not one") is None
    assert needs({"f": "a"}, "one and not two", two={"g": "b"}) == {"f": {"a"}}
    assert needs({"f": "a"}, "one or not two", two={"g": "b"}) is None


def without(rules: Compiled) -> Compiled:
    for table in rules.tables:
        table.keyed, table.needs = False, {}
    return rules


@settings(max_examples=200, deadline=None)
@given(one=SELECTIONS, two=SELECTIONS, condition=CONDITIONS, rows=ROWS)
def test_the_same_events_match_with_and_without(
    one: dict[str, Any], two: dict[str, Any], condition: str, rows: list[dict[str, Any]]
) -> None:
    rule = plain("r", {}, detection={"one": one, "two": two, "condition": condition})
    events = [event(second, **row) for second, row in enumerate(rows)]
    quick, slow = compiled(rule), without(compiled(rule))
    assert Matcher(quick.tables, linear_regex()).match(events) == Matcher(slow.tables, linear_regex()).match(events)
