"""Score one model's events, sorted by subject, batch by batch; the cuts between batches change nothing."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from caponier.detect import similarity
from caponier.detect.batch import IDLE_SECONDS, EventBatch
from caponier.detect.detector import Counts, EventDetector, Params
from caponier.telemetry.digests import NO_INPUT, row_keys
from caponier.telemetry.features import Encoder

IDLE = IDLE_SECONDS * 1_000_000


@dataclass(frozen=True)
class Scored:
    """One batch of n rows with its scores; everything (q,) is over its different queries."""

    names: list[str]
    """Name of each subject; a subject that was idle for long stands there again, as a new one."""
    batch: EventBatch
    similar: similarity.Similar
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
    scores: dict[str, NDArray[np.int64]]
    """(n,) by detector."""
    duplicates: list[tuple[int, int]]
    """Source and line of the rows that say the same event again."""
    events: int
    resumed: bool
    """The first subject goes on from the batch before."""

    def counted(self, counts: Counts) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows that a horizon counts, the place of each in its subject's horizons, and their subjects."""
        if counts is Counts.QUERIES:
            return self.rows, self.ordinal, self.subject
        return np.arange(len(self.batch)), self.place, self.batch.subject


@dataclass
class _Open:
    """What goes on into the next batch: the state of the last subject."""

    name: str
    last_time: int
    last_key: int
    queries: int
    sent: int
    similar: NDArray[Any]
    states: dict[str, NDArray[Any]]


class SubjectPass:
    """Runs detectors over batches sorted by subject, keeping the state of one subject between them.

    Args:
        encoder: Scale of the model's inputs.
        detectors: Detectors with what they learned.
        salt: Salt of input digests.
    """

    def __init__(self, encoder: Encoder, detectors: Sequence[tuple[EventDetector, Params]], salt: bytes) -> None:
        self._encoder = encoder
        self._detectors = detectors
        self._salt = salt
        self._dtype = similarity.state_dtype(encoder.width)
        self._open: _Open | None = None

    def run(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Scored]:
        """Score batches in turn."""
        for batch in batches:
            if batch.num_rows:
                yield self._one(batch)

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
            label=_label_codes(arrow.column("label"))[kept],
        )
        lines = arrow.column("line").to_numpy()
        sources = arrow.column("source").to_numpy()
        repeated = [(int(sources[row]), int(lines[row])) for row in np.flatnonzero(duplicate)]
        subjects = [names[code] for code in codes[begins]]
        return self._scored(subjects, batch, repeated, resumed, (int(time[-1]), int(keys[-1]), len(time)))

    def _scored(
        self,
        names: list[str],
        batch: EventBatch,
        repeated: list[tuple[int, int]],
        resumed: bool,
        end: tuple[int, int, int],
    ) -> Scored:
        before, sent = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
        similar_state = np.zeros(len(names), self._dtype)
        if resumed and self._open is not None:
            similar_state[0], before[0], sent[0] = self._open.similar, self._open.queries, self._open.sent
        similar = similarity.add_signals(similar_state, batch, np.array([len(names) - 1]))
        unique, subject = similar.batch.signals["unique"], batch.subject
        asked, place = _running(unique, batch.offsets, before), _running(np.ones(len(batch), bool), batch.offsets, sent)
        rows = np.flatnonzero(unique)
        scores, states = {}, {}
        for detector, params in self._detectors:
            state = np.zeros(len(names), detector.state)
            if resumed and self._open is not None:
                state[0] = self._open.states[detector.name]
            after, scores[detector.name] = detector.score(params, state, similar.batch)
            states[detector.name] = after[-1]
        filled = batch.offsets[-1] > batch.offsets[-2]
        queries, events = (asked[-1], place[-1]) if filled else (before[-1], sent[-1])
        self._open = _Open(names[-1], end[0], end[1], int(queries), int(events), similar.state[-1], states)
        return Scored(
            names, batch, similar, rows, subject[rows], asked[rows], asked, place, scores, repeated, end[2], resumed
        )

    def _begins(
        self, names: list[str], first_rows: NDArray[np.int64], codes: NDArray[np.int64], time: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], bool]:
        """Return the rows at which a subject begins, or begins anew after a long silence."""
        pause = np.diff(time, prepend=time[0]) > IDLE
        pause[first_rows] = True
        same = self._open is not None and self._open.name == names[codes[0]]
        resumed = same and self._open is not None and int(time[0]) - self._open.last_time <= IDLE
        return np.flatnonzero(pause), resumed

    def _duplicates(
        self, names: list[str], first_rows: NDArray[np.int64], time: NDArray[np.int64], keys: NDArray[np.uint64]
    ) -> NDArray[np.bool_]:
        """Tell the rows with the same subject, time and input as the row before them."""
        duplicate = np.zeros(len(time), bool)
        duplicate[1:] = (time[1:] == time[:-1]) & (keys[1:] == keys[:-1]) & (keys[1:] != NO_INPUT)
        duplicate[first_rows] = False
        if self._open is not None and self._open.name == names[0]:
            duplicate[0] = self._open.last_time == time[0] and self._open.last_key == keys[0] and bool(keys[0])
        return duplicate

    def _encoded(self, lists: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
        n = len(lists)
        flat = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
        inputs = flat.reshape(-1, self._encoder.size)
        queries, keys = self._encoder.encode(inputs), row_keys(inputs.astype(self._encoder.spec.dtype), self._salt)
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


def _label_codes(labels: pa.Array) -> NDArray[np.uint64]:
    """Give each answer a code that depends on its text alone; 0 where there is none."""
    encoded = labels.dictionary_encode()
    digests = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in encoded.dictionary.to_pylist()]
    codes = np.append(np.maximum(np.frombuffer(b"".join(digests), np.uint64), np.uint64(1)), np.uint64(0))
    coded: NDArray[np.uint64] = codes[encoded.indices.fill_null(len(digests)).to_numpy()]
    return coded
