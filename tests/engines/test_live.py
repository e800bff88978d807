"""The live engine gives what a scan gives, within its memory."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from caponier.detect.registry import event_detectors
from caponier.engines.live import LiveScan
from caponier.engines.local import Detection, Line, Plan, scan
from caponier.engines.spool import Spool, connected, sorted_events
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from engines.logs import filled, rows
from laws.bad_detectors import Counter

ENCODER = Encoder.fit(FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0), np.zeros((1, 2), np.float32))
COUNTING = Plan("m", ENCODER, 5, (Line(Counter(), {}, 2.0),))
LEARNED = {
    "cutoffs": np.linspace(1, 400, 16),
    "crowded": np.linspace(1, 400, 16),
    "near": np.array([1e9, -1.0]),
    "even": np.arange(900, 916),
}
SEARCHING = Plan("m", ENCODER, 20, (Line(event_detectors()["iterative_query"], LEARNED, 60.0),))


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
