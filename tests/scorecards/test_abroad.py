"""How the scorecard of foreign worlds counts: who was flagged first, what the plain rule sees, and the sums."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from bench.scorecards.foreign.abroad import AT_ITS_SHARE, MARGIN, _first, _near_pairs, _plain, _queries, _summed
from bench.scorecards.foreign.abroad_callers import _mixed

from app.incidents.test_findings import finding
from caponier.engines.spool import SEPARATOR
from caponier.records.accused import NAMES
from caponier.records.event import EVENT_SCHEMA
from caponier.records.finding import Finding, SubjectRef


def raised(number: int, who: str, queries: int) -> Finding:
    return replace(finding(number), subject=SubjectRef("principal", who), unique_queries=queries)


class TestFirst:
    def test_the_earliest_finding_of_a_caller_says_after_how_many_queries(self) -> None:
        found = [raised(9, "a", 90), raised(2, "a", 20), raised(5, "b", 50)]
        assert _first(found) == _first(found[::-1]) == {"a": 20, "b": 50}

    def test_one_about_like_queries_accuses_whom_it_names(self) -> None:
        one = finding(1)
        facts = replace(one.evidence, facts={NAMES: ["a", "b"]})
        cell = replace(one, subject=SubjectRef("bucket", "cell-000"), evidence=facts, unique_queries=7)
        assert _first([cell, raised(3, "a", 30)]) == {"a": 7, "b": 7}

    def test_nothing_found_is_nobody(self) -> None:
        assert _first([]) == {}


def asked(callers: dict[str, np.ndarray], **columns: Any) -> pa.Table:
    """Let callers send inputs (n, d) in turn."""
    lines = sorted((at, who) for who, inputs in callers.items() for at in range(len(inputs)))
    made: dict[str, Any] = {
        "time": [1_767_571_200_000_000 + at * 1_000_000 for at in range(len(lines))],
        "principal": [who for _, who in lines],
        "input": [callers[who][at].tolist() for at, who in lines],
        "label": ["a"] * len(lines),
    } | columns
    return pa.table({name: pa.array(values, EVENT_SCHEMA.field(name).type) for name, values in made.items()})


def strangers(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 6)).astype(np.float32)


def searched(n: int, seed: int, step: float) -> np.ndarray:
    """Return inputs that are each a small step from one place."""
    rng = np.random.default_rng(seed)
    return (0.5 + step * rng.standard_normal((n, 6))).astype(np.float32)


CORNERS = np.array([np.zeros(6), np.ones(6)], np.float32)
"""So that both logs have the same scale."""


class TestNearPairs:
    CALM = asked({f"u{at}": np.vstack([strangers(30, at), CORNERS]) for at in range(8)})

    def test_who_searches_is_flagged_at_the_third_near_pair_or_later(self) -> None:
        log = asked({"u": np.vstack([strangers(30, 99), CORNERS]), "bad": searched(20, 1, 1e-4)})
        found = _near_pairs(self.CALM, log)
        assert list(found) == ["bad"]
        assert 4 <= found["bad"] <= 20

    def test_who_asks_as_those_who_taught_it_is_not(self) -> None:
        assert _near_pairs(self.CALM, self.CALM) == {}

    def test_what_benign_callers_do_in_small_steps_is_no_news(self) -> None:
        """A threshold is a quarter more than the highest of the calibration."""
        assert MARGIN > 1
        taught = asked({"camera": np.vstack([searched(30, 3, 1e-4), CORNERS])})
        log = asked({"camera": np.vstack([searched(30, 4, 1e-4), CORNERS])})
        assert _near_pairs(taught, log) == {}


C, D = f"principal{SEPARATOR}c", f"principal{SEPARATOR}d"

KNOWN = {"steps": {"a": 8.0, "b": 4.0}, "silent": {"a": 0.0, "b": 0.0}}


class TestPlainRule:
    @pytest.mark.parametrize(("steps", "flagged"), [(8.0, []), (10.0, []), (10.1, ["c"])])
    def test_it_asks_for_a_quarter_more_than_the_highest(self, steps: float, flagged: list[str]) -> None:
        assert list(_plain(KNOWN, {"steps": {C: steps}, "silent": {C: 0.0}})) == flagged

    def test_where_all_are_silent_one_and_a_quarter_is_enough(self) -> None:
        later = {"steps": {}, "silent": {C: 1.0, D: 2.0}}
        assert list(_plain(KNOWN, later)) == ["d"]


class TestQueries:
    def test_repeats_of_a_caller_are_no_queries_and_those_of_another_are(self) -> None:
        same = strangers(3, 1)
        found = _queries(asked({"a": np.vstack([same, same]), "b": same}))
        assert sorted(found.who.tolist()) == ["a"] * 3 + ["b"] * 3

    def test_values_are_scaled_to_one_and_a_column_that_never_changes_is_nought(self) -> None:
        inputs = np.vstack([[0, 5, -3], [10, 5, 3], [5, 5, 0]]).astype(np.float32)
        found = _queries(asked({"a": inputs}))
        assert found.inputs.min(axis=0).tolist() == [0, 0, 0]
        assert found.inputs.max(axis=0).tolist() == [1, 0, 1]

    def test_events_without_an_input_or_an_answer_are_left_out(self) -> None:
        inputs = strangers(4, 2)
        events = asked({"a": inputs}, input=[None, *inputs[1:].tolist()], label=["a", None, "a", "b"])
        assert len(_queries(events)) == 2


def row(detector: str, benign: tuple[int, int], attackers: tuple[int, int], low: float = 0.0) -> dict[str, Any]:
    return {
        "detector": detector,
        "benign_flagged": benign[0],
        "benign": benign[1],
        "benign_flagged_low": low,
        "found": attackers[0],
        "attackers": attackers[1],
    }


class TestSums:
    TABLE = (
        row("caponier", (3, 1_000), (9, 10), 0.001),
        row("plain rule", (50, 1_000), (5, 10)),
        {"world": "a", "benign habits flagged": "poller 3"},
        row("caponier", (17, 1_000), (1, 2), 0.009),
        row("plain rule", (0, 1_000), (2, 2)),
    )

    def test_shares_are_of_all_callers_and_not_means_of_shares(self) -> None:
        sums = _summed(self.TABLE)
        assert sums["benign_flagged_share"] == 20 / 2_000
        assert sums["found_share"] == 10 / 12
        assert sums["plain_rule_benign_flagged_share"] == 50 / 2_000
        assert sums["plain_rule_found_share"] == 7 / 12
        assert (sums["benign"], sums["attackers"]) == (2_000, 12)

    def test_the_worst_world_is_told_by_itself(self) -> None:
        sums = _summed(self.TABLE)
        assert sums["benign_flagged_share_of_worst_world_low"] == 0.009
        assert sums["worst_world_found_share"] == 0.5

    def test_what_is_found_at_another_rule_s_share_is_told_beside_that_rule(self) -> None:
        at = [{**one, AT_ITS_SHARE: found} for one, found in zip(self.TABLE[1::3], (8, 2), strict=True)]
        sums = _summed([*self.TABLE[::3], *at])
        assert sums["caponier_found_share_at_plain_rule_share"] == 10 / 12
        assert not any("at_plain" in name for name in _summed(self.TABLE))

    @pytest.mark.parametrize("turn", [1, 2, 3])
    def test_the_order_of_worlds_is_none(self, turn: int) -> None:
        assert _summed(self.TABLE[turn:] + self.TABLE[:turn]) == _summed(self.TABLE)


def test_attackers_are_put_into_the_time_of_the_benign_log_as_far_as_they_fit() -> None:
    hour, start = 3_600_000_000, 1_767_571_200_000_000
    benign, one, other = (
        pa.table({"time": pa.array([start + at * hour for at in hours], pa.timestamp("us", "UTC"))})
        for hours in ((0, 9), (105, 109, 140), (200, 202))
    )
    times = _mixed(benign, [one, other])["time"].cast(pa.int64()).to_pylist()
    assert [(at - start) // hour for at in times] == [0, 3, 6, 7, 8, 9]
