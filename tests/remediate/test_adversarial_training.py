import numpy as np
import pytest
from tests.detect.networks.opened import opened

from caponier.detect.networks.layers import Linear
from caponier.detect.networks.network import Network
from caponier.remediate.adversarial_training import Ball, attacked, hardened, withstood

BALL = Ball(0.1, 0.0, 1.0)


def linear(classes: int = 3, features: int = 12) -> tuple[Network, np.ndarray, np.ndarray]:
    """A network whose weakness is known: no attack moves its margin further than epsilon times the weights' length."""
    draws = np.random.default_rng(0)
    weight = draws.normal(0, 1, (classes, features)).astype(np.float32)
    network = Network((Linear({"weight": weight, "bias": np.zeros(classes, np.float32)}),), {})
    x = draws.uniform(0.3, 0.7, (200, features)).astype(np.float32)
    return network, x, network.answers(x)


def truly_withstood(network: Network, x: np.ndarray, labels: np.ndarray, epsilon: float) -> np.ndarray:
    weight, scores = network.layers[0].tensors["weight"], network.scores(x)
    every = np.arange(len(x))
    margins = scores[every, labels][:, None] - scores - epsilon * np.abs(weight[labels][:, None] - weight).sum(2)
    margins[every, labels] = np.inf
    return np.asarray(margins.min(1) > 0)


def test_of_a_linear_network_nothing_is_withstood_that_could_be_turned() -> None:
    network, x, labels = linear()
    truth = truly_withstood(network, x, labels, BALL.epsilon)
    found = withstood(network, x, labels, BALL)
    assert 0.1 < truth.mean() < 0.9
    assert not (truth & ~found).any(), "no attack turns what cannot be turned"
    assert (found != truth).mean() <= 0.01


@pytest.mark.parametrize("by_margin", [False, True])
def test_rows_stay_within_what_is_allowed(by_margin: bool) -> None:
    network, x, labels = linear()
    tight = Ball(0.25, 0.35, 0.65)
    x = np.clip(x, tight.low, tight.high)
    moved = attacked(network, x, labels, tight, by_margin=by_margin)
    assert np.abs(moved - x).max() <= tight.epsilon + 1e-6
    assert (moved.min(), moved.max()) >= (tight.low - 1e-6, 0)
    assert moved.max() <= tight.high + 1e-6


def test_a_network_that_is_taught_withstands_more_and_the_old_one_stays() -> None:
    made = opened(None)
    network, pool = made.network, made.split.train
    before = {place: network.layers[place[0]].tensors[place[1]].copy() for place in network.stored}
    x, labels = made.split.test.images[:200], made.split.test.labels[:200]
    steps: list[int] = []
    new = hardened(network, pool.images, pool.labels, BALL, 600, told=steps.append)
    assert steps == list(range(1, 601))
    assert withstood(network, x, labels, BALL).mean() < 0.1
    assert withstood(new, x, labels, BALL).mean() > 0.4
    assert (new.answers(x) == labels).mean() > (network.answers(x) == labels).mean() - 0.03
    for (at, name), was in before.items():
        assert np.array_equal(network.layers[at].tensors[name], was)
