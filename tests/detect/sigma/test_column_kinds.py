"""A field that one rule compares by size and another reads as text: each rule goes by its own reading of it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.sigma.matcher import Table
from caponier.telemetry.security_logs.sources import LogSource
from detect.sigma.events import compiled, event, plain, run

Value = int | float | str

SIZES: dict[str, Callable[[float, float], bool]] = {
    "gte": lambda left, right: left >= right,
    "gt": lambda left, right: left > right,
    "lte": lambda left, right: left <= right,
    "lt": lambda left, right: left < right,
}
TEXTS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
}
numbers = st.integers(-2000, 2000)
values = st.one_of(numbers, numbers.map(str), st.sampled_from(["007", "0999", "1e3", "abc", "12abc", ""]))


def size_rule(name: str, operator: str, bound: int) -> dict[str, Any]:
    return plain(name, {f"amount|{operator}": bound})


def text_rule(name: str, operator: str, part: str) -> dict[str, Any]:
    return plain(name, {f"amount|{operator}": part})


def matched(rules: Any, value: Value) -> set[str]:
    return {match.rule.name.removeprefix("sigma:") for match in run(rules, [event(1, amount=value)])}


def as_number(value: Value) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


@settings(max_examples=120, deadline=None)
@given(
    value=values,
    operator=st.sampled_from(sorted(SIZES)),
    bound=st.integers(-1500, 1500),
    reading=st.sampled_from(sorted(TEXTS)),
    part=st.sampled_from(["0", "00", "7", "9", "99", "1"]),
    size_first=st.booleans(),
)
def test_each_rule_reads_the_field_as_if_it_were_alone(
    value: Value, operator: str, bound: int, reading: str, part: str, size_first: bool
) -> None:
    pair = [size_rule("size", operator, bound), text_rule("text", reading, part)]
    found = matched(compiled(*(pair if size_first else reversed(pair))), value)
    assert ("text" in found) is TEXTS[reading](str(value), part)
    number = as_number(value)
    # What is no number has no size; to a database any text is more than any number.
    assert ("size" in found) is (number is not None and SIZES[operator](number, bound))
    alone = matched(compiled(size_rule("size", operator, bound)), value)
    assert ("size" in found) is ("size" in alone)


@pytest.mark.parametrize("written", [999, "999", "0999"])
@pytest.mark.parametrize("rules_before", [0, 1, 3])
def test_the_number_of_other_rules_changes_nothing(written: Value, rules_before: int) -> None:
    others = [text_rule(f"text-{n}", "contains", "77") for n in range(rules_before)]
    rules = compiled(*others, size_rule("size", "gte", 1000), text_rule("zeros", "startswith", "0"))
    assert matched(rules, written) == ({"zeros"} if str(written).startswith("0") else set())
    assert matched(rules, 1000) == {"size"}


def test_rules_that_agree_share_a_table() -> None:
    rules = compiled(*(size_rule(f"s{n}", "gte", n) for n in range(20)), *(plain(f"t{n}", {"b": n}) for n in range(20)))
    # Those that need a value, and those that do not: of the first only events with the value are asked about.
    assert [len(table.queries) for table in rules.tables] == [20, 20]
    mixed = compiled(
        size_rule("s", "gte", 1),
        text_rule("t", "contains", "1"),
        size_rule("u", "lt", 1),
        text_rule("v", "endswith", "1"),
    )
    assert [len(table.queries) for table in mixed.tables] == [2, 2]
    assert len({table.name for table in mixed.tables}) == 2


def test_a_rule_over_two_readings_of_other_fields_finds_its_table() -> None:
    rules = compiled(
        plain("first", {"a|gte": 5, "b|re": "x"}),
        plain("second", {"a|re": "5", "b|gte": 1}),
        plain("third", {"a|gte": 5}),
        plain("fourth", {"b|gte": 1}),
    )
    assert len(rules.tables) == 2
    log = [event(1, a="50", b="x1", n=1), event(2, a="5", b="2", n=2)]
    names = [match.rule.name.removeprefix("sigma:") for match in run(rules, log)]
    assert sorted(names) == ["first", "fourth", "second", "third", "third"]


def test_correlations_over_both_readings() -> None:
    both = {
        "title": "both",
        "name": "both",
        "correlation": {"type": "temporal", "rules": ["size", "text"], "group-by": ["user"], "timespan": "10s"},
    }
    rules = compiled(size_rule("size", "gte", 1000), text_rule("text", "startswith", "00"), both)
    quiet = [event(1, amount="999", user="ann", n=1), event(2, amount="0099", user="ann", n=2)]
    assert run(rules, quiet) == []
    loud = [event(1, amount="1000", user="ann", n=1), event(2, amount="0099", user="ann", n=2)]
    assert [match.rule.name for match in run(rules, loud)] == ["sigma:both"]


def test_a_table_takes_what_its_log_source_asks_for() -> None:
    table = Table("log0", LogSource("shop", None, "door"), {"a`b": "TEXT"})
    assert table.takes(LogSource("shop", "any", "door"))
    assert not table.takes(LogSource("shop", "any", "till"))
    assert not table.takes(LogSource(None, None, "door"))
    assert "`a``b` TEXT" in table.definition
