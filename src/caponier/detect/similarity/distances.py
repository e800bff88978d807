"""How far benign queries lie from earlier ones of the same caller."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.similarity.nearest_query import FAR

NEARER: Final = 0.2
"""Quantile of benign callers' distances up to which a query is like an earlier one."""


def far_from_earlier(squared: NDArray[np.int64], subject: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, (1,), from which squared distance on a query is unlike earlier ones; every caller counts alike."""
    known = squared != FAR
    own = np.split(squared[known], np.flatnonzero(np.diff(subject[known])) + 1)
    each = [np.quantile(one, (0.25, 0.5, 0.75)) for one in own if one.size]
    return np.array([np.quantile(np.concatenate(each), NEARER) if each else 0], np.int64)


def stood_of_far(far: NDArray[np.int64], queries: EventBatch) -> NDArray[np.int64]:
    """Return, (1,), up to how many features stand as in the last few queries where one is `far` (1,) from earlier ones.

    That is so in all but a few queries of most callers; every caller counts alike.
    """
    squared = queries.signals["squared"]
    known = (squared != FAR) & (squared >= far[0])
    subject, stood = queries.subject[known], queries.signals["stood"][known]
    own = np.split(stood, np.flatnonzero(np.diff(subject)) + 1)
    each = [np.quantile(one, (0.25, 0.5, 0.75)) for one in own if one.size]
    most = np.quantile(np.concatenate(each), 1 - NEARER) if each else queries.query.shape[1]
    return np.array([np.floor(most)], np.int64)
