"""Class probabilities for every row of a data set, each from a model that has not seen the row's own fold.

The models are small, ours, and plain numpy: the mean of a kernel ridge classifier on landmarks (Nystroem; Williams,
Seeger 2001) and a vote of nearest neighbours, and beside it a forest. The first is smooth and forgives wrong labels,
the second is local and needs no tuning, the third needs no distance; where they agree against a label, the label is
rarely right. How the columns are scaled, how wide the kernel is, how much it forgives and how much the forest counts
are chosen by the likelihood of the given labels outside their fold.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.label_models.forest import forest_probabilities

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Kernel = NDArray[np.float32]

FOLDS: Final = 8
LANDMARKS, MANY_LANDMARKS, TUNING_LANDMARKS = 800, 400, 300
"""Of up to `MANY` rows, of more, and while the kernel is chosen: time grows with their square."""
MANY: Final = 20_000
TUNING_ROWS: Final = 1_500
NEIGHBOURS, KNOWN_NEIGHBOURS = 10, 48
"""How many vote, and how many are remembered: those of the row's own fold and distrusted ones do not vote."""
PAIRS: Final = 250_000_000
"""Distances that are computed for neighbours at most: of a larger set they are looked for in a sample."""
BLOCK, NEAR_BLOCK = 1_024, 128
WIDTHS: Final = (1.0, 2.0, 4.0)
"""Kernel exp(-width * squared distance / its median)."""
RIDGES: Final = (0.1, 1.0, 3.0)
SHARPNESS: Final = (2.0, 4.0, 8.0, 16.0)
"""Factors from ridge scores to the exponents of probabilities."""
FOREST: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Parts that the forest may have in what is said."""
DIGITS: Final = 6
"""Probabilities are rounded, so that another BLAS does not move a row over a threshold."""


def least_probability(classes: int) -> float:
    """Return the lowest probability that a label can get: of a sure model and a vote in which none is for it."""
    return 0.5 / (classes * (NEIGHBOURS + 1))


class OutOfFold:
    """Predicts the label of each row from the rows of the other folds.

    Args:
        x: (n, d) finite features, in an order that does not depend on the file's: sums are rounded in order.
        y: (n,) given labels as numbers from 0.
        classes: How many classes there are.
        folds: (n,) fold of each row, from 0.
    """

    def __init__(self, x: Floats, y: Whole, classes: int, folds: Whole) -> None:
        self._x, self._given, self._classes, self._folds = x, y, classes, folds
        self._targets = np.eye(classes)[y]
        ranked, width = _tune(x[:TUNING_ROWS], self._targets[:TUNING_ROWS], folds[:TUNING_ROWS])
        scaled = _scaled(x, ranked=ranked)
        landmarks = LANDMARKS if len(x) <= MANY else MANY_LANDMARKS
        self._features = _kernel_features(scaled, landmarks, width)
        self._near = _neighbours(scaled)

    def probabilities(self, trusted: NDArray[np.bool_]) -> Floats:
        """Return (n, classes) probabilities; rows that are not trusted are judged, but teach nothing."""
        # How much is forgiven is chosen anew: the fewer wrong labels teach, the surer the model may be.
        _, smooth = _best(self._features, self._targets, self._folds, trusted)
        near = (smooth + self._votes(trusted)) / 2
        trees = forest_probabilities(self._x, self._given, self._classes, self._folds, trusted)
        given = np.arange(len(near)), self._given
        mixed = [np.round((1 - part) * near + part * trees, DIGITS) for part in FOREST]
        likely = [float(np.log(np.maximum(one[given][trusted], 10.0**-DIGITS)).mean()) for one in mixed]
        # By more than rounding, as above.
        return mixed[int(np.argmax(np.round(likely, DIGITS)))]

    def _votes(self, trusted: NDArray[np.bool_]) -> Floats:
        """Return (n, classes): shares of the nearest trusted rows of other folds, smoothed by one even vote."""
        allowed = trusted[self._near] & (self._folds[self._near] != self._folds[:, None])
        voting = allowed & (np.cumsum(allowed, axis=1) <= NEIGHBOURS)
        votes = np.full((len(self._near), self._classes), 1 / self._classes)
        labels = self._given[self._near]
        for label in range(self._classes):
            votes[:, label] += (voting & (labels == label)).sum(axis=1)
        shares: Floats = votes / votes.sum(axis=1, keepdims=True)
        return shares


def _tune(x: Floats, targets: Floats, folds: Whole) -> tuple[bool, float]:
    """Choose whether columns are ranked, and the width of the kernel."""
    everyone = np.ones(len(x), bool)
    best, chosen = -np.inf, (False, WIDTHS[0])
    for ranked in (False, True):
        scaled = _scaled(x, ranked=ranked)
        for width in WIDTHS:
            likelihood, _ = _best(_kernel_features(scaled, TUNING_LANDMARKS, width), targets, folds, everyone)
            # By more than rounding, so that ties fall the same way everywhere.
            if likelihood > best + 1e-9:
                best, chosen = likelihood, (ranked, width)
    return chosen


def _best(features: Kernel, targets: Floats, folds: Whole, trusted: NDArray[np.bool_]) -> tuple[float, Floats]:
    """Return the best mean log likelihood of the trusted labels outside their fold, and its probabilities."""
    sums = _Sums(features, targets, folds, trusted)
    best, chosen = -np.inf, targets
    for ridge in RIDGES:
        scores = sums.scores(ridge)
        for sharpness in SHARPNESS:
            odds = _softmax(sharpness * scores)
            likelihood = float(np.log((odds * targets).sum(axis=1)[trusted]).mean())
            if likelihood > best + 1e-9:
                best, chosen = likelihood, odds
    return best, chosen


class _Sums:
    """What a ridge model needs to know of each fold, added up once for all ridges."""

    def __init__(self, features: Kernel, targets: Floats, folds: Whole, trusted: NDArray[np.bool_]) -> None:
        self._features, self._rows = features, [np.flatnonzero(folds == fold) for fold in np.unique(folds)]
        self._grams, self._moments, self._shape = [], [], targets.shape
        width = features.shape[1]
        for own in self._rows:
            gram, moments = np.zeros((width, width)), np.zeros((width, targets.shape[1]))
            teaching = own[trusted[own]]
            for at in range(0, len(teaching), BLOCK):
                rows = teaching[at : at + BLOCK]
                part = features[rows].astype(np.float64)
                gram += part.T @ part
                moments += part.T @ (targets[rows] - 1 / targets.shape[1])
            self._grams.append(gram)
            self._moments.append(moments)

    def scores(self, ridge: float) -> Floats:
        """Return (n, classes) scores of kernel ridge regression on the trusted rows of the other folds."""
        scores = np.empty(self._shape)
        gram = sum(self._grams) + ridge * np.eye(len(self._grams[0]))
        moments = sum(self._moments)
        for own, its_gram, its_moments in zip(self._rows, self._grams, self._moments, strict=True):
            weights = np.linalg.solve(gram - its_gram, moments - its_moments)
            for at in range(0, len(own), BLOCK):
                rows = own[at : at + BLOCK]
                scores[rows] = self._features[rows].astype(np.float64) @ weights
        return scores


def _scaled(x: Floats, *, ranked: bool) -> Floats:
    """Put columns on a scale: all on one, as pixels are, or each by its ranks, as a table's columns need."""
    if not ranked:
        spread = float(x.std()) or 1.0
        plain: Floats = (x - x.mean(axis=0)) / spread
        return plain
    scaled = np.empty_like(x)
    for column in range(x.shape[1]):
        values, places, counts = np.unique(x[:, column], return_inverse=True, return_counts=True)
        middle = np.cumsum(counts) - (counts + 1) / 2
        scaled[:, column] = (middle / max(1, len(x) - 1) - 0.5)[places] if len(values) > 1 else 0.0
    return scaled


def _squares(a: Floats, b: Floats) -> Floats:
    squares: Floats = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None, :] - 2 * (a @ b.T)
    return np.maximum(squares, 0.0)


def _kernel_features(x: Floats, landmarks: int, width: float) -> Kernel:
    """Return (n, m) features whose inner products approximate the kernel; the first rows are the landmarks."""
    chosen = x[:landmarks]
    among = _squares(chosen, chosen)
    apart = among[~np.eye(len(chosen), dtype=bool)]
    scale = width / (float(np.median(apart)) or 1.0)
    values, directions = np.linalg.eigh(np.exp(-scale * among))
    kept = values > 1e-8 * values[-1]
    project = directions[:, kept] / np.sqrt(values[kept])
    # Half as many bytes; what is added up of them is added up in double precision.
    features = np.empty((len(x), project.shape[1]), np.float32)
    for at in range(0, len(x), BLOCK):
        features[at : at + BLOCK] = np.exp(-scale * _squares(x[at : at + BLOCK], chosen)) @ project
    return features


def _neighbours(x: Floats) -> NDArray[np.int32]:
    """Return (n, k) the nearest rows of the reference, nearest first; a row may be its own, in its own fold."""
    reference = x[: max(KNOWN_NEIGHBOURS, PAIRS // len(x))]
    k = min(KNOWN_NEIGHBOURS, len(reference))
    # Half the numbers' width is enough to draw neighbours from a sample; of fewer rows, ties fall as they always did.
    width = np.float64 if len(x) <= MANY else np.float32
    turned: NDArray[Any] = np.ascontiguousarray(-2 * reference.T, width)
    own = (reference * reference).sum(axis=1).astype(width)
    near = np.empty((len(x), k), np.int32)
    # So few rows at once that their distances stay in the processor's cache.
    for at in range(0, len(x), NEAR_BLOCK):
        # The row's own length adds the same to all.
        apart: NDArray[Any] = np.matmul(x[at : at + NEAR_BLOCK].astype(width), turned)
        apart += own
        nearest = np.argpartition(apart, k - 1, axis=1)[:, :k]
        order = np.argsort(np.take_along_axis(apart, nearest, axis=1), axis=1, kind="stable")
        near[at : at + NEAR_BLOCK] = np.take_along_axis(nearest, order, axis=1)
    return near


def _softmax(scores: Floats) -> Floats:
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = odds / odds.sum(axis=1, keepdims=True)
    return shares
