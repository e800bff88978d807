"""Score one model's events, sorted by subject, batch by batch; the cuts between batches change nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from caponier.detect.batch import IDLE_SECONDS, EventBatch
from caponier.detect.detector import Counts, EventDetector, Params, Scores, State
from caponier.detect.similarity import nearest_query
from caponier.detect.windows import previous
from caponier.engines.columns import Read, coded, in_order, label_codes
from caponier.engines.state_rows import StateRows
from caponier.telemetry.digests import NO_INPUT, row_keys, typed_rows
from caponier.telemetry.features import Encoder

IDLE = IDLE_SECONDS * 1_000_000
WINDOW = 10_000_000
"""Microseconds: see `detect.detector.Counts.WINDOWS`."""

Failed = Callable[[str, Exception], None]
"""Told in which detector, or in what else, something failed that is survived; without it nothing is survived."""


@dataclass(frozen=True)
class Scored:
    """One batch of n rows with its scores; everything (q,) is over its different queries."""

    names: list[str]
    """Name of each subject; a subject that was idle for long stands there again, as a new one."""
    batch: EventBatch
    similar: nearest_query.Similar
    rows: NDArray[np.int64]
    """(q,) where the different queries stand in the batch."""
    subject: NDArray[np.int64]
    """(q,) index of the subject."""
    ordinal: NDArray[np.int64]
    """(q,) how many different queries the subject has made, including this one."""
    asked: NDArray[np.int64]
    """(n,) how many different queries the subject has made up to each row."""
    place: NDArray[np.int64]
    """(n,) how many events the subject has sent up to each row, including this one."""
    windows: NDArray[np.int64]
    """(n,) in how many stretches of ten seconds the subject has sent anything up to each row, including this one."""
    scores: dict[str, NDArray[np.int64]]
    """(n,) by detector."""
    duplicates: list[tuple[int, int]]
    """Source and line of the rows that say the same event again."""
    events: int
    resumed: NDArray[np.bool_]
    """(s,) which subjects go on from a batch before."""
    kept: NDArray[np.int64]
    """Indices of the subjects that may go on in a batch after this."""

    def counted(self, counts: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows that count for a subject's age, the age at each of them, and their subjects."""
        if counts is Counts.QUERIES:
            return self.rows, self.ordinal, self.subject
        age = self.windows if counts is Counts.WINDOWS else self.place
        return np.arange(len(self.batch)), age, self.batch.subject


@dataclass
class SubjectState:
    """What goes on into the next batch: the state of one subject."""

    last_time: int
    last_key: int
    ages: list[int]
    """Different queries, events, and stretches of ten seconds so far."""
    states: NDArray[np.uint8]
    """Of the similarity and of each detector; see `engines.state_rows`."""


def columns_of(detectors: Iterable[EventDetector], further: Iterable[Read] = ()) -> tuple[Read, ...]:
    """Return the columns that some of the detectors read, and `further` ones, in a fixed order."""
    return in_order(frozenset(further).union(*(detector.columns for detector in detectors)))


class SubjectPass:
    """Runs detectors over batches sorted by subject, keeping the state of subjects between them.

    Args:
        encoder: Scale of the model's inputs.
        detectors: Detectors with what they learned.
        salt: Salt of input digests.
        columns: Further columns that are wanted in the batches.
        sorted_by_subject: Whether a batch goes on where the one before ended, so that only its last subject is kept;
            otherwise every subject is kept until it is forgotten.
        failed: Takes the failure of a detector over one subject: there it scores 0 and remembers what it did before,
            and is asked again with the next events. Other subjects and detectors are not touched.
        between: Called before each detector: whoever shares the interpreter with others may let them have it there.
    """

    def __init__(
        self,
        encoder: Encoder,
        detectors: Sequence[tuple[EventDetector, Params]],
        salt: bytes,
        *,
        columns: Iterable[Read] = (),
        sorted_by_subject: bool = True,
        failed: Failed | None = None,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self._encoder, self._between = encoder, between
        self._detectors = detectors
        self.columns = columns_of((detector for detector, _ in detectors), columns)
        """Columns that the batches must have beside `subject`, `time`, `source`, `seq`, `line`, `input`, `label`."""
        self._salt = salt
        self._sorted = sorted_by_subject
        self._failed = failed
        self._dtype = nearest_query.state_dtype(encoder.width)
        self._rows = StateRows([self._dtype, *(detector.state for detector, _ in detectors)])
        self._open: dict[str, SubjectState] = {}
        self._rings = np.zeros(0, self._dtype)

    def run(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Scored]:
        """Score batches in turn."""
        for batch in batches:
            if batch.num_rows:
                yield self._one(batch)

    def forget(self, name: str) -> None:
        """Drop the state of a subject."""
        self._open.pop(name, None)

    def resume(self, name: str, state: "SubjectState") -> None:
        """Go on with the state of a subject that was kept elsewhere."""
        self._open[name] = state

    def take(self, name: str) -> "SubjectState | None":
        """Give the state of a subject away; None if it is not known."""
        return self._open.pop(name, None)

    @property
    def row_size(self) -> int:
        """Bytes of the states of one subject."""
        return self._rows.size

    def _one(self, arrow: pa.RecordBatch) -> Scored:
        names, first_rows, codes = _runs(arrow.column("subject"))
        time = arrow.column("time").to_numpy()
        queries, keys = self._encoded(arrow.column("input"))
        begins, resumed = self._begins(names, first_rows, codes, time)
        duplicate = self._duplicates(names, first_rows, time, keys)
        kept = np.flatnonzero(~duplicate)
        offsets = np.searchsorted(kept, np.append(begins, len(time)))
        batch = EventBatch(
            offsets=offsets,
            time=time[kept],
            source=arrow.column("source").to_numpy()[kept],
            seq=arrow.column("seq").to_numpy()[kept],
            query=queries[kept],
            key=keys[kept],
            label=label_codes(arrow.column("label"))[kept],
            signals={name: values[kept] for name, values in coded(self.columns, arrow).items()},
        )
        lines = arrow.column("line").to_numpy()
        sources = arrow.column("source").to_numpy()
        repeated = [(int(sources[row]), int(lines[row])) for row in np.flatnonzero(duplicate)]
        subjects = [names[code] for code in codes[begins]]
        ends = np.append(begins[1:], len(time)) - 1
        return self._scored(subjects, batch, repeated, resumed, time[ends], keys[ends], len(time))

    def _scored(
        self,
        names: list[str],
        batch: EventBatch,
        repeated: list[tuple[int, int]],
        resumed: dict[int, SubjectState],
        last_time: NDArray[np.int64],
        last_key: NDArray[np.uint64],
        events: int,
    ) -> Scored:
        ages = np.zeros((3, len(names)), np.int64)
        window = np.full(len(names), -1)
        goes_on, known = list(resumed), list(resumed.values())
        if known:
            ages[:, goes_on] = np.array([one.ages for one in known]).T
            window[goes_on] = np.array([one.last_time for one in known]) // WINDOW
        similar_state = self._rings_of(len(names))
        before = [np.zeros(len(names), detector.state) for detector, _ in self._detectors]
        self._rows.lay([one.states for one in known], goes_on, [similar_state, *before])
        last = {name: at for at, name in enumerate(names)}
        kept = np.array([len(names) - 1] if self._sorted else list(last.values()))
        similar = nearest_query.add_signals(similar_state, batch, kept)
        unique, subject = similar.batch.signals["unique"], batch.subject
        asked = _running(unique, batch.offsets, ages[0])
        place = _running(np.ones(len(batch), bool), batch.offsets, ages[1])
        fresh = batch.time // WINDOW != previous(batch.time // WINDOW, batch.offsets, window)[0]
        windows = _running(fresh, batch.offsets, ages[2])
        rows = np.flatnonzero(unique)
        scores, after = {}, []
        for (detector, params), state in zip(self._detectors, before, strict=True):
            self._between()
            state, scores[detector.name] = self._score(detector, params, state, similar.batch)
            after.append(state[kept])
        if self._sorted:
            self._open.clear()
        ends, filled = batch.offsets[kept + 1] - 1, np.diff(batch.offsets)[kept] > 0
        for column, now in enumerate((asked, place, windows)):
            ages[column, kept[filled]] = now[ends[filled]]
        states = self._rows.packed([similar.state, *after])
        moments, keys = last_time[kept].tolist(), last_key[kept].tolist()
        for at, *own in zip(kept.tolist(), moments, keys, ages[:, kept].T.tolist(), states, strict=True):
            self._open[names[at]] = SubjectState(*own)
        carried = np.isin(np.arange(len(names)), goes_on)
        return Scored(
            names,
            # Marks of what is missing are for the similarity alone.
            replace(batch, query=similar.batch.query),
            similar,
            rows,
            subject[rows],
            asked[rows],
            asked,
            place,
            windows,
            scores,
            repeated,
            events,
            carried,
            kept,
        )

    def _score(self, detector: EventDetector, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Score a batch; where the detector fails, its halves, so that one subject costs no other its scores.

        By halves, one that fails among many costs twice as many calls as these have halves, and not one a subject.
        """
        try:
            # A copy where it may be asked again: a detector that fails half-way may have written to it.
            return detector.score(params, state.copy() if self._failed else state, batch)
        except Exception as failure:
            if self._failed is None:
                raise
            if batch.subjects <= 1:
                self._failed(detector.name, failure)
                return state, np.zeros(len(batch), np.int64)
        cuts = (0, batch.subjects // 2, batch.subjects)
        halves = [(state[begin:end], batch.of(begin, end)) for begin, end in pairwise(cuts)]
        after, scores = zip(*(self._score(detector, params, *half) for half in halves), strict=True)
        return np.concatenate(after), np.concatenate(scores)

    def _rings_of(self, subjects: int) -> NDArray[Any]:
        """Return empty rings, in memory that is used again: new for each batch, they would cost what filling costs."""
        if len(self._rings) < subjects:
            self._rings = np.zeros(subjects, self._dtype)
        # Where the batch before this one failed, its rings are still there.
        self._rings["count"][:subjects] = 0
        return self._rings[:subjects]

    def _begins(
        self, names: list[str], first_rows: NDArray[np.int64], codes: NDArray[np.int64], time: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], dict[int, SubjectState]]:
        """Return the rows at which a subject begins, or begins anew after a long silence, and which of them go on."""
        pause = np.diff(time, prepend=time[0]) > IDLE
        pause[first_rows] = True
        begins = np.flatnonzero(pause)
        resumed = {}
        for at in np.searchsorted(begins, first_rows).tolist() if self._open else ():
            row = begins[at]
            known = self._open.get(names[codes[row]])
            if known is not None and int(time[row]) - known.last_time <= IDLE:
                resumed[at] = known
        return begins, resumed

    def _duplicates(
        self, names: list[str], first_rows: NDArray[np.int64], time: NDArray[np.int64], keys: NDArray[np.uint64]
    ) -> NDArray[np.bool_]:
        """Tell the rows with the same subject, time and input as the row before them."""
        duplicate = np.zeros(len(time), bool)
        duplicate[1:] = (time[1:] == time[:-1]) & (keys[1:] == keys[:-1]) & (keys[1:] != NO_INPUT)
        duplicate[first_rows] = False
        for name, row in zip(names, first_rows.tolist(), strict=True) if self._open else ():
            known = self._open.get(name)
            if known is not None:
                duplicate[row] = known.last_time == time[row] and known.last_key == keys[row] and bool(keys[row])
        return duplicate

    def _encoded(self, lists: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
        n = len(lists)
        if not self._encoder.size:
            return np.zeros((n, 0), np.uint8), np.zeros(n, np.uint64)
        flat = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
        inputs = flat.reshape(-1, self._encoder.size)
        queries, keys = self._encoder.marked(inputs), row_keys(typed_rows(inputs, self._encoder.spec.dtype), self._salt)
        if len(inputs) == n:
            return queries, keys
        present = np.flatnonzero(lists.is_valid().to_numpy(zero_copy_only=False))
        all_queries, all_keys = np.zeros((n, self._encoder.width), np.uint8), np.zeros(n, np.uint64)
        all_queries[present], all_keys[present] = queries, keys
        return all_queries, all_keys


def _running(counted: NDArray[np.bool_], offsets: NDArray[np.int64], before: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count, at each row, the rows of its subject up to it that are counted, and those `before` (s,) the batch."""
    total = np.concatenate([[0], np.cumsum(counted)])
    running: NDArray[np.int64] = total[1:] + np.repeat(before - total[offsets[:-1]], np.diff(offsets))
    return running


def _runs(subjects: pa.Array) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Return the subjects' names in order, the first row of each, and the (n,) index of each row's subject."""
    encoded = subjects.dictionary_encode()
    codes = encoded.indices.to_numpy().astype(np.int64)
    return encoded.dictionary.to_pylist(), np.flatnonzero(np.diff(codes, prepend=-1)), codes
