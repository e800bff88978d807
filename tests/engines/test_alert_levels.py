from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

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
PLANS = [replace(PLAN, lines=(CalibratedDetector(Counter(), {}, level),)) for level in (2.0, 4.0, 100.0)]


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


def test_no_plan_gives_nothing(spool: Spool) -> None:
    assert scan_at(spool, []) == []
