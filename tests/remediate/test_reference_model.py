import numpy as np
import pytest

from caponier.emulate.victims.digits import load_digits_split
from caponier.errors import InputError
from caponier.remediate.reference_model import (
    ReferenceModel,
    is_reference_model,
    load_reference_model,
    train,
)

CLASSES = tuple(map(str, range(10)))


@pytest.fixture(scope="module")
def digits() -> tuple[ReferenceModel, np.ndarray, list[str]]:
    split = load_digits_split(4)
    model = train(split.train.images.astype(float), split.train.labels, CLASSES, seed=1)
    return model, split.test.images.astype(float), [str(label) for label in split.test.labels]


def test_it_is_good_enough_to_stand_in_for_a_victim(digits: tuple[ReferenceModel, np.ndarray, list[str]]) -> None:
    model, x, labels = digits
    assert model.accuracy(x, labels) > 0.92


def test_wrong_labels_harm_it() -> None:
    split = load_digits_split(4)
    rng = np.random.default_rng(4)
    wrong = split.train.labels.copy()
    rows = rng.permutation(600)[:180]
    wrong[rows] = (wrong[rows] + 1) % 10
    labels = [str(label) for label in split.test.labels]
    x = split.train.images.astype(float)
    harmed, sound = (train(x, y, CLASSES).accuracy(split.test.images, labels) for y in (wrong, split.train.labels))
    assert harmed < sound - 0.02


def test_columns_of_any_scale_are_learnt() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    x = np.stack([y + rng.normal(0, 0.2, 400), 1e6 * rng.normal(size=400), np.full(400, 7.0)], axis=1)
    model = train(x, y, ("a", "b"))
    assert model.accuracy(x, [("a", "b")[label] for label in y]) > 0.95


def test_the_same_rows_and_seed_give_the_same_bytes() -> None:
    x, y = np.random.default_rng(0).normal(size=(50, 3)), np.arange(50) % 2
    one, other = train(x, y, ("a", "b"), seed=3), train(x, y, ("a", "b"), seed=3)
    assert one.to_bytes() == other.to_bytes()
    assert one.to_bytes() != train(x, y, ("a", "b"), seed=4).to_bytes()


def test_a_model_survives_its_file(digits: tuple[ReferenceModel, np.ndarray, list[str]]) -> None:
    model, x, _ = digits
    data = model.to_bytes()
    assert is_reference_model(data)
    assert load_reference_model(data, "m").answers(x) == model.answers(x)


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"\x80\x04.", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{}", b"\x02\0\0\0\0\0\0\0[]"]
)
def test_other_files_are_refused(data: bytes) -> None:
    assert not is_reference_model(data)
    with pytest.raises(InputError, match="no model that Caponier trained"):
        load_reference_model(data, "m")


def test_a_broken_file_of_ours_is_refused(digits: tuple[ReferenceModel, np.ndarray, list[str]]) -> None:
    with pytest.raises(InputError, match="broken"):
        load_reference_model(digits[0].to_bytes()[:-100], "m")


def test_the_bytes_of_a_model_are_the_same_whatever_the_order_of_the_metadata() -> None:
    """The library writes it in another order each time; a digest must not change with it."""
    x, y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 2
    model = train(x, y, ("a", "b"), seed=3)
    written = {model.to_bytes() for _ in range(30)}
    assert len(written) == 1
    again = load_reference_model(written.pop(), "m")
    assert (again.classes, again.accuracy(x, ["a", "b"] * 15)) == (model.classes, model.accuracy(x, ["a", "b"] * 15))
