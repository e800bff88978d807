"""World 2: photographs as 16 x 16 greys, pooled as the product logs them, and a small network for twelve scenes."""

import io
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery.packages import from_pypi
from bench.worlds.pictures import photographed
from bench.worlds.predictors import network
from bench.worlds.victims import Victim, pools
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.pictures import pooled

SIDE: Final = 16
CROPS: Final = 260
"""Crops of each scene."""
SCENES: Final = (
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png",
    "hubble_deep_field.jpg", "motorcycle_left.png", "rocket.jpg",
)  # fmt: skip
"""Photographs that scikit-image packages; two more come with scikit-learn."""


def _photographs() -> Iterator[Any]:
    from PIL import Image
    from sklearn.datasets import load_sample_images

    folder = from_pypi("scikit-image", "0.25.2") / "skimage" / "data"
    for name in SCENES:
        with Image.open(folder / name) as picture:
            yield picture.convert("RGB")
    for pixels in load_sample_images().images:
        yield Image.fromarray(pixels)


def _crops(seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cut squares out of the photographs, write them as JPEG, and pool the files."""
    rng = np.random.default_rng((seed, 2))
    rows, labels = [], []
    for label, photo in enumerate(_photographs()):
        shorter = min(photo.size)
        for _ in range(CROPS):
            side = int(rng.uniform(0.45, 0.95) * shorter)
            left, top = (int(rng.integers(0, most - side + 1)) for most in photo.size)
            square = photo.crop((left, top, left + side, top + side)).resize((128, 128))
            held = io.BytesIO()
            square.save(held, "JPEG", quality=int(rng.integers(60, 96)))
            rows.append(pooled(held.getvalue()))
            labels.append(label)
    return np.stack(rows), np.array(labels)


def _renew(rows: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    return photographed(rows, SIDE, rng)


def trains(seed: int) -> Victim:
    """Train the network."""
    train, calm, fresh, own = pools(*_crops(seed), seed, (0.4, 0.6, 0.8))
    return Victim(
        name="photos",
        description="photographs as 16 x 16 greys, a small convolutional network",
        spec=FeatureSpec(kind="image", shape=(SIDE, SIDE), minimum=0.0, maximum=1.0),
        classes=(*(name.partition(".")[0] for name in SCENES), "china", "flower"),
        ask=network(train.rows, train.labels, SIDE, seed, _renew),
        train=train, calm=calm, fresh=fresh, own=own, renew=_renew, further=3.0, latency=25.0,
    )  # fmt: skip
