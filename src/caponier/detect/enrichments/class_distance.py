"""How far an input lies from the benign inputs that the model answers alike: a class-conditional Mahalanobis distance.

Lee et al. (2018) measure it on a network's inner layers, with one covariance for all classes. From outside only the
input is there to be measured, and there each class has a shape of its own: its covariance is its own for the most part.
The least that every direction is taken to vary is about what a sensor's noise adds; an adversarial change spreads
over directions in which the images of a class vary less than that.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.detector import Params
from caponier.detect.enrichment import Predict, Rows
from caponier.records.inventory import FeatureSpec

OWN: Final = 0.9
"""Share of a class's own covariance; the rest is what all classes have in common."""
SHRINKAGE: Final = 0.02
"""Share of the mean variance in each direction (Ledoit, Wolf 2004)."""
ALIKE: Final = 1e-6
"""Variance that is taken for granted in every direction, where benign inputs do not differ."""
FEW: Final = 2
"""Benign inputs of a class below which it has no covariance of its own."""
WIDEST: Final = 1_040
"""Features beyond which a covariance is too large to keep."""


class ClassDistance:
    """The Mahalanobis distance from the class of the answer, divided by the square root of the number of features."""

    name = "class_distance"
    digits = 3

    def lacks(self, spec: FeatureSpec) -> str | None:
        """It was measured on images, and needs a covariance."""
        if spec.kind != "image":
            return "it is about images alone"
        return None if (spec.size or 0) <= WIDEST else f"it is about inputs of at most {WIDEST:,} values"

    def fit(self, predict: Predict, benign: Rows, spec: FeatureSpec) -> Params:
        """Learn the middle and the spread of each class, as the model answers; unseen classes get those of all."""
        width = spec.size or 0
        if not len(benign):
            return {"means": np.zeros((0, width)), "whitening": np.zeros((0, width, width))}
        scores = predict(benign)
        answers, classes = scores.argmax(axis=1), scores.shape[1]
        inputs = benign.astype(np.float64)
        parts = [inputs[answers == label] for label in range(classes)]
        means = np.stack([(part if len(part) else inputs).mean(axis=0) for part in parts])
        off = inputs - means[answers]
        shared = off.T @ off / len(off)
        return {"means": means, "whitening": np.stack([_whitening(part, shared) for part in parts])}

    def enrich(self, predict: Predict, rows: Rows, params: Params) -> NDArray[np.float64]:
        """Measure each row from the class that the model takes it for; NaN where nothing benign was seen."""
        distances = np.full(len(rows), np.nan)
        answers = predict(rows).argmax(axis=1)
        for label in np.unique(answers):
            if label < len(params["means"]):
                mine = answers == label
                off = (rows[mine] - params["means"][label]) @ params["whitening"][label]
                distances[mine] = np.sqrt(np.square(off).mean(axis=1))
        return distances


def _whitening(part: NDArray[np.float64], shared: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what makes the spread of a class's inputs (m, d) the same in all directions, (d, d)."""
    width = len(shared)
    covariance = OWN * np.cov(part.T).reshape(width, width) + (1 - OWN) * shared if len(part) >= FEW else shared
    covariance = (1 - SHRINKAGE) * covariance + (SHRINKAGE * np.trace(covariance) / width + ALIKE) * np.eye(width)
    variance, directions = np.linalg.eigh(covariance)
    whitening: NDArray[np.float64] = directions / np.sqrt(variance)
    return whitening


enrichment = ClassDistance()
