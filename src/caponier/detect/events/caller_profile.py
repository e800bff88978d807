"""Callers like none: how somebody asks as a whole, beside the benign callers who ask most alike.

For what nobody foresaw. Of all that a caller sent is counted how much failed, how much was no prediction, how near
queries lie to earlier ones in five classes that benign callers define, how often answers differ from the nearest
earlier one's, how unsure and how various they are, and how pauses are spread. At every sixteenth event the shares are
held beside those of benign callers; the score is the distance to the third nearest of these, so that two who are alike
do not make each other usual. What each share may vary by is learned, too.

Exact repeats are passed over, as everywhere: what benign callers repeat is not in what is learned from.

That somebody is like nobody says neither what he does nor that it is an attack. So it never is more than a hint: its
techniques stand for any use of a model, nothing counts as covered by it, and its findings say what is odd.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch, label_place
from caponier.detect.detector import (
    OPERATIONS,
    Column,
    Confidence,
    Counts,
    Explanation,
    Params,
    Scores,
    Signal,
    State,
    Subject,
)
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.windows import previous
from caponier.matrix.technique import TechniqueId

EVERY: Final = 16
"""Events after which a caller is looked at again."""
KEPT: Final = (16, 64, 256)
"""Looks at a benign caller that are kept, beside the last: after so many events, about."""
CALLERS: Final = 512
"""Benign callers that are kept."""
ALIKE: Final = 3
"""The benign caller that counts, from the nearest."""
PRIOR: Final = 8
"""Events of the usual kind that everybody starts with: the first few of a caller say little."""
UNIT: Final = 16
"""Parts that a benign spread is counted in."""
COARSE: Final = 4
"""Parts of a spread that distances are told in."""
MOST: Final = 8 * UNIT
"""How far one feature can be from the middle."""
STILL: Final = 0.03
"""What a feature's square root may vary by at least, however alike benign callers are."""
CLASSES: Final = (0.02, 0.1, 0.3, 0.7)
"""Quantiles of benign distances at which classes end; every caller counts alike."""
UNSURE: Final = (0.05, 0.3)
"""Quantiles of benign scores below which answers are unsure."""
QUICK, LONG = 1_000_000, 600_000_000
"""Microseconds: a pause up to the one is none, and beyond the other work was put aside."""
SLOTS: Final = 16
"""Answers that are told apart; others share a slot."""
EVENTS: Final = ("failures", "questions about the model", "quick events", "long pauses")
"""Counted among all events."""
QUERIES: Final = (
    *(f"inputs {how} earlier ones" for how in ("closest to", "close to", "fairly near", "as usual from", "far from")),
    "answers unlike that to the nearest input",
    "very unsure answers",
    "unsure answers",
)
"""Counted among different queries."""
FEATURES: Final = (*EVENTS, *QUERIES, "variety of answers")
KINDS: Final = (*EVENTS, *QUERIES)
_SAID: Final = {
    "inputs as usual from earlier ones": "inputs at the usual distance from earlier ones",
    "answers unlike that to the nearest input": "answers other than that to the nearest input",
    "quick events": "requests right after the one before",
}
"""Features that a summary says in more words than the facts do."""
NAMES: Final = 4
"""Bits of the score that name a feature; the two oddest are named, below the distance."""
HUNDRED: Final = 7
"""Bits that hold its share, in hundredths."""
BITS: Final = NAMES + HUNDRED
"""Bits of one feature."""
FAILED: Final = (400, 401, 403, 429, 500)
"""From the first status on answers are failures, but not the three between, and none from the last on."""


class CallerProfile:
    """Tells how far a caller's shares of everything are from those of any benign caller."""

    name = "caller_profile"
    statistic = "distance_to_benign_callers"
    techniques = (TechniqueId("atlas", "AML.T0040"), TechniqueId("amltm-2020", "AMLTM.EXEC.02"))
    covers = False
    """Nobody may take a technique for covered because this might see it."""
    subject = Subject.PRINCIPAL
    counts = Counts.EVENTS
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.BASELINE})
    columns = frozenset({Column.OPERATION, Column.STATUS, Column.TOP_SCORE})
    state = np.dtype(
        [
            ("sent", np.int32),
            ("time", np.int64),
            ("kinds", np.int32, (len(KINDS),)),
            ("answers", np.int32, (SLOTS,)),
            ("queries", np.int32),
        ]
    )
    state_version = 2
    floor = (3 * COARSE) << (2 * BITS)
    parts = COARSE << (2 * BITS)
    """What people are told is the distance."""
    suspect = None
    max_confidence = Confidence.MEDIUM
    emulations = ("family_fingerprint", "api_crawl")
    controls = ("random_user", "retrier", "poller", "augmenter", "heavy", "camera", "evaluation_team")

    def fit(self, benign: EventBatch) -> Params:
        """Learn the classes, what is usual of each share, and how benign callers combine them."""
        params = {"classes": _classes(benign), "unsure": _unsure(benign)}
        blank = np.zeros(benign.subjects, self.state)
        shares, rows, _ = _shares({**params, "usual": np.zeros(len(KINDS))}, blank, benign, 0)
        ends = np.append(np.flatnonzero(np.diff(benign.subject[rows])), len(rows) - 1)[: len(rows)]
        # Sorted, so that what is learned does not depend on the order of callers.
        last = np.sort(shares[ends], axis=0) if len(ends) else np.zeros((1, len(FEATURES)))
        params["usual"] = last.mean(axis=0)[: len(KINDS)]
        shares, rows, _ = _shares(params, blank, benign, PRIOR)
        roots = np.sort(np.sqrt(shares[ends]), axis=0) if len(ends) else np.sqrt(last)
        params["centre"], params["spread"] = np.median(roots, axis=0), np.maximum(roots.std(axis=0), STILL)
        return {**params, **_kept(_profiles(params, shares), rows, benign)}

    def priors(self) -> tuple[Params, float] | None:
        """Without benign callers nobody is unlike them."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Return, at every sixteenth event of a caller, how far it is from benign ones, and in what, packed."""
        shares, rows, after = _shares(params, state, batch, PRIOR)
        scores = np.zeros(len(batch), np.int64)
        if rows.size and len(params["begins"]) >= ALIKE:
            scores[rows] = _packed(params, _profiles(params, shares), np.rint(100 * shares).astype(np.int64))
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Name the two oddest features, with their shares and what is usual."""
        score = int(events.signals["score"][-1])
        apart, *odd = score >> (2 * BITS), (score >> BITS) & (2**BITS - 1), score & (2**BITS - 1)
        usual = np.square(params["centre"])
        shares = {}
        for one in odd:
            at = min(one >> HUNDRED, len(FEATURES) - 1)
            shares[FEATURES[at]] = {"share": (one & (2**HUNDRED - 1)) / 100, "usual": round(float(usual[at]), 2)}
        what = " and ".join(
            f"{_SAID.get(name, name)} ({each['share']:.0%}, usually {each['usual']:.0%})"
            for name, each in shares.items()
        )
        summary = (
            f"One caller uses the model unlike nearly all benign callers, {apart / COARSE:.1f} times as far from "
            f"them as they are from each other. Most unusual: {what}"
        )
        facts = {"distance": round(apart / COARSE, 2), "odd": shares}
        return Explanation(summary, facts, np.array([len(events) - 1]))


def _counted(batch: EventBatch) -> NDArray[np.bool_]:
    """Tell which events count: exact repeats do not."""
    counted: NDArray[np.bool_] = batch.signals["unique"] | (batch.key == 0)
    return counted


def _marks(
    params: Params, batch: EventBatch, sent: NDArray[np.int64], before: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which of the KINDS each of n events is (n, kinds), and the (s,) last times.

    Args:
        params: The classes and what is unsure.
        batch: Events that count.
        sent: (n,) how many the subject has sent with each.
        before: (s,) the last times before them.
    """
    n, query = len(batch), batch.signals["unique"]
    nothing = np.zeros(n, np.int64)
    operation, status = (batch.signals.get(name, nothing) for name in (Column.OPERATION, Column.STATUS))
    top = batch.signals.get(Column.TOP_SCORE, nothing - 1)
    first, *others, last = FAILED
    asks = (operation == OPERATIONS.index("metadata")) | (operation == OPERATIONS.index("explain"))
    earlier, times = previous(batch.time, batch.offsets, before)
    pause = np.where(sent > 1, batch.time - earlier, QUICK + 1)
    squared = batch.signals["squared"]
    near = np.searchsorted(params["classes"], squared, side="left")
    columns = [
        (status >= first) & (status < last) & ~np.isin(status, others),
        asks,
        pause <= QUICK,
        pause > LONG,
        *(query & (near == one) & (squared != FAR) for one in range(len(CLASSES) + 1)),
        query & batch.signals["flip"],
        *(query & (top >= 0) & (top <= limit) for limit in params["unsure"].tolist()),
    ]
    return np.stack(columns, axis=1), times


def _shares(
    params: Params, state: State, batch: EventBatch, prior: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], State]:
    """Return the (m, FEATURES) shares at every sixteenth event of each subject, at which rows, and the new state."""
    some = np.flatnonzero(_counted(batch))
    events, after = batch.take(some), state.copy()
    counts, subject = np.diff(events.offsets), events.subject
    sent = np.arange(1, len(events) + 1) + (state["sent"] - events.offsets[:-1])[subject]
    marks, after["time"] = _marks(params, events, sent, state["time"])
    rows = np.flatnonzero(sent % EVERY == 0)
    answers = np.zeros((len(events), SLOTS), bool)
    told = np.flatnonzero((events.label != 0) & events.signals["unique"])
    answers[told, label_place(events.label[told]) % SLOTS] = True
    query = events.signals["unique"]
    found = {}
    for name, column in (("kinds", marks), ("answers", answers), ("queries", query[:, None])):
        total = np.zeros((len(events) + 1, column.shape[1]), np.int32)
        np.cumsum(column, axis=0, dtype=np.int32, out=total[1:])
        held = state[name].reshape(len(state), column.shape[1])
        found[name] = total[rows + 1] - total[events.offsets[subject[rows]]] + held[subject[rows]]
        after[name] = (total[events.offsets[1:]] - total[events.offsets[:-1]] + held).reshape(state[name].shape)
    after["sent"] = state["sent"] + counts
    events_of = np.repeat(sent[rows, None], len(EVENTS), axis=1)
    of = np.concatenate([events_of, np.repeat(found["queries"], len(QUERIES), axis=1)], axis=1)
    shares = (found["kinds"] + prior * params["usual"]) / np.maximum(of + prior, 1)
    all_of = np.maximum(found["answers"].sum(axis=1), 1)
    various = 1 - np.square(found["answers"].astype(np.int64)).sum(axis=1) / (all_of * all_of.astype(np.int64))
    return np.concatenate([shares, various[:, None]], axis=1), some[rows], after


def _profiles(params: Params, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return shares (m, FEATURES) as whole numbers, in parts of a benign spread from the middle."""
    apart = np.rint(UNIT * (np.sqrt(shares) - params["centre"]) / params["spread"])
    return np.clip(apart, -MOST, MOST).astype(np.int64)


def _kept(profiles: NDArray[np.int64], rows: NDArray[np.int64], benign: EventBatch) -> dict[str, NDArray[np.int64]]:
    """Choose what is kept of benign callers: a few looks at each, in an order of their own."""
    subject = benign.subject[rows]
    ordinal = np.arange(len(rows)) - np.searchsorted(subject, subject)
    last = np.append(np.diff(subject) > 0, np.ones(min(1, len(rows)), bool))
    looks = np.flatnonzero(last | np.isin((ordinal + 1) * EVERY, KEPT))
    callers = sorted(profiles[own].tolist() for own in np.split(looks, np.flatnonzero(np.diff(subject[looks])) + 1))
    callers = [one for one in callers if one]
    callers = callers[:: -(-len(callers) // CALLERS) or 1]
    begins = np.cumsum([0, *map(len, callers)])[:-1] if callers else np.zeros(0, np.int64)
    laid = [look for one in callers for look in one]
    return {"looks": np.array(laid, np.int64).reshape(-1, len(FEATURES)), "begins": np.asarray(begins, np.int64)}


def _packed(params: Params, profiles: NDArray[np.int64], hundredths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the distance to the third nearest benign caller (m,), and below it the two features that are oddest.

    Args:
        params: What was learned.
        profiles: (m, FEATURES) from `_profiles`.
        hundredths: (m, FEATURES) the shares.
    """
    looks = params["looks"].astype(np.float32)
    # Whole numbers below 2**24, exact in float32 in whatever order they are added.
    mine = profiles.astype(np.float32)
    squares = np.square(mine).sum(axis=1)[:, None] + np.square(looks).sum(axis=1) - 2 * mine @ looks.T
    callers = np.minimum.reduceat(squares, params["begins"], axis=1)
    third = np.partition(callers, ALIKE - 1, axis=1)[:, ALIKE - 1]
    nearest = params["looks"][squares.argmin(axis=1)]
    odd = np.argsort(-np.abs(profiles - nearest), axis=1, kind="stable")
    apart = np.floor(np.sqrt(third.astype(np.float64)) * COARSE / UNIT).astype(np.int64)
    first, second = (hundredths[np.arange(len(odd)), odd[:, at]] | (odd[:, at] << HUNDRED) for at in (0, 1))
    return (((apart << BITS) | first) << BITS) | second


def _classes(benign: EventBatch) -> NDArray[np.int64]:
    """Return the squared distances (CLASSES,) at which classes end, among three quartiles of each caller's."""
    queries, _ = benign.queries()
    squared = queries.signals["squared"]
    known = squared != FAR
    own = np.split(squared[known], np.flatnonzero(np.diff(queries.subject[known])) + 1)
    each = [np.quantile(one, (0.25, 0.5, 0.75)) for one in own if one.size]
    if not each:
        return np.arange(len(CLASSES))
    classes: NDArray[np.int64] = np.quantile(np.concatenate(each), CLASSES, method="lower").astype(np.int64)
    return classes


def _unsure(benign: EventBatch) -> NDArray[np.int64]:
    queries, _ = benign.queries()
    top = queries.signals.get(Column.TOP_SCORE, np.full(len(queries), -1, np.int64))
    told = top[top >= 0]
    return np.quantile(told, UNSURE, method="lower").astype(np.int64) if told.size else np.full(len(UNSURE), -1)


detector = CallerProfile()
