"""The laws of detectors over data sets: they hold for every one that the registry finds."""

from pathlib import Path

import numpy as np
import pytest

from caponier.detect.dataset import DatasetDetector
from caponier.detect.registry import dataset_detectors
from caponier.emulate.poison import as_npz, attempt
from caponier.emulate.registry import harmless_sets, poisons
from caponier.emulate.victims.digits import DigitsSplit, load_digits_split
from caponier.telemetry.labelled_data.dataset import Dataset
from caponier.telemetry.labelled_data.datasets import read_dataset

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("forgetting")]

DETECTORS = sorted(dataset_detectors().items())
SHARE = 0.1


@pytest.fixture(scope="module")
def split() -> DigitsSplit:
    return load_digits_split(81)


def read(folder: Path, data: bytes) -> Dataset:
    (folder / "rows.npz").write_bytes(data)
    return read_dataset(folder / "rows.npz")


PROOFS = [(detector, poison) for _, detector in DETECTORS for poison in detector.emulations]
CONTROLS = [(detector, control) for _, detector in DETECTORS for control in detector.controls]


@pytest.mark.parametrize(("detector", "poison"), PROOFS, ids=lambda value: getattr(value, "name", value))
def test_proof_it_finds_a_poison_that_succeeds(
    detector: DatasetDetector, poison: str, split: DigitsSplit, tmp_path: Path
) -> None:
    poisoned, outcome = attempt(poisons()[poison], split.train, split.test, share=SHARE, seed=81)
    assert outcome.success
    found = detector.analyse(read(tmp_path, as_npz(poisoned.pool)))
    assert found.reasons
    assert (found.flagged & poisoned.changed).sum() > 0.5 * poisoned.changed.sum()
    assert 0 < found.confidence <= detector.max_confidence.cap


@pytest.mark.parametrize(("detector", "control"), CONTROLS, ids=lambda value: getattr(value, "name", value))
def test_proof_it_is_silent_on_its_controls(
    detector: DatasetDetector, control: str, split: DigitsSplit, tmp_path: Path
) -> None:
    found = detector.analyse(read(tmp_path, as_npz(harmless_sets()[control].apply(split.train, 81))))
    assert found.reasons == ()


@pytest.mark.parametrize(("name", "detector"), DETECTORS)
def test_order_rows_are_judged_wherever_they_stand(
    name: str, detector: DatasetDetector, split: DigitsSplit, tmp_path: Path
) -> None:
    poisoned = poisons()[detector.emulations[0]].apply(split.train, SHARE, 81)
    whole = read(tmp_path, as_npz(poisoned.pool)).rows(range(500))
    order = np.random.default_rng(1).permutation(len(whole))
    one, other = detector.analyse(whole), detector.analyse(whole.rows(order))
    assert one.flagged.any(), name
    assert np.array_equal(one.flagged[order], other.flagged)
    assert np.array_equal(one.scores[order], other.scores)
    assert (one.summary, one.facts, one.reasons) == (other.summary, other.facts, other.reasons)


@pytest.mark.parametrize(("name", "detector"), DETECTORS)
def test_shape_there_is_an_answer_for_every_row(
    name: str, detector: DatasetDetector, split: DigitsSplit, tmp_path: Path
) -> None:
    rows = read(tmp_path, as_npz(split.train))
    found = detector.analyse(rows)
    assert found.scores.shape == found.flagged.shape == found.suggested.shape == (len(rows),), name
    assert found.flagged.dtype == bool
    assert (found.suggested < len(rows.classes)).all()
    assert not (found.suggested[~found.flagged] >= 0).any()
