"""How sure a model stays when other images are laid over an image (STRIP, Gao et al. 2019).

What an honest image is taken for changes with what is laid over it, or is in doubt. A trigger goes on deciding, because
the model knows it wherever it is. The original adds images up; here the pixel that stands out more from the usual
background is kept, so that a trigger in the background is seen whole.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.detector import Params
from caponier.detect.enrichment import Predict, Rows
from caponier.detect.model_queries.exemplars import exemplars
from caponier.detect.model_queries.variants import in_parts
from caponier.records.inventory import FeatureSpec

OVERLAYS: Final = 40


class OverlayEntropy:
    """One less the mean entropy of the answers under overlays, as a share of the most that there can be."""

    name = "overlay_entropy"
    digits = 4

    def lacks(self, spec: FeatureSpec) -> str | None:
        """Only images can be laid over each other."""
        return None if spec.kind == "image" else "it is about images alone"

    def fit(self, predict: Predict, benign: Rows, spec: FeatureSpec) -> Params:
        """Keep images with all answers to lay over others, and whether images are dark for the most part."""
        answers = predict(benign).argmax(axis=1) if len(benign) else np.zeros(0, np.int64)
        low, high = float(benign.min(initial=0.0)), float(benign.max(initial=1.0))
        dark = not len(benign) or float(np.median(benign)) <= (low + high) / 2
        return {"overlays": benign[exemplars(answers, OVERLAYS)], "dark": np.array([dark])}

    def enrich(self, predict: Predict, rows: Rows, params: Params) -> NDArray[np.float64]:
        """Ask for each row under every overlay."""
        if not len(params["overlays"]):
            return np.full(len(rows), np.nan)
        return in_parts(lambda some: _sureness(predict, some, params), rows, len(params["overlays"]))


def _sureness(predict: Predict, rows: Rows, params: Params) -> NDArray[np.float64]:
    """Return one less the mean entropy (n,) of the answers to rows under overlays, from 0 to 1."""
    outstanding = np.maximum if params["dark"][0] else np.minimum
    mixed = outstanding(rows[:, None], params["overlays"]).reshape(-1, rows.shape[1])
    scores = predict(mixed)
    bits = -(scores * np.log2(np.maximum(scores, np.finfo(np.float64).tiny))).sum(axis=1)
    left: NDArray[np.float64] = 1 - bits.reshape(len(rows), -1).mean(axis=1) / np.log2(max(scores.shape[1], 2))
    return np.clip(left, 0, 1)


enrichment = OverlayEntropy()
