from pathlib import Path

import numpy as np
import pytest

from caponier.app.remediate.pinned_test_set import FEWEST, PinnedTestSet, trainer
from caponier.errors import InputError
from caponier.remediate.reference_model import train
from caponier.telemetry.labelled_data.dataset import Columns
from caponier.telemetry.labelled_data.datasets import read_dataset


def table(path: Path, seed: int, n: int = 60, extra: str = "") -> Path:
    rng = np.random.default_rng(seed)
    rows = [f"{label + rng.normal(0, 0.1):.4f},{'red' if label else 'blue'},{label}" for label in np.arange(n) % 2]
    path.write_text("\n".join([f"a,colour{extra},y", *rows]) + "\n")
    return path


def test_tables_are_aligned_by_the_names_of_their_columns(tmp_path: Path) -> None:
    columns = Columns(label="y")
    training = read_dataset(table(tmp_path / "train.csv", 1), columns)
    test = PinnedTestSet.read(table(tmp_path / "test.csv", 2), columns)
    measured = trainer(test, training, None, 0)(tmp_path / "train.csv", training)
    assert measured.figures == {"accuracy": 1.0}
    assert measured.model


def test_a_test_set_of_other_columns_is_refused(tmp_path: Path) -> None:
    columns = Columns(label="y")
    training = read_dataset(table(tmp_path / "train.csv", 1), columns)
    test = PinnedTestSet.read(table(tmp_path / "test.csv", 2, extra="s of all"), columns)
    with pytest.raises(InputError, match="does not have the features"):
        trainer(test, training, None, 0)


def test_too_few_rows_say_nothing(tmp_path: Path) -> None:
    columns = Columns(label="y")
    training = read_dataset(table(tmp_path / "train.csv", 1), columns)
    test = PinnedTestSet.read(table(tmp_path / "test.csv", 2, n=FEWEST - 1), columns)
    with pytest.raises(InputError, match=f"at least {FEWEST} are needed"):
        test.apart_from(training)


def test_a_model_of_other_features_is_refused(tmp_path: Path) -> None:
    test = PinnedTestSet.read(table(tmp_path / "test.csv", 2), Columns(label="y"))
    model = train(np.random.default_rng(0).normal(size=(40, 9)), np.arange(40) % 2, ("0", "1"))
    with pytest.raises(InputError, match="takes 9 features"):
        test.accuracy(model)
