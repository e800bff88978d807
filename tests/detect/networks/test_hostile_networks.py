"""Files whose description of a network lacks something, lies, or asks for more than any machine has."""

import io
import pickle
from typing import Any

import joblib
import numpy as np
import pytest
from safetensors.numpy import save
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline

from caponier.detect.networks.architecture import assemble, assemble_bare
from caponier.detect.networks.layers import Convolution, Linear
from caponier.detect.networks.network import Network
from caponier.detect.networks.stored_tensors import read_contents
from caponier.errors import InputError

ROWS = np.random.default_rng(2).random((40, 36)).astype(np.float32)
LABELS = np.arange(40) % 4


def fitted() -> MLPClassifier:
    model = MLPClassifier((6,), max_iter=1, random_state=1)
    return model.partial_fit(ROWS, LABELS, classes=np.arange(4))


def without(name: str) -> Any:
    model = fitted()
    delattr(model, name)
    return model


def having(**words: Any) -> Any:
    model = fitted()
    for name, value in words.items():
        setattr(model, name, value)
    return model


MODELS = {
    "no weights": without("coefs_"),
    "no biases": without("intercepts_"),
    "weights that are text": having(coefs_="many"),
    "weights that are numbers": having(coefs_=[1, 2, 3]),
    "fewer biases": having(intercepts_=[np.zeros(6)]),
    "whole numbers": having(coefs_=[np.ones((36, 6), int), np.ones((6, 4), int)]),
    "another width": having(coefs_=[np.ones((35, 6)), np.ones((6, 4))]),
    "layers that do not fit": having(coefs_=[np.ones((36, 6)), np.ones((7, 4))]),
    "an activation that is a list": having(activation=["relu"]),
    "no numbers": having(coefs_=[np.full((36, 6), np.nan), np.ones((6, 4))]),
    "infinite numbers": having(intercepts_=[np.full(6, np.inf), np.ones(4)]),
    "no steps": Pipeline([("model", fitted())]).__class__.__new__(Pipeline),
    "a dictionary": {"weights": [1.0, 2.0]},
    "nothing": None,
}


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("rows", [True, False], ids=["with rows", "without"])
def test_an_odd_network_is_refused_in_words(name: str, rows: bool) -> None:
    contents = read_contents(memoryview(pickle.dumps(MODELS[name])), "file")
    if rows:
        with pytest.raises(InputError):
            assemble(contents, (), ROWS, LABELS, "file")
        return
    try:
        network, width = assemble_bare(contents, "file")
    except InputError:
        return
    # What only rows would show is left to the detectors, which say that such scores are no numbers.
    assert width > 0
    assert network.layers


def test_a_file_cut_anywhere_is_refused_in_words() -> None:
    data = io.BytesIO()
    joblib.dump(fitted(), data)
    for size in range(0, len(data.getvalue()), 97):
        with pytest.raises(InputError):
            assemble(read_contents(memoryview(data.getvalue()[:size]), "file"), (), ROWS, LABELS, "file")


@pytest.mark.parametrize(
    "tensors",
    [
        {"a.weight": np.ones((2, 2, 2), np.float32)},
        {"a.weight": np.ones((4, 1, 3, 3), np.float32)},
        {"weight": np.float32(1) * np.ones(3, np.float32)},
        {"a.running_mean": np.ones(4, np.float32), "b.weight": np.ones((4, 36), np.float32)},
        {f"{at}.weight": np.ones((1, 1, 3, 3), np.float32) for at in range(12)},
    ],
    ids=["three sides", "no end", "one side", "half a normalisation", "many convolutions"],
)
def test_tensors_that_make_no_network_are_refused_in_words(tensors: dict[str, np.ndarray]) -> None:
    with pytest.raises(InputError):
        assemble(read_contents(memoryview(save(tensors)), "file"), (6, 6), ROWS, LABELS, "file")


@pytest.mark.parametrize("norms", [1, 9])
def test_layers_that_are_all_alike_have_more_orders_than_are_tried(norms: int) -> None:
    tensors = {f"{at}.weight": np.ones((36, 36), np.float32) for at in range(24)}
    for at in range(norms):
        tensors |= {f"n{at}.{name}": np.ones(5, np.float32) for name in ("running_mean", "running_var")}
    with pytest.raises(InputError, match="too many orders"):
        assemble(read_contents(memoryview(save(tensors)), "file"), (), ROWS, LABELS, "file")


def test_windows_that_no_memory_has_room_for_are_refused_before_they_are_made() -> None:
    weight = np.zeros((1, 1, 40, 40), np.float32)
    layer = Convolution({"weight": weight, "bias": np.zeros(1, np.float32)}, (1, 1), (60, 60))
    with pytest.raises(ValueError, match="more memory than is used here"):
        layer.forward(np.zeros((40, 1, 100, 100), np.float32))


def test_many_rows_are_computed_in_blocks_and_give_the_same() -> None:
    rng = np.random.default_rng(4)
    layer = Linear({"weight": rng.normal(size=(3, 5)).astype(np.float32), "bias": np.zeros(3, np.float32)})
    x = rng.random((1_300, 5)).astype(np.float32)
    assert Network((layer,), {}).scores(x) == pytest.approx(layer.forward(x)[0], abs=1e-6)
    assert Network((layer,), {}).scores(x[:0]).shape == (0, 3)
