"""Photographs as JPEG files of 224 x 224 pixels, cut out of the two that come with scikit-learn; digits of 28 x 28."""

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.machinery import mnist
from bench.machinery.measured import caponier
from bench.machinery.scenes import Habit, Row, Scene, Tape, judged, users
from caponier.emulate.attack import Attack
from caponier.emulate.evasion.hop_skip_jump import HopSkipJump
from caponier.emulate.evasion.simba import SimBA
from caponier.emulate.outcome import Within
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.pictures import pooled

SIDE: Final = 224
SHAPE: Final = (SIDE, SIDE, 3)
SPEC: Final = FeatureSpec(kind="image", shape=(16, 16), minimum=0.0, maximum=1.0)
Pictures = NDArray[np.float32]
CUTTING: Final = (90, 200)
"""Least and greatest side of a cutting, in pixels of the photograph."""
LESSONS: Final = 150
"""Cuttings that the model learns from."""
POOL: Final = 500
"""Cuttings that users choose from. Of a few, each would be known from several users, and others new to all of them."""
VERSIONS: Final = ((90, 1.0), (75, 1.0), (90, 1.05), (90, 0.95))
"""Quality of the file, and how much brighter it is."""
WAVES: Final = 6
"""SimBA's waves: the so many lowest frequencies each way."""
STEP: Final = 4.0
"""L2 of a wave: 1/100 of a pixel's range on the average."""
BOUND: Final = 40.0
"""L2 within which SimBA counts as a success: a tenth of a pixel's range on the average."""
COARSE: Final = 14
"""Blocks on a side in which HopSkipJump changes a picture (Li et al. 2020): among 150,528 single values a few hundred
queries get nowhere."""
SEEN: Final = Within("l2", 5.0)
"""Within what a changed digit of 28 x 28 counts as a success: half as far as two digits of different classes lie."""
WHOLE: Final = 600
"""Events with whole pictures whose scan is weighed."""


@cache
def _photographs() -> tuple[NDArray[np.uint8], ...]:
    from sklearn.datasets import load_sample_images

    return tuple(load_sample_images().images)


def _files(n: int, rng: np.random.Generator) -> tuple[list[bytes], NDArray[np.int64]]:
    """Cut n squares out of the photographs; write each as JPEG in all `VERSIONS`, one after the other."""
    from PIL import Image

    files, labels = [], rng.integers(0, 2, n)
    for label in labels:
        photo = _photographs()[label]
        side = int(rng.integers(*CUTTING))
        top, left = (int(rng.integers(0, most - side)) for most in photo.shape[:2])
        square = Image.fromarray(photo[top : top + side, left : left + side]).resize((SIDE, SIDE))
        for quality, light in VERSIONS:
            held = io.BytesIO()
            square.point(lambda value, light=light: value * light).save(held, "JPEG", quality=quality)
            files.append(held.getvalue())
    return files, labels.repeat(len(VERSIONS))


def _pixels(row: Row) -> Pictures:
    """Return what the model sees of a file, or of the pixels (150528,) that an attacker sends."""
    if not isinstance(row, bytes):
        return np.asarray(row, np.float32)
    from PIL import Image

    with Image.open(io.BytesIO(row)) as picture:
        pixels: Pictures = np.asarray(picture.convert("RGB"), np.float32).reshape(-1) / 255
    return pixels


@lru_cache(maxsize=16_384)
def _pooled_file(file: bytes) -> Pictures:
    return pooled(file)


@lru_cache(maxsize=16_384)
def _read_file(file: bytes) -> Pictures:
    return _small(_pixels(file))


def _logged(row: Row) -> Pictures:
    """Return what is logged: a file is pooled as it came, and an attacker's pixels are pooled alike."""
    if isinstance(row, bytes):
        return _pooled_file(row)
    grey = np.asarray(row, np.float64).reshape(SHAPE).mean(axis=2)
    small: Pictures = grey.reshape(16, SIDE // 16, 16, SIDE // 16).mean(axis=(1, 3)).astype(np.float32).reshape(-1)
    return small


def pictures(seed: int, each: int) -> list[dict[str, Any]]:
    """Attack a small model of large pictures."""
    rng = np.random.default_rng(seed)
    files, labels = _files(LESSONS, rng)
    calm, other, own = (_files(n, rng)[0] for n in (POOL, POOL, 8 * each))
    model = _trained(np.stack([_read_file(file) for file in files]), labels, seed)
    scene = Scene("images, 224 x 224", "mlp", SPEC, lambda rows: model(np.stack([_seen(row) for row in rows])), _logged)
    originals = [_pixels(file) for file in own[:: len(VERSIONS)]]
    answers = scene.predict(originals).argmax(axis=1)
    for turn in range(each):
        tape, label = scene.tape("hop_skip_jump", turn, seed), int(answers[turn])
        others = np.flatnonzero(answers != label)
        coarse, start = _Coarse(originals[turn]), originals[int(others[turn % len(others)])]
        outcome = HopSkipJump().run(
            lambda rows, tape=tape, coarse=coarse: np.stack([tape.ask(coarse.whole(row)) for row in rows]),
            coarse.of(originals[turn]), label, seed=seed * 100 + turn, start=coarse.of(start),
        )  # fmt: skip
        ratio = (outcome.final_distance or 0) / (outcome.first_distance or 1)
        scene.attacked("hop_skip_jump", tape, outcome.success, ratio)
        tape = scene.tape("simba", turn, seed)
        success, size = _simba(tape, originals[turn], label, np.random.default_rng(seed * 100 + turn))
        scene.attacked("simba", tape, success, size)
    return judged(scene, PLAIN, {"versions": versions}, (calm, other), seed)


def digits(seed: int, each: int) -> list[dict[str, Any]]:
    """Attack a convolutional network for digits of 28 x 28."""
    train, usual, others, own = mnist.pools(seed)
    model = mnist.predictor(mnist.trained(train, seed))
    scene = Scene("images, 28 x 28", "cnn", mnist.SPEC, lambda rows: model(np.array(rows)).astype(np.float32))
    right = np.flatnonzero(scene.predict(own.images).argmax(axis=1) == own.labels)
    for turn, at in enumerate(right[:each]):
        originals, label = own.images[at], int(own.labels[at])
        start = own.images[right[own.labels[right] != label][turn]]
        searches: tuple[tuple[Attack, dict[str, Any]], ...] = (
            (HopSkipJump(), {"start": start}),
            (SimBA(0.5, "dct", within=SEEN, shape=(mnist.SIDE, mnist.SIDE, 1)), {}),
        )
        for attack, how in searches:
            tape = scene.tape(attack.name, turn, seed)
            outcome = attack.run(
                lambda rows, tape=tape: np.stack([tape.ask(row) for row in rows]), originals, label,
                seed=seed * 100 + turn, **how,
            )  # fmt: skip
            scene.attacked(attack.name, tape, outcome.success, outcome.final_distance or 0)
    return judged(scene, PHOTOS, {"burst": burst}, (usual.images, others.images), seed)


def whole_pictures(seed: int) -> dict[str, float]:
    """Scan a log that holds whole pictures, 150,528 numbers each; return what that costs."""
    files, _ = _files(WHOLE // len(VERSIONS), np.random.default_rng(seed))
    scene = Scene("images", "whole", SPEC, lambda rows: np.eye(2, dtype=np.float32)[np.zeros(len(rows), int)], _pixels)
    log = users(scene, {"anyone": anyone}, files, 10, seed, unique=WHOLE // 10)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.parquet"
        pq.write_table(log, path, row_group_size=100)
        shape = ",".join(map(str, SHAPE))
        arguments = ("--kind", "image", "--shape", shape, "--range", "0,1", "--format", "json", "--quiet")
        cost = caponier("scan", "inference", str(path), *arguments, "--rejected", str(Path(folder) / "rejected"))
    return {
        "whole_pictures": log.num_rows,
        "whole_pictures_cpu_seconds": round(cost.cpu_seconds, 1),
        "whole_pictures_peak_mb": round(cost.peak_mb),
    }


@dataclass(frozen=True, eq=False)
class _Coarse:
    """A picture (150528,) as somebody changes it who works in blocks: their means (588,) on top of its own detail."""

    picture: Pictures

    def of(self, pixels: Pictures) -> Pictures:
        """Return the means of the blocks."""
        side = SIDE // COARSE
        means: Pictures = pixels.reshape(COARSE, side, COARSE, side, 3).mean(axis=(1, 3)).reshape(-1)
        return means

    def whole(self, means: Pictures) -> Pictures:
        """Return the picture with other means, as it is sent."""
        change = (means - self.of(self.picture)).reshape(COARSE, COARSE, 3)
        side = SIDE // COARSE
        pixels = self.picture + change.repeat(side, axis=0).repeat(side, axis=1).reshape(-1)
        return np.clip(pixels, 0, 1).astype(np.float32)


def _simba(tape: Tape, original: Pictures, label: int, rng: np.random.Generator) -> tuple[bool, float]:
    """SimBA (Guo et al. 2019) in waves of low frequency, from scores; return whether it won, and the change (L2)."""
    kept, least = original.copy(), float(tape.ask(original)[label])
    place = (np.arange(SIDE) + 0.5) * np.pi / SIDE
    waves = [(u, v, colour) for u in range(WAVES) for v in range(WAVES) for colour in range(3)]
    for at in rng.permutation(len(waves)):
        u, v, colour = waves[at]
        wave = np.zeros(SHAPE, np.float32)
        wave[..., colour] = np.outer(np.cos(u * place), np.cos(v * place))
        wave *= STEP / np.linalg.norm(wave)
        for sign in (1, -1):
            tried = np.clip(kept + sign * wave.reshape(-1), 0, 1).astype(np.float32)
            scores = tape.ask(tried)
            if scores.argmax() != label:
                size = float(np.linalg.norm(tried - original))
                return size <= BOUND, size
            if scores[label] < least:
                kept, least = tried, float(scores[label])
                break
    return False, float(np.linalg.norm(kept - original))


def _seen(row: Row) -> Pictures:
    return _read_file(row) if isinstance(row, bytes) else _small(row)


def _small(pixels: Pictures) -> Pictures:
    small: Pictures = pixels.reshape(28, 8, 28, 8, 3).mean(axis=(1, 3)).reshape(-1)
    return small


def _trained(x: Pictures, y: NDArray[np.int64], seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier((32,), max_iter=80, random_state=seed, tol=1e-3).fit(x, y)

    def predict(rows: Pictures) -> Pictures:
        scores: Pictures = model.predict_proba(rows).astype(np.float32)
        return scores

    return predict


def anyone(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """One picture after the other, each in one version."""
    n = len(pool) // len(VERSIONS)
    while True:
        yield from (pool[at] for at in rng.permutation(n) * len(VERSIONS) + rng.integers(len(VERSIONS), size=n))


def versions(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Each picture in all its versions: saved again, and brighter."""
    while True:
        for first in rng.permutation(len(pool) // len(VERSIONS)) * len(VERSIONS):
            yield from pool[first : first + len(VERSIONS)]


def repeating(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Some pictures again."""
    for row in anyone(pool, rng):
        yield from [row] * int(rng.integers(1, 4))


PLAIN: Final[Mapping[str, Habit]] = {"anyone": anyone, "repeating": repeating}


def photographing(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """A photo of one digit after the other; no two photos are the same."""
    while True:
        yield mnist.photos(pool[rng.integers(len(pool))][None], rng)[0]


def sending_again(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Some photos again."""
    for row in photographing(pool, rng):
        yield from [row] * int(rng.integers(1, 4))


def burst(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Each digit in four photos."""
    while True:
        digit = pool[rng.integers(len(pool))]
        yield from mnist.photos(np.stack([digit] * 4), rng)


PHOTOS: Final[Mapping[str, Habit]] = {"photographing": photographing, "sending_again": sending_again}
