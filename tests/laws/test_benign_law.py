"""On benign traffic the share of subjects flagged keeps the promise."""

import math

import pytest

from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.detect.detector import EventDetector
from caponier.detect.registry import event_detectors
from caponier.records.accused import accused
from caponier.records.finding import Basis
from conftest import ALPHA, TEACHERS, USERS, World, learns, scanned, world_of
from laws.bad_detectors import Calendar, Counter, Growing
from once import once

pytestmark = pytest.mark.slow

CERTAINTY = 0.999


def most(n: int, bound: float, certainty: float = CERTAINTY) -> int:
    """Return how many of n may pass a bound that holds, with the given certainty (binomial)."""
    total, k = 0.0, -1
    while total < certainty:
        k += 1
        total += math.comb(n, k) * bound**k * (1 - bound) ** (n - k)
    return k


def benign_law(report: ScanReport, bound: float, users: int = USERS) -> None:
    """Hold the benign users whom findings are about against the bound."""
    assert len({who for one in report.findings for who in accused(one)}) <= most(users, bound)


def of(report: ScanReport, detector: str) -> ScanReport:
    return ScanReport([one for one in report.findings if one.detector == detector], [], report.rejected)


@pytest.fixture(scope="session")
def peace(world: World, tmp_path_factory: pytest.TempPathFactory) -> ScanReport:
    return once(tmp_path_factory, "peace", lambda _: scanned(world, world.users))


@pytest.fixture(scope="session")
def enriched_peace(enriched: World, tmp_path_factory: pytest.TempPathFactory) -> ScanReport:
    return once(tmp_path_factory, "enriched-peace", lambda _: scanned(enriched, enriched.users))


@pytest.fixture(scope="session")
def good_will(lesson: World, tmp_path_factory: pytest.TempPathFactory) -> ScanReport:
    return once(tmp_path_factory, "good-will", lambda _: scanned(lesson, lesson.users))


@pytest.mark.parametrize("detector", [name for name in event_detectors() if world_of(name) == "world"])
def test_every_detector_keeps_its_share_of_the_bound(detector: str, peace: ScanReport) -> None:
    benign_law(of(peace, detector), ALPHA)


@pytest.mark.parametrize("detector", [name for name in event_detectors() if world_of(name) == "enriched"])
def test_those_that_read_enrichments_keep_their_share(detector: str, enriched_peace: ScanReport) -> None:
    assert not [note for note in enriched_peace.notes if f"{detector} does not run" in note]
    benign_law(of(enriched_peace, detector), ALPHA)


@pytest.mark.parametrize("detector", [name for name in event_detectors() if learns(name)])
def test_those_who_mean_well_are_not_accused_of_bad_feedback(detector: str, good_will: ScanReport) -> None:
    assert not [skip for skip in good_will.skipped if detector in skip.what]
    benign_law(of(good_will, detector), ALPHA, TEACHERS)


def test_every_detector_together_keeps_the_bound(peace: ScanReport) -> None:
    benign_law(peace, ALPHA)


def test_what_ranks_can_tell_is_a_promise_and_what_they_cannot_an_estimate(attacked_scan: ScanReport) -> None:
    ranked = [one.evidence for one in attacked_scan.findings if one.evidence.share is not None]
    assert {one.basis for one in ranked} == {Basis.PROMISE, Basis.ESTIMATE}
    for one in ranked:
        assert one.share is not None
        assert one.share <= ALPHA
        if one.statistic != "flipping_steps":
            assert (one.basis is Basis.PROMISE) == (one.share * (USERS + 1) >= 1)


def test_nobody_benign_is_flagged_without_a_baseline(world: World) -> None:
    assert not scan_inference([world.users]).findings


def calm(detector: EventDetector, world: World) -> ScanReport:
    baseline = build_baseline([world.benign], alpha=ALPHA, detectors=[detector]).baseline
    return scan_inference([world.users], baseline, detectors=[detector])


def test_a_detector_on_which_everybody_ties_accuses_nobody(world: World) -> None:
    assert not calm(Counter(), world).findings


def test_a_bad_detector_is_caught(world: World) -> None:
    with pytest.raises(AssertionError):
        benign_law(calm(Calendar(), world), ALPHA)


def test_a_score_that_never_forgets_is_judged_by_age(world: World) -> None:
    benign_law(calm(Growing(), world), ALPHA)


@pytest.mark.parametrize(("n", "bound", "limit"), [(1, 0.5, 1), (100, 0.01, 5), (100, 1e-9, 0), (10, 0.999999, 10)])
def test_the_limit_is_that_of_a_binomial(n: int, bound: float, limit: int) -> None:
    assert most(n, bound) == limit
