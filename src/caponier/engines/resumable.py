"""Score events of subjects whose state is kept elsewhere between two looks: for streams, whatever runs them.

A look at some events gives what one at all of them together would give: the cuts change nothing. What is kept of a
subject is its state, what was said of it, and who sent the queries that its ring holds: findings name events that are
long gone.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from caponier.detect.similarity.nearest_query import RING
from caponier.engines.judge import Detection, Judge, JudgedSubject
from caponier.engines.plan import Plan
from caponier.engines.spool import KINDS, SEPARATOR
from caponier.engines.subjects import Scored, SubjectPass, SubjectState

BESIDE: Final = pa.schema([pa.field(name, pa.string()) for name in ("event_id", "sender", "system", "model_version")])
"""Columns that events must have beside those that are scored."""
Place = tuple[int, int]
_PRINCIPAL: Final = f"{KINDS[0]}{SEPARATOR}"


@dataclass
class RingEvents:
    """Which events the ring of a subject holds, at most `RING`."""

    places: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    """(k, 2) source and seq."""
    times: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(k,) microseconds."""
    ids: list[str] = field(default_factory=list)
    senders: list[str | None] = field(default_factory=list)


@dataclass
class SubjectMemory:
    """What is kept of one subject."""

    carried: SubjectState
    standing: JudgedSubject | None
    ring: RingEvents


@dataclass(frozen=True)
class TracedDetection:
    """A detection with what the events say that it names."""

    detection: Detection
    trigger_id: str
    event_ids: tuple[str, ...]
    """Of the evidence with the trigger, in order."""
    first_time: int
    """Microseconds."""
    last_time: int
    system: str | None
    version: str | None
    senders: tuple[str, ...]
    """Principals, as far as they are known."""


Recall = Callable[[str], SubjectMemory | None]
Keep = Callable[[str, SubjectMemory], None]


@dataclass
class Looked:
    """What a look gave."""

    found: list[TracedDetection] = field(default_factory=list)
    duplicates: list[Place] = field(default_factory=list)
    """Source and line of events that say the same again."""
    events: int = 0


class ResumableScan:
    """Scores events of one plan.

    Args:
        plan: For one kind of subject.
        recall: Returns what is kept of a subject; None if nothing is.
        keep: Takes what is to be kept of it.
    """

    def __init__(self, plan: Plan, recall: Recall, keep: Keep) -> None:
        self._scoring = SubjectPass(plan.encoder, plan.detectors(), plan.salt, sorted_by_subject=False)
        self._judge = Judge(plan, sorted_by_subject=False)
        self._recall, self._keep = recall, keep
        self._rings: dict[str, RingEvents] = {}

    def run(self, batches: Iterable[pa.RecordBatch]) -> Looked:
        """Look at events; their subjects are recalled when their events come, and kept when these are over.

        Args:
            batches: Sorted by subject and order over all of them, with the columns that `engines.subjects.SubjectPass`
                asks for and those of `BESIDE`. Each subject's events come after those of the look before.
        """
        looked = Looked()
        for batch in batches:
            if not batch.num_rows:
                continue
            names = batch.column("subject").unique().to_pylist()
            for over in self._rings.keys() - set(names):
                self._close(over)
            for name in names:
                self._open(name)
            for scored in self._scoring.run(iter([batch])):
                self._note(scored, batch, looked)
        for name in list(self._rings):
            self._close(name)
        return looked

    def _open(self, name: str) -> None:
        if name in self._rings:
            return
        held = self._recall(name)
        self._rings[name] = RingEvents() if held is None else held.ring
        if held is not None:
            self._scoring.resume(name, held.carried)
            if held.standing is not None:
                self._judge.resume(name, held.standing)

    def _close(self, name: str) -> None:
        carried, standing, ring = self._scoring.take(name), self._judge.take(name), self._rings.pop(name)
        if carried is not None:
            self._keep(name, SubjectMemory(carried, standing, ring))

    def _note(self, scored: Scored, batch: pa.RecordBatch, looked: Looked) -> None:
        looked.duplicates += scored.duplicates
        looked.events += scored.events
        rows = _rows_in(batch, scored)
        queries = np.append(np.searchsorted(scored.subject, np.arange(len(scored.names))), len(scored.rows))
        for index, name in enumerate(scored.names):
            self._enter(name, batch, rows[scored.rows[queries[index] : queries[index + 1]]])
        for found in self._judge.detections(scored):
            looked.found.append(self._traced(found, batch, scored, rows))
        for name in set(scored.names):
            self._rings[name] = _latest(self._rings[name])

    def _enter(self, name: str, batch: pa.RecordBatch, rows: NDArray[np.int64]) -> None:
        if not len(rows):
            return
        known, taken = self._rings[name], batch.take(pa.array(rows))
        places = np.stack([taken.column(one).to_numpy().astype(np.int64) for one in ("source", "seq")], axis=1)
        self._rings[name] = RingEvents(
            np.concatenate([known.places, places]),
            np.concatenate([known.times, taken.column("time").to_numpy()]),
            known.ids + taken.column("event_id").to_pylist(),
            known.senders + taken.column("sender").to_pylist(),
        )

    def _traced(
        self, found: Detection, batch: pa.RecordBatch, scored: Scored, rows: NDArray[np.int64]
    ) -> TracedDetection:
        at = np.flatnonzero((scored.batch.source == found.trigger[0]) & (scored.batch.seq == found.trigger[1]))[0]
        trigger = batch.slice(int(rows[at]), 1).select(["subject", "time", *BESIDE.names]).to_pylist()[0]
        ring = self._rings[trigger["subject"]]
        known = {
            (int(source), int(seq)): (int(time), id_, sender)
            for (source, seq), time, id_, sender in zip(ring.places, ring.times, ring.ids, ring.senders, strict=True)
        }
        known[found.trigger] = trigger["time"], trigger["event_id"], trigger["sender"]
        places = sorted({*found.evidence, found.trigger} & known.keys(), key=lambda place: (known[place][0], place))
        senders = (known[place][2] or "" for place in places)
        return TracedDetection(
            found,
            trigger_id=trigger["event_id"],
            event_ids=tuple(known[place][1] for place in places),
            first_time=known[places[0]][0],
            last_time=trigger["time"],
            system=trigger["system"],
            version=trigger["model_version"],
            senders=tuple(who.removeprefix(_PRINCIPAL) for who in senders if who.startswith(_PRINCIPAL)),
        )


def _rows_in(batch: pa.RecordBatch, scored: Scored) -> NDArray[np.int64]:
    """Return where in the raw events (m,) each scored one (n,) stands; those that are left out say the same again."""
    if len(scored.batch) == batch.num_rows:
        return np.arange(batch.num_rows)
    source, line = (batch.column(name).to_numpy() for name in ("source", "line"))
    repeated = set(scored.duplicates)
    kept = [place not in repeated for place in zip(source.tolist(), line.tolist(), strict=True)]
    return np.flatnonzero(kept)


def _latest(ring: RingEvents) -> RingEvents:
    if len(ring.ids) <= RING:
        return ring
    return RingEvents(ring.places[-RING:], ring.times[-RING:], ring.ids[-RING:], ring.senders[-RING:])


def parts_by(column: str, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, Iterator[pa.RecordBatch]]]:
    """Yield stretches of events that have the same in a column, each as an iterator that must be read to its end."""
    rest = iter(batches)
    waiting: list[pa.RecordBatch] = []

    def more() -> pa.RecordBatch | None:
        while not waiting:
            batch = next(rest, None)
            if batch is None:
                return None
            if batch.num_rows:
                waiting.append(batch)
        return waiting.pop()

    def stretch(value: str, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        current: pa.RecordBatch | None = batch
        while current is not None:
            values = current.column(column)
            same = np.asarray(pa.compute.equal(values, value).to_numpy(zero_copy_only=False), bool)
            end = int(np.argmin(same)) if not same.all() else current.num_rows
            if end:
                yield current.slice(0, end)
            if end < current.num_rows:
                waiting.append(current.slice(end))
                return
            current = more()

    while (batch := more()) is not None:
        value = batch.column(column)[0].as_py()
        yield value, stretch(value, batch)
