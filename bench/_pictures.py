"""Photographs as JPEG files of 224 x 224 pixels: cuttings of the two that come with scikit-learn."""

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bench._scenes import Habit, Row, Scene, Tape, judged, users
from bench.measured import caponier
from caponier.emulate.attacks.hop_skip_jump import HopSkipJump
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.pictures import pooled

SIDE: Final = 224
SHAPE: Final = (SIDE, SIDE, 3)
SPEC: Final = FeatureSpec(kind="image", shape=(16, 16), minimum=0.0, maximum=1.0)
Pictures = NDArray[np.float32]
CUTTING: Final = (90, 200)
"""Least and greatest side of a cutting, in pixels of the photograph."""
POOL: Final = 150
"""Cuttings of each part."""
VERSIONS: Final = ((90, 1.0), (75, 1.0), (90, 1.05), (90, 0.95))
"""Quality of the file, and how much brighter it is."""
WAVES: Final = 12
"""SimBA's waves: the so many lowest frequencies each way."""
STEP: Final = 3.0
"""L2 of a wave: less than 1/100 of a pixel's range on the average."""
BOUND: Final = 30.0
"""L2 within which SimBA counts as a success: 0.08 of a pixel's range on the average."""
WHOLE: Final = 600
"""Events with whole pictures whose scan is weighed."""


@cache
def _photographs() -> tuple[NDArray[np.uint8], ...]:
    from sklearn.datasets import load_sample_images

    return tuple(load_sample_images().images)


def _files(n: int, place: slice, rng: np.random.Generator) -> tuple[list[bytes], NDArray[np.int64]]:
    """Cut n squares out of a part of the photographs; write each as JPEG in all `VERSIONS`, one after the other."""
    from PIL import Image

    files, labels = [], rng.integers(0, 2, n)
    for label in labels:
        photo = _photographs()[label][:, place]
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


@lru_cache(maxsize=8_192)
def _pooled_file(file: bytes) -> Pictures:
    return pooled(file)


@lru_cache(maxsize=8_192)
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
    # A model that saw only one half of each photograph would not know the other one: it learns from all of it.
    files, labels = _files(POOL, slice(0, 640), rng)
    calm, other, own = (_files(POOL, slice(300, 640), rng)[0] for _ in range(3))
    model = _trained(np.stack([_read_file(file) for file in files]), labels, seed)
    scene = Scene("images, 224 x 224", "mlp", SPEC, lambda rows: model(np.stack([_seen(row) for row in rows])), _logged)
    prey = [_pixels(file) for file in own[:: len(VERSIONS)][: 8 * each]]
    answers = scene.predict(prey).argmax(axis=1)
    for turn in range(each):
        tape, label = scene.tape("hop_skip_jump", turn, seed), int(answers[turn])
        others = np.flatnonzero(answers != label)
        start = prey[int(others[turn % len(others)])]
        outcome = HopSkipJump().run(
            lambda rows, tape=tape: np.stack([tape.ask(row) for row in rows]),
            prey[turn], label, seed=seed * 100 + turn, start=start,
        )  # fmt: skip
        ratio = (outcome.final_distance or 0) / (outcome.first_distance or 1)
        scene.attacked("hop_skip_jump", tape, outcome.success, ratio)
        tape = scene.tape("simba", turn, seed)
        success, size = _simba(tape, prey[turn], label, np.random.default_rng(seed * 100 + turn))
        scene.attacked("simba", tape, success, size)
    return judged(scene, PLAIN, {"versions": versions}, (calm, other), seed)


def whole_pictures(seed: int) -> dict[str, float]:
    """Scan a log that holds whole pictures, 150,528 numbers each; return what that costs."""
    files, _ = _files(WHOLE // len(VERSIONS), slice(0, 640), np.random.default_rng(seed))
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

    with threadpool_limits(1):
        model = MLPClassifier((32,), max_iter=80, random_state=seed, tol=1e-3).fit(x, y)

    def predict(rows: Pictures) -> Pictures:
        with threadpool_limits(1):
            scores: Pictures = model.predict_proba(rows).astype(np.float32)
        return scores

    return predict


def anyone(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """One picture after the other."""
    while True:
        yield from (pool[at] for at in rng.permutation(len(pool)))


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
