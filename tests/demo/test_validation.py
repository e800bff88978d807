"""What a demo validates: what is at work in it, and nothing that would keep people waiting."""

from pathlib import Path
from typing import Any

import pytest

from caponier.app.coverage.detectors import detectors
from caponier.app.inference.load import enrichments_of
from caponier.app.progress import Silent
from caponier.app.validate.validate import ValidationReport
from caponier.demo import validation
from caponier.demo.folder import prepare
from caponier.demo.validation import validated
from caponier.detect.registry import event_detectors
from demo.test_folder import SERVED


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Return what validation is asked for; none is carried out."""
    told: list[tuple[str, ...]] = []

    def carry_out(**how: Any) -> ValidationReport:
        told.append(tuple(how["only"]))
        return ValidationReport("v-1", (), (), (), 0.0)

    monkeypatch.setattr(validation, "validate", carry_out)
    return told


def test_what_is_at_work_in_the_demo_is_validated(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    folder = prepare(tmp_path, SERVED)
    result = validated(folder, 0, (), Silent())
    assert (result.trials, result.passed, result.failed) == (0, 0, ())
    (names,) = asked
    assert {"iterative_query", "novelty", "distance_shape", "label_noise", "unsafe_code"} <= set(names)
    assert not set(names) & set(folder.workspace.detect.disabled)
    assert not [name for name in names if name in event_detectors() and enrichments_of(event_detectors()[name])]
    assert set(names) <= {card.name for card in detectors()}


def test_whoever_names_something_gets_that_alone(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    validated(prepare(tmp_path, SERVED), 0, ("unsafe_code",), Silent())
    assert asked == [("unsafe_code",)]
