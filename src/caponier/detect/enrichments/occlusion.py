"""Whether a small region of an image decides: hidden, the answer falls; moved to other images, they get it, too.

Hiding a part of an honest image changes its answer now and then, and a sticker may hide what matters. What tells an
adversarial patch is that it carries its answer elsewhere (SentiNet, Chou et al. 2020). So the regions without which the
answer's score is least are put on benign images that have other answers.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.detector import Params
from caponier.detect.enrichment import Predict, Rows
from caponier.detect.model_queries.exemplars import exemplars
from caponier.detect.model_queries.variants import in_parts
from caponier.records.inventory import FeatureSpec

SHARE: Final = 3 / 8
"""Side of a region, as a share of the image's."""
STEPS: Final = 3
"""Into which a side is divided: regions begin so many pixels apart."""
CARRIERS: Final = 20
"""Benign images on which a region is put."""
SUSPECTS: Final = 3
"""Regions of an image that are put there."""


class Occlusion:
    """The mean score that an image's answer gets on other images for one of its regions; the region that gets most."""

    name = "occlusion"
    digits = 4

    def lacks(self, spec: FeatureSpec) -> str | None:
        """Only images have regions."""
        return None if spec.kind == "image" else "it is about images alone"

    def fit(self, predict: Predict, benign: Rows, spec: FeatureSpec) -> Params:
        """Keep images with all answers to carry regions, their answers, and what hides a region: the usual pixels."""
        answers = predict(benign).argmax(axis=1) if len(benign) else np.zeros(0, np.int64)
        chosen = exemplars(answers, CARRIERS)
        usual = np.median(benign, axis=0) if len(benign) else np.zeros(spec.size or 0)
        return {
            "carriers": benign[chosen],
            "answers": answers[chosen],
            "usual": usual.astype(np.float32),
            "regions": _regions(spec.shape),
        }

    def enrich(self, predict: Predict, rows: Rows, params: Params) -> NDArray[np.float64]:
        """Ask for each row without each region, then for other images with the regions that matter most."""
        if not len(params["carriers"]):
            return np.full(len(rows), np.nan)
        variants = max(len(params["regions"]), SUSPECTS * CARRIERS)
        return in_parts(lambda some: _carried(predict, some, params), rows, variants)


def _carried(predict: Predict, rows: Rows, params: Params) -> NDArray[np.float64]:
    """Return the mean score (n,) that the carriers with other answers get for that of each row, by its best region."""
    n, regions, carriers = len(rows), params["regions"], params["carriers"]
    answer = predict(rows).argmax(axis=1)
    left = _scores(predict, np.where(regions, params["usual"], rows[:, None]), answer)
    suspects = regions[np.argsort(left, axis=1, kind="stable")[:, :SUSPECTS]]
    moved = np.where(suspects[:, :, None], rows[:, None, None], carriers)
    got = _scores(predict, moved, answer).reshape(n, -1, len(carriers))
    others = params["answers"] != answer[:, None]
    count = others.sum(axis=1)
    carried = (got * others[:, None]).sum(axis=2).max(axis=1)
    return np.where(count > 0, carried / np.maximum(count, 1), np.nan)


def _scores(predict: Predict, variants: Rows, answer: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the score that each variant (n, …, d) of each row gets for the row's answer (n,); shape (n, variants)."""
    n, d = len(variants), variants.shape[-1]
    scores = predict(np.ascontiguousarray(variants, np.float32).reshape(-1, d))
    of_rows = scores.reshape(n, -1, scores.shape[1])
    return np.take_along_axis(of_rows, answer[:, None, None], axis=2)[:, :, 0]


def _regions(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the squares, one at each place, as masks (r, d)."""
    height, width, *_ = shape
    masks = []
    for top in _begins(height):
        for left in _begins(width):
            mask = np.zeros(shape, bool)
            mask[top : top + _side(height), left : left + _side(width)] = True
            masks.append(mask.ravel())
    return np.array(masks)


def _side(length: int) -> int:
    return max(1, round(SHARE * length))


def _begins(length: int) -> NDArray[np.int64]:
    """Return where regions begin along a side; the last one ends with it."""
    side = _side(length)
    return np.unique(np.append(np.arange(0, length - side, max(1, side // STEPS)), length - side))


enrichment = Occlusion()
