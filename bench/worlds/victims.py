"""The models of the worlds: real packaged rows, cut into pools that never meet, and a model trained on the first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caponier.records.inventory import FeatureSpec


@dataclass(frozen=True, eq=False)
class Pool:
    """Rows, (n, d) numbers or (n,) texts, and their true classes (n,)."""

    rows: Any
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Victim:
    """A model with its rows: those it learned from, of the calibration's users, of later users, and of attackers.

    `renew` makes rows anew as nature would: another photograph of the digit, another mail of the kind. `texts` writes
    rows as `input_raw`, where the world logs that. `further` is how many times longer the use is than the calibration.
    """

    name: str
    description: str
    spec: FeatureSpec
    classes: tuple[str, ...]
    ask: Callable[[Any], NDArray[np.float32]]
    train: Pool
    calm: Pool
    fresh: Pool
    own: Pool
    renew: Callable[[Any, np.random.Generator], Any]
    further: float
    texts: Callable[[Any], Any] | None = None
    priced: bool = False
    latency: float = 12.0
    values: Sequence[NDArray[Any]] = ()
    """For each column of a table, the values it takes."""
    grows: bool = False
    """Whether some callers have habits that grow, and more callers have those later."""
    habits: Mapping[str, Any] = field(default_factory=dict)
    """Habits that only callers of this model have, by name, each a `habits.ground.Kind`."""
    befalls: Callable[[Any, np.random.Generator], Any] | None = None
    """What befalls the calls of benign callers, many at the same hour: from a `traffic.Part` to another."""

    @property
    def side(self) -> int:
        """Height and width of a picture, 0 of anything else."""
        return int(self.spec.shape[0]) if self.spec.kind == "image" else 0

    def accuracy(self) -> float:
        """Return how often the model is right about rows it has not seen."""
        return float((self.ask(self.fresh.rows).argmax(axis=1) == self.fresh.labels).mean())


def pools(x: Any, y: NDArray[np.int64], seed: int, shares: Sequence[float] = (0.35, 0.6, 0.82)) -> list[Pool]:
    """Share rows out among the model, the calibration, later users and attackers."""
    order = np.random.default_rng(seed).permutation(len(y))
    return [Pool(x[at], y[at]) for at in np.split(order, (len(y) * np.array(shares)).astype(int))]


def values(x: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return the values that stand in each column."""
    return [np.unique(x[:, column]) for column in range(x.shape[1])]
