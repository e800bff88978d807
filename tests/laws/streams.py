"""Streams of events that hypothesis makes up, sorted as an engine reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from caponier.detect.detector import OPERATIONS, Column, Enriched
from caponier.detect.registry import event_detectors
from caponier.engines.columns import raw_type
from caponier.engines.spool import SEPARATOR, Spool
from caponier.records.event import EVENT_SCHEMA
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.events import Events
from caponier.telemetry.features import Encoder

WIDTH = 6
SPEC = FeatureSpec(kind="numeric", shape=(WIDTH,), minimum=0.0, maximum=127.0)
ENCODER = Encoder.fit(SPEC, np.zeros((1, WIDTH), np.float32))
SUBJECTS = 3
START = 1_750_000_000_000_000
MONTH_AND_A_DAY = 31 * 86_400 * 1_000_000

PIECES = ("fresh", "walk", "repeat", "far_repeat", "cell", "extreme", "silent", "twin", "pause", "ring", "echo")
"""What a subject does next; `ring` asks more than a ring of 200 can hold, `echo` comes back to what is about to leave
it, `cell` moves less than quantising sees."""


def _operation(seq: int) -> str:
    return OPERATIONS[seq % 3]


def _status(seq: int) -> int | None:
    return (None, 200, 200, 400, 404, 422, 500)[seq % 7]


def _cost(seq: int) -> float | None:
    return (None, 1.0, 0.5, 1.25, 40.0)[seq % 5]


def _top_score(seq: int) -> float | None:
    # Whole sixteenths, which are the same number in float32 and float64.
    return (None, seq % 16 / 16, 1.0)[seq % 3]


def _feedback(seq: int) -> str | None:
    return (None, "a", "b")[seq % 3]


def _enriched(seq: int) -> float | None:
    return (None, 0.0, 0.25, 7.5)[seq % 4]


def _signals(seq: int) -> list[tuple[str, float]] | None:
    value = _enriched(seq)
    return None if value is None else [(name, value) for name in _ENRICHMENTS]


_READ: Final = {column for detector in event_detectors().values() for column in detector.columns}
_ENRICHMENTS: Final = sorted(column.name for column in _READ if isinstance(column, Enriched))
_FURTHER: Final = {
    Column.OPERATION: _operation,
    Column.STATUS: _status,
    Column.COST: _cost,
    Column.SIZE: lambda _: None,
    Column.TOP_SCORE: _top_score,
    Column.SURENESS: _top_score,
    Column.FEEDBACK: _feedback,
}
"""Columns beside input and answer, made of the row's number."""


@dataclass(frozen=True)
class Stream:
    """Rows (subject, time, seq, input, label), sorted by subject, time and seq."""

    rows: tuple[tuple[str, int, int, Any, str | None], ...]

    def __len__(self) -> int:
        return len(self.rows)

    def batches(self, cuts: Sequence[int]) -> Iterator[pa.RecordBatch]:
        """Yield the rows in batches that end at the cuts, as `sorted_events` does."""
        whole = self._arrow()
        ends = sorted({0, len(self), *(cut for cut in cuts if cut < len(self))})
        for begin, end in pairwise(ends):
            yield whole.slice(begin, end - begin)

    def _arrow(self) -> pa.RecordBatch:
        n = len(self)
        columns = list(zip(*self.rows, strict=True)) if self.rows else [[]] * 5
        return pa.RecordBatch.from_pydict(
            {
                "subject": pa.array([f"principal{SEPARATOR}{name}" for name in columns[0]], pa.string()),
                "time": pa.array(columns[1], pa.int64()),
                "source": pa.array(np.zeros(n, np.int32)),
                "seq": pa.array(columns[2], pa.int64()),
                "line": pa.array([seq + 1 for seq in columns[2]], pa.int64()),
                "input": pa.array(columns[3], pa.list_(pa.float32())),
                "label": pa.array(columns[4], pa.string()),
                **{column.value: pa.array(map(_FURTHER[column], columns[2]), raw_type(column)) for column in Column},
                **{name: pa.array(map(_enriched, columns[2]), pa.float32()) for name in _ENRICHMENTS},
            }
        )

    def spool(self) -> Spool:
        """Write the rows into a spool, in the order of their seq."""
        names, times, seqs, inputs, labels = zip(*sorted(self.rows, key=lambda row: row[2]), strict=True)
        given = {
            "time": pa.array(times, pa.timestamp("us", tz="UTC")),
            "seq": pa.array(seqs, pa.int64()),
            "event_id": pa.array([f"e-{seq}" for seq in seqs]),
            "model": pa.array(["m"] * len(self)),
            "operation": pa.array(map(_operation, seqs)),
            "status": pa.array(map(_status, seqs), pa.int32()),
            "cost": pa.array(map(_cost, seqs), pa.float64()),
            "scores": pa.array(
                [None if (top := _top_score(seq)) is None else [0.0, top] for seq in seqs], pa.list_(pa.float32())
            ),
            "feedback": pa.array(map(_feedback, seqs), pa.string()),
            "signals": pa.array(map(_signals, seqs), EVENT_SCHEMA.field("signals").type),
            "principal": pa.array(names),
            "input": pa.array(inputs, pa.list_(pa.float32())),
            "label": pa.array(labels, pa.string()),
        }
        arrays = [given.get(field.name, pa.nulls(len(self), field.type)) for field in EVENT_SCHEMA]
        spool = Spool()
        batch = pa.RecordBatch.from_arrays(arrays, schema=EVENT_SCHEMA)
        spool.write(Events("made-up", batch, pa.array([seq + 1 for seq in seqs], pa.int64()), 0))
        spool.seal()
        return spool


class _Author:
    """Writes the rows of one subject."""

    def __init__(self, name: str, seed: int) -> None:
        self.name, self.time, self.rng = name, START, np.random.default_rng(seed)
        self.rows: list[tuple[str, int, Any, str | None]] = []
        self.asked: list[Any] = []

    def piece(self, kind: str) -> None:
        if kind == "pause":
            self.time += MONTH_AND_A_DAY
        elif kind == "twin":
            self.rows += self.rows[-1:]
        elif kind == "walk":
            self._walk()
        elif kind == "echo":
            for row in [row for row in self.asked[-195:-170] if row is not None]:
                self._ask((np.array(row) + self.rng.choice([-1.0, 1.0], WIDTH)).clip(0, 127).tolist())
        elif kind in ("repeat", "far_repeat"):
            back = self.asked[-20:] if kind == "repeat" else self.asked[:3]
            for row in back[: int(self.rng.integers(1, 4))]:
                self._ask(row)
        else:
            for _ in range(210 if kind == "ring" else int(self.rng.integers(1, 8))):
                self._ask(self._input(kind))

    def _walk(self) -> None:
        at = self.rng.integers(0, 128, WIDTH).astype(float)
        for step in (40, 20, 10, 5, 3, 2, 1, 1):
            at = np.clip(at + self.rng.integers(-step, step + 1, WIDTH), 0, 127)
            self._ask(at.tolist())

    def _input(self, kind: str) -> Any:
        if kind == "silent":
            return None
        if kind == "extreme":
            return self.rng.choice([0.0, 127.0], WIDTH).tolist()
        if kind == "cell" and self.asked and self.asked[-1] is not None:
            return (np.array(self.asked[-1]) + self.rng.choice([0.0, 0.125, -0.125], WIDTH)).tolist()
        return self.rng.integers(0, 128, WIDTH).astype(float).tolist()

    def _ask(self, row: Any) -> None:
        self.time += int(self.rng.choice([0, 0, 1, 1_000_000]))
        self.asked.append(row)
        self.rows.append((self.name, self.time, row, [None, "a", "b"][self.rng.integers(3)]))


def written(plots: Sequence[tuple[int, Sequence[str]]]) -> Stream:
    """Make a stream of subjects, each from a seed and what it does."""
    authors = []
    for number, (seed, pieces) in enumerate(plots):
        author = _Author(f"p{number}", seed)
        for kind in pieces:
            author.piece(kind)
        authors.append(author)
    # The rows of all subjects lie mixed in the log; seq is the place there.
    mixed = sorted((row for author in authors for row in author.rows), key=lambda row: row[1])
    numbered = [(name, time, seq, row, label) for seq, (name, time, row, label) in enumerate(mixed)]
    return Stream(tuple(sorted(numbered, key=lambda row: (row[0], row[1], row[2]))))


def streams() -> st.SearchStrategy[Stream]:
    """Make up streams of one to three subjects; some of them empty, of one row, or of hundreds."""
    plot = st.tuples(st.integers(0, 2**16), st.lists(st.sampled_from(PIECES), max_size=6))
    return st.lists(plot, min_size=1, max_size=SUBJECTS).map(written).filter(lambda stream: len(stream) > 0)


TYPICAL = written(
    [
        (1, ["fresh", "walk", "twin", "silent", "walk", "cell", "repeat"]),
        (2, ["ring", "echo", "far_repeat", "walk", "pause", "walk", "extreme"]),
        (3, ["fresh"]),
    ]
)
"""One stream with all of it."""
