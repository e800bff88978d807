"""Membership inference: somebody asks for the very rows that the model was trained on.

Telling whether a record was trained on means asking for that record (Shokri et al. 2017), and asking for many of them.
Clients whose inputs are measured anew hardly ever send a training row again, byte for byte, and a customer who gave
some records for training sends those few. So the different training rows among a principal's last 200 different queries
are counted, on a salted sketch of the training set, as far as they are more than the few that a customer may own.
"""

from typing import Final

import numpy as np

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Confidence, Counts, Explanation, Params, Scores, Signal, State, Subject
from caponier.detect.similarity import RING
from caponier.detect.sketch import ROWS, holds
from caponier.detect.windows import windowed_sum
from caponier.matrix.technique import TechniqueId

WINDOW: Final = RING
"""As many queries as similarity remembers: within them no row counts twice."""
OWN: Final = 5
"""A customer may have this many records of its own in the training set; they do not count."""


class MembershipProbe:
    """Counts the different training rows among the last 200 different queries of a principal."""

    name = "membership_probe"
    statistic = "training_rows_beyond_own"
    techniques = (
        TechniqueId("atlas", "AML.T0024.000"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.01.01"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.QUERIES
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.BASELINE, Signal.TRAINING_SET})
    columns: frozenset[Column] = frozenset()
    state = np.dtype([("hit", np.int32, (WINDOW,))])
    state_version = 1
    floor = 0
    suspect = None
    max_confidence = Confidence.HIGH
    emulations = ("membership_inference",)
    controls = ("owner_of_records", "evaluation_team", "random_user", "retrier")

    def fit(self, benign: EventBatch) -> Params:
        """Learn nothing: the sketch comes from the training set, and the benign rate from the benign maxima."""
        return {}

    def priors(self) -> tuple[Params, float] | None:
        """The sketch is kept in a baseline."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Count the training rows, beyond five, among each subject's last 200 different queries."""
        queries, rows = batch.queries()
        after = state.copy()
        hits = holds(params, queries.key).astype(np.int64)
        sums, after["hit"] = windowed_sum(hits, queries.offsets, state["hit"])
        scores = np.zeros(len(batch), np.int64)
        scores[rows] = np.maximum(sums - OWN, 0)
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Name the queries that are training rows."""
        start = max(0, len(events) - WINDOW)
        rows = np.flatnonzero(holds(params, events.key[start:])) + start
        summary = (
            f"{rows.size} of the last {len(events) - start} different queries are rows of the training set, exactly as "
            "they stand there: the way one asks whether records were trained on"
        )
        facts = {"training_rows": int(rows.size), "window": len(events) - start, "of": len(params.get(ROWS, ()))}
        return Explanation(summary, facts, rows)


detector = MembershipProbe()
