"""Extraction by synthetic queries: the distances between somebody's own queries are spread as nobody's are.

Copying a model by Jacobian-based augmentation (Papernot et al. 2017) asks for steps of one size from inputs that were
asked before. PRADA (Juuti et al. 2019) sees that the distances from each query to its nearest earlier one are then no
longer normally distributed. Benign ones are not either: a camera, a client that sends views of each photo and a plain
user each have a shape of their own. So the shape of the last 40 distances is compared with the shapes that benign
clients have shown: the score is the Cramér-von Mises statistic, the squared distance to the nearest of them. Squared,
because its tail is then an exponential one (Anderson, Darling 1952), as the estimate of a threshold takes it to be; of
the distance itself the estimate is too high by a tenth, which an attack does not reach.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Confidence, Counts, Explanation, Params, Scores, Signal, State, Subject
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.wording import within
from caponier.matrix.technique import TechniqueId
from caponier.telemetry.features import LEVELS

WINDOW: Final = 40
"""Distances that make one shape."""
BINS: Final = 24
"""Benign quantiles at which a shape is read; 24 x 40² stays exact in float32."""
BLOCK: Final = 512
"""Shapes that are compared at a time, so that what belongs to them stays in the cache."""
SHAPES: Final = 256
"""Benign shapes that are kept."""
STRIDE: Final = 3
"""Of a subject's shapes every third is looked at; neighbours are almost the same."""
MOST: Final = 10_000
SHARED: Final = 0.02
"""A shape is benign if more than this share of the benign subjects come near it: an attacker in the benign log must not
teach its own."""
NEAR: Final = 14**2


class DistanceShape:
    """Scores how far the spread of a principal's last 40 distances is from every benign one."""

    name = "distance_shape"
    statistic = "distance_shape"
    techniques = (
        TechniqueId("atlas", "AML.T0024.002"),
        TechniqueId("atlas", "AML.T0005.001"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.02"),
        TechniqueId("amltm-2020", "AMLTM.RECON.05.01"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.QUERIES
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.BASELINE})
    columns: frozenset[Column] = frozenset()
    state = np.dtype([("bin", np.uint8, (WINDOW,))])
    state_version = 2
    floor = 8**2
    suspect = None
    # A new kind of client has a new shape too: this says that nobody asked like that before, not why.
    max_confidence = Confidence.MEDIUM
    emulations = ("jbda",)
    controls = (
        "random_user", "retrier", "poller", "augmenter", "heavy", "camera", "low_contrast", "evaluation_team",
        "shadow_deployment",
    )  # fmt: skip

    def fit(self, benign: EventBatch) -> Params:
        """Learn the usual distances, and the shapes that benign clients show."""
        queries, _ = benign.queries()
        squared = queries.signals["squared"]
        known = squared[squared != FAR]
        cuts = np.quantile(known, np.arange(1, BINS + 1) / (BINS + 1)) if known.size else np.zeros(BINS)
        params: Params = {"cuts": np.floor(cuts).astype(np.int64)}
        laid, at, _ = _laid(_bins(params, squared), queries.offsets, np.zeros(queries.subjects, self.state))
        ordinal = np.arange(len(queries)) - np.repeat(queries.offsets[:-1], np.diff(queries.offsets))
        looked = _full(laid, at) & (ordinal % STRIDE == 0)
        shapes = _shapes(laid, at[looked])
        seen = np.unique(shapes, axis=0)
        chosen = _spread(seen[:: len(seen) // MOST + 1])
        return {**params, "shapes": _shared(chosen, shapes, queries.subject[looked])}

    def priors(self) -> tuple[Params, float] | None:
        """Without benign clients no shape is a strange one."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Compare the last 40 distances at each different query with the benign shapes."""
        queries, rows = batch.queries()
        laid, at, after = _laid(_bins(params, queries.signals["squared"]), queries.offsets, state)
        full, scores = _full(laid, at), np.zeros(len(batch), np.int64)
        scores[rows[full]] = _departure(params, _shapes(laid, at[full]))[0]
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say how the last distances are spread, and how those of the most alike benign client were."""
        squared = events.signals["squared"]
        rows = np.flatnonzero(squared != FAR)[-WINDOW:]
        known = squared[rows] if rows.size else np.zeros(1)
        low, middle, high = np.sqrt(np.quantile(known, (0.25, 0.5, 0.75)) / events.query.shape[1])
        laid, at, _ = _laid(_bins(params, squared), events.offsets, np.zeros(1, self.state))
        shape = _shapes(laid, at[-1:])
        alike = _departure(params, shape)[1][0]
        summary = (
            f"One caller changed its inputs by unusual amounts{within(events.time[rows])}: the middle half of its last "
            f"{len(rows)} different inputs differs from the nearest earlier input by {low / LEVELS:.1%} to "
            f"{high / LEVELS:.1%} of the value range"
        )
        facts = {
            "window": len(rows),
            "distance_quartiles": [round(float(value), 2) for value in (low, middle, high)],
            "below_benign_quartiles": _at_quartiles(shape[0]),
            "most_alike_benign": _at_quartiles(params["shapes"][alike]) if len(params["shapes"]) else None,
        }
        return Explanation(summary, facts, rows)


def _at_quartiles(shape: NDArray[Any]) -> list[int]:
    """Return how many of 40 distances lie below the quartiles of all benign distances."""
    return [int(shape[(BINS + 1) * quarter // 4 - 1]) for quarter in (1, 2, 3)]


def _bins(params: Params, squared: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return each distance's place among the benign ones, from 1 to BINS + 1; 0 where there is none."""
    place = np.searchsorted(params["cuts"], squared, side="left") + 1
    return np.where(squared == FAR, 0, place).astype(np.uint8)


def _laid(
    bins: NDArray[np.uint8], offsets: NDArray[np.int64], state: State
) -> tuple[NDArray[np.uint8], NDArray[np.int64], State]:
    """Lay each subject's earlier bins in front of its own, so that one cumulative sum serves all of them.

    Args:
        bins: (n,) from `_bins`, rows sorted by subject.
        offsets: (s + 1,) where each subject's rows begin.
        state: (s,) the bins before these rows, oldest first.

    Returns:
        The bins, the (n,) places of the rows among them, and the (s,) new state.
    """
    subjects, counts = len(state), np.diff(offsets)
    starts = offsets[:-1] + WINDOW * np.arange(subjects)
    laid = np.zeros(len(bins) + WINDOW * subjects, np.uint8)
    laid[(starts[:, None] + np.arange(WINDOW)).ravel()] = state["bin"].ravel()
    at = np.arange(len(bins)) + WINDOW * (np.repeat(np.arange(subjects), counts) + 1)
    laid[at] = bins
    after = state.copy()
    ends = starts + WINDOW + counts
    after["bin"] = laid[(ends[:, None] - WINDOW + np.arange(WINDOW)).ravel()].reshape(subjects, WINDOW)
    return laid, at, after


def _full(laid: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell at which places (n,) there are 40 distances."""
    known = np.concatenate([[0], np.cumsum(laid > 0)])
    full: NDArray[np.bool_] = known[at + 1] - known[at + 1 - WINDOW] == WINDOW
    return full


def _shapes(laid: NDArray[np.uint8], at: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the shape at some places (n,): how many of the last 40 distances lie at or below each cut, (n, BINS)."""
    if not at.size:
        return np.zeros((0, BINS), np.uint8)
    # Sums that run over 255 begin again at 0: differences of at most 40 come out right.
    within = np.zeros((len(laid) + 1, BINS), np.uint8)
    np.cumsum((laid[:, None] <= np.arange(1, BINS + 1)) & (laid > 0)[:, None], axis=0, dtype=np.uint8, out=within[1:])
    shapes: NDArray[np.uint8] = within[at + 1] - within[at + 1 - WINDOW]
    return shapes


def _departure(params: Params, shapes: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each shape's squared distance from the nearest benign one, and which that is."""
    least, nearest = np.zeros(len(shapes), np.int64), np.zeros(len(shapes), np.int64)
    benign = params["shapes"].astype(np.float32)
    if not len(benign):
        return least, nearest
    # |x|² + |y|² - 2xy but for |x|², as one product. Whole numbers below 2**24, so it is exact whatever the BLAS does.
    others = np.vstack([-2 * benign.T, np.square(benign).sum(axis=1)])
    for start in range(0, len(shapes), BLOCK):
        some = slice(start, start + BLOCK)
        mine = np.ones((len(shapes[some]), BINS + 1), np.float32)
        mine[:, :BINS] = shapes[some]
        squares: Any = mine @ others
        nearest[some] = squares.argmin(axis=1)
        least[some] = squares[np.arange(len(mine)), nearest[some]] + np.square(mine[:, :BINS]).sum(axis=1)
    return least, nearest


def _spread(seen: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Choose shapes so that every one seen is near to a chosen one: the farthest from all chosen, again and again.

    (Gonzalez 1985.) It begins with the one nearest to the mean; the order of the shapes does not matter but for ties,
    and they come sorted.
    """
    if len(seen) <= SHAPES:
        return seen
    points = seen.astype(np.float32)
    distance = np.square(points - np.floor(points.mean(axis=0, dtype=np.float64)).astype(np.float32)).sum(axis=1)
    chosen = [int(distance.argmin())]
    distance = np.square(points - points[chosen[0]]).sum(axis=1)
    while len(chosen) < SHAPES:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.square(points - points[chosen[-1]]).sum(axis=1))
    return seen[chosen]


def _shared(chosen: NDArray[np.uint8], seen: NDArray[np.uint8], subject: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Keep the chosen shapes to which enough subjects come near.

    Args:
        chosen: (k, BINS).
        seen: (n, BINS) shapes, rows sorted by subject.
        subject: (n,) whose they are.
    """
    begins = np.flatnonzero(np.diff(subject, prepend=-1))
    near = np.zeros(len(chosen), np.int64)
    for own in np.split(seen, begins[1:]):
        near += _departure({"shapes": own}, chosen)[0] <= NEAR
    shared: NDArray[np.uint8] = chosen[near > np.ceil(SHARED * len(begins))]
    return shared


detector = DistanceShape()
