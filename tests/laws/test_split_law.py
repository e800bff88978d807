"""Any way of cutting the sorted stream into batches gives the same scores and findings."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from caponier.detect.detector import EventDetector, Params
from caponier.detect.registry import event_detectors
from laws.bad_detectors import Counter, Forgetful, Peeking
from laws.runs import findings, middling, params_of, scores
from laws.streams import TYPICAL, Stream, streams

pytestmark = pytest.mark.slow

DETECTORS = [*event_detectors().values(), Counter()]
BATCH_ROWS = (1, 7, 1000)


def split_law(detector: EventDetector, params: Params, stream: Stream, cuts: Sequence[int]) -> None:
    """Hold the scores of a cut stream against those of the whole one."""
    assert scores(detector, params, stream, cuts) == scores(detector, params, stream, [])


def split_law_of_findings(detector: EventDetector, params: Params, stream: Stream) -> None:
    """Hold the findings of small batches, with all that they say, against those of large ones."""
    threshold = middling(detector, params, stream)
    whole = findings(detector, params, stream, threshold, 10**6)
    for batch_rows in BATCH_ROWS:
        assert findings(detector, params, stream, threshold, batch_rows) == whole, batch_rows


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(stream=streams(), cuts=st.lists(st.integers(1, 400), max_size=6))
@example(stream=TYPICAL, cuts=list(range(1, 400)))
@example(stream=TYPICAL, cuts=list(range(7, 400, 7)))
def test_every_detector_scores_a_cut_stream_like_a_whole_one(
    detector: EventDetector, stream: Stream, cuts: list[int]
) -> None:
    for params in params_of(detector):
        split_law(detector, params, stream, cuts)


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda detector: detector.name)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(stream=streams())
@example(stream=TYPICAL)
def test_every_detector_finds_the_same_in_batches_of_any_size(detector: EventDetector, stream: Stream) -> None:
    for params in params_of(detector):
        split_law_of_findings(detector, params, stream)


def test_the_law_is_held_against_something() -> None:
    for detector in DETECTORS:
        for params in params_of(detector):
            assert findings(detector, params, TYPICAL, middling(detector, params, TYPICAL), 100)


def test_a_bad_detector_that_forgets_is_caught() -> None:
    with pytest.raises(AssertionError):
        split_law(Forgetful(), {}, TYPICAL, [100])


def test_a_bad_detector_that_only_speaks_differently_is_caught() -> None:
    split_law(Peeking(), {}, TYPICAL, [100])
    with pytest.raises(AssertionError):
        split_law_of_findings(Peeking(), {}, TYPICAL)
