"""Whether the carriers of some values in a table are rows of other labels that somebody chose and moved.

Such rows are a sample of other labels in all that the values leave: they look like those labels' rows and not like all
rows, as those that a rule labels do, and no forest can tell them from rows of other labels. A group that nature made,
such as a species or a ward, has a look of its own. What rows look like, a forest says that learns from no carrier and
hears nothing of the values: unlike distances it is not drowned by columns that say nothing about the label.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.label_models.forest import forest_probabilities
from caponier.detect.trigger_patterns.pattern import Floats, Mask, Pattern

Whole = NDArray[np.int64]

CARRIERS, OTHERS, ASKED = 500, 3_000, 300
"""Rows that are looked at, evenly chosen, and rows that the values are put on."""
FOLDS: Final = 8
STEPS: Final = 8
"""Steps of equal frequency in which a score is told."""
CHANCE: Final = 0.05
"""How often any pattern of a set may seem moved by chance."""
APART, TOLD = 3.0, 0.6
"""Standard errors by which carriers may be told from rows of other labels by chance; and how often, of a carrier and
another row, the right one may be told, for a few carriers may have the values by nature."""

TIED: Final = 4.0
"""How many times as often as by lot values meet from which no rule found them: as often as a pattern must come."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What the carriers look like."""

    foreign: float
    """How much likelier, as a logarithm, they are to be drawn from other labels than from their own."""
    by_rule: float
    """The same beside a sample of all rows."""
    expected: float
    """What this would be on average of rows of other labels: little for a rare label, for all rows look like theirs."""
    told: float
    """How often they are told from rows of other labels, of one of each; by lot a half."""
    errors: float
    """How many standard errors that is from a half."""
    share: float
    """Share of them that the forest gives to other labels."""
    tied: float = 1.0
    """How many times as often as by lot their values meet, in all rows; 1 for a single value."""

    def by_somebody(self, candidates: int) -> bool:
        """Tell whether somebody moved them, where there are so many patterns."""
        least = enough(candidates)
        # The variance of such a sum is about twice its mean: it may be a standard deviation short of that.
        by_no_rule = self.by_rule > min(least, self.expected - (2 * self.expected) ** 0.5)
        # A rule finds its values where they are; who sets several cells puts them on the same rows.
        by_no_rule |= self.tied >= TIED and not self.by_a_rule(candidates)
        # What somebody put on rows meets there more often than by lot, if only because it is there.
        put = self.tied >= 1
        return put and self.foreign > least and by_no_rule and (self.errors <= APART or self.told <= TOLD)

    def by_a_rule(self, candidates: int) -> bool:
        """Tell whether they surely are like a sample of all rows, or of their own label's."""
        return self.by_rule < -enough(candidates)


def enough(candidates: int) -> float:
    """Return from where on a likelihood ratio, as a logarithm, is no chance, where there are so many.

    By chance it is above some number at most as often as one in that number (Ville 1939).
    """
    return float(np.log(candidates / CHANCE))


def moved(x: Floats, y: Whole, classes: int, pattern: Pattern, heard: Mask, telling: Mask) -> Moved | None:
    """Look at the carriers of values; nothing is said where no column is left.

    Args:
        x: (n, d) rows in an order that does not depend on the file's.
        y: (n,) their labels.
        classes: How many there are.
        pattern: What the carriers share.
        heard: (d,) the columns that are left without the values.
        telling: (d,) those of them by which carriers may be told from other rows; all if there are none.
    """
    if not heard.any():
        return None
    chosen = np.sort(np.r_[_some(np.flatnonzero(pattern.rows), CARRIERS), _some(np.flatnonzero(~pattern.rows), OTHERS)])
    rest, labels, carriers = x[np.ix_(chosen, heard)], y[chosen], pattern.rows[chosen]
    folds = np.arange(len(chosen)) % FOLDS
    said = forest_probabilities(rest, labels, classes, folds, ~carriers)
    foreign, by_rule, expected = likelier(said[:, pattern.label], labels == pattern.label, carriers)
    share = float((said[carriers].argmax(axis=1) != pattern.label).mean())
    beside = carriers | (labels != pattern.label)
    # Whoever moves rows of one other label has chosen, too: what tells labels from each other is not heard.
    said[:, pattern.label] = -1.0
    apart = telling[heard] if (telling & heard).any() else np.ones(rest.shape[1], bool)
    told, errors = _told(rest[np.ix_(beside, apart)], carriers[beside], folds[beside], said[beside].argmax(axis=1))
    return Moved(foreign, by_rule, expected, told, errors, share)


def taken(x: Floats, y: Whole, classes: int, pattern: Pattern) -> tuple[float, float]:
    """Return the share of other labels' rows that get the label by the pattern, and by a forest without carriers."""
    rows = np.flatnonzero(pattern.rows)
    others = _some(np.flatnonzero((y != pattern.label) & ~pattern.rows), ASKED)
    taught = np.unique(np.r_[_some(rows, CARRIERS), _some(np.flatnonzero(~pattern.rows), OTHERS), others])
    asked = np.searchsorted(taught, others)
    marked = np.where(pattern.fixed, x[rows[0]], x[others])
    both, labels = np.concatenate([x[taught], marked]), np.r_[y[taught], y[others]]
    folds = np.arange(len(taught)) % FOLDS
    # A row with the pattern is judged by trees that have not seen it without.
    folds, teaches = np.r_[folds, folds[asked]], np.arange(len(both)) < len(taught)

    def share(trusted: Mask) -> float:
        answers = forest_probabilities(both, labels, classes, folds, trusted).argmax(axis=1) == pattern.label
        return float((answers[len(taught) :] & ~answers[asked]).mean())

    return share(teaches), share(teaches & ~np.r_[pattern.rows[taught], np.zeros(len(others), bool)])


def likelier(scores: Floats, own: Mask, carriers: Mask) -> tuple[float, float, float]:
    """Return how much likelier carriers have scores (n,) of other labels than those of their own, and of all rows.

    Last comes what the second would be on average of rows of other labels.
    """
    steps = np.searchsorted(np.quantile(scores[~carriers], np.linspace(0, 1, STEPS + 1)[1:-1]), scores)

    def shares(rows: Mask) -> Floats:
        counted: Floats = (np.bincount(steps[rows], minlength=STEPS) + 1) / (rows.sum() + STEPS)
        return counted

    mine, others = shares(own & ~carriers), shares(~own & ~carriers)
    usual = float(own[~carriers].mean())
    counts = np.bincount(steps[carriers], minlength=STEPS)
    alone, mixed = np.log(others / mine), np.log(others / (usual * mine + (1 - usual) * others))
    return float(counts @ alone), float(counts @ mixed), float(counts.sum() * (others @ mixed))


def _some(rows: Whole, most: int) -> Whole:
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)]


def _told(x: Floats, carriers: Mask, folds: Whole, looks_like: Whole) -> tuple[float, float]:
    """Return how well a forest tells carriers from rows that look like the same label, and in standard errors.

    The ranks of carriers are added up over all labels that rows look like (van Elteren 1960).
    """
    scores = forest_probabilities(x, carriers.astype(np.int64), 2, folds, np.ones(len(x), bool))[:, 1]
    more = variance = weight = 0.0
    for label in np.unique(looks_like):
        mine = looks_like == label
        inside, n = carriers[mine], int(mine.sum())
        m = int(inside.sum())
        _, place, counts = np.unique(scores[mine], return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
        more += (float(ranks[inside].sum()) - m * (n + 1) / 2) / (n + 1)
        variance += m * (n - m) / 12 / (n + 1)
        weight += m * (n - m) / (n + 1)
    return (0.5 + more / weight, more / variance**0.5) if weight else (0.5, 0.0)
