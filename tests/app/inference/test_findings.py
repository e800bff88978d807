"""Whom a finding accuses: its subject, or everybody whom one about like queries names."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from caponier.app.inference.findings import NAMED, NAMES, Sight, accused, finding_of
from caponier.app.inference.plan import Case
from caponier.detect.calibration.judging import Threshold
from caponier.detect.detector import Explanation
from caponier.detect.registry import event_detectors
from caponier.engines.local import Detection, Plan
from caponier.records.finding import Basis
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder

SPEC = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=1.0)
PLAN = Plan("m", Encoder.fit(SPEC, np.zeros((1, 2), np.float32)), 20, ())
CASE = Case(PLAN, dict(event_detectors()), {"distributed_query": Threshold(48, Basis.COLD_START, 0.01, None)})
NOW = datetime(2026, 1, 5, tzinfo=UTC)
FOUND = Detection(
    detector="distributed_query",
    model="m",
    kind="bucket",
    subject="cell-01a",
    value=80.0,
    queries=12,
    trigger=(0, 9),
    evidence=((0, 8), (0, 9)),
    explanation=Explanation("Steps are small", {"flips": 2}, np.array([8, 9])),
)


def sight(principals: tuple[str, ...]) -> Sight:
    return Sight("e-9", ("e-8", "e-9"), NOW, NOW + timedelta(seconds=1), None, "1", principals)


def test_a_finding_about_like_queries_accuses_whoever_sent_them() -> None:
    finding = finding_of(FOUND, CASE, sight(("ann", "bob")), None)
    assert finding.subject.kind == "bucket"
    assert accused(finding) == {"ann", "bob"}
    assert finding.evidence.facts["principals"] == 2
    assert finding.summary.endswith(". 2 principals sent them")


def test_it_counts_all_and_names_the_first_of_them() -> None:
    crowd = tuple(f"p{number}" for number in range(NAMED + 10))
    finding = finding_of(FOUND, CASE, sight(crowd), None)
    assert finding.evidence.facts["principals"] == NAMED + 10
    assert finding.evidence.facts[NAMES] == list(crowd[:NAMED])
    assert accused(finding) == set(crowd[:NAMED])


def test_where_the_log_names_nobody_nobody_is_accused() -> None:
    assert accused(finding_of(FOUND, CASE, sight(()), None)) == frozenset()


@pytest.mark.parametrize("kind", ["principal", "session", "address"])
def test_any_other_finding_accuses_its_subject(kind: str) -> None:
    finding = finding_of(replace(FOUND, kind=kind, subject="eve"), CASE, sight(("ann",)), None)
    assert accused(finding) == {"eve"}
    assert NAMES not in finding.evidence.facts
