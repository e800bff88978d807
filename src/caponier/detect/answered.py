"""What feedback is about, where it comes in an event of its own: the answer that its source got to the same input.

A client that sends the right label back, and not the answer too, leaves an event without an answer. The last answers
of each source are remembered. Feedback is about the latest one to the same input, or, where it comes without an input,
about the latest of all. Each is spoken of once: who sends feedback again says nothing new.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch

REMEMBERED: Final = 32
"""Answers of a source that are remembered."""
ANSWERS: Final = np.dtype([("key", np.uint64, (REMEMBERED,)), ("label", np.uint64, (REMEMBERED,))])
"""What is kept of a source, the newest last; zeros where there is none, and for an answer that was spoken of."""


def answers_to(
    state: NDArray[Any], batch: EventBatch, seek: NDArray[np.bool_]
) -> tuple[NDArray[np.uint64], NDArray[Any]]:
    """Return the answer that each of some events is about, (n,), 0 where none is known, and the (s,) new state.

    Args:
        state: (s,) rows of `ANSWERS`.
        batch: n events of s subjects.
        seek: (n,) which events speak of an answer that they do not hold.
    """
    answered = (batch.label != 0) & (batch.key != 0) & ~seek
    own = np.flatnonzero(answered)
    counts = np.bincount(batch.subject[own], minlength=len(state)) + REMEMBERED
    begins = np.concatenate([[0], np.cumsum(counts)])
    laid = np.zeros(begins[-1], [("key", np.uint64), ("label", np.uint64)])
    old, at = begins[:-1, None] + np.arange(REMEMBERED), np.arange(len(own)) + REMEMBERED * (batch.subject[own] + 1)
    for name, values in (("key", batch.key), ("label", batch.label)):
        laid[name][old], laid[name][at] = state[name], values[own]
    rows, found = np.flatnonzero(seek), np.zeros(len(batch), np.uint64)
    if rows.size:
        passed, subject = np.concatenate([[0], np.cumsum(answered)]), batch.subject[rows]
        # The place behind the last answer before each event that speaks.
        place = begins[subject] + REMEMBERED + passed[rows] - passed[batch.offsets[:-1]][subject]
        sought, whose = batch.key[rows], np.repeat(np.arange(len(state)), counts)
        of = np.where(sought == 0, place - 1, _same_input(laid["key"], whose, place, subject, sought))
        known = np.flatnonzero(of >= place - REMEMBERED)
        answers, first = np.unique(of[known], return_index=True)
        found[rows[known[first]]] = laid["label"][answers]
        laid["label"][answers] = 0
    after = np.zeros(len(state), ANSWERS)
    kept = begins[1:, None] - REMEMBERED + np.arange(REMEMBERED)
    after["key"], after["label"] = laid["key"][kept], laid["label"][kept]
    return found, after


def _same_input(
    keys: NDArray[np.uint64],
    whose: NDArray[np.int64],
    place: NDArray[np.int64],
    subject: NDArray[np.int64],
    sought: NDArray[np.uint64],
) -> NDArray[np.int64]:
    """Return the place of the last of the keys (m,) before each place (r,) that is the one sought; -1 if none is.

    Of several that seek the same, only the first finds it.
    """
    time = np.concatenate([2 * np.arange(len(keys)), 2 * place - 1])
    order = np.lexsort((time, np.concatenate([keys, sought]), np.concatenate([whose, subject])))
    same = np.diff(np.concatenate([keys, sought])[order]) == 0
    same &= np.diff(np.concatenate([whose, subject])[order]) == 0
    speaks = order >= len(keys)
    pairs = np.flatnonzero(same & speaks[1:] & ~speaks[:-1])
    found = np.full(len(place), -1)
    found[order[pairs + 1] - len(keys)] = order[pairs]
    return found
