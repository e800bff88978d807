"""Extraction by asking where the model is unsure: a caller's answers grow less sure than those it began with.

Who copies a model by active learning (Settles 2009; for extraction, Pal et al. 2020) begins with whatever rows there
are, trains a copy, and asks from then on for those of its own, ordinary rows of which the copy is unsure. Each row by
itself is one that a benign caller might send, and some benign callers have hardly anything but such rows: people who
look at hard cases, cameras that see badly. They have them from the beginning. So a caller is held against itself: its
first queries say how sure answers are to it, and what later ones are less sure by, beyond what benign callers vary, is
added up and never falls below nothing (a cumulative sum, Page 1954).

Only queries that lie as far from the caller's earlier ones as most benign queries do count, for variants of one unsure
input are unsure again; and of those only where no more values stand as in the last few than do in most: else fillers
stand for what a source leaves out, and that is not the caller's doubt. Whose first answers are surer than usual is held
against what is usual: from an easy beginning everybody comes back.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch, are_classes
from caponier.detect.detector import Column, Confidence, Counts, Explanation, Params, Scores, Signal, State, Subject
from caponier.detect.similarity import distances
from caponier.detect.windows import above_zero
from caponier.detect.wording import how_many, within
from caponier.matrix.technique import TechniqueId

UNITS: Final = 64
"""Parts of the way from the surest benign answer to the least sure one, by rank."""
FIRST: Final = 30
"""Queries that say how sure answers are to a caller: their mean wavers by a fifteenth of that way, and whoever happens
to begin below the middle is held against the middle."""
VARIES: Final = UNITS // 10
"""What later answers may be less sure by at least: more than that mean wavers by."""
ALLOWED: Final = 0.97
"""Share of benign callers whose answers grew less sure by no more than is allowed; the last few may be copiers."""
LATER: Final = 2 * FIRST
"""Queries of a benign caller from which on it shows by how much its answers grew less sure."""


class GrowingDoubt:
    """Adds up by how much less sure a caller's answers are than its first ones, beyond what benign ones vary."""

    name = "growing_doubt"
    statistic = "doubt_beyond_the_first_queries"
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
    state = np.dtype([("begun", np.int32), ("first", np.int32), ("beyond", np.int64)])
    state_version = 1
    floor = 4 * UNITS
    parts = UNITS
    """What people are told is in whole queries: so many that went from the surest to the least sure answers."""
    suspect = None
    # A team that labels the most uncertain of its own rows first does the same, for itself.
    max_confidence = Confidence.MEDIUM
    emulations = ("active_learning",)
    controls = ("random_user", "heavy", "augmenter", "low_contrast", "camera", "poller", "evaluation_team")

    def fit(self, benign: EventBatch) -> Params:
        """Learn how sure answers are, which queries are like earlier ones, and by how much answers grow less sure."""
        queries, _ = benign.queries()
        top, squared = _told(queries), queries.signals["squared"]
        levels = np.full(UNITS, -1)
        if (top >= 0).any() and are_classes(queries.label):
            levels = np.quantile(top[top >= 0], np.arange(1, UNITS + 1) / UNITS, method="lower").astype(np.int64)
        far = distances.far_from_earlier(squared, queries.subject)
        stood = distances.stood_of_far(far, queries)
        params: Params = {"levels": levels, "far": far, "stood": stood, "allowed": np.array([0], np.int64)}
        rows, doubt = _doubts(params, queries)
        total, since = np.cumsum(np.append(0, doubt)), np.searchsorted(rows, queries.offsets)
        long = np.diff(since) >= LATER
        begins, ends = since[:-1][long], since[1:][long]
        first = np.maximum(total[begins + FIRST] - total[begins], FIRST * UNITS // 2) / FIRST
        grown = (total[ends] - total[begins + FIRST]) / (ends - begins - FIRST) - first
        usual = np.quantile(grown, ALLOWED, method="lower") if grown.size else 0.0
        return {**params, "allowed": np.array([max(VARIES, int(np.ceil(usual)))], np.int64)}

    def priors(self) -> tuple[Params, float] | None:
        """Without benign callers nobody knows how sure answers are."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Add up each subject's doubt beyond its first queries', from the last time that it was used up."""
        queries, at = batch.queries()
        rows, doubt = _doubts(params, queries)
        subject = queries.subject[rows]
        ordinal = np.arange(len(rows)) - np.searchsorted(subject, subject) + state["begun"][subject]
        early = ordinal < FIRST
        after, scores = state.copy(), np.zeros(len(batch), np.int64)
        after["first"] += np.bincount(subject[early], doubt[early], len(state)).astype(np.int32)
        after["begun"] = np.minimum(state["begun"] + np.bincount(subject, minlength=len(state)), FIRST)
        usual = np.maximum(after["first"][subject], FIRST * UNITS // 2)
        steps = np.zeros(len(queries), np.int64)
        steps[rows] = np.where(early, 0, FIRST * (doubt - params["allowed"][0]) - usual)
        sums, after["beyond"] = above_zero(steps, queries.offsets, state["beyond"])
        scores[at] = sums // FIRST
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say how many of the last queries got unsure answers."""
        rows, doubt = _doubts(params, events)
        unsure = rows[doubt >= 3 * UNITS // 4]
        summary = (
            "One caller began with answers as sure as others get, then asked more and more about inputs on which the "
            f"model is unsure{within(events.time)} ({how_many(len(unsure), 'answer')} in the least sure quarter, to "
            f"its last {how_many(len(rows), 'input')} unlike earlier ones)"
        )
        share = round(float(doubt.mean()) / UNITS, 2) if doubt.size else 0.0
        facts = {"unsure": len(unsure), "mean_rank": share, "window": len(events)}
        return Explanation(summary, facts, unsure if unsure.size else np.array([len(events) - 1]))


def _told(queries: EventBatch) -> NDArray[np.int64]:
    told: NDArray[np.int64] = queries.signals.get(Column.TOP_SCORE, np.full(len(queries), -1, np.int64))
    return told


def _doubts(params: Params, queries: EventBatch) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows (m,) that count, and how unsure each answer is, from 0 to UNITS."""
    top, squared = _told(queries), queries.signals["squared"]
    counted = (top >= 0) & (squared >= params["far"][0]) & (params["levels"][-1] >= 0)
    # A baseline of before knows of none that stand, nor do the queries that explain a finding.
    if "stood" in params and "stood" in queries.signals:
        counted &= queries.signals["stood"] <= params["stood"][0]
    rows = np.flatnonzero(counted)
    doubt: NDArray[np.int64] = UNITS - np.searchsorted(params["levels"], top[rows], side="left")
    return rows, doubt


detector = GrowingDoubt()
