"""Searches around inputs: somebody lowers the score of an answer until it turns, one input after the other.

Whoever looks for an adversarial example by scores (SimBA, Guo et al. 2019; NES, Ilyas et al. 2018; Square,
Andriushchenko et al. 2020; ZOO, Chen et al. 2017) keeps what lowers the first answer's score and goes on from there.
However wide or sparse the steps are, and in whatever order inputs are taken: around one input new lows come more
often than chance has them. Among answers in any order the n-th is the lowest so far once in n times, whatever scores
are like (Rényi 1962). Eight kinds of evidence are gathered over all stays of a caller around inputs
(`detect.similarity.stays`), each added up from where it was last at nothing (Page 1954):

- *lows*: new lows beyond that expectation, in its standard deviations;
- *fresh lows*: those among a stay's first visits that do not follow another at once. A camera at dusk makes one low
  after the other; who tries and fails in between is searching;
- *lows on return*: those at an input that was left for hundreds of others;
- *loyalty*: after a query that brought no low, the next one is nearest to the one that brought the lowest so far. A
  view that changes lies next to the last one, and noise next to any; who searches goes on from the best that it has.
  In bits: the logarithm of how much more often a search does so than chance (Wald 1945);
- *wins*: answers that turn after more queries around their input than it takes benign callers, in bits. No score is
  needed for that.
- *sparse steps*: changes of one or a few features, however large, where benign callers' inputs always change in many,
  in bits;
- *turns*: answers that differ from the nearest earlier one's, along steps of many lengths along which benign callers'
  hardly ever do (`detect.similarity.turns`), in bits. No score is needed for that either;
- *lines*: queries between the two nearest earlier ones, which were answered differently, straighter than benign ones,
  in bits. Who halves the way to a boundary asks for one middle after the other. Nor is any for that.

Who varies an input whatever the answers are (a slider, field after field, a view that grows dark) goes on from the last
try, also when that did not help; a search goes back to the best it has. So steps of such a *walk* are neither lows nor
wins, and speak against sparse steps as much as others speak for them (`Followed.heedless`).

Each is told beside what benign callers reach, because it depends on them which says most.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch, are_classes
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
from caponier.detect.similarity import nearest_query, turns
from caponier.detect.similarity.changes import RIGHT, levels_beyond
from caponier.detect.similarity.nearest_query import RING
from caponier.detect.similarity.stays import MANY, STAYS, UNTOLD, Followed, follow, learned
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
MOST_STRAIGHT: Final = 6 * QUARTERS
"""What a query on a line between two others counts at most."""
ASTRAY: Final = 1
"""What is taken from each different query there, in quarter bits."""
SEARCHING: Final = [1, 2, 4, 5, 6, 7]
"""Kinds that nothing but a search has many of: all but lows and wins."""
BEYOND: Final = 2
"""Times the benign reach in another kind, beyond which a benign caller's lows may be those of an attacker."""
LEAST: Final = (3.0, 3.0, 3.0, 4.0, 8.0, 8.0, 2.5, 4.0)
"""What counts as the benign reach at least: deviations and bits that chance alone now and then comes to."""
SEARCHES: Final = 0.6
"""How often a search goes on from the best that it has after a failure; the nearest query may be another."""
BEST: Final = np.arange(10)
"""Visits; of later ones chance has the lowest as often, for what is near is among the last few anyway."""
CHANCE: Final = 1 / np.maximum(BEST - 1, 1)
LOYAL: Final = np.floor(QUARTERS * np.log2(np.maximum(SEARCHES / CHANCE, 1))).astype(np.int64)
OTHERWISE: Final = np.ceil(QUARTERS * np.log2(np.maximum((1 - CHANCE) / (1 - SEARCHES), 1))).astype(np.int64)
"""What it counts at each visit if a search goes on from the lowest, and if it does not, in quarter bits."""
KINDS: Final = ("lows", "fresh", "back", "wins", "sparse", "loyal", "turns", "lines")
DEVIATIONS: Final = KINDS[:3]
"""Of these, chance comes to a square as often as to a number of bits: their squares are told."""
FULL: Final = 100
"""The score at the benign reach."""
TIMES, FINE = 16, 64
"""Times the benign reach that are told at most, and parts of it that are told apart."""
ODDS: Final = np.floor(FULL * (2.0 ** (np.arange(TIMES * FINE + 1) / FINE) - 1)).astype(np.int64)
"""Scores: odds double with each bit, so that a search far beyond the benign reach is told from callers at that reach,
also where another search hides among them."""
NEAR: Final = 0.1
"""A query goes on with a stay up to this quantile of how near others' queries come to one of a whole ring of them."""
STRANGERS: Final = 512
"""Callers by whose first queries that is learned."""
SPREAD: Final = (8, 2)
"""And that is at least, and at most, one in so many parts of what two benign inputs are apart in the mean."""
LONG: Final = 32
"""Visits of a stay up to which fresh lows and lows on return count: a view that grows dark for hours is no search."""


class InputSearch:
    """Weighs new lows of answers' scores around single inputs, and the answers that turned after many tries."""

    name = "input_search"
    statistic = "search_odds"
    techniques = (
        TechniqueId("atlas", "AML.T0043.001"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.02"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.QUERIES
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.LABEL, Signal.BASELINE})
    columns = frozenset({Column.SURENESS})
    state = np.dtype(
        [("stays", STAYS), ("wins", np.int64), ("sparse", np.int64), ("loyal", np.int64), ("lines", np.int64)]
        + [(kind, np.int64, (2,)) for kind in KINDS[:3]]
        + [("turns", np.int32, (turns.LENGTHS,))],
    )
    state_version = 5
    # Below the benign reach, so that enough benign callers are beyond it to tell how rare more is.
    floor = FULL // 2
    suspect = 3.0 * FULL
    shows = Structure.SEARCH
    max_confidence = Confidence.HIGH
    emulations = ("simba", "nes")
    controls = ("random_user", "retrier", "poller", "augmenter", "heavy", "camera", "low_contrast", "one_class")

    def fit(self, benign: EventBatch) -> Params:
        """Learn how far a stay reaches, how many tries benign answers turn after, and what benign callers reach."""
        queries, _ = benign.queries()
        classes = np.array([are_classes(queries.label)])
        params: Params = {**learned(queries.query), "near": _near(queries), "classes": classes}
        told, _ = self._followed(params, np.zeros(queries.subjects, self.state), queries)
        params = {**params, "tries": _tries(told, queries), "sparse": _sparse(queries), "lines": _lines(queries)}
        params["turns"] = turns.learned(queries, int(params["near"][0]))
        kinds, _ = self._kinds(params, np.zeros(queries.subjects, self.state), queries)
        return {**params, "reach": _reach(kinds, queries)}

    def priors(self) -> tuple[Params, float] | None:
        """What is near, only a baseline can tell."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Return the strongest kind of evidence at each different query, beside what benign callers reach."""
        queries, rows = batch.queries()
        kinds, after = self._kinds(params, state, queries)
        most = np.zeros(len(queries))
        for name, kind, reach in zip(KINDS, kinds, params["reach"], strict=True):
            times = kind / reach
            most = np.maximum(most, times * times if name in DEVIATIONS else times)
        scores = np.zeros(len(batch), np.int64)
        scores[rows] = ODDS[np.floor(FINE * np.minimum(most, TIMES)).astype(np.int64)]
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
        # Equal ones are nearest in no order: where a sweep finer than quantised units goes on does not tell it.
        swept = told.again & (queries.signals["moved"] <= 1)
        soon, low = visit <= LONG, told.low & ~told.heedless & ~swept
        by_chance = np.where(visit > 1, UNIT // visit, 0)
        # A low right before, of which there are none at the second visit, is one in so many as that one had visits.
        alone = np.where(visit > 2, by_chance * (visit - 2) // np.maximum(visit - 1, 1), by_chance)
        for name, found, chance in (
            ("lows", low, by_chance),
            ("fresh", low & soon & ~told.again, np.where(soon, alone, 0)),
            ("back", low & soon & told.returned, np.where(soon & told.returned, by_chance, 0)),
        ):
            spread = chance * (UNIT - chance) // UNIT
            steps = UNIT * found - chance - spread // IDLE
            sums, since, (last, held) = excursions(
                steps, spread, queries.offsets, (state[name][:, 0], state[name][:, 1])
            )
            after[name] = np.stack([last, held], axis=1)
            kinds.append(sums / np.sqrt((since + UNIT) * float(UNIT)))
        rare = np.searchsorted(params["tries"], told.visit, side="right") - COMMON
        won, after["wins"] = above_zero(np.where(told.turned & ~told.heedless, rare, 0), queries.offsets, state["wins"])
        fewer = np.searchsorted(-params["sparse"], -queries.signals["moved"].astype(np.float64), side="right")
        # From the first try, and from what helped, a walk goes on as a search does.
        counted = np.where(told.heedless, -fewer, np.where(told.onward, 0, fewer)) - DRAIN
        step = np.where((queries.signals["moved"] > 0) & (told.visit > 2), counted, 0)
        sparse, after["sparse"] = above_zero(step, queries.offsets, state["sparse"])
        of = np.minimum(told.visit, BEST[-1])
        step = np.where(told.choice, np.where(told.loyal, LOYAL[of], -OTHERWISE[of]), 0)
        chosen, after["loyal"] = above_zero(step, queries.offsets, state["loyal"])
        across, after["turns"] = turns.turned(
            params["turns"], int(params["near"][0]), state["turns"], queries, ~told.heedless
        )
        straight = _straight(params, queries.signals["between"].astype(np.int64)) - ASTRAY
        along, after["lines"] = above_zero(straight, queries.offsets, state["lines"])
        return [*kinds, *(each / QUARTERS for each in (won, sparse, chosen, across, along))], after

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
            f"One caller sent {variants} {around}{within(events.time)}{changed} among its last {len(events)} "
            "different inputs"
        )
        facts = {"inputs": len(tries), "most_around_one": int(tries.max()), "turned": turned, "window": len(events)}
        return Explanation(summary, facts, rows if rows.size else np.array([len(events) - 1]))


def _near(queries: EventBatch) -> NDArray[np.int64]:
    """Return up to which squared distance a query goes on with a stay, (1,).

    Hardly a query of somebody else comes as near to any of as many as a caller's ring holds: or what is asked in
    between would be taken for part of a search.
    """
    begins = queries.offsets[:-1][np.diff(queries.offsets) > 0]
    # The first of each caller, in an order of chance that does not depend on that of callers.
    rows = queries.query[begins[np.unique(queries.key[begins], return_index=True)[1]]].astype(np.float32)
    apart = 2 * rows.var(axis=0, dtype=np.float64).sum() if len(rows) else 0.0
    least, most = (apart / part for part in SPREAD)
    strange = _strangers(rows)
    return np.array([np.floor(np.clip(np.quantile(strange, NEAR) if strange.size else least, least, most))], np.int64)


def _strangers(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how near some of the rows (n, width) come to any of as many as a ring holds, squared (m,)."""
    squares, found = np.square(rows).sum(axis=1, dtype=np.float64), []
    for at in range(0, len(rows), -(-len(rows) // STRANGERS) or 1):
        others = np.unique((at + np.arange(1, RING + 1)) % len(rows))
        squared = squares[others] + squares[at] - 2 * (rows[others] @ rows[at]).astype(np.float64)
        found += [float(squared[others != at].min())] if len(rows) > 1 else []
    return np.array(found)


def _tries(told: Followed, queries: EventBatch) -> NDArray[np.int64]:
    """Return (LEVELS,) visits from which on an answer that turns is rarer by a quarter bit more among benign ones.

    Most stays are cut off before the answer turns, for their callers ask little, and late turns are missing among those
    that were seen. So how many turn at a visit is told by the stays that came so far (Kaplan and Meier 1958).
    """
    before = np.bincount(BEFORE, minlength=MANY + 1)
    seen = before + _turning(told, queries)
    later = np.append(seen[::-1].cumsum()[::-1], 0)
    share = 2.0 ** (-np.arange(1, LEVELS + 1) / QUARTERS)
    # One more than was seen: what never happened is not impossible.
    fewer = share * (seen.sum() + 1) - 1
    levels = np.searchsorted(-later, -fewer, side="left")
    return np.where(fewer >= 0, levels, np.iinfo(np.int64).max).astype(np.int64)


def _turning(told: Followed, queries: EventBatch) -> NDArray[np.float64]:
    """Return how many answers would have turned at each visit (MANY + 1,) had no stay been cut off; in all as many."""
    rows = np.flatnonzero(told.visit > 0)
    rows = rows[np.argsort(told.stay[rows], kind="stable")]
    # A stay begins anew where it is about another answer.
    begins = np.flatnonzero((told.visit[rows] == 1) | (np.diff(told.stay[rows], prepend=-1) != 0))
    if not len(begins):
        return np.zeros(MANY + 1)
    turned, subject = np.logical_or.reduceat(told.turned[rows], begins), queries.subject[rows[begins]]
    visits = np.maximum.reduceat(told.visit[rows], begins)
    last = np.where(turned, np.maximum.reduceat(np.where(told.turned[rows], told.visit[rows], 0), begins), visits)
    wins = np.bincount(subject[turned], minlength=queries.subjects)
    weight = np.minimum(UNIT, UNIT * EACH // np.maximum(wins, 1))[subject]
    here = np.zeros((2, MANY + 1), np.int64)
    np.add.at(here, (turned.astype(np.int64), last), weight)
    stayed = here.sum(axis=0)[::-1].cumsum()[::-1]
    hazard = here[1] / np.maximum(stayed, 1)
    still = np.cumprod(1 - hazard)
    found: NDArray[np.float64] = hazard * np.append(1.0, still[:-1])
    found *= here[1].sum() / UNIT / max(found.sum(), 1e-300)
    return found


def _sparse(queries: EventBatch) -> NDArray[np.float64]:
    """Return descending numbers of changed features (MOST_SPARSE,) up to which a step is sparser by a quarter bit."""
    moved, subject = queries.signals["moved"].astype(np.int64), queries.subject
    usual = _without_odd(moved, moved > 0, subject, queries.subjects)
    if not usual.size:
        return np.zeros(MOST_SPARSE)
    return float(np.quantile(usual, QUANTILE)) / FEWER * 2.0 ** (-np.arange(MOST_SPARSE) / QUARTERS)


def _lines(queries: EventBatch) -> NDArray[np.int64]:
    """Return from which thousandths on a query lies straighter between two others by a quarter bit each.

    Returns:
        (2, MOST_STRAIGHT) ascending, for lines up and down, and for those one way, which growing light draws. Of these
        all benign callers count: cameras are few, and no others draw them.
    """
    between = queries.signals["between"].astype(np.int64)
    both = -_without_odd(-between, between >= 0, queries.subject, queries.subjects)
    usual = (float(np.quantile(one, 1 - QUANTILE)) if one.size else 0.0 for one in (both, -between[between < 0]))
    return np.stack([levels_beyond(max(RIGHT, one), MOST_STRAIGHT) for one in usual])


def _straight(params: Params, between: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many quarter bits it counts that queries (n,) lie on a line between two others."""
    both, one_way = params["lines"]
    found = np.searchsorted(both, between, side="right"), np.searchsorted(one_way, -between, side="right")
    return np.where(between < 0, *found[::-1])


def _without_odd(
    values: NDArray[np.int64], known: NDArray[np.bool_], subject: NDArray[np.int64], subjects: int
) -> NDArray[np.int64]:
    """Return the `known` values (n,) of benign callers without those few who have the least."""
    none = np.iinfo(np.int64).max
    least = np.full(subjects, none)
    np.minimum.at(least, subject[known], values[known])
    there = np.sort(least[least < none])
    if not there.size:
        return values[:0]
    usual: NDArray[np.bool_] = least >= there[min(int(np.ceil(ODD * len(there))), len(there) - 1)]
    kept: NDArray[np.int64] = values[known & usual[subject]]
    return kept


def _reach(kinds: list[NDArray[np.float64]], queries: EventBatch) -> NDArray[np.float64]:
    """Return how high benign callers come in each kind (kinds,).

    Of lows it is the highest of all who are not far beyond reach in what a search alone has: a view that grows dark has
    hardly any of that, and a search that hides among benign callers has.
    """
    highest = np.zeros((len(kinds), max(queries.subjects, 1)))
    for own, kind in zip(highest, kinds, strict=True):
        np.maximum.at(own, queries.subject, kind)
    reach = np.maximum(np.quantile(highest, 1 - SPARED, axis=1, method="lower"), LEAST)
    innocent = (highest[SEARCHING] <= BEYOND * reach[SEARCHING, None]).all(axis=0)
    reach[0] = max(LEAST[0], highest[0][innocent].max(initial=0.0))
    return reach


detector = InputSearch()
