"""How far a model's scores move when an image is squeezed: feature squeezing (Xu, Evans, Qi 2018).

Adversarial changes are tuned to each pixel. Rounding pixels to few levels, or taking the median of neighbours, undoes
them, and hardly changes what an honest image is taken for. Nobody knows beforehand how much squeezing images of a kind
bear, so it is measured on benign ones: each way of squeezing is used at the strongest setting that they bear.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from caponier.detect.detector import Params
from caponier.detect.enrichment import Predict, Rows
from caponier.records.inventory import FeatureSpec

BITS: Final = (1, 2, 3, 4, 5)
"""Depths to which pixels are rounded, the strongest first."""
MEDIANS: Final = (3, 2)
"""Sides of the squares whose median is taken, the strongest first."""
BORNE: Final = 0.95
"""Share of benign images that must be taken for the same thing afterwards."""


class Squeezing:
    """The largest L1 distance between the scores of an image and of its squeezed forms, from 0 to 2."""

    name = "squeezing"
    digits = 4

    def lacks(self, spec: FeatureSpec) -> str | None:
        """Only images can be squeezed."""
        return None if spec.kind == "image" else "it is about images alone"

    def fit(self, predict: Predict, benign: Rows, spec: FeatureSpec) -> Params:
        """Choose how hard to squeeze, and keep shape and range of the images."""
        low = spec.minimum if spec.minimum is not None else float(benign.min(initial=0.0))
        high = spec.maximum if spec.maximum is not None else float(benign.max(initial=1.0))
        shape, range_ = np.array(spec.shape, np.int64), np.array([low, max(high, np.nextafter(low, np.inf))])
        given = {"shape": shape, "range": range_}
        answers = predict(benign).argmax(axis=1) if len(benign) else np.zeros(0, np.int64)

        def borne(squeeze: Callable[[int], Rows]) -> Callable[[int], bool]:
            return lambda strength: bool((predict(squeeze(strength)).argmax(axis=1) == answers).mean() >= BORNE)

        by_depth = borne(lambda bits: _rounded(benign, bits, range_))
        by_median = borne(lambda side: _medians(benign, side, shape))
        return {
            **given,
            "bits": np.array([next((bits for bits in BITS if not len(benign) or by_depth(bits)), BITS[-1])]),
            "median": np.array([next((side for side in MEDIANS if not len(benign) or by_median(side)), MEDIANS[-1])]),
        }

    def enrich(self, predict: Predict, rows: Rows, params: Params) -> NDArray[np.float64]:
        """Ask for the rows squeezed in each way."""
        plain = predict(rows)
        squeezed = (
            _rounded(rows, int(params["bits"][0]), params["range"]),
            _medians(rows, int(params["median"][0]), params["shape"]),
        )
        moved = [np.abs(predict(some) - plain).sum(axis=1) for some in squeezed]
        largest: NDArray[np.float64] = np.max(moved, axis=0)
        return largest


def _rounded(rows: Rows, bits: int, range_: NDArray[np.float64]) -> Rows:
    """Round values (n, d) to 2**bits levels of the range."""
    low, high = range_
    levels = 2**bits - 1
    steps = np.rint((np.clip(rows, low, high) - low) / (high - low) * levels)
    rounded: Rows = (low + steps / levels * (high - low)).astype(np.float32)
    return rounded


def _medians(rows: Rows, side: int, shape: NDArray[np.int64]) -> Rows:
    """Take the median of the square around each pixel, channel by channel; of even squares the upper one."""
    height, width, *_ = shape.tolist()
    images = rows.reshape(len(rows), height, width, -1)
    before, after = side // 2, (side - 1) // 2
    padded = np.pad(images, ((0, 0), (before, after), (before, after), (0, 0)), mode="symmetric")
    squares = sliding_window_view(padded, (side, side), axis=(1, 2)).reshape(*images.shape, side * side)
    middle = np.partition(squares, side * side // 2, axis=-1)[..., side * side // 2]
    return np.ascontiguousarray(middle, np.float32).reshape(len(rows), -1)


enrichment = Squeezing()
