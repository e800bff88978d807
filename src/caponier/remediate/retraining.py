"""Train a network anew so that it gives away less of the rows it learned from, and ask it as an attacker would.

What tells members from others is that a network fits them better (Yeom, Giacomelli, Fredrikson, Jha 2018). Rows that
are mixed two by two (Zhang, Cisse, Dauphin, Lopez-Paz 2018) are never learned by heart, and small weights do the rest.
How small they must be is chosen on rows that are held back.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.networks.layers import Convolution, Linear
from caponier.detect.networks.network import Network, softmax
from caponier.detect.networks.stored_tensors import Floats
from caponier.emulate.attacker.membership import auc_of
from caponier.remediate.adam import Adam

BATCH: Final = 64
RATE: Final = 2e-3
HELD_BACK: Final = 0.25
ASKED: Final = 2_000
"""Members, and others, that are asked for at most."""
PRICE: Final = 0.01
"""Accuracy on held-back rows that more privacy may cost."""


LESSONS: Final = 600
DECAYS: Final = (0.3, 1.0, 3.0, 10.0)
"""By how much weights are pulled towards 0 in a step, in parts of its size; from the gentlest to the strictest."""


def trained_anew(network: Network, x: Floats, labels: NDArray[np.int64], seed: int) -> tuple[Network, float]:
    """Return a network of the same layers that begins from nothing, and how strictly it was held (one of `DECAYS`).

    Args:
        network: Its layers are taken, and what it scales rows by; not its weights.
        x: (n, d) rows.
        labels: (n,) their classes.
        seed: Fixes first weights, mixtures and what is held back.
    """
    order = np.random.default_rng(seed).permutation(len(x))
    back, rest = np.split(order, [int(HELD_BACK * len(x))])
    tried = []
    for decay in DECAYS:
        one = _taught(network, x[rest], labels[rest], decay, seed)
        right = float((one.answers(x[back]) == labels[back]).mean())
        tried.append((right, attack_auc(one, x[rest], labels[rest], x[back], labels[back]), decay))
    best = max(right for right, _, _ in tried)
    # What lies within a standard error is as good (Breiman, Friedman, Olshen, Stone 1984).
    least = best - max(PRICE, float(np.sqrt(best * (1 - best) / max(len(back), 1))))
    _, _, chosen = min((one for one in tried if one[0] >= least), key=lambda one: one[1])
    return _taught(network, x, labels, chosen, seed), chosen


def attack_auc(
    network: Network, members: Floats, own: NDArray[np.int64], others: Floats, theirs: NDArray[np.int64]
) -> float:
    """Return how well members (n, d) are told from other rows (m, d): 0.5 is guessing.

    The attacker holds both with their labels, and asks how sure the model is of the label, or only whether it is right;
    what serves better counts. To hide scores is therefore no defence.
    """
    held, rest = _some(len(members)), _some(len(others))
    x = np.concatenate([members[held], others[rest]])
    labels = np.concatenate([own[held], theirs[rest]])
    member = np.arange(len(x)) < len(held)
    scores = network.scores(x)
    sure = softmax(scores)[np.arange(len(x)), labels].astype(np.float64)
    right = (scores.argmax(1) == labels).astype(np.float64)
    return round(max(auc_of(sure, member), auc_of(right, member)), 6)


def chance(members: int, others: int) -> float:
    """Return the standard error of that figure where nothing is told apart (Mann, Whitney 1947)."""
    n, m = min(members, ASKED), min(others, ASKED)
    return float(np.sqrt((n + m + 1) / (12 * n * m)))


def _some(count: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, count - 1, min(count, ASKED)).astype(np.int64))


def _taught(network: Network, x: Floats, labels: NDArray[np.int64], decay: float, seed: int) -> Network:
    rng = np.random.default_rng(seed)
    new = _fresh(network, rng)
    adam, eye = Adam.of(new, RATE, LESSONS), np.eye(network.outputs, dtype=np.float32)
    for _ in range(LESSONS):
        one, two = rng.integers(len(x), size=(2, BATCH))
        share = rng.random((BATCH, 1)).astype(np.float32)
        scores, held = new.run(share * x[one] + (1 - share) * x[two])
        wanted = share * eye[labels[one]] + (1 - share) * eye[labels[two]]
        slope = (softmax(scores) - wanted) / np.float32(BATCH)
        adam.step(new, new.back(held, slope, weights=True)[1], decay)
    return new


def _fresh(network: Network, rng: np.random.Generator) -> Network:
    """Return a copy with first weights, after He and others (2015)."""
    new = network.copy()
    for layer in new.layers:
        if isinstance(layer, Linear | Convolution):
            weight = layer.tensors["weight"]
            spread = np.sqrt(2 / weight[0].size)
            layer.tensors["weight"] = rng.normal(0, spread, weight.shape).astype(np.float32)
            layer.tensors["bias"] = np.zeros_like(layer.tensors["bias"])
    return new
