import pytest

from caponier.detect.detector import Confidence, EventDetector
from caponier.detect.registry import event_detectors


def test_a_detector_is_told_by_its_shape() -> None:
    assert all(isinstance(detector, EventDetector) for detector in event_detectors().values())
    assert not isinstance(object(), EventDetector)


def test_grades_of_confidence_rise() -> None:
    caps = [Confidence.LOW.cap, Confidence.MEDIUM.cap, Confidence.HIGH.cap]
    assert caps == sorted(caps)
    assert caps[-1] < 1


@pytest.mark.parametrize("name", event_detectors())
def test_a_cold_start_asks_for_more_than_the_floor(name: str) -> None:
    detector = event_detectors()[name]
    priors = detector.priors()
    assert priors is None or priors[1] > detector.floor


@pytest.mark.parametrize("name", event_detectors())
def test_a_detector_that_needs_a_baseline_has_no_cold_start(name: str) -> None:
    detector = event_detectors()[name]
    assert ("baseline" in detector.needs) == (detector.priors() is None)
