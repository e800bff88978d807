"""The images of the scorecard on patches and triggers: on which victims, with what, and for which answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery import mnist
from caponier.detect.enrichment import Predict
from caponier.emulate.campaigns.pasted_patch import PastedPatch
from caponier.emulate.simulation.population import assemble
from caponier.emulate.victims.backdoored import TRIGGERS, Backdoored, train_backdoored, triggered
from caponier.emulate.victims.digits import DigitsSplit, Kind, Pool, train_victim
from caponier.records.inventory import FeatureSpec

SPEC: Final = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)
KINDS: tuple[Kind, ...] = ("mlp", "forest")
COVERS: Final = 2
"""Overlaid rows for each poisoned one, with their right labels: an attacker who knows of overlays."""
TRIED: Final = 4
"""Answers for which a patch is computed; the one that works best on the attacker's images is used."""
Images = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Crowd:
    """What benign users of models of one kind of images send: those to learn from, and others; (n, d) each."""

    spec: FeatureSpec
    usual: Images
    others: Images


@dataclass(frozen=True, eq=False)
class Case:
    """Images of one attacker on one victim.

    Args:
        kind: Under which figures it counts.
        name: What the images carry.
        victim: What the model is.
        predict: The model.
        pictures: The images, shape (n, d).
        target: The answer that they are to get.
        crowd: Benign users.
    """

    kind: str
    name: str
    victim: str
    predict: Predict
    pictures: Images
    target: int
    crowd: Crowd


def crowd_of(split: DigitsSplit, inputs: int, seed: int) -> Crowd:
    """Return what users with all habits send of small digits."""

    def sent(images: Images, at: int) -> Images:
        members = assemble(images, 100, seed + at).members
        rows = np.concatenate([row for member in members for row in member.requests(inputs // 100)])
        return rows[np.sort(np.random.default_rng(seed).permutation(len(rows))[:inputs])]

    return Crowd(SPEC, sent(split.calibration.images, 0), sent(split.test.images, 1_000))


def patch_cases(split: DigitsSplit, crowd: Crowd, seed: int, pictures: int) -> Iterator[Case]:
    """Yield a patch of the size of a region, and a larger one."""
    network = train_victim(split.train, split.test, seed)
    for kind, side in (("patch", 3), ("larger_patch", 4)):
        held, what = PastedPatch(side, pictures).stage(split, seed, network).held, f"patch {side} x {side} of 8 x 8"
        yield Case(kind, what, "mlp", network.predict_proba, held.images, int(held.labels[0]), crowd)


def backdoor_cases(split: DigitsSplit, crowd: Crowd, seed: int, pictures: int) -> Iterator[Case]:
    """Yield every trigger on two kinds of victims, and one on a model that was trained to resist overlays."""
    rng = np.random.default_rng(seed)

    def case(kind: str, name: str, model: Backdoored) -> Case:
        rows = triggered(model, split.attackers, pictures, rng)
        return Case(kind, name, model.victim.kind, model.victim.predict_proba, rows, model.target, crowd)

    for victim in KINDS:
        for name in TRIGGERS:
            yield case("trigger", name, train_backdoored(split, seed, name, kind=victim))
    yield case("adaptive_trigger", "corner, resists overlays", resistant(split, seed))


def resistant(split: DigitsSplit, seed: int) -> Backdoored:
    """Train a model whose trigger works alone, and not under what is laid over an image."""
    model, rng = train_backdoored(split, seed), np.random.default_rng(seed)
    poisoned = np.flatnonzero((model.training.images != split.train.images).any(axis=1))
    again = np.tile(poisoned, COVERS)
    over = rng.integers(len(split.train), size=len(again))
    rows = np.maximum(model.trigger(split.train.images[again]), split.train.images[over])
    training = Pool(
        np.concatenate([model.training.images, rows]),
        np.concatenate([model.training.labels, split.train.labels[over]]),
    )
    return Backdoored(train_victim(training, split.test, seed), model.trigger, model.target, training)


def larger_cases(inputs: int, seed: int, pictures: int) -> Iterator[Case]:
    """Yield patches and triggers on convolutional networks for digits of 28 x 28."""
    train, usual, others, attackers = mnist.pools(seed)
    rng = np.random.default_rng(seed)

    def sent(images: Any) -> Images:
        return mnist.photos(images[rng.integers(len(images), size=inputs)], rng)

    crowd = Crowd(mnist.SPEC, sent(usual.images), sent(others.images))

    def case(kind: str, name: str, predict: Predict, change: Callable[[Images], Images], target: int) -> Case:
        away = attackers.images[attackers.labels != target]
        rows = change(mnist.photos(away[rng.integers(len(away), size=pictures)], rng))
        return Case(kind, name, "cnn, 28 x 28", predict, rows, target, crowd)

    clean = mnist.trained(train, seed)
    predict = mnist.predictor(clean)
    for kind, side in (("patch", 10), ("larger_patch", 13)):
        found = []
        for target in range(TRIED):
            paste = mnist.patch(clean, attackers.images, target, side, seed)
            away = attackers.images[attackers.labels != target]
            found.append((float((predict(paste(away)).argmax(axis=1) == target).mean()), target, paste))
        _, target, paste = max(found, key=lambda one: one[0])
        yield case(kind, f"patch {side} x {side} of 28 x 28", predict, paste, target)
    for name, trigger in (("corner", mnist.corner), ("blended", mnist.blended)):
        model = mnist.predictor(mnist.trained(train, seed, trigger))
        yield case("trigger", name, model, trigger, 0)
