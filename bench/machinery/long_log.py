"""Logs of any length and shape with every column that a detector reads: what speed and memory are measured on.

What stands in them is as plain as can be, so that time goes into looking and not into findings: pictures of a few
hundred things with a sensor's noise, one in twenty sent twice, answers with scores, a cost, a status, and now and then
feedback, a look at the metadata or an explanation.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caponier.records.event import EVENT_SCHEMA

MODEL: Final = "shapes"
KINDS, CLASSES = 500, 10
CHUNK: Final = 50_000
START: Final = 1_767_571_200_000_000
PAUSE: Final = 100_000
"""Microseconds between two events of a log."""
COLUMNS: Final = ("time", "model", "operation", "principal", "input", "label", "scores", "feedback", "cost", "status")
SCHEMA: Final = pa.schema([EVENT_SCHEMA.field(name) for name in COLUMNS])

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LongLog:
    """The shape of a log."""

    events: int
    features: int = 64
    each: int = 200
    """Events of each subject."""
    heavy: float = 0.0
    """Share of the events that are one subject's."""
    seed: int = 0

    def write(self, path: Path) -> Path:
        """Write it chunk by chunk, so that making it takes no more memory than reading it."""
        rng = np.random.default_rng((self.seed, self.events, self.each))
        things = pictures(self.features)
        with pq.ParquetWriter(path, SCHEMA) as writer:
            for start in range(0, self.events, CHUNK):
                ordinals = np.arange(start, min(start + CHUNK, self.events))
                writer.write_batch(self._chunk(ordinals, things, rng))
        return path

    def _chunk(self, ordinals: NDArray[np.int64], things: Floats, rng: np.random.Generator) -> pa.RecordBatch:
        n = len(ordinals)
        # One in twenty is the event before it again: somebody tried twice.
        first = np.maximum.accumulate(np.where(rng.random(n) < 0.05, 0, np.arange(n)))
        thing = rng.integers(0, KINDS, n)
        inputs = shot(things[thing], rng)[first]
        answers = (thing % CLASSES)[first]
        scores = _scores(answers, rng)
        told = rng.random(n) < 0.05
        feedback = np.where(rng.random(n) < 0.9, answers, (answers + 1) % CLASSES).astype(str)
        operation = rng.choice(["predict", "metadata", "explain"], n, p=[0.98, 0.01, 0.01])
        columns = [
            pa.array(START + ordinals * PAUSE, SCHEMA.field("time").type),
            pa.array([MODEL] * n),
            pa.array(operation),
            pa.array(self._principals(ordinals, rng)).take(pa.array(first)),
            pa.ListArray.from_arrays(np.arange(n + 1, dtype=np.int32) * self.features, inputs.ravel()),
            pa.array(answers.astype(str)),
            pa.ListArray.from_arrays(np.arange(n + 1, dtype=np.int32) * CLASSES, scores.ravel()),
            pa.array(feedback, mask=~told),
            pa.array(rng.lognormal(0, 0.3, n)),
            pa.array(rng.choice(np.array([200, 400, 503], np.int32), n, p=[0.985, 0.01, 0.005])),
        ]
        return pa.record_batch(columns, schema=SCHEMA)

    def _principals(self, ordinals: NDArray[np.int64], rng: np.random.Generator) -> list[str]:
        # Each user comes round once in `users` events, so that all of them send the same number.
        users = max(1, round(self.events * (1 - self.heavy) / self.each))
        names = [f"user-{user:07d}" for user in (ordinals % users).tolist()]
        for at in np.flatnonzero(rng.random(len(names)) < self.heavy).tolist():
            names[at] = "heavy"
        return names


def pictures(features: int) -> Floats:
    """Return (KINDS, features) things in 0..1 that neighbouring values of are alike, always the same ones."""
    steps = np.random.default_rng(features).normal(0, 0.25, (KINDS, features)).cumsum(axis=1)
    waves: Floats = (0.5 + 0.5 * np.sin(steps)).astype(np.float32)
    return waves


def shot(inputs: Floats, rng: np.random.Generator) -> Floats:
    """Photograph things (n, d) once each, in 256 shades of grey."""
    noise = rng.standard_normal(inputs.shape, dtype=np.float32)
    shots: Floats = np.rint(np.clip(inputs + np.float32(0.03) * noise, 0, 1) * 255) / np.float32(255)
    return shots


def _scores(answers: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    n = len(answers)
    scores = rng.random((n, CLASSES), np.float32) * np.float32(0.02)
    scores[np.arange(n), answers] = 0
    scores[np.arange(n), answers] = 1 - scores.sum(axis=1)
    return scores
