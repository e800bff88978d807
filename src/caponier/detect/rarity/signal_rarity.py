"""How seldom benign queries reach a figure that the model was asked for, added up over unlike queries.

One odd input is nothing: honest ones are odd as well. A camera that looks at one odd thing for an hour is nothing
either, so near copies of earlier queries are passed over, and do not fill the window. What is left are many different
inputs with one and the same oddity, as somebody sends who puts it on them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Enriched, Params, Scores, State
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.windows import windowed_sum

WINDOW: Final = 32
"""Unlike queries over which evidence is added up."""
QUARTERS: Final = 4
"""Evidence is in quarter bits: so many times halved is the share of benign queries that reach a figure."""
COMMON: Final = 17
"""Quarter bits of what one benign query in 20 reaches: up to there a query counts nothing."""
MOST: Final = 24
"""What one query counts at most, beyond the common: one benign query in 1,200 reaches it."""
NEAR: Final = 32
"""A query is a near copy if its squared distance to an earlier one is this part of the usual one, or less."""
STATE: Final = np.dtype([("evidence", np.int32, (WINDOW,))])


@dataclass(frozen=True)
class Rarity:
    """Evidence of one figure.

    Args:
        figure: What the model was asked for; the larger, the odder.
    """

    figure: Enriched

    def fit(self, benign: EventBatch) -> Params:
        """Learn how seldom benign queries reach which figures, and how far they are apart."""
        queries, _ = benign.queries()
        apart = 2 * queries.query.var(axis=0, dtype=np.float64).sum() if len(queries) else 0.0
        return {
            "levels": levels(self.values(queries), COMMON + MOST),
            "near": np.array([np.floor(apart / NEAR)], np.int64),
        }

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Add up the evidence of each subject's last 32 unlike queries; what is none of them scores nothing."""
        queries, rows = batch.queries()
        squared = queries.signals["squared"]
        unlike = np.flatnonzero((squared > params["near"][0]) | (squared == FAR))
        some = queries.take(unlike)
        after, scores = state.copy(), np.zeros(len(batch), np.int64)
        scores[rows[unlike]], after["evidence"] = windowed_sum(
            self.evidence(params, some), some.offsets, state["evidence"]
        )
        return after, scores

    def evidence(self, params: Params, batch: EventBatch) -> NDArray[np.int64]:
        """Return what each event counts by itself, (n,) quarter bits from 0 to `MOST`."""
        reached = np.searchsorted(params["levels"], self.values(batch), side="right")
        return np.clip(reached.astype(np.int64) - COMMON, 0, MOST)

    def values(self, batch: EventBatch) -> NDArray[np.int64]:
        """Return the (n,) figures in units of their last digit; -1 where there is none."""
        return values_of(batch, self.figure)


def values_of(batch: EventBatch, figure: Enriched) -> NDArray[np.int64]:
    """Return the (n,) values of a figure in units of its last digit; -1 where there is none."""
    values: NDArray[np.int64] = batch.signals.get(figure.name, np.full(len(batch), -1, np.int64))
    return values


def levels(figures: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return, for each of `most` quarter bits, the least figure that so few benign queries reach.

    There are no more than the number of benign queries bears.
    """
    known = figures[figures >= 0]
    bits = min(most, int(QUARTERS * np.log2(len(known) + 1)))
    tails = 0.5 ** (np.arange(1, bits + 1) / QUARTERS)
    # One more than the quantile: no more than that share of the benign figures is above it.
    found = np.quantile(known, 1 - tails, method="higher") + 1 if bits else np.zeros(0)
    return np.asarray(found, np.int64)
