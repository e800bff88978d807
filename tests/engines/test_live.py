"""The live engine gives what a scan gives, within its memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params, Scores, State
from caponier.detect.registry import event_detectors
from caponier.detect.similarity.nearest_query import state_dtype
from caponier.engines import subjects
from caponier.engines.judge import Detection
from caponier.engines.live import TOGETHER_BYTES, LiveScan
from caponier.engines.local import scan
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.spool import Spool, connected, sorted_events
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from engines.logs import filled, rows
from laws.bad_detectors import Counter

ENCODER = Encoder.fit(FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0), np.zeros((1, 2), np.float32))
COUNTING = Plan("m", ENCODER, (CalibratedDetector(Counter(), {}, 2.0),))
LEARNED = {
    "cutoffs": np.linspace(1, 400, 16),
    "crowded": np.linspace(1, 400, 16),
    "near": np.array([1e9, -1.0]),
    "even": np.arange(900, 916),
}
SEARCHING = Plan("m", ENCODER, (CalibratedDetector(event_detectors()["iterative_query"], LEARNED, 60.0),))


@pytest.fixture
def spool() -> Iterator[Spool]:
    """Ten users of twelve queries each, all mixed."""
    with Spool() as opened:
        yield filled(opened, rows(120, principal=lambda i: f"p{i % 10}", label=lambda i: "ab"[i // 10 % 2]))


def arrivals(spool: Spool, size: int) -> Iterator[pa.RecordBatch]:
    """Yield the events as they came, some at a time, each batch sorted by subject as a guard does."""
    with connected(spool) as connection:
        table = pa.Table.from_batches(sorted_events(connection, "m", 2, 1_000)).sort_by("seq")
    for start in range(0, table.num_rows, size):
        part = table.slice(start, size).sort_by([("subject", "ascending"), ("seq", "ascending")])
        yield part.combine_chunks().to_batches()[0]


def signature(found: list[Detection]) -> set[tuple[str, str, tuple[int, int], float]]:
    return {(one.detector, one.subject, one.trigger, one.value) for one in found}


@pytest.mark.parametrize("plan", [COUNTING, SEARCHING], ids=["counter", "iterative_query"])
@pytest.mark.parametrize("size", [1, 7, 120])
def test_events_as_they_come_give_what_a_scan_gives(plan: Plan, size: int, spool: Spool) -> None:
    live = LiveScan(plan)
    found = [one for batch in arrivals(spool, size) for one in live.feed(batch)]
    expected = signature(scan(spool, [plan]).detections)
    assert expected
    assert signature(found) == expected


def test_explanations_are_those_of_a_scan(spool: Spool) -> None:
    live = LiveScan(SEARCHING)
    found = {one.trigger: one.explanation.summary for batch in arrivals(spool, 1) for one in live.feed(batch)}
    assert found == {one.trigger: one.explanation.summary for one in scan(spool, [SEARCHING]).detections}


def test_callers_who_change_their_name_cannot_fill_the_memory(spool: Spool) -> None:
    live = LiveScan(COUNTING, most_subjects=3)
    for batch in arrivals(spool, 1):
        live.feed(batch)
    assert len(live) == 3


def test_whoever_was_silent_longest_is_forgotten_first() -> None:
    with Spool() as spool:
        who = ["a", "b", "a", "c", "a", "d", "a"]
        filled(spool, rows(7, principal=lambda i: who[i]))
        live = LiveScan(COUNTING, most_subjects=2)
        found = [one.subject for batch in arrivals(spool, 1) for one in live.feed(batch)]
    assert found == ["a"], "a comes every second time and is remembered all along"


def test_a_batch_without_events_and_one_without_inputs_are_fine(spool: Spool) -> None:
    live = LiveScan(SEARCHING)
    (batch, *_) = arrivals(spool, 7)
    assert live.feed(batch.slice(0, 0)) == []
    at = batch.schema.get_field_index("input")
    bare = batch.set_column(at, "input", pa.nulls(batch.num_rows, batch.schema.field("input").type))
    assert live.feed(bare) == []
    assert live.feed(bare.slice(0, 1)) == []
    assert len(live) == len(set(bare["subject"].to_pylist()))


class Fragile(Counter):
    """A counter that fails wherever events of one caller are, once or always."""

    def __init__(self, victim: int) -> None:
        self.name, self.victim, self.asked, self.broken = "fragile", victim, 0, True

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        after, scores = super().score(params, state, batch)
        if self.broken and self.victim in batch.seq % 10:
            state["count"] = 99
            raise ArithmeticError("a secret of the caller")
        return after, scores


@pytest.fixture
def fragile() -> Fragile:
    return Fragile(3)


def both(fragile: Fragile) -> Plan:
    return Plan("m", ENCODER, (CalibratedDetector(Counter(), {}, 2.0), CalibratedDetector(fragile, {}, 2.0)))


def test_a_detector_that_fails_for_one_caller_goes_on_for_the_others_and_so_do_the_other_detectors(
    spool: Spool, fragile: Fragile
) -> None:
    failures: list[tuple[str, str]] = []
    live = LiveScan(both(fragile), failed=lambda where, failure: failures.append((where, type(failure).__name__)))
    found = signature([one for batch in arrivals(spool, 40) for one in live.feed(batch)])
    fragile.broken = False
    sound = signature(scan(spool, [both(fragile)]).detections)
    assert found == {one for one in sound if (one[0], one[1]) != ("fragile", "p3")}
    assert len(found) < len(sound)
    assert failures == [("fragile", "ArithmeticError")] * 3, "once for each batch: it is asked again with the next"


def test_a_detector_that_recovers_goes_on_from_what_it_remembered(spool: Spool, fragile: Fragile) -> None:
    live = LiveScan(both(fragile), failed=lambda *_: None)
    first, *rest = arrivals(spool, 40)
    live.feed(first)
    fragile.broken = False
    found = signature([one for batch in rest for one in live.feed(batch)])
    assert {one[1] for one in found if one[0] == "fragile"} >= {"p3"}
    assert all(value < 99 for *_, value in found), "what a failing detector wrote to is thrown away"


def test_a_detector_that_cannot_explain_itself_has_found_it_all_the_same(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a secret of the caller")

    monkeypatch.setattr(Counter, "explain", broken)
    failures: list[str] = []
    live = LiveScan(COUNTING, failed=lambda where, _: failures.append(where))
    found = [one for batch in arrivals(spool, 7) for one in live.feed(batch)]
    assert signature(found)
    assert len(failures) == len(found)
    assert all("secret" not in one.explanation.summary for one in found)


def test_events_that_cannot_be_scored_at_all_cost_only_their_caller(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    label_codes = subjects.label_codes

    def sometimes(labels: pa.Array) -> Any:
        if "bad" in labels.to_pylist():
            raise OverflowError
        return label_codes(labels)

    monkeypatch.setattr(subjects, "label_codes", sometimes)
    failures: list[str] = []
    live = LiveScan(SEARCHING, failed=lambda where, _: failures.append(where))
    found = []
    for batch in arrivals(spool, 30):
        bad = [
            "bad" if who.endswith("p3") else label
            for who, label in zip(batch["subject"].to_pylist(), batch["label"].to_pylist(), strict=True)
        ]
        spoilt = batch.set_column(batch.schema.get_field_index("label"), "label", pa.array(bad, pa.string()))
        found += live.feed(spoilt)
    assert failures == ["scoring"] * 4
    assert signature(found) == {one for one in signature(scan(spool, [SEARCHING]).detections) if one[1] != "p3"}


def test_without_somebody_to_tell_a_failure_is_raised(spool: Spool, fragile: Fragile) -> None:
    live = LiveScan(both(fragile))
    (batch, *_) = arrivals(spool, 40)
    with pytest.raises(ArithmeticError):
        live.feed(batch)


class Called(Counter):
    """A counter that tells of how many subjects it was asked at once, and fails where one of them is."""

    def __init__(self, victim: int | None = None) -> None:
        self.victim = victim
        self.together: list[int] = []

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        self.together.append(batch.subjects)
        if self.victim in batch.seq:
            raise ArithmeticError
        return super().score(params, state, batch)


def crowd(subjects: int, width: int = 2) -> pa.RecordBatch:
    """One event of each of many subjects."""
    n = np.arange(subjects)
    flat = pa.array((n[:, None] + np.zeros(width)).astype(np.float32).ravel())
    return pa.record_batch(
        {
            "subject": pa.array([f"principal\x1fp{at:04}" for at in n.tolist()]),
            "time": pa.array(n),
            "source": pa.array(n.astype(np.int32) * 0),
            "seq": pa.array(n),
            "line": pa.array(n),
            "input": pa.ListArray.from_arrays(pa.array(np.arange(0, len(flat) + 1, width, np.int32)), flat),
            "label": pa.array(["a"] * subjects),
        }
    )


def test_many_callers_are_scored_in_few_goes_and_wide_inputs_in_goes_that_fit_the_cache() -> None:
    narrow, wide = Called(), Called()
    LiveScan(Plan("m", ENCODER, (CalibratedDetector(narrow, {}, 2.0),))).feed(crowd(600))
    assert narrow.together == [256, 256, 88]
    spec = FeatureSpec(kind="numeric", shape=(500,), minimum=0.0, maximum=127.0)
    encoder = Encoder.fit(spec, np.zeros((1, 500), np.float32))
    LiveScan(Plan("m", encoder, (CalibratedDetector(wide, {}, 2.0),))).feed(crowd(100, 500))
    assert sum(wide.together) == 100
    assert 16 < max(wide.together) <= TOGETHER_BYTES // state_dtype(encoder.width).itemsize < 100


def test_one_caller_at_whom_a_detector_fails_costs_some_calls_and_not_one_a_caller() -> None:
    broken, failures = Called(victim=77), []
    live = LiveScan(
        Plan("m", ENCODER, (CalibratedDetector(broken, {}, 2.0),)), failed=lambda where, _: failures.append(where)
    )
    live.feed(crowd(256))
    assert failures == [broken.name]
    assert len(broken.together) <= 2 * 8 + 1


def test_one_caller_whose_events_cannot_be_scored_costs_some_passes_and_not_one_a_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passes, label_codes = [], subjects.label_codes

    def sometimes(labels: pa.Array) -> Any:
        passes.append(len(labels))
        if "bad" in labels.to_pylist():
            raise OverflowError
        return label_codes(labels)

    monkeypatch.setattr(subjects, "label_codes", sometimes)
    failures: list[str] = []
    live = LiveScan(COUNTING, failed=lambda where, _: failures.append(where))
    batch = crowd(256)
    live.feed(batch.set_column(6, "label", pa.array(["bad" if at == 77 else "a" for at in range(256)])))
    assert failures == ["scoring"]
    assert len(passes) <= 2 * 8 + 1
    assert len(live) == 256
