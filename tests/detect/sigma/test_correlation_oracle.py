"""Correlations against brute force that looks at every event again and again, and knows which touch an ML system."""

from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.log import LogMatch
from caponier.detect.sigma.compiler import Compiled
from caponier.records.inventory import System
from caponier.telemetry.security_logs.events import LogEvent
from detect.sigma.events import BEGIN, SECOND, SYSTEM, compiled, event, joint, plain, run

OTHER = System(name="speech", hosts=("tpu-02",))
SYSTEMS = (SYSTEM, OTHER)
HOSTS = {"desk": None, "gpu-01": "digits", "tpu-02": "speech"}
KINDS = [plain(kind, {"kind": kind}) for kind in "abc"]
SPAN = 6


class Line(NamedTuple):
    """One event: second, which rule it matches, whose it is, where."""

    second: int
    kind: str
    user: str
    host: str


Told = dict[tuple[int, str], frozenset[str]]
"""Second and user of each match to the ML systems that it is told about."""

logs = st.lists(
    st.builds(
        Line,
        st.integers(0, 14),
        st.sampled_from("abc"),
        st.sampled_from(["ann", "bob"]),
        # Most events are elsewhere, so that those on ML systems are easily hidden.
        st.sampled_from(["desk", "desk", "desk", "gpu-01", "tpu-02"]),
    ),
    max_size=16,
)


def events_of(log: list[Line]) -> list[LogEvent]:
    return [
        event(line.second, line=n, kind=line.kind, user=line.user, host=line.host, n=n) for n, line in enumerate(log)
    ]


def told(matches: list[LogMatch], rule: str = "joint") -> Told:
    return {
        ((match.time - BEGIN) // SECOND, str(match.trigger.account)): frozenset(match.systems)
        for match in matches
        if match.rule.name == f"sigma:{rule}"
    }


def systems_in(lines: list[Line]) -> frozenset[str]:
    return frozenset(name for line in lines if (name := HOSTS[line.host]))


def moments(log: list[Line]) -> list[tuple[int, str]]:
    return sorted({(line.second, line.user) for line in log})


def window(log: list[Line], second: int, user: str) -> list[Line]:
    return [line for line in log if line.user == user and second - SPAN <= line.second <= second]


def expected_temporal(log: list[Line]) -> Told:
    found: Told = {}
    for second, user in moments(log):
        held = window(log, second, user)
        if {"a", "b", "c"} <= {line.kind for line in held}:
            found[second, user] = systems_in(held)
    return found


def expected_ordered(log: list[Line]) -> Told:
    """Every triple in order, each later than the one before it, which ends at some moment."""
    found: Told = {}
    for second, user in moments(log):
        held = window(log, second, user)
        by_kind = [[line for line in held if line.kind == kind] for kind in "abc"]
        chains = [chain for chain in product(*by_kind) if chain[0].second < chain[1].second < chain[2].second]
        # The condition is asked whenever something of the group happens, and holds while a chain is in the window.
        if chains:
            found[second, user] = frozenset().union(*(systems_in(list(chain)) for chain in chains))
    return found


def expected_count(log: list[Line], least: int) -> Told:
    found: Told = {}
    for second, user in moments(log):
        held = [line for line in window(log, second, user) if line.kind == "a"]
        if len(held) >= least and any(line.second == second for line in held):
            by_system = {name: sum(HOSTS[line.host] == name for line in held) for name in ("digits", "speech")}
            # Only a system at which something happens now can be told now.
            now = systems_in([line for line in held if line.second == second])
            found[second, user] = frozenset(name for name, count in by_system.items() if count >= least and name in now)
    return found


TEMPORAL = compiled(*KINDS, joint("joint", "temporal", ["a", "b", "c"], f"{SPAN}s"))
ORDERED = compiled(*KINDS, joint("joint", "temporal_ordered", ["a", "b", "c"], f"{SPAN}s"))
COUNTED = {
    least: compiled(*KINDS, joint("joint", "event_count", ["a"], f"{SPAN}s", condition={"gte": least}))
    for least in (1, 2, 3)
}


def said(rules: Compiled, log: list[Line]) -> Told:
    return told(run(rules, events_of(log), batch=5, systems=SYSTEMS))


@settings(max_examples=200, deadline=None)
@given(log=logs)
def test_temporal_tells_every_system_that_the_window_touches(log: list[Line]) -> None:
    assert said(TEMPORAL, log) == expected_temporal(log)


@settings(max_examples=250, deadline=None)
@given(log=logs)
def test_an_order_is_told_for_every_system_that_some_chain_touches(log: list[Line]) -> None:
    ours, theirs = said(ORDERED, log), expected_ordered(log)
    assert ours.keys() == theirs.keys()
    for moment, systems in ours.items():
        # One chain a system is kept, the one that began last, so nothing may be told that no chain has.
        assert systems <= theirs[moment]
        assert bool(systems) is bool(theirs[moment]), "a chain on an ML system is never mere context"


@settings(max_examples=150, deadline=None)
@given(log=logs, least=st.sampled_from([1, 2, 3]))
def test_counts_hold_for_a_system_by_itself(log: list[Line], least: int) -> None:
    assert said(COUNTED[least], log) == expected_count(log, least)


@pytest.mark.parametrize("kind", ["temporal", "temporal_ordered"])
@pytest.mark.parametrize(
    "hosts",
    [("gpu-01", "desk", "desk", "desk"), ("desk", "desk", "gpu-01", "desk"), ("desk", "desk", "desk", "gpu-01")],
)
def test_more_of_the_same_elsewhere_hides_no_ml_system(kind: str, hosts: tuple[str, ...]) -> None:
    """An attacker who repeats each step on an office machine must not turn a finding into silent context."""
    rules = compiled(*KINDS, joint("joint", kind, ["a", "b"], "60s"))
    log = [Line(n, step, "ann", host) for n, (step, host) in enumerate(zip("aabb", hosts, strict=True))]
    systems = [systems for systems in said(rules, log).values() if systems]
    assert systems, "told nowhere"
    assert set().union(*systems) == {"digits"}


def test_the_evidence_holds_the_trigger() -> None:
    rules = compiled(*KINDS, joint("joint", "temporal_ordered", ["a", "b"], "60s"))
    log = [Line(1, "a", "ann", "desk"), *(Line(second, "b", "ann", "desk") for second in range(2, 9))]
    matches = [match for match in run(rules, events_of(log)) if match.rule.name == "sigma:joint"]
    assert len(matches) == 7
    for match in matches:
        assert match.trigger in match.hits
        assert [hit.time for hit in match.hits] == sorted(hit.time for hit in match.hits)


def test_an_order_forgets_systems_with_their_chain() -> None:
    rules = compiled(*KINDS, joint("joint", "temporal_ordered", ["a", "b"], f"{SPAN}s"))
    old = [Line(0, "a", "ann", "gpu-01"), Line(5, "a", "ann", "desk")]
    assert said(rules, [*old, Line(SPAN, "b", "ann", "desk")]) == {(SPAN, "ann"): frozenset({"digits"})}
    assert said(rules, [*old, Line(SPAN + 1, "b", "ann", "desk")]) == {(SPAN + 1, "ann"): frozenset()}


def test_a_chain_within_a_chain_keeps_its_systems() -> None:
    child = joint("many", "event_count", ["b"], f"{SPAN}s", condition={"gte": 2})
    rules = compiled(*KINDS, child, joint("joint", "temporal_ordered", ["a", "many"], f"{3 * SPAN}s"))
    log = [
        Line(0, "a", "ann", "gpu-01"),
        Line(1, "a", "ann", "desk"),
        Line(3, "b", "ann", "desk"),
        Line(4, "b", "ann", "desk"),
    ]
    assert said(rules, log) == {(4, "ann"): frozenset({"digits"})}
