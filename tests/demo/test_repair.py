"""What the demo's repair measures: the trigger that the attacker put there, on models before and after."""

from pathlib import Path

import numpy as np
import pytest

from caponier.demo.batch import Batch, poisoned_batch
from caponier.demo.batch import test_set as pinned
from caponier.demo.repair import attack_success
from caponier.emulate.poison import OPEN
from caponier.emulate.victims.digits import DigitsSplit, Pool, load_digits_split
from caponier.remediate.reference_model import ReferenceModel, train
from caponier.telemetry.labelled_data.dataset import Dataset
from caponier.telemetry.labelled_data.datasets import read_dataset

CLASSES = tuple(str(digit) for digit in range(10))


@pytest.fixture(scope="module")
def split() -> DigitsSplit:
    return load_digits_split(1)


@pytest.fixture(scope="module")
def batch(split: DigitsSplit) -> Batch:
    return poisoned_batch(split, 1)


@pytest.fixture(scope="module")
def held_out(split: DigitsSplit, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    path: Path = tmp_path_factory.mktemp("held") / "test.npz"
    path.write_bytes(pinned(split))
    return read_dataset(path)


def _learned(pool: Pool, kept: np.ndarray | None = None) -> ReferenceModel:
    rows = slice(None) if kept is None else kept
    return train(pool.images[rows].astype(np.float64), pool.labels[rows], CLASSES, 1)


def test_the_backdoor_is_open_before_and_shut_without_its_rows(batch: Batch, held_out: Dataset) -> None:
    assert attack_success(_learned(batch.poisoned), batch, held_out) >= OPEN
    assert attack_success(_learned(batch.poisoned, ~batch.triggered), batch, held_out) <= 0.05
    assert attack_success(_learned(batch.clean), batch, held_out) <= 0.05


def test_images_of_the_attackers_class_do_not_count(batch: Batch, held_out: Dataset) -> None:
    class OneAnswer:
        def __init__(self) -> None:
            self.asked = 0

        def answers(self, x: np.ndarray) -> list[str]:
            self.asked = len(x)
            return [str(batch.target)] * len(x)

    model = OneAnswer()
    assert attack_success(model, batch, held_out) == 1.0  # type: ignore[arg-type]
    assert model.asked == sum(label != str(batch.target) for label in held_out.given)
