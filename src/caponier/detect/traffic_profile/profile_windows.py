"""Profile windows: how a caller asked over a few different queries, in whole-number sums that no cut of a log changes.

What a caller is like must not depend on how much of it a log holds, or a day could not be compared with a week. So a
window is always as many different queries. Steps, flips and pace are taken from a caller's first one, because the ring
of earlier queries is then equally full for all; inputs, answers and repeats from its latest whole one, because they are
to show how things are now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.similarity.nearest_query import FAR

WINDOW: Final = 50
"""Different queries of a window."""
DIRECTIONS: Final = 8
"""Projections of the inputs: the first is their sum, the others have signs that look random."""
STEP_UNITS: Final = 16
QUICK_US: Final = 1_000_000
COUNTS: Final = ("queries", "events", "steps", "step_sum", "flips", "gaps", "gap_bits", "quick", "together")
"""Sums of a window before those of the projections and of the answers."""
FIRST: Final = np.isin(COUNTS, ("steps", "step_sum", "flips", "gaps", "gap_bits", "quick", "together"))
"""Which of them come from the first window."""

Sums = NDArray[np.int64]


def signs(width: int) -> NDArray[np.int8]:
    """Return the projections' signs, (width, DIRECTIONS) ones and minus ones, the same on every machine."""
    mixed = np.arange(width, dtype=np.uint64)[:, None] * np.uint64(2_654_435_761)
    bits = (mixed >> np.arange(DIRECTIONS, dtype=np.uint64) + np.uint64(12)) & np.uint64(1)
    bits[:, 0] = 0
    return (1 - 2 * bits.astype(np.int8)).astype(np.int8)


@dataclass(frozen=True)
class _Segments:
    """Sums of some windows, begun ones included, in order of subject and window."""

    subject: NDArray[np.int64]
    turn: NDArray[np.int64]
    """Number of the window, from 0."""
    sums: Sums

    def take(self, rows: NDArray[Any]) -> "_Segments":
        return _Segments(self.subject[rows], self.turn[rows], self.sums[rows])

    def merged(self) -> "_Segments":
        """Bring together what was cut apart."""
        begins = _begins(self.subject, self.turn)
        if not len(begins):
            return self
        return _Segments(self.subject[begins], self.turn[begins], np.add.reduceat(self.sums, begins, axis=0))


@dataclass
class ProfileWindows:
    """Gathers windows from batches that are sorted by subject, holding those of one subject at a time.

    Args:
        width: Features of a quantised input.
        answers: (k,) codes of the answers that are told apart.
        size: Different queries of a window.
    """

    width: int
    answers: NDArray[np.uint64]
    size: int
    _signs: NDArray[np.float32] = field(init=False)
    _open: _Segments = field(init=False)
    _name: str = ""
    _time: int = 0

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self._signs = signs(self.width).astype(np.float32)
        self._open = self._nothing()

    def add(
        self, names: Sequence[str], batch: EventBatch, asked: NDArray[np.int64], resumed: bool
    ) -> tuple[list[str], Sums]:
        """Take a batch.

        Args:
            names: Of its subjects.
            batch: With the similarity signals.
            asked: (n,) different queries of the subject up to each row.
            resumed: Whether its first subject goes on from the batch before.

        Returns:
            The subjects that are over and made a whole window, and their sums, (g, c).
        """
        rows = np.flatnonzero(asked > 0)
        own = batch.take(rows)
        new = self._summed(own, (asked[rows] - 1) // self.size, resumed)
        carried = self._open if resumed else _Segments(self._open.subject - 1, self._open.turn, self._open.sums)
        joint = [np.concatenate(pair) for pair in zip(_arrays(carried), _arrays(new), strict=True)]
        segments = _Segments(*joint).merged()
        called = [self._name, *names]
        last = len(names) - 1
        going = segments.subject == last
        over = self._rows(segments.take(~going))
        self._open = _kept(segments.take(going), self.size)
        if len(names):
            self._name = names[last]
        if len(own):
            self._time = int(own.time[-1])
        return [called[at + 1] for at in over.subject], over.sums

    def end(self) -> tuple[list[str], Sums]:
        """Return the last subject like `add`."""
        over = self._rows(self._open)
        self._open = self._nothing()
        return [self._name] * len(over.sums), over.sums

    def _nothing(self) -> _Segments:
        none = np.zeros(0, np.int64)
        return _Segments(none, none, np.zeros((0, len(COUNTS) + DIRECTIONS + len(self.answers) + 1), np.int64))

    def _rows(self, segments: _Segments) -> _Segments:
        """Return one row of sums for each subject that made a whole window."""
        whole = segments.take(segments.sums[:, 0] == self.size)
        ends = np.flatnonzero(np.diff(whole.subject, append=-2))
        begins = np.append(0, ends[:-1] + 1) if len(ends) else ends
        sums = whole.sums[ends].copy()
        sums[:, : len(COUNTS)][:, FIRST] = whole.sums[begins][:, : len(COUNTS)][:, FIRST]
        return _Segments(whole.subject[ends], whole.turn[ends], sums)

    def _summed(self, batch: EventBatch, turn: NDArray[np.int64], resumed: bool) -> _Segments:
        begins = _begins(batch.subject, turn)
        if not len(begins):
            return self._nothing()
        unique = batch.signals["unique"]
        step = unique & (batch.signals["squared"] < FAR)
        lengths = np.sqrt(np.where(step, batch.signals["squared"], 0) * STEP_UNITS**2 // self.width).astype(np.int64)
        gap = np.diff(batch.time, prepend=self._time)
        follows = np.diff(batch.subject, prepend=0 if resumed and len(self._open.turn) else -1) == 0
        bits = np.frexp(gap.clip(0) + 1.0)[1]
        counts = (
            *(unique, np.ones(len(batch), bool), step, lengths, step & batch.signals["flip"]),
            *(follows, follows * bits, follows & (gap < QUICK_US), follows & (gap == 0)),
        )
        # Whole numbers below 2**24, exact in float32 in whatever order they are added.
        seen = (batch.query.astype(np.float32) @ self._signs).astype(np.int64) * unique[:, None]
        table = np.concatenate([np.stack(counts, axis=1).astype(np.int64), seen, self._told(batch, unique)], axis=1)
        sums: Sums = np.add.reduceat(table, begins, axis=0)
        return _Segments(batch.subject[begins], turn[begins], sums)

    def _told(self, batch: EventBatch, unique: NDArray[np.bool_]) -> Sums:
        """Mark each query's answer, in the last column one that is not told apart."""
        marks = batch.label[:, None] == self.answers
        other = (batch.label != 0) & ~marks.any(axis=1)
        return (np.concatenate([marks, other[:, None]], axis=1) & unique[:, None]).astype(np.int64)


def _arrays(segments: _Segments) -> tuple[NDArray[Any], ...]:
    return segments.subject, segments.turn, segments.sums


def _begins(subject: NDArray[np.int64], turn: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.flatnonzero((np.diff(subject, prepend=-3) != 0) | (np.diff(turn, prepend=-3) != 0))


def _kept(segments: _Segments, size: int) -> _Segments:
    """Of a subject that may go on, keep the first window, the latest whole one and the one that is open, as subject 0.

    The sums of a whole window are still open to repeats, so the last one stands whatever it holds.
    """
    places = np.arange(len(segments.turn))
    whole = places[segments.sums[:, 0] == size]
    kept = np.isin(places, [0, *whole[-1:], *places[-1:]])
    chosen = segments.take(kept)
    return _Segments(np.zeros(len(chosen.turn), np.int64), chosen.turn, chosen.sums)
