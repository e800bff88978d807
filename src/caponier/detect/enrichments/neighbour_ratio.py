"""Whether benign neighbours of an input are answered as it is: the inverse of a trust score (Jiang et al. 2018).

An adversarial change is small: what was a three still lies among the threes, whatever the model says now. So the
distance to the nearest benign input with the same answer is large against that to the nearest one with another.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.detector import Params
from caponier.detect.enrichment import Predict, Rows
from caponier.records.inventory import FeatureSpec

NOWHERE: Final = 1e-3
"""Share of the benign inputs' spread that is added to the distance to the other ones: none is divided by nothing."""
ITSELF: Final = 1e-9
"""Of the squared lengths of two inputs: what rounding leaves of the squared distance if they are the same."""
MOST: Final = 1_000.0
"""The largest ratio, and that of an answer that no benign input was given."""


class NeighbourRatio:
    """The distance to the nearest benign input of the same answer, over that to the nearest one of another."""

    name = "neighbour_ratio"
    digits = 3

    def lacks(self, spec: FeatureSpec) -> str | None:
        """Distances over columns of different scales would say nothing."""
        return None if spec.kind == "image" else "it is about images alone"

    def fit(self, predict: Predict, benign: Rows, spec: FeatureSpec) -> Params:
        """Keep benign inputs with the model's answers."""
        del spec
        answers = predict(benign).argmax(axis=1) if len(benign) else np.zeros(0, np.int64)
        spread = np.sqrt(benign.var(axis=0).sum()) if len(benign) else 0.0
        return {"inputs": benign, "answers": answers, "nowhere": np.array([NOWHERE * spread])}

    def enrich(self, predict: Predict, rows: Rows, params: Params) -> NDArray[np.float64]:
        """Compare the nearest ones; NaN where benign inputs got no other answer to compare with."""
        known, answers = params["inputs"].astype(np.float64), params["answers"]
        if len(np.unique(answers)) < 2:
            return np.full(len(rows), np.nan)
        asked = rows.astype(np.float64)
        sizes = np.square(asked).sum(axis=1)[:, None] + np.square(known).sum(axis=1)
        squares = sizes - 2 * asked @ known.T
        # An input that was learned from must not be its own neighbour, or all of a short log would be alike.
        distances = np.sqrt(np.where(squares > ITSELF * sizes, squares, np.inf))
        same = predict(rows).argmax(axis=1)[:, None] == answers
        own = np.where(same, distances, np.inf).min(axis=1)
        other = np.where(same, np.inf, distances).min(axis=1) + params["nowhere"]
        # Where all benign inputs are the row itself, nothing is left to compare with: NaN.
        with np.errstate(invalid="ignore"):
            ratio = np.divide(own, other, out=np.full(len(rows), MOST), where=other > 0)
        capped: NDArray[np.float64] = np.minimum(ratio, MOST)
        return capped


enrichment = NeighbourRatio()
