"""How far a model's scores move when an image is squeezed: feature squeezing (Xu, Evans, Qi 2018).

Adversarial changes are tuned to each pixel. Rounding pixels to black and white, or taking the median of neighbours,
undoes them, and hardly changes what an honest image of strokes is taken for. Which of the two benign images bear is
measured; where they bear neither, as images of 8x8 pixels do, there is nothing to be seen this way.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from caponier.detect.detector import Params
from caponier.detect.enrichment import Predict, Rows
from caponier.records.inventory import FeatureSpec

SIDE: Final = 2
"""Of the square whose median is taken."""
BORNE: Final = 0.95
"""Share of benign images that must be taken for the same thing afterwards."""


class Squeezing:
    """The largest L1 distance between the scores of an image and of its squeezed forms: 0 to 2, 0 if none is borne."""

    name = "squeezing"
    digits = 4

    def lacks(self, spec: FeatureSpec) -> str | None:
        """Only images can be squeezed."""
        return None if spec.kind == "image" else "it is about images alone"

    def fit(self, predict: Predict, benign: Rows, spec: FeatureSpec) -> Params:
        """Tell which ways of squeezing benign images bear; keep shape and range of the images."""
        low = spec.minimum if spec.minimum is not None else float(benign.min(initial=0.0))
        high = spec.maximum if spec.maximum is not None else float(benign.max(initial=1.0))
        params = {"shape": np.array(spec.shape, np.int64), "range": np.array([low, high], np.float64)}
        if not len(benign):
            return {**params, "borne": np.zeros(len(_WAYS), bool)}
        answers = predict(benign).argmax(axis=1)
        same = [(predict(squeeze(benign, params)).argmax(axis=1) == answers).mean() for squeeze in _WAYS]
        return {**params, "borne": np.array(same) >= BORNE}

    def enrich(self, predict: Predict, rows: Rows, params: Params) -> NDArray[np.float64]:
        """Ask for the rows squeezed in each way that is borne."""
        plain, largest = predict(rows), np.zeros(len(rows))
        for squeeze, borne in zip(_WAYS, params["borne"].tolist(), strict=True):
            if borne:
                largest = np.maximum(largest, np.abs(predict(squeeze(rows, params)) - plain).sum(axis=1))
        return largest


def black_and_white(rows: Rows, params: Params) -> Rows:
    """Round values (n, d) to the ends of their range."""
    low, high = params["range"]
    rounded: Rows = np.where(rows > (low + high) / 2, high, low).astype(np.float32)
    return rounded


def medians(rows: Rows, params: Params) -> Rows:
    """Take the median, the upper one of even numbers, of the square at each pixel, channel by channel."""
    height, width, *_ = params["shape"].tolist()
    images = rows.reshape(len(rows), height, width, -1)
    before, after = SIDE // 2, (SIDE - 1) // 2
    padded = np.pad(images, ((0, 0), (before, after), (before, after), (0, 0)), mode="symmetric")
    squares = sliding_window_view(padded, (SIDE, SIDE), axis=(1, 2)).reshape(*images.shape, SIDE * SIDE)
    middle = np.partition(squares, SIDE * SIDE // 2, axis=-1)[..., SIDE * SIDE // 2]
    return np.ascontiguousarray(middle, np.float32).reshape(len(rows), -1)


_WAYS: Final[tuple[Callable[[Rows, Params], Rows], ...]] = (black_and_white, medians)

enrichment = Squeezing()
