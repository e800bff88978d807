"""What rules out an event before the database sees it must never rule out one that matches."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.sigma.compiler import Compiled, linear_regex
from caponier.detect.sigma.matcher import Matcher
from caponier.detect.sigma.needed_values import MOST
from detect.sigma.events import compiled, event, plain

VALUES = st.sampled_from(["a", "A", "b", "a*", "*b", "*a*b*", "1", 1, 2, "", "x, y", "b\\\\*", "ß", None, True])
FIELDS = st.sampled_from(
    ["f", "G", "f|contains", "f|startswith", "G|endswith", "f|contains|all", "G|cased", "f|exists", "G|lt", "f|re"]
)
SELECTIONS = st.dictionaries(FIELDS, VALUES | st.lists(VALUES, min_size=1, max_size=3), min_size=1, max_size=2)
CONDITIONS = st.sampled_from(
    ["one", "one and two", "one or two", "not one", "one and not two", "1 of them", "all of them"]
)
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["f", "g", "h"]),
        st.sampled_from(["a", "A", "b", "ab", "bAxB", "a\nb", "b*", "SS", "ß", 1, 2, 1.0, 12, "", "x, y", True]),
    ),
    min_size=1,
    max_size=24,
)


def needs(selection: dict[str, Any], condition: str = "one", **more: Any) -> Any:
    """Return what a rule needs: for each condition the texts by field, `*` where they may stand anywhere in a value."""
    rule = plain("r", {}, detection={"one": selection, "condition": condition, **more})
    (table,) = compiled(rule).tables
    return [
        {field: {one.text if one.whole else f"*{one.text}*" for one in texts} for field, texts in either.items()}
        for either in table.needs.get("r", ())
    ]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"f": "A"}, [{"f": {"a"}}]),
        ({"f": ["a", "b"]}, [{"f": {"a", "b"}}]),
        ({"f": 7}, [{"f": {"7"}}]),
        ({"f": ["a", "b"], "g": "c"}, [{"g": {"c"}}, {"f": {"a", "b"}}]),
        ([{"f": "a"}, {"g": "b"}], [{"f": {"a"}, "g": {"b"}}]),
        ({"f": "Ab*c"}, [{"f": {"*ab*"}}]),
        ({"f": ["a", "b*"]}, [{"f": {"a", "*b*"}}]),
        ({"f|contains": "Word"}, [{"f": {"*word*"}}]),
        (
            {"f|endswith": r"\nc.exe", "g|contains|all": ["-e", "-p "]},
            [{"f": {r"*\nc.exe*"}}, {"g": {"*-p *"}}, {"g": {"*-e*"}}],
        ),
        ({"f|contains": "w", "g": ["a", "b"]}, [{"g": {"a", "b"}}, {"f": {"*w*"}}]),
        ({"f": "*"}, []),
        ({"f": None}, []),
        ({"f|re": "abc"}, [{"f": {"*abc*"}}]),
        ({"f|re": "a.c"}, []),
        ({"f|re": ["(abc|def)x", "ghij+"]}, [{"f": {"*abcx*", "*defx*", "*ghi*"}}]),
        (["word"], []),
        ({"f|lt": 3}, []),
        ({"caponier.account": "ann"}, []),
    ],
)
def test_what_follows_from_a_condition(selection: Any, expected: Any) -> None:
    assert needs(selection) == expected


def test_nothing_follows_from_what_must_not_be() -> None:
    assert needs({"f": "a"}, "not one") == []
    assert needs({"f": "a"}, "one and not two", two={"g": "b"}) == [{"f": {"a"}}]
    assert needs({"f": "a"}, "one or not two", two={"g": "b"}) == []


def test_no_more_conditions_are_looked_at_than_pay() -> None:
    found = needs({**dict.fromkeys("abcdef", "1"), "g|contains": "x"})
    assert len(found) == MOST
    assert {"g": {"*x*"}} not in found


def test_many_alternatives_are_told_apart_by_the_field_that_all_of_them_name() -> None:
    """The service is one text and the calls are several, but nearly every event has the service."""
    ways = [{"service": "s3", "call": [f"a{number}", f"b{number}"], "of": "x"} for number in range(8)]
    found = needs(ways[0], "1 of *", **{f"way{number}": way for number, way in enumerate(ways[1:])})
    assert {"call": {f"{letter}{number}" for letter in "ab" for number in range(8)}} in found
    assert {"service": {"s3"}} in found
    assert len(found) <= MOST


@pytest.mark.parametrize(
    ("values", "selection", "expected"),
    [
        (["xx ABC", "ab", "c", None, "ÄBC", "abcabc"], {"f|contains": "abc"}, {0, 5}),
        (["ab\nabc", "abc"], {"f|contains": "abc"}, {0, 1}),
        ([12, "12", 1.2, 112], {"f|contains": "12"}, {0, 1, 3}),
        ([7, 7.0, "7"], {"f": 7}, {0, 2}),
        (["K", "\u212a", "k"], {"f": "k"}, {0, 2}),
        (["a\x00b", "\x00", "b"], {"f|endswith": "b"}, {2}),
    ],
)
def test_values_that_are_written_in_several_ways(values: list[Any], selection: Any, expected: set[int]) -> None:
    rule = plain("r", {}, detection={"one": selection, "condition": "one"})
    events = [event(second, **({} if value is None else {"f": value})) for second, value in enumerate(values)]
    quick, slow = (
        Matcher(compiled(rule).tables, linear_regex()),
        Matcher(without(compiled(rule)).tables, linear_regex()),
    )
    assert quick.match(events) == slow.match(events)
    assert set(quick.match(events)) == expected


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
