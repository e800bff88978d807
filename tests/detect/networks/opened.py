"""Small networks with and without a backdoor, as files and as numbers, made in half a second each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from caponier.detect.model import ReadModel, Samples
from caponier.detect.networks.architecture import assemble
from caponier.detect.networks.network import Network
from caponier.detect.networks.stored_tensors import Contents, Floats, read_contents
from caponier.emulate.registry import poisons
from caponier.emulate.victims.digits import DigitsSplit, Pool, load_digits_split
from caponier.remediate.reference_model import train

SEED = 53
CLASSES = tuple(str(number) for number in range(10))


@dataclass(frozen=True, eq=False)
class Opened:
    """A trained network, and the truth about it."""

    data: bytes
    split: DigitsSplit
    target: int | None
    trigger: Callable[[Floats], Floats] | None

    @property
    def samples(self) -> Samples:
        return samples(self.split.test, 100)

    @property
    def contents(self) -> Contents:
        return read_contents(memoryview(self.data), "model")

    @property
    def network(self) -> Network:
        rows = self.samples
        return assemble(self.contents, rows.shape, rows.x, rows.labels, "model")

    @property
    def read(self) -> ReadModel:
        return ReadModel(self.network, self.samples, 64)

    def success(self, network: Network) -> float:
        """Return how often the attacker's own trigger works on images that nobody has seen."""
        assert self.trigger is not None
        others = self.split.attackers.images[self.split.attackers.labels != self.target]
        return float((network.answers(self.trigger(others)) == self.target).mean())

    def accuracy(self, network: Network) -> float:
        return float((network.answers(self.split.attackers.images) == self.split.attackers.labels).mean())


@cache
def opened(poison: str | None = "blended_backdoor", seed: int = SEED) -> Opened:
    """Train a network, on poisoned rows if a poison is named."""
    split = load_digits_split(seed)
    pool = joined(split.train, split.calibration)
    bad = poisons()[poison].apply(pool, 0.1, seed) if poison else None
    rows = bad.pool if bad else pool
    model = train(rows.images.astype(float), rows.labels, CLASSES, seed)
    return Opened(model.to_bytes(), split, bad.target if bad else None, bad.trigger if bad else None)


def joined(*pools: Pool) -> Pool:
    return Pool(np.concatenate([one.images for one in pools]), np.concatenate([one.labels for one in pools]))


def samples(pool: Pool, count: int) -> Samples:
    return Samples(pool.images[:count], pool.labels[:count], (8, 8))


def as_file(pool: Pool, path: Path) -> Path:
    """Write a pool as a data set of pictures."""
    np.savez(path, x=pool.images.reshape(-1, 8, 8), y=pool.labels)
    return path
