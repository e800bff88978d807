"""Extraction by what the answers tell: somebody gets much more out of each answer than those do who use the model.

Whoever copies a model wants answers that it could not have foretold: about inputs unlike all that were asked before, on
which the model is unsure, and which fall to another answer than the nearest earlier input did. Active learning (Settles
2009; for extraction, Chandrasekaran et al. 2020) chooses its queries so, and pictures from elsewhere (Orekondy et al.
2019) are so by themselves. Single queries like these are common: a dim camera gets unsure answers, but again and again
of the same thing; a newcomer's inputs are unlike earlier ones, but the model is sure of them. What gives a copier away
is the sum: the bits by which each query is rarer than benign ones are added up, less what the benign clients who get
most use on the average, and never below nothing (a cumulative sum, Page 1954).
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
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.windows import above_zero
from caponier.detect.wording import how_many, within
from caponier.matrix.technique import TechniqueId

UNITS: Final = 64
"""Parts of a bit that scores are counted in."""
LEVELS: Final = 4 * UNITS
"""What an unsure answer, or a far input, counts at most: beyond one in sixteen benign queries what tells a copier is
not that they are rarer still, but that they go on."""
OTHER: Final = UNITS
"""What another answer than the nearest earlier input's counts."""
ALLOWED: Final = 0.97
"""Share of benign subjects whose mean is allowed. The last few are not, because they may be copiers."""
UNTOLD: Final = -1


class InformationSpend:
    """Adds up how many bits rarer than benign ones a principal's queries are: unsure, far, and answered otherwise."""

    name = "information_spend"
    statistic = "bits_beyond_use"
    techniques = (
        TechniqueId("atlas", "AML.T0024.002"),
        TechniqueId("atlas", "AML.T0005.001"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.02"),
        TechniqueId("amltm-2020", "AMLTM.RECON.05.01"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.QUERIES
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.LABEL, Signal.SCORES, Signal.BASELINE})
    columns = frozenset({Column.TOP_SCORE})
    state = np.dtype([("spent", np.int64)])
    state_version = 1
    floor = 32 * UNITS
    suspect = None
    shows = Structure.FOREIGN
    # A client whose inputs are harder than everybody else's spends more, too.
    max_confidence = Confidence.MEDIUM
    emulations = ("active_learning", "knockoff")
    controls = (
        "random_user", "heavy", "augmenter", "low_contrast", "camera", "poller", "evaluation_team", "aging_camera",
        "shadow_deployment",
    )  # fmt: skip

    def fit(self, benign: EventBatch) -> Params:
        """Learn how unsure answers are, how far inputs lie from earlier ones, and what those spend who spend most."""
        queries, _ = benign.queries()
        top, squared = _told(queries), queries.signals["squared"]
        params = {
            "unsure": _levels(top[top != UNTOLD], rare_below=True),
            "far": _levels(squared[squared != FAR], rare_below=False),
        }
        params["stood"] = _usually_stood(params, queries)
        spent = np.concatenate([[0], np.cumsum(_bits(params, queries))])
        counts = np.diff(queries.offsets)
        means = np.diff(spent[queries.offsets])[counts > 0] / counts[counts > 0]
        allowed = np.quantile(means, ALLOWED) if means.size else 0.0
        return {**params, "allowed": np.array([np.ceil(allowed)], np.int64)}

    def priors(self) -> tuple[Params, float] | None:
        """Without benign clients nobody knows what is rare."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Add up each subject's bits beyond what is allowed, from the last time that they were used up."""
        queries, rows = batch.queries()
        after = state.copy()
        beyond = _bits(params, queries) - params["allowed"][0]
        sums, after["spent"] = above_zero(beyond, queries.offsets, state["spent"])
        scores = np.zeros(len(batch), np.int64)
        scores[rows] = sums
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say how far apart the queries are, and how often the answer was another one than the nearest query's."""
        known = events.signals["squared"] != FAR
        far = known & (_rarity(params["far"], events.signals["squared"], rare_below=False) >= UNITS)
        other = events.signals["flip"] & far
        rows = np.flatnonzero(other)
        answers = len(np.unique(events.label[events.label != 0]))
        unlike = f"; {int(far.sum())} of these inputs are unlike all earlier ones" if far.any() else ""
        turned = f", of which {len(rows)} got another answer than the nearest earlier input" if rows.size else ""
        summary = (
            f"One caller learned more from the model's answers than benign callers do{within(events.time)} "
            f"({how_many(answers, 'different answer')} to {len(events)} different inputs{unlike}{turned})"
        )
        facts = {"far": int(far.sum()), "far_and_other_answer": len(rows), "answers": answers, "window": len(events)}
        return Explanation(summary, facts, rows)


def _told(queries: EventBatch) -> NDArray[np.int64]:
    """Return the scores of the answers, (n,); UNTOLD where there is none."""
    told: NDArray[np.int64] = queries.signals.get(Column.TOP_SCORE, np.full(len(queries), UNTOLD, np.int64))
    return told


def _levels(values: NDArray[np.int64], *, rare_below: bool) -> NDArray[np.int64]:
    """Return the benign values (LEVELS,) from which on one is rarer by a further part of a bit, the commonest first."""
    share = 2.0 ** (-np.arange(1, LEVELS + 1) / UNITS)
    if not values.size:
        # Nothing is rare where nothing was seen.
        return np.full(LEVELS, -(2**62) if rare_below else FAR, np.int64)
    ranked = np.sort(values) if rare_below else np.sort(values)[::-1]
    levels: NDArray[np.int64] = ranked[np.floor(share * (len(ranked) - 1)).astype(np.int64)]
    return levels


def _rarity(levels: NDArray[np.int64], values: NDArray[np.int64], *, rare_below: bool) -> NDArray[np.int64]:
    """Return how many levels each value is beyond, (n,) from 0 to LEVELS."""
    if rare_below:
        # Levels fall: what is rare is small.
        return LEVELS - np.searchsorted(levels[::-1], values, side="right")
    return np.searchsorted(levels, values, side="left")


def _usually_stood(params: Params, queries: EventBatch) -> NDArray[np.int64]:
    """Return, (1,), how many features of an input far from earlier ones stand where they stood; callers count alike."""
    squared = queries.signals["squared"]
    far = (squared != FAR) & (_rarity(params["far"], squared, rare_below=False) >= UNITS)
    subject, stood = queries.subject[far], queries.signals["stood"][far]
    each = [np.median(own) for own in np.split(stood, np.flatnonzero(np.diff(subject)) + 1) if own.size]
    return np.array([np.median(each) if each else 0], np.int64)


def _bits(params: Params, queries: EventBatch) -> NDArray[np.int64]:
    """Return what each query's answer tells, (n,) in UNITS; a first query is unlike nothing, and tells nothing yet."""
    top, squared = _told(queries), queries.signals["squared"]
    unsure = np.where(top != UNTOLD, _rarity(params["unsure"], top, rare_below=True), 0)
    far = _rarity(params["far"], squared, rare_below=False)
    # A baseline of before knows of none that stand.
    width, usual = queries.query.shape[1], int(params.get("stood", np.zeros(1, np.int64))[0])
    new = width - np.maximum(queries.signals["stood"].astype(np.int64), usual)
    # One more on both sides: where all usually stand, what is far is so by little, and counts.
    far = far * (new + 1) // (width - usual + 1)
    bits: NDArray[np.int64] = np.where(squared != FAR, unsure + far + OTHER * queries.signals["flip"], 0)
    return bits


detector = InformationSpend()
