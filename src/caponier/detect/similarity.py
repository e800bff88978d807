"""Find, once for all detectors, the nearest earlier query of each query.

Each subject keeps a ring of its last 200 different queries. A query's nearest neighbour is looked for among them by one
matrix product over the whole batch. Squared distances are whole numbers below 2**24, which float32 holds exactly, so
the result does not depend on how the stream was cut, nor on the BLAS.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch

RING: Final = 200
BLOCK: Final = 96
"""Rows of one product: fewer make it slower, more compute distances beyond the ring that nobody asks for."""
EXACT_FEATURES: Final = 520
"""Up to this width |x|² + |y|² stays below 2**24; beyond it distances are added up in float64."""
FAR: Final = np.iinfo(np.int64).max
"""Squared distance of a query without an earlier one."""
COLUMNS: Final = ("time", "source", "seq", "query", "key", "label")
"""What the ring keeps of a query as it came."""

State = NDArray[Any]


def state_dtype(width: int) -> np.dtype[Any]:
    """Return the structured row that similarity keeps for a subject of a model with `width` quantised features."""
    return np.dtype(
        [
            ("count", np.int32),
            ("query", np.uint8, (RING, width)),
            ("key", np.uint64, (RING,)),
            ("label", np.uint64, (RING,)),
            ("time", np.int64, (RING,)),
            ("source", np.int32, (RING,)),
            ("seq", np.int64, (RING,)),
            # Kept, not found again: what a query was nearest to may have left the ring since.
            ("squared", np.int64, (RING,)),
            ("flip", np.bool_, (RING,)),
        ]
    )


@dataclass(frozen=True)
class Similar:
    """A batch with the similarity signals, and the queries that they were found among."""

    batch: EventBatch
    history: EventBatch
    """The remembered queries and the new ones of each subject together, with the same signals."""
    at: NDArray[np.int64]
    """Where each new query of the batch stands in the history."""
    state: State


def add_signals(state: State, batch: EventBatch, keep: NDArray[np.int64]) -> Similar:
    """Add the similarity signals to a batch.

    Args:
        state: (s,) rows of `state_dtype`, oldest query first.
        batch: Events of s subjects.
        keep: Subjects whose new state will be asked for; filling the rings of the others would be wasted.

    Returns:
        The batch with the signals below, its history, and the new state; state rows not in `keep` are empty.

    Signals, (n,) each:
        unique: the query differs from all that the ring remembers.
        squared: squared distance to the nearest of them in quantised units, or FAR.
        flip: the answer differs from the nearest one's.
    """
    unique = _unique(state, batch)
    fresh = batch.take(np.flatnonzero(unique))
    history, at = _with_ring(state, fresh)
    squared, neighbour = _nearest(history, at)
    flip = _flips(history.label, at, neighbour)
    history.signals["squared"][at], history.signals["flip"][at] = squared, flip
    signals: dict[str, NDArray[Any]] = {
        "unique": unique,
        "squared": np.full(len(batch), FAR),
        "flip": np.zeros(len(batch), bool),
    }
    signals["squared"][unique], signals["flip"][unique] = squared, flip
    return Similar(batch.with_signals(signals), history, at, _remember(state.dtype, history, keep))


def _unique(state: State, batch: EventBatch) -> NDArray[np.bool_]:
    """Tell which queries the ring does not hold at their time; (n,) booleans."""
    unique: NDArray[np.bool_] = batch.key != 0
    suspects = np.zeros(batch.subjects, bool)
    order = np.lexsort((batch.key, batch.subject))
    same = (batch.key[order][1:] == batch.key[order][:-1]) & (batch.subject[order][1:] == batch.subject[order][:-1])
    suspects[batch.subject[order][1:][same & unique[order][1:]]] = True
    suspects |= state["count"] > 0
    for subject in np.flatnonzero(suspects):
        rows = slice(batch.offsets[subject], batch.offsets[subject + 1])
        held = state["key"][subject][: state["count"][subject]].tolist()
        unique[rows] = _first_seen(batch.key[rows].tolist(), held)
    return unique


def _first_seen(keys: list[int], held: list[int]) -> list[bool]:
    """Walk the keys of one subject through its ring."""
    ring, members, result = list(held), set(held), []
    for key in keys:
        new = key != 0 and key not in members
        if new:
            ring.append(key)
            members.add(key)
            if len(ring) > RING:
                members.discard(ring[-RING - 1])
        result.append(new)
    return result


def _with_ring(state: State, fresh: EventBatch) -> tuple[EventBatch, NDArray[np.int64]]:
    """Lay each subject's ring in front of its new queries; return where the new ones stand in the result."""
    held, counts = state["count"].astype(np.int64), np.diff(fresh.offsets)
    offsets = np.concatenate([[0], np.cumsum(held + counts)])
    at = np.arange(len(fresh)) + np.repeat(np.cumsum(held), counts)
    old = np.ones(offsets[-1], bool)
    old[at] = False
    remembered = np.arange(RING) < held[:, None]
    joined: dict[str, Any] = {}
    for name in COLUMNS:
        column = getattr(fresh, name)
        joined[name] = np.empty((len(old), *column.shape[1:]), column.dtype)
        joined[name][old], joined[name][at] = state[name][remembered], column
    signals = {"unique": np.ones(len(old), bool), "squared": np.full(len(old), FAR), "flip": np.zeros(len(old), bool)}
    for name in ("squared", "flip"):
        signals[name][old] = state[name][remembered]
    return EventBatch(offsets=offsets, signals=signals, **joined), at


def _nearest(history: EventBatch, at: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Search the ring before each of the rows `at`.

    Returns:
        Squared distances and positions in the history, (len(at),) each; FAR and -1 where there is none.
    """
    squared, neighbour = np.full(len(at), FAR), np.full(len(at), -1)
    begin = np.repeat(history.offsets[:-1], np.diff(history.offsets))
    first = np.maximum(begin[at], at - RING)
    distances = _distances(history.query)
    for start in range(0, len(at), BLOCK):
        own, oldest = at[start : start + BLOCK], first[start : start + BLOCK]
        n, left, right = len(own), int(oldest.min()), int(own[-1])
        together = right - int(own[0]) == n - 1
        # The query itself may stand at the end, so that there is always a column; it is blotted out below.
        distance = distances(slice(int(own[0]), right + 1) if together else own, left, right + 1)
        base: Any = left
        if together and own[0] - left == RING and oldest[-1] - left == n - 1:
            # Every row has a full ring, each a place further than the one before: read along the diagonal.
            down, across = distance.strides
            distance = as_strided(distance, (n, RING), (down + across, across), writeable=False)
            base = oldest
        else:
            column = np.arange(left, right + 1)
            distance[(column < oldest[:, None]) | (column >= own[:, None])] = np.inf
        best = distance.argmin(axis=1)
        least = distance[np.arange(n), best]
        found = least < np.inf
        squared[start : start + n][found] = least[found]
        neighbour[start : start + n][found] = (best + base)[found]
    return squared, neighbour


Rows = NDArray[np.int64] | slice


def _distances(query: NDArray[np.uint8]) -> Callable[[Rows, int, int], NDArray[Any]]:
    """Return what gives the squared distances between some rows of (n, width) inputs and a range of others."""
    n, width = query.shape
    if width > EXACT_FEATURES:
        rows = query.astype(np.float32)
        exact = np.square(query.astype(np.int32)).sum(axis=1).astype(np.float64)

        def wide(own: Rows, left: int, right: int) -> NDArray[Any]:
            distance: NDArray[np.float64] = (rows[own] @ rows[left:right].T).astype(np.float64)
            distance *= -2
            distance += exact[own, None]
            distance += exact[left:right]
            return distance

        return wide
    # |x|² + |y|² - 2xy as one product: two further columns cost less than going over all distances thrice.
    held = np.empty((n, width + 2), np.float32)
    held[:, :width], held[:, width] = query, 1
    np.einsum("ij,ij->i", held[:, :width], held[:, :width], out=held[:, width + 1])

    def narrow(own: Rows, left: int, right: int) -> NDArray[Any]:
        asked = held[own] * np.float32(-2)
        asked[:, width], asked[:, width + 1] = held[own, width + 1], 1
        product: NDArray[np.float32] = asked @ held[left:right].T
        return product

    return narrow


def _flips(label: NDArray[np.uint64], at: NDArray[np.int64], neighbour: NDArray[np.int64]) -> NDArray[np.bool_]:
    own, other = label[at], label[neighbour]
    flips: NDArray[np.bool_] = (neighbour >= 0) & (own != 0) & (other != 0) & (own != other)
    return flips


def _remember(dtype: np.dtype[Any], history: EventBatch, keep: NDArray[np.int64]) -> State:
    state = np.zeros(history.subjects, dtype)
    for subject in keep:
        end = history.offsets[subject + 1]
        begin = max(history.offsets[subject], end - RING)
        state["count"][subject] = end - begin
        for name in COLUMNS:
            state[name][subject][: end - begin] = getattr(history, name)[begin:end]
        for name in ("squared", "flip"):
            state[name][subject][: end - begin] = history.signals[name][begin:end]
    return state
