"""Streams of several subjects, cut into batches anywhere, and scored as an engine scores them: batch by batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.detector import EventDetector, Params
from caponier.detect.similarity import nearest_query
from caponier.detect.training_sketch.sketch import ROWS
from detect.batches import batch_of, similar

WIDTH = 3


@dataclass(frozen=True)
class Stream:
    """Events of some subjects; each is a query of WIDTH values or None, an answer, and a time in seconds."""

    queries: list[list[Any]]
    labels: list[list[int]]
    times: list[list[float]]

    def part(self, begins: Sequence[int], ends: Sequence[int]) -> EventBatch:
        """Return the events of each subject from one position to another."""

        def cut(lines: list[list[Any]]) -> list[list[Any]]:
            return [line[begin:end] for line, begin, end in zip(lines, begins, ends, strict=True)]

        # Equal inputs have equal digests in every batch.
        keys = [
            [0 if q is None else 1 + sum((v + 1) * 131**i for i, v in enumerate(q)) for q in line]
            for line in cut(self.queries)
        ]
        batch = batch_of([*cut(self.queries), [[0] * WIDTH]], [*cut(self.labels), [1]], [*keys, [1]])
        # The last subject only says how wide a row is; nobody looks at it.
        alone = batch.take(np.arange(len(batch) - 1))
        times = [second for line in cut(self.times) for second in line]
        object.__setattr__(alone, "time", np.array([round(t * 1e6) for t in times], np.int64))
        object.__setattr__(alone, "offsets", alone.offsets[:-1])
        return alone

    @property
    def lengths(self) -> list[int]:
        return [len(line) for line in self.queries]

    def whole(self) -> EventBatch:
        return self.part([0] * len(self.queries), self.lengths)


def scored(detector: EventDetector, params: Params, stream: Stream, cuts: Sequence[Sequence[int]]) -> list[list[int]]:
    """Score a stream in batches, and return each subject's scores in order.

    Args:
        detector: What scores.
        params: What it has learned.
        stream: All events.
        cuts: Ascending positions of each subject at which a batch ends, as many for each.
    """
    subjects = len(stream.queries)
    near = np.zeros(subjects, nearest_query.state_dtype(WIDTH))
    state = np.zeros(subjects, detector.state)
    found: list[list[int]] = [[] for _ in range(subjects)]
    steps = list(zip(*cuts, strict=True))
    for begins, ends in pairwise([[0] * subjects, *steps, stream.lengths]):
        seen = nearest_query.add_signals(near, stream.part(begins, ends), np.arange(subjects))
        near = seen.state
        state, scores = detector.score(params, state, seen.batch)
        for subject, line in enumerate(found):
            line += scores[seen.batch.offsets[subject] : seen.batch.offsets[subject + 1]].tolist()
    return found


def rows_of(lines: list[list[int]]) -> list[int]:
    return [score for line in lines for score in line]


@st.composite
def streams(draw: st.DrawFn, subjects: int = 3, longest: int = 90) -> Stream:
    """Draw clients of different kinds: walkers in small steps, strangers, repeaters, and events without an input."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    queries: list[list[Any]] = []
    for _ in range(draw(st.integers(1, subjects))):
        kind, n = draw(st.sampled_from(["walk", "noise", "few", "halving"])), draw(st.integers(0, longest))
        queries.append(_drawn(kind, n, rng))
        for at in rng.permutation(n)[: n // 10]:
            queries[-1][at] = None
    return Stream(
        queries,
        [rng.integers(0, 3, len(line)).tolist() for line in queries],
        [np.sort(rng.uniform(0, 60, len(line))).tolist() for line in queries],
    )


def _drawn(kind: str, n: int, rng: np.random.Generator) -> list[Any]:
    if kind == "noise":
        drawn = rng.integers(0, 128, (n, WIDTH))
    elif kind == "few":
        drawn = rng.integers(0, 128, (4, WIDTH))[rng.integers(0, 4, n)]
    elif kind == "halving":
        drawn = np.repeat((127 / 2.0 ** (np.arange(n) % 9)).astype(int)[:, None], WIDTH, axis=1)
    else:
        drawn = np.clip(64 + np.cumsum(rng.integers(-2, 3, (n, WIDTH)), axis=0), 0, 127)
    return [list(map(int, row)) for row in drawn]


def benign(seed: int = 0, users: int = 8, each: int = 60) -> EventBatch:
    """Make plain users: rows all over the range, now and then one beside the last."""
    rng = np.random.default_rng(seed)
    lines = rng.integers(0, 128, (users, each, WIDTH))
    lines[:, ::5] = np.clip(lines[:, 1::5] + rng.integers(-9, 10, lines[:, ::5].shape), 0, 127)
    return similar(batch_of(lines.tolist()))


def learned(detector: EventDetector) -> Params:
    """Let a detector learn from plain users; where it needs a sketch of a training set, of every other input."""
    keys: NDArray[np.uint64] = np.arange(1, 4_000_000, 2, dtype=np.uint64)
    return {**detector.fit(benign()), ROWS: keys} if detector.name == "membership_probe" else detector.fit(benign())
