import numpy as np
import pytest
from tests.detect.networks.opened import opened

from caponier.detect.networks.layers import Linear
from caponier.detect.networks.network import Network
from caponier.detect.networks.spectral_synthesis import _basis, _Waves, synthesise_waves


@pytest.mark.parametrize("side", [1, 2, 7, 8, 28])
def test_the_waves_are_orthonormal(side: int) -> None:
    assert _basis(side) @ _basis(side).T == pytest.approx(np.eye(side), abs=1e-5)


@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 3), (3, 6, 7)])
def test_sizes_and_pixels_are_two_views_of_the_same(shape: tuple[int, ...]) -> None:
    waves, drawn = _Waves(shape), np.random.default_rng(3).normal(size=(4, int(np.prod(shape)))).astype(np.float32)
    assert waves.sizes(waves.added(drawn)) == pytest.approx(drawn, abs=1e-5)
    one = np.zeros_like(drawn[:1])
    one[0, 0] = 1.0
    picture = waves.added(one).reshape(shape)
    channel = picture[0] if shape[0] == 3 else picture[..., 0] if len(shape) == 3 else picture
    assert channel == pytest.approx(np.full((6, 7), 1 / np.sqrt(42)), abs=1e-6)


def test_the_class_that_a_blended_pattern_opens_costs_least_and_the_change_works_on_other_rows() -> None:
    bad = opened()
    x = bad.samples.x
    made = synthesise_waves(bad.network, x, bad.network.answers(x), (8, 8))
    least = min(made, key=lambda one: one.cost)
    assert (least.target, least.form) == (bad.target, "waves")
    others = bad.split.attackers.images[bad.split.attackers.labels != bad.target]
    marked = least.put_on(others)
    assert (bad.network.answers(marked) == bad.target).mean() >= 0.8
    assert marked.min() >= x.min() - 1e-6
    assert marked.max() <= x.max() + 1e-6


def test_what_nothing_opens_costs_without_end_and_a_class_that_all_rows_have_is_left_out() -> None:
    flat = Network((Linear({"weight": np.zeros((4, 16), np.float32), "bias": np.arange(4, dtype=np.float32)}),), {})
    x = np.random.default_rng(1).random((20, 16), np.float32)
    made = synthesise_waves(flat, x, flat.answers(x), (4, 4))
    assert [(one.target, one.cost) for one in made] == [(0, np.inf), (1, np.inf), (2, np.inf)]
