"""Handwritten digits that come with scikit-learn, and models trained on them.

The 1,797 images are cut into pools that never meet: a detector that is calibrated on one pool's users is tested on
another's, and attackers hold images that no user and no model has seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from caponier.emulate.images import Images, Labels, shots
from caponier.emulate.network import Schooling
from caponier.errors import InputError
from caponier.extras import needs

Kind: TypeAlias = Literal["mlp", "forest"]
SHOTS_AN_IMAGE = 8
"""A model that saw each image once errs on every fourth photo that is a pixel off; customers would not pay for it."""
HIDDEN, EPOCHS = 128, 60
TREES = 50
SEEDS = 2**32
"""scikit-learn takes no seed from here on."""
TRAIN, CALIBRATION, TEST = 600, 500, 500


@dataclass(frozen=True, eq=False)
class Pool:
    """Images of one party.

    Args:
        images: Shape (n, 64), values in 0..1.
        labels: Their true classes, shape (n,).
    """

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class DigitsSplit:
    """The digits in four disjoint pools: the victim's, those of users to calibrate and to test on, the attackers'."""

    train: Pool
    calibration: Pool
    test: Pool
    attackers: Pool

    @staticmethod
    def shot(image: Images, rng: np.random.Generator) -> Images:
        """Photograph one image (64,): sensor noise, and now and then a pixel off."""
        photo: Images = shots(image[None], rng)[0]
        return photo


@dataclass(frozen=True, eq=False)
class Victim:
    """A trained model.

    Args:
        kind: What it is.
        predict_proba: Images (n, 64) to class scores (n, 10), float32.
        accuracy: Share of right answers on photos of images that it was not trained on.
    """

    kind: Kind
    predict_proba: Callable[[Images], Images]
    accuracy: float

    def answers(self, images: Images) -> Labels:
        """Return the class that the model gives to each of the images (n, 64)."""
        classes: Labels = self.predict_proba(images).argmax(axis=1)
        return classes

    def understood(self, pool: Pool) -> Pool:
        """Return the part of a pool that the model gets right: what is left is not worth an attack."""
        right = self.answers(pool.images) == pool.labels
        return Pool(pool.images[right], pool.labels[right])


def load_digits_split(seed: int) -> DigitsSplit:
    """Shuffle the digits by `seed` and cut them: 600 to train, 500 to calibrate, 500 to test, 197 for attackers."""
    with needs("emulate", "The digits data set"):
        from sklearn.datasets import load_digits
    pixels, classes = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(classes))
    images = (pixels[order] / 16).astype(np.float32)
    labels = classes[order].astype(np.int64)
    cuts = np.cumsum([TRAIN, CALIBRATION, TEST])
    return DigitsSplit(*map(Pool, np.split(images, cuts), np.split(labels, cuts)))


def train_victim(pool: Pool, held_out: Pool, seed: int, kind: Kind = "mlp") -> Victim:
    """Train a model on photos of a pool's images.

    Args:
        pool: What it learns from.
        held_out: What its accuracy is measured on.
        seed: Fixes photos and weights.
        kind: `mlp`, a network with one hidden layer, or `forest`, 50 trees, whose answers move in steps.

    Raises:
        InputError: If `kind` is something else.
    """
    trainers = {"mlp": _mlp, "forest": _forest}
    if kind not in trainers:
        raise InputError(f"There is no victim of kind {kind!r}", hint=f"Choose one of: {', '.join(trainers)}")
    rng = np.random.default_rng(seed)
    photos = shots(np.tile(pool.images, (SHOTS_AN_IMAGE, 1)), rng, shift_share=0.5)
    # Matrices this small only lose by being shared among cores, ten times over on a busy machine.
    with threadpool_limits(1):
        predict_proba = trainers[kind](photos, np.tile(pool.labels, SHOTS_AN_IMAGE), seed)
    right = predict_proba(shots(held_out.images, rng)).argmax(axis=1) == held_out.labels
    return Victim(kind, predict_proba, float(right.mean()))


def _mlp(images: Images, labels: Labels, seed: int) -> Callable[[Images], Images]:
    """Train a network and return its forward pass in float32.

    scikit-learn's own `predict_proba` spends 0.2 ms a call on checks, five times the arithmetic: too slow for a
    server that answers single rows.
    """
    return forward_pass(*Schooling(HIDDEN, EPOCHS, seed % SEEDS, decay=1e-3).classifier(images, labels))


def forward_pass(
    coefs: Sequence[npt.NDArray[np.floating]], intercepts: Sequence[npt.NDArray[np.floating]]
) -> Callable[[Images], Images]:
    """Return what a network with one hidden layer answers, in float32, from its weights and biases."""
    (inner, outer) = (weights.astype(np.float32) for weights in coefs)
    (inner_bias, outer_bias) = (bias.astype(np.float32) for bias in intercepts)

    def predict_proba(rows: Images) -> Images:
        # Who sends absurd numbers gets no numbers back, as from any model.
        with np.errstate(over="ignore", invalid="ignore"):
            logits = np.maximum(rows @ inner + inner_bias, 0) @ outer + outer_bias
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            scores: Images = odds / odds.sum(axis=1, keepdims=True)
        return scores

    return predict_proba


def _forest(images: Images, labels: Labels, seed: int) -> Callable[[Images], Images]:
    with needs("emulate", "Training a victim"):
        from sklearn.ensemble import RandomForestClassifier
    model = RandomForestClassifier(n_estimators=TREES, random_state=seed % SEEDS, n_jobs=1).fit(images, labels)

    def predict_proba(rows: Images) -> Images:
        scores: Images = model.predict_proba(rows).astype(np.float32)
        return scores

    return predict_proba
