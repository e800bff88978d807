"""Model inversion: somebody climbs from noise to what the model takes for one class, in small steps.

Without gradients an inversion (Fredrikson et al. 2015) changes its input a little, asks for the score, and keeps what
raised it. So the best score that one answer has had since the climb began rises again and again, on inputs that are
close to each other and like no benign one. Each of the three alone is harmless: a camera at sunrise climbs, a client
that tunes its own picture does so in small steps, and rare inputs are foreign. Only steps that are all three count.

Most tries of a climb fail, though. A small step on a foreign input that does not raise the score counts a quarter, and
all of them together at most one whole step more than those that do: who tries without ever getting anywhere, as a
camera with a rare view does, does not climb.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import (
    Column,
    Confidence,
    Counts,
    Explanation,
    Params,
    Scores,
    Signal,
    State,
    Structure,
    Subject,
)
from caponier.detect.rarity.dependence_tree import UNITS, common_tree, surprise_of
from caponier.detect.rarity.likely_values import likely
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.windows import windowed_sum
from caponier.detect.wording import how_many, within
from caponier.matrix.technique import TechniqueId

WINDOW: Final = 32
"""Different queries over which the evidence adds up."""
FULL: Final = 64
"""What a step counts at most: on an input that surprises as far beyond the common one as that is from the median."""
TRY: Final = 4
"""A small step that does not raise the score counts this part of one that does."""
STEPS: Final = 2
"""So many steps up are no climb yet."""
CLIMB: Final = 4
"""More than so many are one, whoever makes them: simulated benign clients never make a whole one."""
RISE: Final = 10
"""Ten-thousandths by which a score must be above the best so far: the surest answers waver by less."""
COMMON: Final = 0.999
"""Quantile of benign queries up to which one is not foreign at all."""
NEAR: Final = 4
"""A step is small if its squared length is at most a fourth of what two benign inputs are apart in the mean."""
KINDS: Final = ("steps", "tries")
"""Small steps on foreign inputs that raise the score, and those that do not."""
SLOTS: Final = 16
"""Best scores that are kept apart, by answer; answers that share a slot only hide a step."""
UNKNOWN: Final = -1
HIGHEST: Final = 2**31 - 1


class ScoreClimb:
    """Counts small steps on foreign inputs by which one answer's score surpasses its best so far."""

    name = "score_climb"
    statistic = "steps_up"
    techniques = (
        TechniqueId("atlas", "AML.T0024.001"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.01.02"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.QUERIES
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.LABEL, Signal.SCORES, Signal.BASELINE})
    columns = frozenset({Column.TOP_SCORE})
    state = np.dtype(
        [("best", np.int32, (SLOTS,)), ("begun", np.bool_)] + [(kind, np.int32, (WINDOW,)) for kind in KINDS]
    )
    state_version = 2
    floor = STEPS * FULL
    suspect = None
    shows = Structure.FOREIGN
    # A search for an adversarial example that begins with noise climbs in the same way.
    max_confidence = Confidence.MEDIUM
    emulations = ("model_inversion",)
    controls = ("tuner", "sunrise", "camera", "low_contrast", "augmenter", "random_user")

    def fit(self, benign: EventBatch) -> Params:
        """Learn which values benign inputs combine, and how far they are apart."""
        queries, _ = benign.queries()
        queries, tree = common_tree(queries)
        surprises = surprise_of(tree, queries.query)
        apart = 2 * queries.query.var(axis=0, dtype=np.float64).sum() if len(queries) else 0.0
        usual = np.array([0, UNITS], np.int64)
        if surprises.size:
            usual = np.ceil(np.quantile(surprises, [0.5, COMMON])).astype(np.int64)
            usual[1] = max(usual[1], usual[0] + UNITS)
        return {**tree, "usual": usual, "near": np.array([np.floor(apart / NEAR)], np.int64)}

    def priors(self) -> tuple[Params, float] | None:
        """Without benign inputs nothing is foreign."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Add up the steps among each subject's last 32 different queries."""
        queries, rows = batch.queries()
        near, top = _near(params, queries), _told(queries)
        up, after = _records(state, queries, near, top)
        tried = near & ~up & (top >= 0)
        foreign = np.zeros(len(queries), np.int64)
        foreign[near] = _foreign(params, likely(params, queries)[near])
        sums = {}
        for kind, counted in zip(KINDS, (foreign * up, foreign * tried // TRY), strict=True):
            sums[kind], after[kind] = windowed_sum(counted, queries.offsets, state[kind])
        scores = np.zeros(len(batch), np.int64)
        scores[rows] = sums["steps"] + np.minimum(sums["tries"], sums["steps"] + FULL)
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Name the small steps on foreign inputs among the last 32 different queries."""
        start = max(0, len(events) - WINDOW)
        recent = events.take(np.arange(start, len(events)))
        foreign = _foreign(params, likely(params, recent)) > 0
        rows = np.flatnonzero(foreign & _near(params, recent))
        answers = len(np.unique(recent.label[rows]))
        summary = (
            f"One caller changed inputs unlike any benign ones in small steps{within(recent.time[rows])}, and "
            f"again and again the answer's score rose ({how_many(len(rows), 'small step')} among its last "
            f"{len(recent)} different inputs)"
        )
        facts = {"small_foreign_steps": len(rows), "answers": answers, "window": len(recent)}
        return Explanation(summary, facts, rows + start)


def _near(params: Params, queries: EventBatch) -> NDArray[np.bool_]:
    """Tell which queries are a small step away from an earlier one."""
    squared = queries.signals["squared"]
    near: NDArray[np.bool_] = (squared <= params["near"][0]) & (squared != FAR)
    return near


def _foreign(params: Params, query: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how far each row's surprise goes beyond the common one, (n,) from 0 to FULL."""
    median, usual = params["usual"]
    beyond = np.clip((surprise_of(params, query) - usual) / (usual - median), 0, 1)
    foreign: NDArray[np.int64] = np.floor(FULL * beyond).astype(np.int64)
    return foreign


def _told(queries: EventBatch) -> NDArray[np.int64]:
    """Return the score of each row's answer (n,), UNKNOWN where the log does not tell both."""
    told = queries.signals.get(Column.TOP_SCORE, np.full(len(queries), UNKNOWN, np.int64))
    top: NDArray[np.int64] = np.where(queries.label != 0, np.clip(told, UNKNOWN, HIGHEST), UNKNOWN).astype(np.int64)
    return top


def _records(
    state: State, queries: EventBatch, near: NDArray[np.bool_], top: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], State]:
    """Tell which small steps raise an answer's score above its best since the last step that was not small.

    Args:
        state: (s,) the best scores so far.
        queries: n different queries of s subjects.
        near: (n,) whether each is a small step.
        top: (n,) scores of the answers.

    Returns:
        (n,) booleans, and the new (s,) state.
    """
    subject, slot = queries.subject, (queries.label % SLOTS).astype(np.int64)
    far = np.concatenate([[0], np.cumsum(~near)])
    # How many far steps the subject has made in this batch: within one number the best scores go on.
    climb = far[1:] - far[queries.offsets[:-1]][subject]
    held = np.where(state["begun"][:, None], state["best"], UNKNOWN)
    before = np.where(climb == 0, held[subject, slot], UNKNOWN)
    best = np.maximum(_best_before(subject, climb, slot, top), before)
    up: NDArray[np.bool_] = near & (top >= 0) & (best >= 0) & (top >= best + RISE)
    return up, _after(state, held, queries, climb, slot, top)


def _best_before(
    subject: NDArray[np.int64], climb: NDArray[np.int64], slot: NDArray[np.int64], top: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the largest `top` before each row among those of the same subject, climb and slot; UNKNOWN if none."""
    order = np.lexsort((slot, climb, subject))
    begins = np.ones(len(order), bool)
    for part in (subject[order], climb[order], slot[order]):
        begins[1:] &= part[1:] == part[:-1]
    begins[1:] = ~begins[1:]
    # Each group lies above the ones before it, so that one running maximum serves all of them.
    base = np.cumsum(begins) * (HIGHEST + 2)
    running = np.maximum.accumulate(top[order] + base) if len(order) else base
    best = np.empty(len(order), np.int64)
    best[order] = np.where(begins, UNKNOWN, np.roll(running, 1) - base)
    return best


def _after(
    state: State,
    held: NDArray[np.int32],
    queries: EventBatch,
    climb: NDArray[np.int64],
    slot: NDArray[np.int64],
    top: NDArray[np.int64],
) -> State:
    """Return the (s,) state with the best scores of each subject's last climb; arguments as in `_records`."""
    after, subject = state.copy(), queries.subject
    last = np.zeros(len(state), np.int64)
    np.maximum.at(last, subject, climb)
    best = np.where(last[:, None] > 0, UNKNOWN, held).astype(np.int32)
    rows = climb == last[subject]
    np.maximum.at(best, (subject[rows], slot[rows]), top[rows].astype(np.int32))
    after["best"] = best
    after["begun"] |= np.diff(queries.offsets) > 0
    return after


detector = ScoreClimb()
