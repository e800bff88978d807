"""Models that give away what they were trained on: they know their few records by heart, wrong labels and all.

A model leaks as far as it fits its records better than others (Yeom and others, 2018); full trees and a network without
regularisation do, the more the more of their labels are wrong (Zhang and others, 2017).
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from caponier.emulate.images import CLASSES, Images, Labels
from caponier.emulate.network import Schooling
from caponier.emulate.victims.digits import SEEDS, Kind, Pool, Victim, forward_pass
from caponier.errors import InputError
from caponier.extras import needs

TREES: Final = 20
HIDDEN, EPOCHS, RATE = 128, 300, 3e-3


def train_leaking(pool: Pool, held_out: Pool, seed: int, kind: Kind = "forest") -> Victim:
    """Train a model on each image as it is: no noise, nothing that keeps it from learning by heart.

    Args:
        pool: What it learns from.
        held_out: What its accuracy is measured on.
        seed: Fixes the model.
        kind: `forest`, full trees, or `mlp`, a network without regularisation.

    Raises:
        InputError: If `kind` is something else.
    """
    trainers = {"forest": _forest, "mlp": _mlp}
    if kind not in trainers:
        raise InputError(f"There is no leaking victim of kind {kind!r}", hint=f"Choose one of: {', '.join(trainers)}")
    with threadpool_limits(1):
        predict_proba = trainers[kind](pool.images, pool.labels, seed)
    right = predict_proba(held_out.images).argmax(axis=1) == held_out.labels
    return Victim(kind, predict_proba, float(right.mean()))


def mislabelled(pool: Pool, share: float, rng: np.random.Generator) -> Pool:
    """Return a pool in which a share of the labels is another class, as hasty annotators leave it."""
    wrong = rng.random(len(pool)) < share
    labels: Labels = np.where(wrong, (pool.labels + rng.integers(1, CLASSES, len(pool))) % CLASSES, pool.labels)
    return Pool(pool.images, labels)


def _forest(images: Images, labels: Labels, seed: int) -> Callable[[Images], Images]:
    with needs("emulate", "Training a victim"):
        from sklearn.ensemble import RandomForestClassifier
    model = RandomForestClassifier(n_estimators=TREES, random_state=seed % SEEDS, n_jobs=1).fit(images, labels)

    def predict_proba(rows: Images) -> Images:
        # A class that none of the few records is of has no column.
        scores = np.zeros((len(rows), CLASSES), np.float32)
        scores[:, model.classes_] = model.predict_proba(rows)
        return scores

    return predict_proba


def _mlp(images: Images, labels: Labels, seed: int) -> Callable[[Images], Images]:
    return forward_pass(*Schooling(HIDDEN, EPOCHS, seed % SEEDS, decay=0, rate=RATE).classifier(images, labels))
