"""Find, once for all detectors, the nearest earlier query of each query.

Each subject keeps a ring of its last 200 different queries. A query's nearest neighbour is looked for among them by one
matrix product over the whole batch. Squared distances are whole numbers below 2**24, which float32 holds exactly, so
the result does not depend on how the stream was cut, nor on the BLAS.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.similarity.changes import FEWEST, betweenness, evenness, moved, standing
from caponier.detect.similarity.present import alike_where_missing, lacking, nearest_present, plain
from caponier.telemetry.features import MARK

RING: Final = 200
BLOCK: Final = 16
"""Rows of one product: more compute distances beyond the ring that nobody asks for. Up to some 300 features so few make
a product that a BLAS for AVX-512 does in registers, without packing; others pack, and lose with fewer still."""
TILE: Final = 64
"""Rows that are transposed together: of more at once, what was read is out of the cache before it is used up."""
STRETCH: Final = 60 * BLOCK
"""Rows whose numbers are made ready for products at a time, so that they stay in the cache."""
WORTH_A_CALL: Final = 12_000
"""Multiplications for each row that are left out in the mean, from which it pays to make a call for each block."""
EXACT_FEATURES: Final = 520
"""Up to this width |x|² + |y|² stays below 2**24; beyond it distances are added up in float64."""
CROWDED: Final = 2.0
"""Of the squared distance to the nearest query: up to it, others are its crowd. Samples around one point are all as far
from each other; on a walk, the way back is longer than the last step."""
FAR: Final = np.iinfo(np.int64).max
"""Squared distance of a query without an earlier one."""
COLUMNS: Final = ("time", "source", "seq", "query", "key", "label")
"""What the ring keeps of a query as it came."""
UNSEEN: Final = -1
"""Stands for `FAR` in the ring, where squared distances take half as much."""
FOUND: Final = ("squared", "flip", "even", "moved", "crowd")
"""What it keeps of what was found: the earlier query that was nearest may have left the ring since."""

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
            ("squared", np.int32, (RING,)),
            ("flip", np.bool_, (RING,)),
            ("even", np.int16, (RING,)),
            ("moved", np.uint8, (RING,)),
            ("crowd", np.uint8, (RING,)),
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
        batch: Events of s subjects; what is missing in their queries may be marked (`similarity.present`).
        keep: (k,) subjects whose new state is wanted.

    Returns:
        The batch with the signals below and without marks, its history, and the new state (k,) of those to `keep`: one
        for each of hundreds of subjects, of which the last goes on, would be megabytes of nothing.

    Signals, (n,) each but the last two:
        unique: the query differs from all that the ring remembers.
        squared: squared distance to the nearest of them in quantised units, or FAR.
        flip: the answer differs from the nearest one's.
        back: how many different queries ago the nearest was asked, or 0; not in the history.
        even: how evenly it differs from the nearest, in thousandths; see `caponier.detect.similarity.changes`.
        moved: how many features differ from the nearest's, 255 at most.
        crowd: earlier queries that are at most CROWDED times as far as the nearest, squared; itself included.
        between: how much it lies on a line between the two nearest, if these were answered differently and it differs
            in some features, in thousandths; see `caponier.detect.similarity.changes`; not in the history.
        stood: how many features are what they were in one of the last few different queries, or are missing as they
            were there; see `caponier.detect.similarity.changes`; not in the history.
        standing: which features those are, a bit each, (n, ceil(width / 8)); not in the history.
        missing: which features are missing, a bit each, (n, ceil(width / 8)); in the history only if any is.
    """
    unique = _unique(state, batch)
    fresh = replace(batch, signals={}).take(np.flatnonzero(unique))
    history, at = _with_ring(state, fresh)
    marked, history = history, replace(history, query=plain(history.query))
    reach = np.minimum(at - np.repeat(history.offsets[:-1], np.diff(history.offsets))[at], RING)
    squares, places, crowd = _nearest(history, at, reach)
    if history.query is not marked.query:
        _over_present(marked, at, reach, squares, places, crowd)
    squared, neighbour = squares[0], places[0]
    found = {"squared": squared, "flip": _flips(history.label, at, neighbour), "crowd": crowd}
    found |= {"even": evenness(history.query, at, neighbour), "moved": moved(history.query, at, neighbour)}
    if history.query is not marked.query:
        _told_by_present(marked, at, places, found)
    signals: dict[str, NDArray[Any]] = {"unique": unique, **_nothing(len(batch))}
    for name, column in found.items():
        history.signals[name][at], signals[name][unique] = column, column
    signals["back"] = np.zeros(len(batch), np.uint8)
    signals["back"][unique] = np.where(neighbour >= 0, at - neighbour, 0)
    signals["standing"] = np.zeros((len(batch), -(-batch.query.shape[1] // 8)), np.uint8)
    signals["standing"][unique] = standing(marked.query, at, reach)
    # A row of bits at a time: to count bytes along an axis takes longer than to compare them.
    signals["stood"] = np.bitwise_count(signals["standing"]).sum(axis=1, dtype=np.int16)
    signals["between"] = np.zeros(len(batch), np.int16)
    ends = np.flatnonzero((found["moved"] >= FEWEST) & _flips(history.label, *places))
    signals["between"][unique] = _between(marked, history.query, at, places, squares, ends)
    if history.query is not marked.query:
        history = history.with_signals({"missing": np.packbits(marked.query >= MARK, axis=1)})
    signals["missing"] = np.packbits(batch.query >= MARK, axis=1)
    told = replace(batch, query=plain(batch.query)).with_signals(signals)
    return Similar(told, history, at, _remember(state.dtype, marked, keep))


def _over_present(
    marked: EventBatch,
    at: NDArray[np.int64],
    reach: NDArray[np.int64],
    squares: NDArray[np.int64],
    places: NDArray[np.int64],
    crowd: NDArray[np.uint8],
) -> None:
    """Look anew for the nearest of those rows that lack features, or follow some that do, over what both have."""
    rows = lacking(marked.query, at, reach)
    found, places[:, rows], crowd[rows] = nearest_present(marked.query, at[rows], reach[rows])
    squares[:, rows] = np.where(found >= 0, found, FAR)


def _told_by_present(
    marked: EventBatch, at: NDArray[np.int64], places: NDArray[np.int64], found: Mapping[str, NDArray[Any]]
) -> None:
    """Tell of rows that lack a feature which the nearest has, or the other way round, what they changed beside."""
    query = marked.query
    known = np.flatnonzero(places[0] >= 0)
    gone = ((query[at[known]] >= MARK) | (query[places[0, known]] >= MARK)).any(axis=1)
    rows = known[gone]
    pair = alike_where_missing(query, at[rows], places[:1, rows]).reshape(-1, query.shape[1])
    own, other = np.arange(2 * len(rows)).reshape(2, -1)
    found["even"][rows], found["moved"][rows] = evenness(pair, own, other), moved(pair, own, other)
    # Another answer to nothing but a feature that is gone, or back, is the model's about another row.
    found["flip"][rows] &= found["moved"][rows] > 0


def _between(
    marked: EventBatch,
    query: NDArray[np.uint8],
    at: NDArray[np.int64],
    places: NDArray[np.int64],
    squares: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> NDArray[np.int16]:
    """Return how much rows lie between the two nearest; where a feature is missing, over those that all three have."""
    if query is marked.query:
        return betweenness(query, places, squares, ends)
    gone = (marked.query[np.stack([at[ends], *places[:, ends]])] >= MARK).any(axis=(0, 2))
    found, rows = betweenness(query, places, squares, ends[~gone]), ends[gone]
    three = alike_where_missing(marked.query, at[rows], places[:, rows])
    apart = np.square(three[0].astype(np.int64) - three[1:]).sum(axis=2)
    where = np.arange(3 * len(rows)).reshape(3, -1)[1:]
    # Two that are alike over what all three have draw no line.
    lines = np.flatnonzero(apart.sum(axis=0))
    found[rows] = betweenness(three.reshape(-1, query.shape[1]), where, apart, lines)
    return found


def _unique(state: State, batch: EventBatch) -> NDArray[np.bool_]:
    """Tell which queries the ring does not hold at their time; (n,) booleans."""
    unique: NDArray[np.bool_] = batch.key != 0
    owner, place, rows = _suspects(state, batch, unique)
    if not rows.size:
        return unique
    # Remembered ones first: the sort is stable, so that the first of each key is the one that was asked first.
    subject = np.concatenate([owner, batch.subject[rows]])
    key = np.concatenate([state["key"][owner, place], batch.key[rows]])
    order = np.lexsort((key, subject))
    again = np.zeros(len(order), bool)
    again[1:] = (key[order][1:] == key[order][:-1]) & (subject[order][1:] == subject[order][:-1])
    repeated = np.empty(len(order), bool)
    repeated[order] = again
    unique[rows] = ~repeated[len(owner) :]
    # How many different queries the subject had asked before each, the remembered ones included.
    asked = np.concatenate([place, _asked(state, batch, unique)[rows]])[order]
    first = np.maximum.accumulate(np.where(again, 0, np.arange(len(order))))
    forgotten = again & (asked - asked[first] > RING)
    for who in np.unique(subject[order][forgotten]).tolist():
        held = dict(zip(key[: len(owner)][owner == who].tolist(), place[owner == who].tolist(), strict=True))
        own = rows[batch.subject[rows] == who]
        unique[own] = False
        unique[own] = _first_seen(batch.key[own].tolist(), _asked(state, batch, unique)[own].tolist(), held)
    return unique


def _suspects(
    state: State, batch: EventBatch, real: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find the queries whose key may stand more than once, as it shares some bits with another one.

    Of the remembered ones subject and place in its ring are returned, and of the others the rows.
    """
    mask = np.uint64((1 << max(10, (8 * len(batch)).bit_length())) - 1)
    bits = (batch.key & mask).astype(np.int64)
    met = np.bincount(bits[real], minlength=int(mask) + 1)
    owner, place = np.nonzero(np.arange(RING) < state["count"][:, None])
    known = (state["key"][owner, place] & mask).astype(np.int64)
    there = met[known] > 0
    met += np.bincount(known[there], minlength=len(met))
    return owner[there], place[there], np.flatnonzero(real & (met[bits] > 1))


def _asked(state: State, batch: EventBatch, unique: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count, before each row, the different queries of its subject, those in its ring included."""
    total = np.concatenate([[0], np.cumsum(unique)])
    asked: NDArray[np.int64] = total[:-1] + (state["count"] - total[batch.offsets[:-1]])[batch.subject]
    return asked


def _first_seen(keys: list[int], asked: list[int], held: dict[int, int]) -> list[bool]:
    """Walk some queries of one subject through its ring, which lets go of them and may meet them again.

    With each goes how many others were `asked` before it; for what the ring `held`, how many queries before.
    """
    result, fresh = [], 0
    for key, others in zip(keys, asked, strict=True):
        now = others + fresh
        new = now - held.get(key, -RING - 1) > RING
        if new:
            held[key] = now
            fresh += 1
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
    signals: dict[str, NDArray[Any]] = {"unique": np.ones(len(old), bool), **_nothing(len(old))}
    for name in FOUND:
        signals[name][old] = state[name][remembered]
    signals["squared"][signals["squared"] == UNSEEN] = FAR
    return EventBatch(offsets=offsets, signals=signals, **joined), at


def _nearest(
    history: EventBatch, at: NDArray[np.int64], reach: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Search the ring before each of the rows `at`, as far as they `reach` (len(at),).

    Returns:
        Squared distances and positions in the history of the nearest and of the nearest but that, (2, len(at)) each,
        and the crowd (len(at),); FAR, -1 and 0 where there is none.
    """
    squares, places = np.full((2, len(at)), FAR), np.full((2, len(at)), -1)
    crowd = np.zeros(len(at), np.uint8)
    stretch = _Stretch(history.query, min(len(at), STRETCH))
    for start, end in _stretches(at):
        rows, most = slice(start, end), int(reach[start:end].max())
        if not most:
            continue
        if end - start == 1 and history.query.shape[1] <= EXACT_FEATURES:
            # As events come, most callers have one at a time: to make products ready takes longer than to go without.
            least, back, crowd[start] = _least_of_one(history.query, int(at[start]), most)
        else:
            stretch.lay(int(at[start]), end - start)
            least, back, near = _least(stretch.windows(reach[rows], most), reach[rows], most)
            crowd[rows] = np.where(reach[rows] > 0, near, 0)
        known = reach[rows] > [[0], [1]]
        squares[:, rows][known], places[:, rows][known] = least[known], (at[rows] - most + back)[known]
    return squares, places, crowd


def _stretches(at: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield from where to where positions follow each other without a gap, STRETCH of them at most."""
    edges = np.concatenate([[0], np.flatnonzero(np.diff(at) > 1) + 1, [len(at)]]).tolist()
    for begin, end in pairwise(edges):
        for start in range(begin, end, STRETCH):
            yield start, min(start + STRETCH, end)


def _least(
    windows: NDArray[Any], reach: NDArray[np.int64], most: int
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.uint8]]:
    """Return the two least distances of (n,) rows from as many as they `reach` before them, whose they are, and crowds.

    The windows are those of `_Stretch.windows(reach, most)`, and are written into; `most` is the farthest reach.
    """
    n, (blocks, rows, _) = len(reach), windows.shape
    if reach.min() < most:
        # As many infinities as a row does not reach, then zeros, cut out of one long line: no mask is drawn.
        edge = sliding_window_view(np.repeat(np.array([np.inf, 0], windows.dtype), most), most)
        begins = np.full(blocks * rows, most)
        begins[:n] = reach
        windows = np.maximum(windows, edge[begins].reshape(blocks, rows, most))
    best = windows.argmin(axis=2)[:, :, None]
    least = np.take_along_axis(windows, best, axis=2)
    # A ring is shorter than 256, so that bytes can count it.
    crowd = np.add.reduce((windows <= CROWDED * least).view(np.uint8), axis=2, dtype=np.uint8)
    np.put_along_axis(windows, best, np.inf, axis=2)
    next_best = windows.argmin(axis=2)[:, :, None]
    next_least = np.take_along_axis(windows, next_best, axis=2)
    both = (np.stack([one.ravel()[:n], other.ravel()[:n]]) for one, other in ((least, next_least), (best, next_best)))
    return *both, crowd.ravel()[:n]


def _least_of_one(query: NDArray[np.uint8], at: int, most: int) -> tuple[NDArray[Any], NDArray[np.int64], int]:
    """Return what `_least` does, of one row that reaches `most` before it: its sums are whole numbers, and the same."""
    apart = query[at - most : at].astype(np.float32)
    apart -= query[at]
    distance = np.einsum("ij,ij->i", apart, apart)
    best = int(distance.argmin())
    least = distance[best]
    crowd = int(np.count_nonzero(distance <= CROWDED * least))
    distance[best] = np.inf
    next_best = int(distance.argmin())
    return np.array([[least], [distance[next_best]]]), np.array([[best], [next_best]]), crowd


class _Stretch:
    """Some rows that follow each other and the RING before them, made ready for products.

    Laid in memory that is used again and again, and transposed there, not in passing: both twice as fast.

    Args:
        query: (m, width) inputs.
        most: Rows of the longest stretch.
    """

    def __init__(self, query: NDArray[np.uint8], most: int) -> None:
        self._query, self._width = query, query.shape[1]
        self._exact = self._width <= EXACT_FEATURES
        self._n = 0
        columns, most = self._width + 2 * self._exact, -(-most // BLOCK) * BLOCK
        self._rows = np.zeros((RING + most, self._width), np.float32)
        self._held = np.ones((columns, RING + most), np.float32)
        self._asked = np.ones((most, columns), np.float32)
        self._products = np.zeros(most * (BLOCK - 1 + RING), np.float32)
        self._squares = np.zeros(RING + most, np.float64)

    def lay(self, at: int, n: int) -> None:
        """Lay the n rows that begin at a place."""
        self._n, left, width = n, at - RING, self._width
        rows, held, asked = self._rows[: RING + n], self._held[:, : RING + n], self._asked[:n]
        # What stands in front of all rows is whatever was there before; nobody reaches it.
        rows[max(0, -left) :] = self._query[max(0, left) : at + n]
        for start in range(0, len(rows), TILE):
            held[:width, start : start + TILE] = rows[start : start + TILE].T
        np.multiply(rows[RING:], np.float32(-2), out=asked[:, :width])
        if self._exact:
            # |x|² + |y|² - 2xy as one product: two further columns cost less than going over all distances thrice.
            np.einsum("ij,ij->i", rows, rows, out=held[width + 1])
            asked[:, width] = held[width + 1, RING:]
        else:
            np.square(rows, dtype=np.float64).sum(axis=1, out=self._squares[: RING + n])

    def windows(self, reach: NDArray[np.int64], most: int) -> NDArray[Any]:
        """Return the squared distances of each row from the `most` before it, oldest first: (blocks, rows, most).

        They hold until the next ones are asked for. What a row does not `reach` (n,), and what stands behind the last
        row that was laid, says nothing.
        """
        rows = min(BLOCK, self._n)
        blocks, columns = -(-self._n // rows), rows - 1 + most
        asked, held = self._asked[: blocks * rows].reshape(blocks, rows, -1), self._held[:, RING - most :]
        down, across = held.strides
        # Each block with all that one of its rows looks back to, side by side in one memory.
        before = as_strided(held, (blocks, len(held), columns), (rows * across, down, across), writeable=False)
        distance: NDArray[Any] = self._products[: blocks * rows * columns].reshape(blocks, rows, columns)
        begins = self._begins(reach, most, blocks, rows)
        if not begins:
            np.matmul(asked, before, out=distance)
        for at, begin in enumerate(begins):
            reached = held[:, at * rows + begin : at * rows + columns]
            np.matmul(asked[at], reached, out=distance[at, :, begin:])
        if not self._exact:
            squares = self._squares[RING - most :]
            (step,) = squares.strides
            distance = distance.astype(np.float64)
            distance += squares[most : most + blocks * rows].reshape(blocks, rows, 1)
            distance += as_strided(squares, (blocks, 1, columns), (rows * step, 0, step), writeable=False)
        # Each row's window begins a place further than the one before: read along the diagonal.
        block, down, across = distance.strides
        return as_strided(distance, (blocks, rows, most), (block, down + across, across))

    def _begins(self, reach: NDArray[np.int64], most: int, blocks: int, rows: int) -> list[int]:
        """Return how many columns stand in front of what each block reaches; none where that is not worth the calls."""
        if most * self._width < WORTH_A_CALL or reach.min() == most:
            return []
        needs = np.zeros(blocks * rows, np.int64)
        needs[: self._n] = reach
        begins = most - (needs.reshape(blocks, rows) - np.arange(rows)).max(axis=1).clip(0)
        return begins.tolist() if begins.mean() * self._width >= WORTH_A_CALL else []


def _nothing(n: int) -> dict[str, NDArray[Any]]:
    """Return what is said of (n,) queries without an earlier one."""
    kinds = (("flip", bool), ("even", np.int16), ("moved", np.uint8), ("crowd", np.uint8))
    none = {name: np.zeros(n, dtype) for name, dtype in kinds}
    return {"squared": np.full(n, FAR), **none}


def _flips(label: NDArray[np.uint64], at: NDArray[np.int64], neighbour: NDArray[np.int64]) -> NDArray[np.bool_]:
    own, other = label[at], label[neighbour]
    flips: NDArray[np.bool_] = (neighbour >= 0) & (own != 0) & (other != 0) & (own != other)
    return flips


def _remember(dtype: np.dtype[Any], history: EventBatch, keep: NDArray[np.int64]) -> State:
    state, ends = np.zeros(len(keep), dtype), history.offsets[keep + 1]
    begins = np.maximum(history.offsets[keep], ends - RING)
    state["count"] = ends - begins
    held = np.arange(RING) < state["count"][:, None]
    rows = (begins[:, None] + np.arange(RING))[held]
    for name in COLUMNS:
        state[name][held] = getattr(history, name)[rows]
    for name in FOUND:
        found = history.signals[name][rows]
        state[name][held] = np.where(found == FAR, UNSEEN, found) if name == "squared" else found
    return state
