"""Searches around inputs: somebody lowers the score of an answer until it turns, one input after the other.

Whoever looks for an adversarial example by scores (SimBA, Guo et al. 2019; NES, Ilyas et al. 2018; Square,
Andriushchenko et al. 2020; ZOO, Chen et al. 2017) keeps what lowers the first answer's score and goes on from there.
However wide or sparse the steps are, and in whatever order inputs are taken: around one input new lows come more
often than chance has them. Among answers in any order the n-th is the lowest so far once in n times, whatever scores
are like (Rényi 1962). Four kinds of evidence are gathered over all stays of a caller around inputs
(`detect.similarity.stays`), each added up from where it was last at nothing (Page 1954):

- *lows*: new lows beyond that expectation, in its standard deviations;
- *fresh lows*: those among them that do not follow another at once. A camera at dusk makes one low after the other;
  who tries and fails in between is searching;
- *wins*: answers that turn after more queries around their input than it takes benign callers, in bits. No score is
  needed for that.
- *sparse steps*: changes of one or a few features, however large, where benign callers' inputs always change in many,
  in bits.

Each is told in parts of what benign callers reach, because it depends on them which says most.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Column, Confidence, Counts, Explanation, Params, Scores, Signal, State, Subject
from caponier.detect.similarity import nearest_query
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.similarity.stays import STAYS, UNTOLD, Followed, follow, learned
from caponier.detect.windows import above_zero, excursions
from caponier.detect.wording import how_many, number, times, within
from caponier.matrix.technique import TechniqueId

UNIT: Final = 2**16
"""Parts that a low is counted in."""
IDLE: Final = 2
"""A low must come more often than by chance, by one in so many of its standard deviations squared, to add anything."""
QUARTERS: Final = 4
LEVELS: Final = 8 * QUARTERS
"""What a win counts at most, in quarter bits."""
COMMON: Final = 3 * QUARTERS
"""What is taken from each: as rare a win as one in eight benign ones adds nothing."""
EACH: Final = 8
"""Wins of one benign caller from which is learned: who has most must not be what all are like."""
BEFORE: Final = (2,) * 8 + (4,) * 4 + (8,) * 2 + (16,)
"""Wins that are added to those of benign callers: halved as tries double, so that few benign ones are no limit."""
SPARED: Final = 0.01
"""Share of the benign callers whose scores are not learned from, for they may be attackers."""
FEWER: Final = 4
"""A step is sparse if it changes fewer features than the sparsest usual benign one by this factor."""
QUANTILE, ODD = 0.001, 0.03
"""One benign step in a thousand is as sparse as the sparsest usual one, but for this share of the benign callers."""
MOST_SPARSE: Final = 4 * QUARTERS
"""What a sparse step counts at most."""
DRAIN: Final = 2
"""What is taken from each step around an input, in quarter bits."""
SEARCHING: Final = [1, 3]
"""Kinds that nothing but a search has many of: fresh lows and sparse steps."""
BEYOND: Final = 2
"""Times the benign reach in another kind, beyond which a benign caller's lows may be those of an attacker."""
LEAST: Final = (3.0, 3.0, 4.0, 8.0)
"""What counts as the benign reach at least: deviations and bits that chance alone now and then comes to."""
KINDS: Final = ("lows", "fresh", "wins", "sparse")
FULL: Final = 100
"""The score at the benign reach."""
ENOUGH: Final = 100
"""Answers from which on they show whether they recur."""
NEAR: Final = 0.5
"""A query goes on with a stay up to this part of the squared distance at which benign callers' queries usually are."""
SPREAD: Final = (8, 2)
"""And that is at least, and at most, one in so many parts of what two benign inputs are apart in the mean."""


class InputSearch:
    """Weighs new lows of answers' scores around single inputs, and the answers that turned after many tries."""

    name = "input_search"
    statistic = "benign_reach_percent"
    techniques = (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.QUERIES
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.LABEL, Signal.BASELINE})
    columns = frozenset({Column.SURENESS})
    state = np.dtype(
        [("stays", STAYS), ("wins", np.int64), ("sparse", np.int64)] + [(kind, np.int64, (2,)) for kind in KINDS[:2]],
    )
    state_version = 1
    # Below the benign reach, so that enough benign callers are beyond it to tell how rare more is.
    floor = FULL // 2
    suspect = 2.0 * FULL
    max_confidence = Confidence.HIGH
    emulations = ("simba", "nes")
    controls = ("random_user", "retrier", "poller", "augmenter", "heavy", "camera", "low_contrast", "one_class")

    def fit(self, benign: EventBatch) -> Params:
        """Learn how far a stay reaches, how many tries benign answers turn after, and what benign callers reach."""
        queries, _ = benign.queries()
        params: Params = {**learned(queries.query), "near": _near(queries), "classes": _classes(queries)}
        told, _ = self._followed(params, np.zeros(queries.subjects, self.state), queries)
        params = {**params, "tries": _tries(told, queries), "sparse": _sparse(queries)}
        kinds, _ = self._kinds(params, np.zeros(queries.subjects, self.state), queries)
        return {**params, "reach": _reach(kinds, queries)}

    def priors(self) -> tuple[Params, float] | None:
        """What is near, only a baseline can tell."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Return the strongest kind of evidence at each different query, in hundredths of what benign callers reach."""
        queries, rows = batch.queries()
        kinds, after = self._kinds(params, state, queries)
        scores = np.zeros(len(batch), np.int64)
        for kind, reach in zip(kinds, params["reach"], strict=True):
            scores[rows] = np.maximum(scores[rows], np.floor(FULL * kind / reach).astype(np.int64))
        return after, scores

    def _followed(self, params: Params, state: State, queries: EventBatch) -> tuple[Followed, NDArray[Any]]:
        told = queries.signals.get(Column.SURENESS, np.full(len(queries), -1, np.int64))
        near = queries.signals["squared"] <= params["near"][0]
        if not params["classes"][0]:
            queries = replace(queries, label=np.minimum(queries.label, np.uint64(1)))
        return follow(params, state["stays"], queries, near, np.minimum(told, UNTOLD - 1))

    def _kinds(self, params: Params, state: State, queries: EventBatch) -> tuple[list[NDArray[np.float64]], State]:
        """Return the kinds of evidence at each query, (n,) each, and the new state."""
        after, kinds = np.zeros(len(state), self.state), []
        told, after["stays"] = self._followed(params, state, queries)
        visit = np.maximum(told.visit, 1)
        by_chance = np.where(visit > 1, UNIT // visit, 0)
        # A low right before, of which there are none at the second visit, is one in so many as that one had visits.
        alone = np.where(visit > 2, by_chance * (visit - 2) // np.maximum(visit - 1, 1), by_chance)
        for name, found, chance in (("lows", told.low, by_chance), ("fresh", told.low & ~told.again, alone)):
            spread = chance * (UNIT - chance) // UNIT
            steps = UNIT * found - chance - spread // IDLE
            sums, since, (last, held) = excursions(
                steps, spread, queries.offsets, (state[name][:, 0], state[name][:, 1])
            )
            after[name] = np.stack([last, held], axis=1)
            kinds.append(sums / np.sqrt((since + UNIT) * float(UNIT)))
        rare = np.searchsorted(params["tries"], told.visit, side="right") - COMMON
        won, after["wins"] = above_zero(np.where(told.turned, rare, 0), queries.offsets, state["wins"])
        fewer = np.searchsorted(-params["sparse"], -queries.signals["moved"].astype(np.float64), side="right")
        step = np.where((queries.signals["moved"] > 0) & (told.visit > 1), fewer - DRAIN, 0)
        sparse, after["sparse"] = above_zero(step, queries.offsets, state["sparse"])
        return [*kinds, won / QUARTERS, sparse / QUARTERS], after

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say around how many inputs the last different queries were asked, and which answers turned."""
        state = np.zeros(1, nearest_query.state_dtype(events.query.shape[1]))
        recent = nearest_query.add_signals(state, events, np.zeros(0, np.int64)).batch
        told, _ = self._followed(params, np.zeros(1, self.state), recent)
        tries = np.bincount(np.unique(told.stay, return_inverse=True)[1])
        rows = np.flatnonzero(told.other)
        turned = int(told.turned.sum())
        most, changed = int(tries.max()), f"; the answer changed {times(turned)}" if turned else ""
        around = "of one input" if len(tries) == 1 else f"of each of {number(len(tries))} inputs"
        variants = f"{'up to ' if len(tries) > 1 else ''}{how_many(most, 'variant')}"
        summary = (
            f"One caller sent {variants} {around}{within(events.time)}{changed} (among its last {len(events)} "
            "different inputs)"
        )
        facts = {"inputs": len(tries), "most_around_one": int(tries.max()), "turned": turned, "window": len(events)}
        return Explanation(summary, facts, rows if rows.size else np.array([len(events) - 1]))


def _classes(queries: EventBatch) -> NDArray[np.bool_]:
    """Tell, (1,), whether answers are classes: those of a regression hardly ever recur, and turn into nothing else."""
    told = queries.label[queries.label != 0]
    return np.array([len(told) < ENOUGH or 2 * len(np.unique(told)) <= len(told)])


def _near(queries: EventBatch) -> NDArray[np.int64]:
    """Return up to which squared distance a query goes on with a stay, (1,)."""
    squared, subject = queries.signals["squared"], queries.subject
    known = squared != FAR
    usual = [
        np.median(own) for own in np.split(squared[known], np.flatnonzero(np.diff(subject[known])) + 1) if own.size
    ]
    apart = 2 * queries.query.var(axis=0, dtype=np.float64).sum() if len(queries) else 0.0
    least, most = (apart / part for part in SPREAD)
    return np.array([np.floor(np.clip(NEAR * np.median(usual) if usual else 0.0, least, most))], np.int64)


def _tries(told: Followed, queries: EventBatch) -> NDArray[np.int64]:
    """Return (LEVELS,) visits from which on an answer that turns is rarer by a quarter bit more among benign ones."""
    rows = np.flatnonzero(told.turned)
    subject = queries.subject[rows]
    ordinal = np.arange(len(rows)) - np.searchsorted(subject, subject)
    tries = np.sort(np.concatenate([told.visit[rows[ordinal < EACH]], BEFORE]))[::-1]
    share = 2.0 ** (-np.arange(1, LEVELS + 1) / QUARTERS)
    # One more than was seen: what never happened is not impossible.
    fewer = np.floor(share * (len(tries) + 1)).astype(np.int64) - 1
    reached = np.append(tries, 0)[np.clip(fewer, 0, len(tries))] + 1
    levels: NDArray[np.int64] = np.where(fewer >= 0, reached, np.iinfo(np.int64).max)
    return levels


def _sparse(queries: EventBatch) -> NDArray[np.float64]:
    """Return descending numbers of changed features (MOST_SPARSE,) up to which a step is sparser by a quarter bit."""
    moved, subject = queries.signals["moved"].astype(np.int64), queries.subject
    known = moved > 0
    least = np.full(queries.subjects, np.iinfo(np.int64).max)
    np.minimum.at(least, subject[known], moved[known])
    there = np.sort(least[least < np.iinfo(np.int64).max])
    if not there.size:
        return np.zeros(MOST_SPARSE)
    usual = moved[known & (least >= there[min(int(np.ceil(ODD * len(there))), len(there) - 1)])[subject]]
    return float(np.quantile(usual, QUANTILE)) / FEWER * 2.0 ** (-np.arange(MOST_SPARSE) / QUARTERS)


def _reach(kinds: list[NDArray[np.float64]], queries: EventBatch) -> NDArray[np.float64]:
    """Return how high benign callers come in each kind (kinds,).

    Of lows it is the highest of all who are not far beyond reach in fresh lows and sparse steps: a view that grows dark
    has hardly any of these, and a search that hides among benign callers has.
    """
    highest = np.zeros((len(kinds), max(queries.subjects, 1)))
    for own, kind in zip(highest, kinds, strict=True):
        np.maximum.at(own, queries.subject, kind)
    reach = np.maximum(np.quantile(highest, 1 - SPARED, axis=1, method="lower"), LEAST)
    innocent = (highest[SEARCHING] <= BEYOND * reach[SEARCHING, None]).all(axis=0)
    reach[0] = max(LEAST[0], highest[0][innocent].max(initial=0.0))
    return reach


detector = InputSearch()
