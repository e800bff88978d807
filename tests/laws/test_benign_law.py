"""On benign traffic the share of subjects flagged keeps the promise."""

import math

import pytest

from caponier.app.build_baseline import build_baseline
from caponier.app.scan_inference import ScanReport, scan_inference
from caponier.detect.detector import EventDetector
from caponier.detect.registry import event_detectors
from caponier.records.finding import Basis
from conftest import BOUND, HORIZON, USERS, World
from laws.bad_detectors import Calendar, Counter, Growing
from laws.runs import registered

HORIZONS = 2
"""Of each user; the second one is only begun."""
CERTAINTY = 0.999


def most(n: int, bound: float, certainty: float = CERTAINTY) -> int:
    """Return how many of n may pass a bound that holds, with the given certainty (binomial)."""
    total, k = 0.0, -1
    while total < certainty:
        k += 1
        total += math.comb(n, k) * bound**k * (1 - bound) ** (n - k)
    return k


def benign_law(report: ScanReport, bound: float) -> None:
    """Hold the findings of one detector among benign users against the bound."""
    assert len(report.findings) <= most(USERS * HORIZONS, bound)


def of(report: ScanReport, detector: str) -> ScanReport:
    return ScanReport([one for one in report.findings if one.detector == detector], [], report.rejected)


@pytest.fixture(scope="module")
def peace(world: World) -> ScanReport:
    return scan_inference([world.users], world.baseline.baseline, workspace=world.workspace, alert_budget=BOUND)


@pytest.mark.parametrize("detector", event_detectors())
def test_every_detector_keeps_its_share_of_the_bound(detector: str, peace: ScanReport) -> None:
    assert BOUND.bound is not None
    benign_law(of(peace, detector), BOUND.bound / len(event_detectors()))


def test_every_detector_together_keeps_the_bound(peace: ScanReport) -> None:
    assert BOUND.bound is not None
    benign_law(peace, BOUND.bound)


def test_the_bound_is_a_promise_here(attacked_scan: ScanReport) -> None:
    assert {finding.evidence.basis for finding in attacked_scan.findings} == {Basis.PROMISE}


def test_nobody_benign_is_flagged_without_a_baseline(world: World) -> None:
    assert not scan_inference([world.users]).findings


def calm(detector: EventDetector, world: World) -> ScanReport:
    with registered(detector):
        baseline = build_baseline([world.benign], horizon=HORIZON).baseline
        return scan_inference([world.users], baseline, alert_budget=BOUND)


def test_a_detector_on_which_everybody_ties_accuses_nobody(world: World) -> None:
    assert not calm(Counter(), world).findings


@pytest.mark.parametrize("detector", [Calendar(), Growing()], ids=["by the date", "never forgets"])
def test_a_bad_detector_is_caught(detector: EventDetector, world: World) -> None:
    with pytest.raises(AssertionError):
        benign_law(calm(detector, world), 0.02)


@pytest.mark.parametrize(("n", "bound", "limit"), [(1, 0.5, 1), (100, 0.01, 5), (100, 1e-9, 0), (10, 0.999999, 10)])
def test_the_limit_is_that_of_a_binomial(n: int, bound: float, limit: int) -> None:
    assert most(n, bound) == limit
