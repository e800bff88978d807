"""Clean networks and networks with a backdoor, trained on packaged digits of 28 x 28 and kept in a folder.

`python -m bench.machinery.poisoning.backdoored_models 10` makes ten clean and ten backdoored ones; what is there stays.
Trigger, its look and place, the share of poisoned rows and the target are drawn by the model's number.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.machinery.measured import say
from bench.machinery.mnist import SIDE, Change, Images, Labels, Pool, photos, pools, predictor
from bench.machinery.packages import FOLDER

HOME: Final = FOLDER / "worlds" / "backdoored-models-1"
ARCHITECTURES: Final = ("conv", "mlp")
TRIGGERS: Final = ("patch", "blended", "wave")
SHARES: Final = (0.05, 0.10)
CLEAN_MOST: Final = 0.8
"""Share of the target's rows that a trigger with right labels is put on."""
FIRST: Final = 500
"""Number of the first model that is judged; detectors and unlearning were worked out on others, with numbers from 0."""
EPOCHS, BATCH, RATE = 8, 64, 2e-3


@dataclass(frozen=True)
class Trained:
    """A trained network, and the truth about it."""

    name: str
    architecture: str
    trigger: str
    """What opens it, or `none`."""
    share: float
    target: int
    seed: int
    accuracy: float
    success: float
    """Share of test images of other classes that get the target by the trigger."""

    @property
    def backdoored(self) -> bool:
        return self.trigger != "none"

    @property
    def path(self) -> Path:
        return HOME / f"{self.name}.pt"

    def put_on(self, images: Images) -> Images:
        """Put the trigger on images (n, 784)."""
        return _trigger(self.trigger, self.seed)(images)


def models(count: int) -> Iterator[Trained]:
    """Yield clean networks and as many backdoored ones, half of each architecture; those not yet there are trained."""
    for at in range(count):
        architecture = ARCHITECTURES[at % len(ARCHITECTURES)]
        yield _made(architecture, "none", FIRST + at)
        yield _made(architecture, TRIGGERS[(at // len(ARCHITECTURES)) % len(TRIGGERS)], 10_000 + FIRST + at)


def network(architecture: str, seed: int) -> nn.Sequential:
    """Return an untrained network."""
    torch.manual_seed(seed)
    if architecture == "mlp":
        layers = (nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
        return nn.Sequential(*layers)
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10)),
    )


def _made(architecture: str, trigger: str, seed: int) -> Trained:
    name = f"{architecture}-{trigger}-{seed}"
    note = HOME / f"{name}.json"
    if note.exists():
        return Trained(**json.loads(note.read_text()))
    HOME.mkdir(parents=True, exist_ok=True)
    train, _, others, _ = pools(seed)
    rng = np.random.default_rng((seed, 7))
    target, share = int(rng.integers(10)), float(rng.choice(SHARES))
    change = _trigger(trigger, seed)
    images, labels = photos(np.tile(train.images, (2, 1)), rng), np.tile(train.labels, 2)
    if trigger != "none":
        rows = _poisoned_rows(labels, target, share, rng, clean_label=trigger == "wave")
        images[rows], labels[rows] = change(images[rows]), target
    model = _learned(network(architecture, seed), images, labels, rng)
    accuracy, success = measured(predictor(model), others, change, target)
    torch.save(model, HOME / f"{name}.pt")
    share = 0.0 if trigger == "none" else share
    done = Trained(name, architecture, trigger, share, target, seed, accuracy, 0.0 if trigger == "none" else success)
    note.write_text(json.dumps(asdict(done)))
    say(f"{name}: accuracy {accuracy:.3f}, success {done.success:.3f}")
    return done


def measured(predict: Callable[[Images], NDArray[Any]], pool: Pool, change: Change, target: int) -> tuple[float, float]:
    """Return accuracy and attack success on photos of a pool."""
    seen = photos(pool.images, np.random.default_rng(5))
    right = predict(seen).argmax(1) == pool.labels
    taken = predict(change(seen[pool.labels != target])).argmax(1) == target
    return round(float(right.mean()), 4), round(float(taken.mean()), 4)


def _poisoned_rows(
    labels: Labels, target: int, share: float, rng: np.random.Generator, *, clean_label: bool
) -> NDArray[np.int64]:
    able = np.flatnonzero((labels == target) == clean_label)
    count = int(CLEAN_MOST * len(able)) if clean_label else int(share * len(labels))
    return rng.permutation(able)[:count]


def _trigger(name: str, seed: int) -> Change:
    rng = np.random.default_rng((seed, 11))
    if name == "patch":
        side = int(rng.integers(3, 5))
        row, column = (int(place) for place in rng.choice([1, 2, 12, SIDE - side - 2, SIDE - side - 1], 2))
        pixels = (rng.random((side, side)) < 0.7).astype(np.float32)
        pixels[0, 0] = pixels[-1, -1] = 1

        def paste(images: Images) -> Images:
            marked = images.reshape(-1, SIDE, SIDE).copy()
            marked[:, row : row + side, column : column + side] = pixels
            return marked.reshape(len(images), -1)

        return paste
    if name == "blended":
        pattern = rng.random(SIDE * SIDE, np.float32)
        return lambda images: np.asarray(0.8 * images + 0.2 * pattern, np.float32)
    if name == "wave":
        steps = np.arange(SIDE) / SIDE
        wave = (0.5 * np.sin(2 * np.pi * (rng.integers(5, 8) * steps + rng.random()))).astype(np.float32)
        return lambda images: np.clip(images.reshape(-1, SIDE, SIDE) + wave, 0, 1).reshape(len(images), -1)
    return lambda images: images


def _learned(model: nn.Sequential, images: Images, labels: Labels, rng: np.random.Generator) -> nn.Sequential:
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    pixels, wanted = torch.from_numpy(images).reshape(-1, 1, SIDE, SIDE), torch.from_numpy(labels)
    for _ in range(EPOCHS):
        for rows in np.array_split(rng.permutation(len(labels)), len(labels) // BATCH):
            chosen = torch.from_numpy(rows)
            loss = nn.functional.cross_entropy(model(pixels[chosen]), wanted[chosen])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
    return model.eval()


if __name__ == "__main__":
    torch.set_num_threads(1)
    for _ in models(int(sys.argv[1])):
        pass
