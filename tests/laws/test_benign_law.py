"""On benign traffic the share of subjects flagged keeps the promise."""

import math

import pytest

from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.detect.detector import EventDetector
from caponier.detect.registry import event_detectors
from caponier.records.finding import Basis
from conftest import BOUND, HORIZON, PROMISED, TEACHERS, USERS, World, learns, world_of
from laws.bad_detectors import Calendar, Counter, Growing

pytestmark = pytest.mark.slow

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


def benign_law(report: ScanReport, bound: float, users: int = USERS) -> None:
    """Hold the findings of one detector among benign users against the bound."""
    assert len(report.findings) <= most(users * HORIZONS, bound)


def of(report: ScanReport, detector: str) -> ScanReport:
    return ScanReport([one for one in report.findings if one.detector == detector], [], report.rejected)


@pytest.fixture(scope="module")
def peace(world: World) -> ScanReport:
    return scan_inference([world.users], world.baseline.baseline, workspace=world.workspace, alert_budget=BOUND)


@pytest.fixture(scope="module")
def enriched_peace(enriched: World) -> ScanReport:
    return scan_inference(
        [enriched.users], enriched.baseline.baseline, workspace=enriched.workspace, alert_budget=BOUND
    )


@pytest.fixture(scope="module")
def good_will(lesson: World) -> ScanReport:
    return scan_inference([lesson.users], lesson.baseline.baseline, workspace=lesson.workspace, alert_budget=BOUND)


@pytest.mark.parametrize("detector", [name for name in event_detectors() if world_of(name) == "world"])
def test_every_detector_keeps_its_share_of_the_bound(detector: str, peace: ScanReport) -> None:
    assert BOUND.bound is not None
    benign_law(of(peace, detector), BOUND.bound / len(event_detectors()))


@pytest.mark.parametrize("detector", [name for name in event_detectors() if world_of(name) == "enriched"])
def test_those_that_read_enrichments_keep_their_share(detector: str, enriched_peace: ScanReport) -> None:
    assert BOUND.bound is not None
    assert not [note for note in enriched_peace.notes if f"{detector} does not run" in note]
    benign_law(of(enriched_peace, detector), BOUND.bound / len(event_detectors()))


@pytest.mark.parametrize("detector", [name for name in event_detectors() if learns(name)])
def test_those_who_mean_well_are_not_accused_of_bad_feedback(detector: str, good_will: ScanReport) -> None:
    assert BOUND.bound is not None
    assert not [skip for skip in good_will.skipped if detector in skip.what]
    benign_law(of(good_will, detector), BOUND.bound / len(event_detectors()), TEACHERS)


def test_every_detector_together_keeps_the_bound(peace: ScanReport) -> None:
    assert BOUND.bound is not None
    benign_law(peace, BOUND.bound)


def test_the_bound_is_a_promise_here_if_few_share_it(world: World) -> None:
    """Among all detectors two in a hundred are too little for a rank among so few users."""
    few = [event_detectors()[name] for name in PROMISED]
    known = world.baseline.baseline
    report = scan_inference([world.attacked], known, workspace=world.workspace, alert_budget=BOUND, detectors=few)
    assert {finding.detector for finding in report.findings} == set(PROMISED)
    assert {finding.evidence.basis for finding in report.findings} == {Basis.PROMISE}


def test_nobody_benign_is_flagged_without_a_baseline(world: World) -> None:
    assert not scan_inference([world.users]).findings


def calm(detector: EventDetector, world: World) -> ScanReport:
    baseline = build_baseline([world.benign], horizon=HORIZON, detectors=[detector]).baseline
    return scan_inference([world.users], baseline, alert_budget=BOUND, detectors=[detector])


def test_a_detector_on_which_everybody_ties_accuses_nobody(world: World) -> None:
    assert not calm(Counter(), world).findings


@pytest.mark.parametrize("detector", [Calendar(), Growing()], ids=["by the date", "never forgets"])
def test_a_bad_detector_is_caught(detector: EventDetector, world: World) -> None:
    with pytest.raises(AssertionError):
        benign_law(calm(detector, world), 0.02)


@pytest.mark.parametrize(("n", "bound", "limit"), [(1, 0.5, 1), (100, 0.01, 5), (100, 1e-9, 0), (10, 0.999999, 10)])
def test_the_limit_is_that_of_a_binomial(n: int, bound: float, limit: int) -> None:
    assert most(n, bound) == limit
