"""Correlations: by example, and against pySigma's SQLite backend on random logs."""

import sqlite3
from importlib import import_module
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.assets.scope import Asset
from caponier.detect.log import LogHit
from caponier.detect.sigma import correlation
from caponier.detect.sigma.correlation import (
    Correlation,
    CorrelationPiece,
    CorrelationType,
    Correlator,
    in_order,
    piece_of,
)
from detect.sigma.events import BEGIN, SECOND, SYSTEM, compiled, event, joint, plain, run, seen

KINDS = [plain(kind, {"kind": kind}) for kind in "abc"]
Row = tuple[int, str, str, str]

# Close together, so that events often meet in one moment or just at the end of a window.
USERS = st.sampled_from(["ann", "Bob", "bob"])
rows = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from("abcx"), USERS, st.sampled_from("123")), min_size=3, max_size=20
)
counts = st.tuples(st.sampled_from(["gte", "gt", "eq", "lt", "lte", "neq"]), st.integers(1, 4))


def backend_says(rule: dict[str, Any], log: list[Row]) -> set[tuple[float, str, float]]:
    """Run the correlation as pySigma's backend writes it; return (second, user, value) of each alert."""
    collection: Any = import_module("sigma.collection")
    backends: Any = import_module("sigma.backends.sqlite")
    text = yaml.safe_dump_all([*KINDS, rule])
    backend = backends.sqliteBackend(timestamp_format="unix", collate_nocase=True)
    query = backend.convert(collection.SigmaCollection.from_yaml(text))[-1]
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE logs (timestamp INTEGER, kind TEXT, user TEXT, key TEXT)")
    database.executemany("INSERT INTO logs VALUES (?, ?, ?, ?)", log)
    cursor = database.execute(query)
    names = [column[0] for column in cursor.description]
    alerts = [dict(zip(names, row, strict=True)) for row in cursor]
    database.close()
    return {
        (alert["occurrence_time"], yaml.safe_load(alert["group_keys"])["user"], alert["metric_value"])
        for alert in alerts
    }


def we_say(rule: dict[str, Any], log: list[Row]) -> set[tuple[float, str, float]]:
    events = [
        event(second, line=line, kind=kind, user=user, key=key, n=line)
        for line, (second, kind, user, key) in enumerate(log)
    ]
    found = seen(run(compiled(*KINDS, rule), events, batch=7))
    return {(second, str(user), value) for name, second, user, value in found if name == "joint"}


@settings(max_examples=150, deadline=None)
@given(log=rows, count=counts, kind=st.sampled_from(["event_count", "value_count", "temporal"]), span=st.integers(1, 6))
def test_the_same_as_the_backend(log: list[Row], count: tuple[str, int], kind: str, span: int) -> None:
    operator, number = count
    field = {"field": "key"} if kind == "value_count" else {}
    rule = joint("joint", kind, ["a", "b", "c"], f"{span}s", condition={operator: number, **field})
    assert we_say(rule, log) == backend_says(rule, log)


@settings(max_examples=150, deadline=None)
@given(log=rows, rules=st.permutations("abc"), length=st.integers(2, 3), span=st.integers(1, 6))
def test_the_same_order_as_the_backend(log: list[Row], rules: list[str], length: int, span: int) -> None:
    rule = joint("joint", "temporal_ordered", rules[:length], f"{span}s")
    assert we_say(rule, log) == backend_says(rule, log)


@settings(max_examples=100, deadline=None)
@given(log=rows, span=st.integers(1, 5))
def test_the_same_chain_as_the_backend(log: list[Row], span: int) -> None:
    """A login, then many reads: a correlation within a correlation."""
    child = joint("child", "event_count", ["b"], f"{span}s", condition={"gte": 2})
    parent = joint("joint", "temporal_ordered", ["a", "child"], f"{2 * span}s")
    collection: Any = import_module("sigma.collection")
    backends: Any = import_module("sigma.backends.sqlite")
    backend = backends.sqliteBackend(timestamp_format="unix", collate_nocase=True)
    queries = backend.convert(collection.SigmaCollection.from_yaml(yaml.safe_dump_all([*KINDS, child, parent])))
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE logs (timestamp INTEGER, kind TEXT, user TEXT, key TEXT)")
    database.executemany("INSERT INTO logs VALUES (?, ?, ?, ?)", log)
    theirs = {
        (alert[2], yaml.safe_load(alert[1])["user"])
        for query in queries
        if "WITH" in query
        for alert in database.execute(query)
    }
    database.close()
    events = [event(second, line=n, kind=kind, user=user, n=n) for n, (second, kind, user, _) in enumerate(log)]
    ours = {
        (second, user)
        for name, second, user, _ in seen(run(compiled(*KINDS, child, parent), events))
        if name == "joint"
    }
    assert ours == theirs


def test_a_window_holds_both_of_its_ends() -> None:
    rules = compiled(*KINDS, joint("joint", "event_count", ["a"], "10s", condition={"gte": 2}))
    log = [event(0, kind="a", user="ann"), event(10, kind="a", user="ann"), event(20.000001, kind="a", user="ann")]
    assert [second for name, second, _, _ in seen(run(rules, log)) if name == "joint"] == [10.0]


def test_events_of_one_moment_have_no_order() -> None:
    rules = compiled(*KINDS, joint("joint", "temporal_ordered", ["a", "b"]))
    assert run(rules, [event(1, kind="a", user="ann"), event(1, kind="b", user="ann")]) == []
    assert len(run(rules, [event(1, kind="a", user="ann"), event(2, kind="b", user="ann")])) == 1


def test_an_event_without_the_group_counts_nowhere() -> None:
    rules = compiled(*KINDS, joint("joint", "event_count", ["a"], condition={"gte": 1}))
    assert run(rules, [event(1, kind="a")]) == []


def test_aliases_join_products_that_name_a_field_differently() -> None:
    alias = {"group-by": ["who"], "aliases": {"who": {"a": "user", "b": "login"}}}
    rules = compiled(*KINDS, joint("joint", "temporal", ["a", "b"], **alias))
    log = [event(1, kind="a", user="Ann"), event(2, kind="b", login="ann", user="other")]
    assert [name for name, *_ in seen(run(rules, log))] == ["joint"]


def test_only_what_touches_a_system_counts_for_it() -> None:
    rules = compiled(*KINDS, joint("joint", "value_count", ["a"], condition={"gte": 3, "field": "key"}))
    outside = [event(n, kind="a", user="ann", key=str(n), bucket="other") for n in range(5)]
    one_inside = [*outside[:4], event(5, kind="a", user="ann", key="9", bucket="ml-models")]
    inside = [event(n, kind="a", user="ann", key=str(n), bucket="ml-models") for n in range(3)]
    assert {match.systems for match in run(rules, outside, systems=[SYSTEM])} == {()}
    assert {match.systems for match in run(rules, one_inside, systems=[SYSTEM])} == {()}
    assert [match.systems for match in run(rules, inside, systems=[SYSTEM])] == [("digits",)]


def test_of_a_sequence_one_event_that_touches_a_system_is_enough() -> None:
    rules = compiled(*KINDS, joint("joint", "temporal_ordered", ["a", "b"]))
    log = [event(1, kind="a", user="ann", host="idp"), event(2, kind="b", user="ann", host="GPU-01.example.org")]
    (match,) = run(rules, log, systems=[SYSTEM])
    assert match.systems == ("digits",)
    assert [hit.host for hit in match.hits] == ["idp", "gpu-01.example.org"]


def _rule(**more: Any) -> Correlation:
    given = {"groups": (("user",),), "counted": (None,), "group_by": ("user",), "rules": ("a",)}
    return Correlation(
        **{"name": "j", "kind": CorrelationType.EVENT_COUNT, "span": 10, "op": "gte", "threshold": 2, **given, **more}
    )


def _piece(user: str, name: str = "a", time: int = BEGIN) -> CorrelationPiece:
    hit = LogHit(time, f"e-{user}-{time}", user, None, None, (), "log", 1)
    return CorrelationPiece(name, hit.event_id, {"user": user}, (hit,), ())


def test_idle_groups_are_forgotten() -> None:
    correlator = Correlator(_rule())
    for second in range(1000):
        correlator.moment(second * SECOND, [_piece(f"user{second}")])
    assert len(correlator._windows) == 1
    assert correlator.dropped == 0


def test_a_flood_of_groups_is_bounded_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlation, "MOST_GROUPS", 100)
    correlator = Correlator(_rule(span=10**12))
    for second in range(300):
        correlator.moment(second, [_piece(f"user{second}")])
    assert len(correlator._windows) == 100
    assert correlator.dropped == 200


def test_a_flood_in_groups_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlation, "MOST_HELD", 50)
    correlator = Correlator(_rule(span=10**12, threshold=9999))
    for second in range(300):
        correlator.moment(second, [_piece(f"user{second % 10}", time=second)])
    assert sum(window.size for window in correlator._windows.values()) == correlator._held <= 50


def test_a_match_becomes_a_piece_for_others() -> None:
    correlator = Correlator(_rule(threshold=1))
    (found,) = correlator.moment(5, [_piece("Ann")])
    piece = piece_of(correlator.rule, found, 5)
    assert (piece.rule, piece.fields) == ("j", {"user": "ann"})
    assert piece.id != piece_of(correlator.rule, found, 6).id


def test_systems_of_a_match_are_those_whose_events_suffice() -> None:
    correlator = Correlator(_rule(threshold=1))
    hit = LogHit(5, "e-1", "ann", None, None, (Asset("digits", "host", "gpu-01"),), "log", 1)
    (found,) = correlator.moment(5, [CorrelationPiece("a", "e-1", {"user": "ann"}, (hit,), ("digits",))])
    assert found.systems == ("digits",)


def test_correlations_stand_after_those_they_refer_to() -> None:
    rules = {"x": _rule(name="x", rules=("y",)), "y": _rule(name="y", rules=("a",))}
    assert [rule.name for rule in in_order(rules)] == ["y", "x"]


def test_a_circle_is_refused() -> None:
    rules = {"x": _rule(name="x", rules=("y",)), "y": _rule(name="y", rules=("x",))}
    with pytest.raises(ValueError, match="refers to itself"):
        list(in_order(rules))
