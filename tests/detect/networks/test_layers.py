import numpy as np
import pytest

from caponier.detect.networks.layers import (
    ChannelScale,
    Convolution,
    Flatten,
    Linear,
    Logistic,
    NetworkLayer,
    Pooling,
    Rectifier,
    Reshape,
    Tangent,
    TwoClasses,
)
from caponier.detect.networks.stored_tensors import Floats

RNG = np.random.default_rng(3)
PICTURES, ROWS = RNG.normal(size=(3, 2, 6, 7)).astype(np.float32), RNG.normal(size=(3, 5)).astype(np.float32)


def numbers(*shape: int) -> Floats:
    return np.asarray(RNG.normal(size=shape), np.float32)


CASES: list[tuple[str, NetworkLayer, Floats]] = [
    ("linear", Linear({"weight": numbers(4, 5), "bias": numbers(4)}), ROWS),
    ("convolution", Convolution({"weight": numbers(3, 2, 3, 2), "bias": numbers(3)}), PICTURES),
    ("strides", Convolution({"weight": numbers(3, 2, 3, 3), "bias": numbers(3)}, (2, 1), (1, 2)), PICTURES),
    ("scale", ChannelScale({"weight": numbers(5), "bias": numbers(5)}), ROWS),
    ("scale of channels", ChannelScale({"weight": numbers(2), "bias": numbers(2)}), PICTURES),
    ("rectifier", Rectifier(), PICTURES),
    ("leaky rectifier", Rectifier(0.1), ROWS),
    ("tangent", Tangent(), ROWS),
    ("logistic", Logistic(), ROWS),
    ("greatest", Pooling((2, 2), (2, 2), (0, 0), mean=False), PICTURES),
    ("greatest, overlapping", Pooling((3, 3), (2, 2), (1, 1), mean=False), PICTURES),
    ("mean", Pooling((2, 3), (2, 2), (0, 1), mean=True), PICTURES),
    ("flatten", Flatten(), PICTURES),
    ("reshape", Reshape((2, 6, 7)), PICTURES.reshape(3, -1)),
    ("channels last", Reshape((6, 7, 2), channels_last=True), PICTURES.reshape(3, -1)),
    ("two classes", TwoClasses(), ROWS[:, :1]),
]


@pytest.mark.parametrize(("name", "layer", "x"), CASES, ids=[case[0] for case in CASES])
def test_gradients_are_those_of_small_steps(name: str, layer: NetworkLayer, x: Floats) -> None:
    answer, held = layer.forward(x)
    weights = np.random.default_rng(1).normal(size=answer.shape).astype(np.float32)
    by_input, own = layer.backward(held, weights, weights=True)

    def value() -> float:
        return float((layer.forward(x)[0].astype(np.float64) * weights).sum())

    for array, gradient in [(x, by_input), *[(layer.tensors[key], own[key]) for key in layer.tensors]]:
        assert gradient.shape == array.shape
        flat = array.reshape(-1)
        assert np.shares_memory(flat, array)
        for at in np.random.default_rng(2).integers(flat.size, size=8).tolist():
            kept, step = flat[at], np.float32(1e-2)
            flat[at] = kept + step
            above = value()
            flat[at] = kept - step
            below = value()
            flat[at] = kept
            # A step may cross a kink; then the slope is between both sides.
            assert gradient.reshape(-1)[at] == pytest.approx((above - below) / (2 * float(step)), rel=0.05, abs=0.05), (
                name
            )


def test_a_convolution_is_a_sum_over_windows() -> None:
    layer = Convolution({"weight": numbers(3, 2, 3, 3), "bias": numbers(3)}, (2, 2), (1, 1))
    answer = layer.forward(PICTURES)[0]
    padded = np.pad(PICTURES, ((0, 0), (0, 0), (1, 1), (1, 1)))
    wanted = (padded[1, :, 2:5, 4:7] * layer.tensors["weight"][2]).sum() + layer.tensors["bias"][2]
    assert answer[1, 2, 1, 2] == pytest.approx(wanted, rel=1e-5)
    assert answer.shape == (3, 3, 3, 4)


def test_a_window_larger_than_its_picture_is_refused() -> None:
    layer = Convolution({"weight": numbers(3, 2, 9, 9), "bias": numbers(3)})
    with pytest.raises(ValueError, match="larger than its picture"):
        layer.forward(PICTURES)
