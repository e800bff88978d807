"""A state row survives bytes and back, and scores go on the same; an older state is dropped, and that is said."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.app.inference.scan import scan_inference
from caponier.detect.batch import EventBatch
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.detector import EventDetector, Params
from caponier.detect.registry import event_detectors
from caponier.detect.similarity import nearest_query
from caponier.engines.subjects import SubjectPass
from conftest import World, world_of
from laws.bad_detectors import Counter, Secretive
from laws.runs import params_of
from laws.streams import ENCODER, TYPICAL, WIDTH, Stream, streams

pytestmark = pytest.mark.slow

DETECTORS = [*event_detectors().values(), Counter()]


def batch_of(stream: Stream) -> EventBatch:
    (part,) = SubjectPass(ENCODER, [], b"").run(stream.batches([]))
    return replace(part.batch, signals={})


def carried(state: NDArray[Any]) -> NDArray[Any]:
    """Send state rows through bytes, as a checkpoint does."""
    return np.frombuffer(state.tobytes(), state.dtype).copy()


def parts(batch: EventBatch, shares: Sequence[float]) -> list[EventBatch]:
    """Cut every subject's rows in two, each somewhere else."""
    counts = np.diff(batch.offsets)
    kept = np.array([int(count * shares[i % len(shares)]) for i, count in enumerate(counts)])
    place = np.arange(len(batch)) - np.repeat(batch.offsets[:-1], counts)
    early = place < np.repeat(kept, counts)
    return [batch.take(np.flatnonzero(early)), batch.take(np.flatnonzero(~early))]


def run(detector: EventDetector, params: Params, batches: list[EventBatch]) -> list[dict[tuple[int, int], int]]:
    """Score batches of the same subjects one after the other, each in a process of its own."""
    subjects = batches[0].subjects
    similar = np.zeros(subjects, nearest_query.state_dtype(WIDTH))
    state = np.zeros(subjects, detector.state)
    found: dict[tuple[int, int], int] = {}
    for batch in batches:
        seen = nearest_query.add_signals(carried(similar), batch, np.arange(subjects))
        state, scores = copy.deepcopy(detector).score(params, carried(state), seen.batch)
        similar = seen.state
        found |= {
            (int(subject), int(seq)): int(score)
            for subject, seq, score in zip(seen.batch.subject, seen.batch.seq, scores, strict=True)
        }
    return [found, {(i, -1): int(row["count"]) for i, row in enumerate(similar)}]


def state_law(detector: EventDetector, params: Params, batch: EventBatch, shares: Sequence[float]) -> None:
    """Hold scores that went on from stored states against those of one go."""
    assert run(detector, params, parts(batch, shares)) == run(detector, params, [batch])


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(stream=streams(), shares=st.lists(st.floats(0, 1), min_size=1, max_size=3))
@example(stream=TYPICAL, shares=[0.5, 0.9, 0.1])
def test_every_detector_goes_on_from_a_stored_state(
    detector: EventDetector, stream: Stream, shares: list[float]
) -> None:
    for params in params_of(detector):
        state_law(detector, params, batch_of(stream), shares)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
def test_every_detector_has_a_state_that_is_bounded_and_holds_no_objects(detector: EventDetector) -> None:
    assert not detector.state.hasobject
    assert detector.state.itemsize <= 4096


@pytest.mark.parametrize("name", event_detectors())
def test_every_detector_drops_what_was_learned_for_another_state_and_says_so(
    name: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(world_of(name))
    (section,) = world.baseline.baseline.models
    older = replace(section.detectors[name], version=section.detectors[name].version - 1)
    baseline = Baseline((replace(section, detectors={**section.detectors, name: older}),))
    report = scan_inference([world.few], baseline, workspace=world.workspace)
    said = [*report.notes, *(f"{skip.what}: {skip.reason}" for skip in report.skipped)]
    assert [line for line in said if name in line and "another version of this detector" in line]


def test_a_bad_detector_with_a_state_of_its_own_is_caught() -> None:
    state_law(Counter(), {}, batch_of(TYPICAL), [0.5])
    with pytest.raises(AssertionError):
        state_law(Secretive(), {}, batch_of(TYPICAL), [0.5])
