from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from caponier.detect.detector import Subject
from caponier.detect.similarity.cells import Cells
from caponier.engines.alert_levels import scan_at
from caponier.engines.local import scan
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.spool import Spool
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from engines.logs import filled, rows
from laws.bad_detectors import Counter

ENCODER = Encoder.fit(FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0), np.zeros((1, 2), np.float32))
PLAN = Plan("m", ENCODER, (CalibratedDetector(Counter(), {}, 2.0),))
LEVELS = (2.0, 4.0, 100.0)
PLANS = [replace(PLAN, lines=(CalibratedDetector(Counter(), {}, level),)) for level in LEVELS]


class Crowd(Counter):
    """Counts the different queries of a cell."""

    name = "crowd"
    subject = Subject.BUCKET


@pytest.fixture
def spool() -> Iterator[Spool]:
    with Spool() as opened:
        yield filled(opened, rows(120, principal=lambda i: f"p{i % 10}", label=lambda i: "ab"[i % 2]))


def seen(detections: list[object]) -> list[tuple[object, ...]]:
    return sorted((one.subject, one.trigger, one.queries, one.value) for one in detections)  # type: ignore[attr-defined]


@pytest.mark.parametrize("batch_rows", [1, 7, 1_000])
def test_each_level_gives_what_a_scan_of_its_own_gives(batch_rows: int, spool: Spool) -> None:
    together = scan_at(spool, PLANS, batch_rows)
    for plan, found in zip(PLANS, together, strict=True):
        assert seen(list(found)) == seen(list(scan(spool, [plan]).detections))
    assert [bool(found) for found in together] == [True, True, False]


def test_a_cell_is_told_once_at_each_level_though_whole_batches_have_none_of_its_queries() -> None:
    cells = Cells(np.array([[1, 0]], np.int8), np.array([63]))
    plans = [replace(PLAN, lines=(CalibratedDetector(Crowd(), {}, level),), cells=cells) for level in LEVELS]
    in_turn = rows(96, principal=lambda i: f"p{i % 10}", input=lambda i: [64.0 * (i // 16 % 2), float(i)])
    with Spool() as spool:
        filled(spool, in_turn)
        together = scan_at(spool, plans, 1)
        for plan, found in zip(plans, together, strict=True):
            assert seen(list(found)) == seen(list(scan(spool, [plan]).detections))
    assert [len(found) for found in together] == [2, 2, 0]


def test_no_plan_gives_nothing(spool: Spool) -> None:
    assert scan_at(spool, []) == []
