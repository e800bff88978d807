"""Membership inference: somebody asks for the very rows that the model was trained on.

Telling whether a record was trained on means asking for that record (Shokri et al. 2017), and asking for many of them.
Clients whose inputs are measured anew hardly ever send a training row again, byte for byte, and a customer who gave
some records for training sends those few. So the different training rows among a principal's last 200 different queries
are counted, on a salted sketch of the training set, as far as they are more than the few that a customer may own.

Who asks for a row with a little noise, or rounded, comes near it: see `detect.near_rows`. Benign pictures of the same
thing may come as near, so near hits count as far as they are more than benign callers have. Copies of one row, by which
labels alone tell members (Choquette-Choo et al. 2021), count once.

Who mixes the rows with many other queries fills a bucket that drains more slowly: see `detect.slow_hits`.

A canary is a record that exists only where a thief finds it. One hit on one is beyond whatever benign callers do.
"""

from typing import Any, Final

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
from caponier.detect.training_sketch.near_rows import LEVELS, MEMORY, USUAL, WINDOW, matches, new_hits
from caponier.detect.training_sketch.sketch import CANARIES, OWN, ROWS, holds
from caponier.detect.training_sketch.slow_hits import BUCKET, GAIN, places, poured
from caponier.detect.windows import windowed_sum
from caponier.detect.wording import how_many, listed, within
from caponier.matrix.technique import TechniqueId

EXACT: Final = np.uint8(1)
"""Bit of a query that is a training row; those above it are of near hits, a level each."""
CANARY: Final = 1_000_000
"""What a canary counts: more than all that benign callers can reach without one."""


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
    state = np.dtype([("hit", np.uint8, (WINDOW,)), ("near", MEMORY), ("bucket", BUCKET)])
    state_version = 2
    floor = 0
    suspect = None
    shows = Structure.TRAINING
    max_confidence = Confidence.HIGH
    emulations = ("membership_inference", "label_only_membership", "shadow_membership")
    controls = ("owner_of_records", "evaluation_team", "random_user", "retrier")

    def fit(self, benign: EventBatch) -> Params:
        """Learn nothing by itself: what benign callers hit is learned with the sketch, see `near_rows.usual`."""
        return {}

    def priors(self) -> tuple[Params, float] | None:
        """The sketch is kept in a baseline."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Count the training rows beyond the usual among each subject's last 200 different queries; add canaries."""
        queries, rows = batch.queries()
        after = np.zeros(len(state), self.state)
        place = places(params, queries.key)
        exact = place > 0
        sums, history = windowed_sum(exact.astype(np.int64), queries.offsets, state["hit"] & EXACT)
        found: NDArray[np.int64] = np.maximum(sums - OWN, 0)
        after["hit"] = history
        near = self._near(params, state, after, queries)
        # Without near hits each level counts the exact ones alone, of which more are usual.
        for level, new in enumerate(near if near.any() or (state["hit"] > EXACT).any() else ()):
            bit = EXACT << np.uint8(1 + level)
            _, history = windowed_sum(new.astype(np.int64), queries.offsets, (state["hit"] & bit) > 0)
            after["hit"] |= history.astype(np.uint8) * bit
            before = (state["hit"] & (EXACT | bit)) > 0
            sums, _ = windowed_sum((new | exact).astype(np.int64), queries.offsets, before)
            found = np.maximum(found, sums - int(params[USUAL][level]))
        if GAIN in params:
            gain = int(params[GAIN][0])
            filled, after["bucket"] = poured(place, queries.offsets, state["bucket"], gain)
            # A row that has partly drained away still counts as one.
            found = np.maximum(found, (filled + gain - 1) // gain - OWN)
        scores = np.zeros(len(batch), np.int64)
        scores[rows] = found + CANARY * holds(params, queries.key, CANARIES)
        return after, scores

    def _near(self, params: Params, state: State, after: State, queries: EventBatch) -> NDArray[np.bool_]:
        """Return the new near hits at each level (levels, n), and remember in `after` what was hit."""
        if USUAL not in params:
            return np.zeros((len(LEVELS), len(queries)), bool)
        near, after["near"] = new_hits(matches(params, queries.query), queries.offsets, state["near"])
        return near

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Name the queries that are training rows, those that nearly are, and canaries."""
        recent = events.take(np.arange(max(0, len(events) - WINDOW), len(events)))
        begin = len(events) - len(recent)
        exact, hidden = holds(params, recent.key), holds(params, recent.key, CANARIES)
        near = _speaking(params, recent, exact) & ~exact
        facts: dict[str, Any] = {
            "training_rows": int(exact.sum()),
            "near_rows": int(near.sum()),
            "window": len(recent),
            "of": len(params.get(ROWS, ())),
        }
        if CANARIES in params:
            facts["canaries"] = int(hidden.sum())
        rows = np.flatnonzero(hidden if hidden.any() else exact | near) + begin
        took = within(events.time[rows])
        return Explanation(_summary(facts, len(recent), took), facts, rows)


def _speaking(params: Params, recent: EventBatch, exact: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which queries are near hits at the level at which there are most beyond the usual; none where nowhere."""
    told, best = np.zeros(len(recent), bool), 0
    if USUAL in params:
        new, _ = new_hits(matches(params, recent.query), recent.offsets)
        for hits, usual in zip(new, params[USUAL].tolist(), strict=True):
            beyond = int((hits | exact).sum()) - usual
            if beyond > best:
                told, best = hits, beyond
    return told


def _summary(facts: dict[str, Any], window: int, took: str) -> str:
    exact, near, hidden = facts["training_rows"], facts["near_rows"], facts.get("canaries", 0)
    among = f"among its last {window} different inputs"
    if hidden:
        records = how_many(hidden, "canary record", "canary records")
        return f"One caller sent {records}, which only a copy of the training set holds{took} ({among})"
    rows = [f"{how_many(exact, 'row')} of the training set, exactly as stored"] if exact else []
    rows += [f"{how_many(near, 'input')} nearer to such rows than benign callers come"] if near else []
    before = "; with earlier ones, these are more rows than one customer owns" if exact <= OWN and not near else ""
    return f"One caller sent {listed(rows) or 'rows of the training set'}{took} ({among}){before}"


detector = MembershipProbe()
