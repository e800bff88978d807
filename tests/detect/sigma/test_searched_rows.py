"""Rows of a batch are found by the texts that rules need, as if each row had been looked at by itself."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.sigma.compiler import linear_regex
from caponier.detect.sigma.matcher import Matcher
from caponier.detect.sigma.searched_rows import ANY, Literal, SearchedRows
from caponier.telemetry.security_logs.fields import Fields
from detect.sigma.events import compiled, event, plain

TEXTS = st.sampled_from(["", "a", "A", "ab", "bAb", "a\nb", "K", "\u212a", "1", "1.0", "ß"])
ROWS = st.lists(
    st.dictionaries(st.sampled_from("fg"), TEXTS | st.sampled_from([1, 12, 1.0, 2.5])), min_size=1, max_size=30
)
LITERALS = st.frozensets(
    st.builds(Literal, st.sampled_from(["a", "b", "ab", "k", "1", "12"]), st.booleans()) | st.just(ANY), max_size=3
)


def has(value: Any, literals: frozenset[Literal]) -> bool:
    """Tell for one value; the database may write a number with a point in many ways, so it is never ruled out."""
    if isinstance(value, float):
        return True
    plain_text = "" if value is None else str(value).lower().replace("\u212a", "k")
    return value is not None and any(
        str(value).lower() == one.text if one.whole else one.text in plain_text for one in literals
    )


@given(ROWS, st.lists(st.dictionaries(st.sampled_from("fgd"), LITERALS, min_size=1), min_size=1, max_size=4))
def test_rows_are_found_as_if_each_were_looked_at_by_itself(rows: list[Fields], asked: list[Any]) -> None:
    def derive(fields: Fields) -> str | None:
        return None if "g" not in fields else "ab" if fields["g"] == "a" else "b"

    searched = SearchedRows(rows, {"d": derive})
    left: set[int] | None = None
    expected = set(range(len(rows)))
    for either in asked:
        alone = {
            row
            for row, fields in enumerate(rows)
            if any(has(derive(fields) if name == "d" else fields.get(name), texts) for name, texts in either.items())
        }
        assert searched.having(either, None) == alone
        left = searched.having(either, left)
        expected &= alone
        assert left == expected


def test_what_is_worked_out_is_worked_out_once_and_only_where_something_is_left() -> None:
    told: Counter[Any] = Counter()

    def derive(fields: Fields) -> str:
        told[fields["f"]] += 1
        return "outside"

    searched = SearchedRows([{"f": number} for number in range(40)], {"origin": derive})
    outside = {"origin": frozenset([Literal("outside")])}
    assert searched.having(outside, {3, 4}) == {3, 4}
    assert searched.having(outside, {4, 5}) == {4, 5}
    assert told == {3: 1, 4: 1, 5: 1}
    assert searched.having({"origin": frozenset([Literal("inside")])}, {4}) == set()
    assert told.total() == 3


@pytest.mark.parametrize("mixed", [False, True])
def test_tables_that_take_the_same_events_share_what_is_worked_out(mixed: bool, monkeypatch: Any) -> None:
    told: Counter[int] = Counter()

    def act(fields: Fields) -> str:
        told[int(fields["n"])] += 1
        return "change"

    monkeypatch.setattr("caponier.detect.sigma.matcher.act", act)
    sources = ({"product": "p"}, {"product": "p", "service": "s"}, {"service": "s"})
    rules = [
        plain(f"r{at}", {}, logsource=source, detection={"one": {"caponier.act": "change"}, "condition": "one"})
        for at, source in enumerate(sources)
    ]
    places = [("p", "other") if mixed and number % 2 else ("p", "s") for number in range(6)]
    events = [event(at, n=at, product=product, service=service) for at, (product, service) in enumerate(places)]
    events = [
        one._replace(origin=one.origin._replace(product=product, service=service))
        for one, (product, service) in zip(events, places, strict=True)
    ]
    found = Matcher(compiled(*rules).tables, linear_regex()).match(events)
    everything = {at: ["r0", "r1", "r2"] if service == "s" else ["r0"] for at, (_, service) in enumerate(places)}
    assert {at: sorted(names) for at, names in found.items()} == everything
    if not mixed:
        # Once to look for it, and once a table to fill it in.
        assert set(told.values()) == {1 + len(sources)}
