"""Turns: answers that differ from the nearest earlier one's, along steps along which benign callers' hardly ever do.

A search along the decision boundary crosses it at every second step. In a table such steps may be as short as a
sensor's, so that no length tells; but a sensor's answers stay. How often benign callers' answers turn is learned for
each of several lengths of a step, from those of them whose answers turn most often: a person with hard cases, a client
that sends views.

A camera that looks at something on the boundary turns as often as a search. But all its steps are as long as its noise,
and so are those of an input that is measured again and again. A search halves a distance, samples around a point, comes
nearer, and does it again: it turns along steps of many lengths. So the two lengths next to each other that say most,
which is as much as noise varies by, do not count, and each of the others counts up to a bound.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.windows import above_zero

QUARTERS: Final = 4
LENGTHS: Final = 16
"""Lengths that are told apart: up to what is near, and then each shorter by the root of two; the last is whatever is
shorter still."""
OFTEN: Final = 0.4
"""How often the answer turns along the steps of a search."""
TOLD: Final = 8
"""Steps of a benign caller from which on it says how often answers turn along such steps."""
MOST_OFTEN: Final = 0.97
"""Share of these callers whose answers turn no more often than is usual; the last few may search."""
SELDOM: Final = 0.08
"""Turns that are usual at least: habits that no benign caller showed yet may have as many."""
KNOWN: Final = 10
"""Callers who say so at least. Of fewer nobody knows, and shorter steps are taken to turn as often as longer ones."""
BOUND: Final = 16 * QUARTERS
"""What turns along steps of one length count at most."""


def learned(queries: EventBatch, near: int) -> NDArray[np.int64]:
    """Learn what a step of each length counts.

    Args:
        queries: Different queries of benign callers, with similarity signals.
        near: Squared distance up to which a query is a variant of an earlier one.

    Returns:
        (LENGTHS, 2) quarter bits, the longest first: if the answer stays, and if it turns.
    """
    rows, length = _steps(queries, near)
    subject, turns = queries.subject[rows], queries.signals["flip"][rows]
    usual, known = np.full(LENGTHS, OFTEN), OFTEN
    for at in range(LENGTHS):
        # Those that are shorter still are counted, too: or a length that hardly anybody has were judged by chance.
        own = length >= at
        steps = np.bincount(subject[own], minlength=queries.subjects)
        turned = np.bincount(subject[own & turns], minlength=queries.subjects)
        told = steps >= TOLD
        if told.sum() >= KNOWN:
            share = (turned[told] + 0.5) / (steps[told] + 1)
            known = min(known, max(SELDOM, float(np.quantile(share, MOST_OFTEN, method="higher"))))
        usual[at] = known
    stays = -np.ceil(QUARTERS * np.log2((1 - usual) / (1 - OFTEN)))
    return np.stack([stays, np.floor(QUARTERS * np.log2(OFTEN / usual))], axis=1).astype(np.int64)


def turned(
    counts: NDArray[np.int64],
    near: int,
    before: NDArray[Any],
    queries: EventBatch,
    among: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Add up what turns say, for each length from where it was last at nothing (Page 1954).

    Args:
        counts: From `learned`.
        near: The same.
        before: (s, LENGTHS) sums in front of these queries.
        queries: n different queries of s subjects, with similarity signals.
        among: (n,) which of them count.

    Returns:
        (n,) quarter bits over all lengths but the two that say most, and the (s, LENGTHS) new sums.
    """
    rows, length = _steps(queries, near)
    rows, length = rows[among[rows]], length[among[rows]]
    subject = queries.subject[rows]
    # One subject's steps of one length after the other, as if each length were a subject.
    place = subject * LENGTHS + length
    order = np.argsort(place, kind="stable")
    steps = counts[length, queries.signals["flip"][rows].astype(np.int64)][order]
    held = before.ravel().astype(np.int64)
    sums, after = above_zero(steps, np.searchsorted(place[order], np.arange(before.size + 1)), held)
    each = np.full((len(rows), LENGTHS), -1)
    each[order, length[order]] = np.minimum(sums, BOUND)
    each = _latest(each, subject, np.minimum(before, BOUND))
    # A query that is no such step changes nothing: what the last one before it said goes on.
    said = np.append(_but_two(each), 0)
    passed = np.searchsorted(rows, np.arange(len(queries)), side="right") - 1
    first = np.searchsorted(rows, queries.offsets[:-1])[queries.subject]
    found = np.where(passed >= first, said[passed], _but_two(np.minimum(before, BOUND))[queries.subject])
    return found, after.reshape(before.shape)


def _latest(each: NDArray[np.int64], subject: NDArray[np.int64], held: NDArray[Any]) -> NDArray[np.int64]:
    """Fill in what each length (m, LENGTHS) said last, where it is -1; (s, LENGTHS) was `held` before."""
    rows = np.arange(len(each))[:, None]
    last = np.maximum.accumulate(np.where(each >= 0, rows, -1), axis=0)
    begins = np.searchsorted(subject, subject)[:, None]
    said: NDArray[np.int64] = np.take_along_axis(each, np.maximum(last, 0), axis=0)
    return np.where(last >= begins, said, held[subject])


def _but_two(each: NDArray[Any]) -> NDArray[np.int64]:
    """Return what all lengths (m, LENGTHS) say but for the two next to each other that say most."""
    rest: NDArray[np.int64] = each.sum(axis=1) - (each[:, 1:] + each[:, :-1]).max(axis=1)
    return rest


def _steps(queries: EventBatch, near: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return the rows (m,) that are variants of an earlier query, with an answer, and which length each step has."""
    squared = queries.signals["squared"]
    rows = np.flatnonzero((squared <= near) & (queries.label != 0))
    limits = near // 2 ** np.arange(LENGTHS)[::-1]
    longer = LENGTHS - 1 - np.searchsorted(limits, squared[rows], side="left")
    return rows, np.clip(longer, 0, LENGTHS - 1)
