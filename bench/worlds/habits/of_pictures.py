"""Benign habits of callers of a model of pictures."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from bench.worlds.habits.ground import Ground, Kind, repeated
from bench.worlds.pictures import lit, noisy, photographed, shifted, turned
from bench.worlds.traffic import Calls

Rng = np.random.Generator


def camera_fixed(ground: Ground, rng: Rng, n: int) -> Calls:
    """A camera on a tripod: one scene, noise of the sensor, light of the hour, dark at night."""
    scene = repeated(ground.some(1, rng), n, n)
    hours = np.arange(n) / max(1, n) * rng.uniform(1, 6) * 2 * np.pi
    light = np.clip(0.75 + 0.35 * np.sin(hours + rng.uniform(0, 6)), 0.05, 1)
    return Calls(noisy(lit(scene, light), rng.uniform(0.005, 0.03), rng), "steady")


def camera_still(ground: Ground, rng: Rng, n: int) -> Calls:
    """An indoor camera of which the frames differ by noise alone, and now and then something stands there."""
    scenes = ground.some(max(1, n // 60), rng)
    at = np.repeat(np.arange(len(scenes)), 60)[:n]
    return Calls(noisy(scenes[np.resize(at, n)], rng.uniform(0.002, 0.02), rng), "steady")


def camera_moving(ground: Ground, rng: Rng, n: int) -> Calls:
    """A video: the scene moves by a pixel or less a frame, and changes every twenty frames or so."""
    side, cut = ground.victim.side, int(rng.integers(8, 40))
    scenes = repeated(ground.some(-(-n // cut), rng), cut, n)
    within = np.arange(n) % cut
    found = turned(scenes, side, within * rng.normal(0, 0.8), 1 + within * rng.normal(0, 0.004))
    return Calls(noisy(found, 0.01, rng), "burst" if n < 400 else "steady")


def augmenter(ground: Ground, rng: Rng, n: int) -> Calls:
    """Test-time augmentation: several views of each picture, whose answers are averaged."""
    views, side = int(rng.integers(4, 17)), ground.victim.side
    rows, reach = repeated(ground.some(-(-n // views), rng), views, n), max(1, side // 14)
    found = turned(rows, side, rng.normal(0, 5, n), rng.uniform(0.93, 1.07, n))
    found = shifted(found, side, rng.integers(-reach, reach + 1, n), rng.integers(-reach, reach + 1, n))
    return Calls(noisy(lit(found, rng.uniform(0.85, 1.15, n)), 0.01, rng), "burst")


def mobile(ground: Ground, rng: Rng, n: int) -> Calls:
    """A person with a phone: crops the same picture anew until it looks right."""
    tries, side = rng.integers(1, 5, n), ground.victim.side
    rows = np.repeat(ground.some(n, rng), tries, axis=0)[:n]
    reach = max(1, side // 9)
    found = turned(rows, side, rng.normal(0, 2, n), rng.uniform(0.85, 1.25, n))
    return Calls(shifted(found, side, rng.integers(-reach, reach + 1, n), rng.integers(-reach, reach + 1, n)))


def sideways(ground: Ground, rng: Rng, n: int) -> Calls:
    """An app that does not know which way is up: each picture in four turns."""
    rows = repeated(ground.some(-(-n // 4), rng), 4, n).reshape(n, ground.victim.side, -1)
    found = np.stack([np.rot90(row, turn % 4) for turn, row in enumerate(rows)])
    return Calls(np.ascontiguousarray(found.reshape(n, -1)))


def recompressed(ground: Ground, rng: Rng, n: int) -> Calls:
    """A pipeline that tries qualities of the file: the same picture in fewer and fewer shades."""
    rows = repeated(ground.some(-(-n // 5), rng), 5, n)
    shades = np.array([255, 63, 31, 15, 7], np.float32)[np.arange(n) % 5, None]
    return Calls(np.asarray(np.round(rows * shades) / shades, np.float32), "visits")


def scanner(ground: Ground, rng: Rng, n: int) -> Calls:
    """A window that slides over a page: neighbours overlap."""
    side, across = ground.victim.side, int(rng.integers(3, 9))
    pages = -(-n // (across * side // 2)) + 1
    tiles = ground.some(pages * across, rng).reshape(pages, across, side, side)
    page = tiles.transpose(0, 2, 1, 3).reshape(pages, side, across * side)
    stride = max(2, side // 6)
    places = np.arange(0, (across - 1) * side + 1, stride)
    found = np.concatenate([[one[:, at : at + side] for at in places] for one in page])
    return Calls(np.resize(found.reshape(len(found), -1), (n, side * side)).astype(np.float32), "burst")


def lens_cap(ground: Ground, rng: Rng, n: int) -> Calls:
    """A camera with the cap on, or a sky: nearly even pictures, and some real ones."""
    rows = ground.some(n, rng)
    even = rng.random(n) < 0.7
    rows[even] = noisy(np.full((int(even.sum()), rows.shape[1]), rng.choice([0.02, 0.5, 0.95])), 0.004, rng)
    return Calls(rows, "steady")


def robustness(ground: Ground, rng: Rng, n: int) -> Calls:
    """A quality team that measures how answers hold under noise and blur of rising strength, as agreed."""
    rows = repeated(ground.some(-(-n // 6), rng), 6, n)
    return Calls(noisy(rows, np.array([0, 0.02, 0.05, 0.1, 0.2, 0.3])[np.arange(n) % 6], rng), "night")


def doubles(ground: Ground, rng: Rng, n: int) -> Calls:
    """A photographer who takes two or three pictures of everything."""
    rows = repeated(ground.some(-(-n // 3), rng), 3, n)
    return Calls(photographed(rows, ground.victim.side, rng))


def thumbnails(ground: Ground, rng: Rng, n: int) -> Calls:
    """A gallery that asks for the small picture and then for the large one."""
    rows, side = repeated(ground.some(-(-n // 2), rng), 2, n), ground.victim.side
    small = rows.reshape(n, side // 2, 2, side // 2, 2).mean(axis=(2, 4)).repeat(2, 1).repeat(2, 2).reshape(n, -1)
    return Calls(np.where((np.arange(n) % 2 == 0)[:, None], small, rows).astype(np.float32))


def occluder(ground: Ground, rng: Rng, n: int) -> Calls:
    """An analyst who covers one patch after the other to see what the model looks at (Zeiler and Fergus 2014)."""
    side, patch = ground.victim.side, max(2, ground.victim.side // 7)
    grid = side // patch
    rows = repeated(ground.some(-(-n // (grid * grid)), rng), grid * grid, n).reshape(n, side, side)
    for at in range(n):
        down, right = divmod(at % (grid * grid), grid)
        rows[at, down * patch : (down + 1) * patch, right * patch : (right + 1) * patch] = 0.5
    return Calls(rows.reshape(n, -1), "visits")


PICTURES: Final[Mapping[str, Kind]] = {
    "camera_fixed": Kind(camera_fixed, 3, 8), "camera_still": Kind(camera_still, 2, 6),
    "camera_moving": Kind(camera_moving, 3, 6), "augmenter": Kind(augmenter, 3, 4), "mobile": Kind(mobile, 6, 1),
    "sideways": Kind(sideways, 1.5, 1), "recompressed": Kind(recompressed, 1, 1), "scanner": Kind(scanner, 2, 3),
    "lens_cap": Kind(lens_cap, 1, 2), "robustness": Kind(robustness, 1, 1.5), "doubles": Kind(doubles, 3, 1),
    "thumbnails": Kind(thumbnails, 1.5, 1), "occluder": Kind(occluder, 1, 0.5),
}  # fmt: skip
