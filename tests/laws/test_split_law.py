"""Any way of cutting the sorted stream into batches gives the same scores and findings."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from caponier.detect.registry import event_detectors
from laws.bad_detectors import Counter, Forgetful, Peeking
from laws.runs import Lines, findings, middling, params_of, scores
from laws.streams import TYPICAL, Stream, streams

pytestmark = pytest.mark.slow

DETECTORS = [*event_detectors().values(), Counter()]
BATCH_ROWS = (1, 29)
LEARNED: Lines = [(detector, params_of(detector)[0]) for detector in DETECTORS]
COLD: Lines = [(detector, both[1]) for detector in DETECTORS if len(both := params_of(detector)) > 1]
BOTH = pytest.mark.parametrize("lines", [LEARNED, COLD], ids=["learned", "cold start"])
"""All detectors are held together: a stream is read once for them, and what differs is told by detector."""


def split_law(lines: Lines, stream: Stream, cuts: Sequence[int]) -> None:
    """Hold the scores of a cut stream against those of the whole one."""
    assert scores(lines, stream, cuts) == scores(lines, stream, [])


def split_law_of_findings(lines: Lines, stream: Stream) -> None:
    """Hold the findings of small batches, with all that they say, against those of large ones."""
    thresholds = middling(lines, stream)
    whole = findings(lines, stream, thresholds, 10**6)
    for batch_rows in BATCH_ROWS:
        assert findings(lines, stream, thresholds, batch_rows) == whole, batch_rows


@BOTH
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(stream=streams(), cuts=st.lists(st.integers(1, 400), max_size=6))
@example(stream=TYPICAL, cuts=list(range(1, 400)))
@example(stream=TYPICAL, cuts=list(range(7, 400, 7)))
def test_every_detector_scores_a_cut_stream_like_a_whole_one(lines: Lines, stream: Stream, cuts: list[int]) -> None:
    split_law(lines, stream, cuts)


@BOTH
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(stream=streams())
@example(stream=TYPICAL)
def test_every_detector_finds_the_same_in_batches_of_any_size(lines: Lines, stream: Stream) -> None:
    split_law_of_findings(lines, stream)


@BOTH
def test_the_law_is_held_against_something(lines: Lines) -> None:
    found = findings(lines, TYPICAL, middling(lines, TYPICAL), 100)
    assert {detector.name for detector, _ in lines} == found.keys()
    assert all(found.values())


def test_a_bad_detector_that_forgets_is_caught() -> None:
    with pytest.raises(AssertionError):
        split_law([(Forgetful(), {})], TYPICAL, [100])


def test_a_bad_detector_that_only_speaks_differently_is_caught() -> None:
    split_law([(Peeking(), {})], TYPICAL, [100])
    with pytest.raises(AssertionError):
        split_law_of_findings([(Peeking(), {})], TYPICAL)


def test_a_bad_detector_among_good_ones_is_caught() -> None:
    with pytest.raises(AssertionError):
        split_law([*LEARNED[:3], (Forgetful(), {})], TYPICAL, [100])
