"""A detector fires on its emulations and is silent on its controls."""

from collections import Counter as Tally
from unittest.mock import patch

import pytest

from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.detect.detector import EventDetector
from caponier.detect.registry import event_detectors
from caponier.emulate.registry import attacks, campaigns, habits, harmless_sources, newcomers, probes, sources
from caponier.records.accused import accused
from conftest import RUNS, World, world_of
from laws.bad_detectors import Boastful, Counter, Misspelt, Nervous

pytestmark = pytest.mark.slow

SCANS = {"world": "attacked_scan", "lesson": "lesson_scan", "enriched": "enriched_scan"}
ENOUGH = 3
"""Runs of five on which it must fire: an attack can be over before there is anything to see."""


def proof_law(detector: EventDetector, flagged: Tally[str]) -> None:
    """Hold the number of flagged subjects, by attack and habit, against what the detector says of itself."""
    bad = sources().keys() - harmless_sources().keys()
    unknown = {*detector.emulations} - {*attacks(), *campaigns(), *probes(), *bad}
    unknown |= {*detector.controls} - {*habits(), *newcomers(), *harmless_sources()}
    assert not unknown, f"{detector.name} names {unknown}, and there is no such emulation or habit"
    for emulation in detector.emulations:
        assert flagged[emulation] >= ENOUGH, f"{detector.name} saw {flagged[emulation]} of {RUNS} runs of {emulation}"
    for control in detector.controls:
        assert flagged[control] == 0, f"{detector.name} accuses {flagged[control]} users with the habit {control}"


def flagged_by(report: ScanReport, detector: str) -> Tally[str]:
    """Count flagged subjects by the habit or attack that their name begins with."""
    named = {who for finding in report.findings if finding.detector == detector for who in accused(finding)}
    return Tally(kind(name) for name in named)


def kind(principal: str) -> str:
    """Return the habit, attack or source in `<attack>-<i>`, `attacker-<source>-<i>` and `<habit>-<seed>-<i>`."""
    name = principal.removeprefix("attacker-")
    return name.rsplit("-", 2)[0] if name.count("-") > 1 else name.rsplit("-", 1)[0]


@pytest.mark.parametrize("detector", event_detectors().values(), ids=lambda detector: detector.name)
def test_every_detector_proves_itself(detector: EventDetector, request: pytest.FixtureRequest) -> None:
    assert detector.emulations
    assert detector.controls
    scan: ScanReport = request.getfixturevalue(SCANS[world_of(detector.name)])
    proof_law(detector, flagged_by(scan, detector.name))


def test_every_detector_is_held_against_every_habit_and_attack(world: World, lesson: World) -> None:
    names = {*world.events["principal"].to_pylist(), *lesson.events["principal"].to_pylist()}
    everybody = {*attacks(), *campaigns(), *probes(), *habits(), *newcomers(), *sources()}
    assert everybody <= {kind(name) for name in names}


def proven(detector: EventDetector, world: World, threshold: float) -> None:
    with patch.object(type(detector), "priors", lambda _: ({}, threshold)):
        report = scan_inference([world.attacked], detectors=[detector])
    proof_law(detector, flagged_by(report, detector.name))


def test_a_detector_that_claims_nothing_breaks_nothing(world: World) -> None:
    proven(Counter(), world, 10)


def test_a_bad_detector_that_does_not_see_its_attack_is_caught(world: World) -> None:
    with pytest.raises(AssertionError, match="saw 0 of 5 runs of hop_skip_jump"):
        proven(Boastful(), world, 10)


def test_a_bad_detector_that_accuses_its_control_is_caught(world: World) -> None:
    with pytest.raises(AssertionError, match="habit poller"):
        proven(Nervous(), world, 10)


def test_a_bad_detector_that_names_an_unknown_habit_is_caught() -> None:
    with pytest.raises(AssertionError, match="polller"):
        proof_law(Misspelt(), Tally())
