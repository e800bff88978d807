"""Every technique that a detector names exists in the matrix that it names it for, and has a name there."""

import pytest

from caponier.detect.detector import EventDetector
from caponier.detect.registry import event_detectors
from caponier.errors import InputError
from caponier.matrix.versions.catalogue import harms_of, resolve
from laws.bad_detectors import Backwards, Counter, Invented

FIRST, SECOND = ("atlas", "attack"), "amltm-2020"


def id_law(detector: EventDetector) -> None:
    """Look every technique up, and check that ATLAS and ATT&CK come before the 2020 matrix."""
    assert detector.techniques
    assert all(resolve(technique).name for technique in detector.techniques)
    order = [technique.matrix == SECOND for technique in detector.techniques]
    assert order == sorted(order)
    assert any(order), "no technique of the 2020 matrix"
    assert not all(order), "no technique of ATLAS or ATT&CK"
    assert len(set(detector.techniques)) == len(detector.techniques)


@pytest.mark.parametrize("detector", event_detectors().values(), ids=lambda detector: detector.name)
def test_every_detector_names_techniques_that_exist(detector: EventDetector) -> None:
    id_law(detector)


@pytest.mark.parametrize("detector", event_detectors().values(), ids=lambda detector: detector.name)
def test_every_detector_names_techniques_that_harm_something(detector: EventDetector) -> None:
    assert harms_of(detector.techniques)


def test_a_bad_detector_with_an_invented_technique_is_caught() -> None:
    id_law(Counter())
    with pytest.raises(InputError, match=r"AML\.T9999"):
        id_law(Invented())


def test_a_bad_detector_that_names_the_2020_matrix_first_is_caught() -> None:
    with pytest.raises(AssertionError):
        id_law(Backwards())
