"""Every engine finds the same: today one process and two, and a log whose rows are shuffled."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.detect.detector import EventDetector
from caponier.detect.registry import event_detectors
from conftest import World, learns, world_of
from laws.bad_detectors import Bookish, Counter, Hoarder
from laws.runs import scanned
from laws.streams import TYPICAL
from once import once

pytestmark = pytest.mark.slow


def engine_law(*found: set[Any]) -> None:
    """Hold the findings of several engines, or of several orders of the log, against each other."""
    assert found[0], "nothing was found, so nothing is shown"
    assert all(other == found[0] for other in found[1:])


def ids(report: ScanReport, detector: str) -> set[str]:
    return {finding.finding_id for finding in report.findings if finding.detector == detector}


def shuffled(events: pa.Table, seed: int) -> pa.Table:
    """Put rows in any order; equal times keep theirs."""
    _, group = np.unique(events["time"].cast(pa.int64()).to_numpy(), return_inverse=True)
    turn = np.random.default_rng(seed).permutation(group.max() + 1)
    return events.take(pa.array(np.argsort(turn[group], kind="stable")))


class HerePool:
    """A pool of processes without processes, so that detectors of the tests can be found in them."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> "HerePool":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(work(*arguments))
        return future


def by_two(world: World) -> ScanReport:
    return scan_inference([world.attacked], world.baseline.baseline, workspace=world.workspace, workers=2)


@pytest.fixture(scope="session")
def two_processes(world: World, tmp_path_factory: pytest.TempPathFactory) -> ScanReport:
    return once(tmp_path_factory, "two-processes", lambda _: by_two(world))


def mixed_up(world: World, folder: Path) -> ScanReport:
    log = folder / "log.parquet"
    pq.write_table(shuffled(world.events, 3), log)
    report = scan_inference([log], world.baseline.baseline, workspace=world.workspace)
    assert not [reason for reason in report.rejected.reasons if "late" in reason]
    return report


@pytest.fixture(scope="session")
def out_of_order(world: World, tmp_path_factory: pytest.TempPathFactory) -> ScanReport:
    return once(tmp_path_factory, "out-of-order", lambda folder: mixed_up(world, folder))


@pytest.fixture(scope="session")
def lesson_otherwise(lesson: World, tmp_path_factory: pytest.TempPathFactory) -> list[ScanReport]:
    """What two processes find, and what is found in any order."""
    return once(tmp_path_factory, "lesson-otherwise", lambda folder: [by_two(lesson), mixed_up(lesson, folder)])


@pytest.fixture(scope="session")
def enriched_otherwise(enriched: World, tmp_path_factory: pytest.TempPathFactory) -> list[ScanReport]:
    return once(tmp_path_factory, "enriched-otherwise", lambda folder: [by_two(enriched), mixed_up(enriched, folder)])


@pytest.mark.parametrize("detector", [name for name in event_detectors() if learns(name)])
def test_what_is_about_feedback_finds_the_same_however_it_is_read(
    detector: str, lesson_scan: ScanReport, lesson_otherwise: list[ScanReport]
) -> None:
    engine_law(*(ids(report, detector) for report in (lesson_scan, *lesson_otherwise)))


@pytest.mark.parametrize("detector", [name for name in event_detectors() if world_of(name) == "enriched"])
def test_what_reads_enrichments_finds_the_same_however_it_is_read(
    detector: str, enriched_scan: ScanReport, enriched_otherwise: list[ScanReport]
) -> None:
    engine_law(*(ids(report, detector) for report in (enriched_scan, *enriched_otherwise)))


@pytest.mark.parametrize("detector", [name for name in event_detectors() if world_of(name) == "world"])
def test_every_detector_finds_the_same_in_two_processes(
    detector: str, attacked_scan: ScanReport, two_processes: ScanReport
) -> None:
    engine_law(ids(attacked_scan, detector), ids(two_processes, detector))


@pytest.mark.parametrize("detector", [name for name in event_detectors() if world_of(name) == "world"])
def test_every_detector_finds_the_same_in_a_shuffled_log(
    detector: str, attacked_scan: ScanReport, out_of_order: ScanReport
) -> None:
    engine_law(ids(attacked_scan, detector), ids(out_of_order, detector))


def test_two_processes_say_the_same_to_the_last_word(attacked_scan: ScanReport, two_processes: ScanReport) -> None:
    assert attacked_scan.findings == two_processes.findings


def shared_out(detector: EventDetector) -> list[set[Any]]:
    with patch("caponier.engines.local.ProcessPoolExecutor", HerePool):
        return [set(map(str, scanned(detector, TYPICAL, 30.0, 50, workers))) for workers in (1, 2)]


def test_a_bad_detector_that_hoards_is_caught() -> None:
    engine_law(*shared_out(Counter()))
    with pytest.raises(AssertionError):
        engine_law(*shared_out(Hoarder()))


def from_files(detector: EventDetector, world: World, folder: Path) -> list[set[Any]]:
    pq.write_table(shuffled(world.events, 4), folder / "log.parquet")
    with patch.object(type(detector), "priors", lambda _: ({}, 2.0)):
        logs = (world.attacked, folder / "log.parquet")
        return [ids(scan_inference([log], detectors=[detector]), detector.name) for log in logs]


def test_a_bad_detector_that_goes_by_the_place_in_the_file_is_caught(world: World, tmp_path: Path) -> None:
    engine_law(*from_files(Counter(), world, tmp_path))
    with pytest.raises(AssertionError):
        engine_law(*from_files(Bookish(), world, tmp_path))


def test_a_law_without_findings_says_nothing() -> None:
    with pytest.raises(AssertionError):
        engine_law(set(), set())
