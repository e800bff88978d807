"""What one search is made of comes together, however many accounts it is split over."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from caponier.detect.calibration.judging import Gathered
from caponier.detect.detector import Subject
from caponier.detect.similarity.cells import Cells
from caponier.engines.cells import by_cell
from caponier.engines.judge import Detection
from caponier.engines.live import LiveScan
from caponier.engines.local import gather, sample, scan
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.shares import EVERYBODY, Share, bucket_of
from caponier.engines.spool import SEPARATOR, Spool, connected, sorted_events
from caponier.records.accused import BUCKET
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from engines.logs import filled, rows
from laws.bad_detectors import Counter

ENCODER = Encoder.fit(FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0), np.zeros((1, 2), np.float32))
CELLS = Cells(np.array([[1, 0]], np.int8), np.array([63]))
"""Two cells: a first feature up to 63, and above."""


class Crowd(Counter):
    """Counts the different queries of a cell."""

    name = "crowd"
    subject = Subject.BUCKET


PLAN = Plan("m", ENCODER, (CalibratedDetector(Crowd(), {}, 7.0),), cells=CELLS)


def first(i: int) -> list[float]:
    """Ten accounts in turn: every fourth query is a step near 100, the others are far from it."""
    return [100.0 + i / 10, 1.0] if i % 4 == 0 else [float(i % 60), float(i % 7)]


@pytest.fixture
def spool() -> Iterator[Spool]:
    with Spool() as opened:
        yield filled(opened, rows(60, principal=lambda i: f"p{i % 10}", input=first))


def peaks(spool: Spool, plan: Plan, share: Share) -> dict[str, float]:
    """Return the largest score of each cell of a share."""
    found = {"crowd": Gathered()}
    gather(spool, plan, share, found)
    return found["crowd"].peaks()


def signature(found: list[Detection]) -> list[tuple[str, str, str, tuple[int, int], float]]:
    return sorted((one.detector, one.kind, one.subject, one.trigger, one.value) for one in found)


def test_queries_of_ten_accounts_are_counted_together(spool: Spool) -> None:
    found = scan(spool, [PLAN]).detections
    # The eighth of the steps near 100 is the event 28; each account sent fewer than two of them.
    assert ("crowd", "bucket", "cell-001", (0, 28), 8.0) in signature(found)


@pytest.mark.parametrize("batch_rows", [1, 7, 1000])
@pytest.mark.parametrize("workers", [1, 2])
def test_neither_batches_nor_workers_change_it(batch_rows: int, workers: int, spool: Spool) -> None:
    if workers == 2:
        shares = [Share(1, 2, turn, turn + 1) for turn in range(2)]
        parts = [peaks(spool, PLAN.parts()[1], share) for share in shares]
        whole = peaks(spool, PLAN.parts()[1], EVERYBODY)
        assert parts[0] | parts[1] == whole
        assert not parts[0].keys() & parts[1].keys()
        return
    result = scan(spool, [PLAN], batch_rows=batch_rows)
    assert signature(result.detections) == signature(scan(spool, [PLAN]).detections)
    assert result.events == 60


def test_a_guard_finds_what_a_scan_finds(spool: Spool) -> None:
    expected = signature(scan(spool, [PLAN]).detections)
    live = LiveScan(PLAN.parts()[1])
    with connected(spool) as connection:
        table = pa.Table.from_batches(sorted_events(connection, "m", 2, 1_000)).sort_by("seq")
    found: list[Detection] = []
    for start in range(0, 60, 7):
        batch = table.slice(start, 7).sort_by([("subject", "ascending"), ("seq", "ascending")])
        found += live.feed(by_cell(batch.combine_chunks().to_batches()[0], CELLS, ENCODER))
    assert signature(found) == expected


def test_both_kinds_of_subject_run_side_by_side_and_events_count_once(spool: Spool) -> None:
    plan = replace(PLAN, lines=(*PLAN.lines, CalibratedDetector(Counter(), {}, 4.0)))
    assert [part.subject for part in plan.parts()] == [Subject.PRINCIPAL, Subject.BUCKET]
    result = scan(spool, [plan])
    assert {(one.detector, one.kind) for one in result.detections} == {("crowd", BUCKET), ("counter", "principal")}
    assert result.events == 60


def test_events_without_an_input_are_in_no_cell() -> None:
    batch = pa.record_batch(
        {
            "time": pa.array([3, 1, 2]),
            "source": pa.array([0, 0, 0], pa.int32()),
            "seq": pa.array([3, 1, 2]),
            "input": pa.array([[100.0, 0.0], None, [90.0, 0.0]], pa.list_(pa.float32())),
        }
    )
    named = by_cell(batch, CELLS, ENCODER)
    assert named.column("seq").to_pylist() == [2, 3]
    assert named.column("subject").to_pylist() == [f"{BUCKET}{SEPARATOR}cell-001"] * 2


def test_without_cells_nobody_is_accused(spool: Spool) -> None:
    assert not scan(spool, [replace(PLAN, cells=None)]).detections


def test_a_sample_is_by_cell(spool: Spool) -> None:
    benign, names = sample(spool, PLAN.parts()[1], 1.0, 1_000)
    assert set(names) == {f"{BUCKET}{SEPARATOR}{name}" for name in CELLS.names}
    assert len(benign) == len({tuple(first(i)) for i in range(60)})
    assert all(isinstance(bucket_of(name), int) for name in names)


def test_callers_who_are_left_out_are_in_no_cell(spool: Spool) -> None:
    crowded = Plan("m", ENCODER, PLAN.lines, cells=CELLS, subject=Subject.BUCKET)
    everybody = peaks(spool, crowded, EVERYBODY)
    without = frozenset({f"principal{SEPARATOR}p{n}" for n in range(0, 10, 2)})
    others = peaks(spool, replace(crowded, without=without), EVERYBODY)
    # Every fourth event is a step near 100, and all of these are by callers with even numbers.
    (near,) = everybody.keys() - others.keys()
    assert near.endswith("cell-001")
    assert sum(others.values()) < sum(everybody.values())
