"""A batch of events of many subjects, as arrays: what detectors work on.

The same shape serves a batch of one event in a live proxy and one of ten thousand in a scan of a log.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

IDLE_SECONDS: Final = 30 * 86_400
"""A subject that was silent for longer starts anew, in every engine, because its own events say so."""
ENOUGH_ANSWERS: Final = 100
"""Answers from which on they show whether they recur."""


@dataclass(frozen=True)
class EventBatch:
    """Events of s subjects of one model, n in all, sorted by subject and then by order (time, source, seq)."""

    offsets: NDArray[np.int64]
    """(s + 1,) subject i owns the rows offsets[i] to offsets[i + 1]."""
    time: NDArray[np.int64]
    """(n,) microseconds since the epoch."""
    source: NDArray[np.int32]
    seq: NDArray[np.int64]
    """(n,) each; with `source` the place of the event in its log."""
    query: NDArray[np.uint8]
    """(n, width) quantised inputs; zeros where there is no input."""
    key: NDArray[np.uint64]
    """(n,) digest of the input; 0 where there is none."""
    label: NDArray[np.uint64]
    """(n,) code of the answer; 0 where there is none."""
    signals: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """(n,) columns that the similarity pass and enrichers add."""

    @classmethod
    def empty(cls, width: int) -> Self:
        """Return a batch of no events of no subjects."""
        return cls(
            offsets=np.zeros(1, np.int64),
            time=np.zeros(0, np.int64),
            source=np.zeros(0, np.int32),
            seq=np.zeros(0, np.int64),
            query=np.zeros((0, width), np.uint8),
            key=np.zeros(0, np.uint64),
            label=np.zeros(0, np.uint64),
        )

    def __len__(self) -> int:
        return len(self.time)

    @property
    def subjects(self) -> int:
        """Number of subjects."""
        return len(self.offsets) - 1

    @cached_property
    def subject(self) -> NDArray[np.int64]:
        """(n,) index of each row's subject."""
        return np.repeat(np.arange(self.subjects), np.diff(self.offsets))

    def take(self, rows: NDArray[np.int64]) -> Self:
        """Return the given rows, which must be in ascending order; the subjects stay, some perhaps empty."""
        counts = np.bincount(self.subject[rows], minlength=self.subjects)
        return replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            **{name: getattr(self, name)[rows] for name in ("time", "source", "seq", "query", "key", "label")},
            signals={name: column[rows] for name, column in self.signals.items()},
        )

    def only(self, subjects: NDArray[np.bool_]) -> Self:
        """Return the events of some of the subjects (s,); the others stay, and are empty."""
        return self.take(np.flatnonzero(subjects[self.subject]))

    def of(self, first: int, end: int) -> Self:
        """Return the events of the subjects from one index up to, and without, another one."""
        rows = slice(int(self.offsets[first]), int(self.offsets[end]))
        return replace(
            self,
            offsets=self.offsets[first : end + 1] - self.offsets[first],
            **{name: getattr(self, name)[rows] for name in ("time", "source", "seq", "query", "key", "label")},
            signals={name: column[rows] for name, column in self.signals.items()},
        )

    def with_signals(self, signals: Mapping[str, NDArray[Any]]) -> Self:
        """Return the batch with further columns."""
        return replace(self, signals={**self.signals, **signals})

    def queries(self) -> "tuple[Self, NDArray[np.int64]]":
        """Return the rows that ask something new, and where they stand in this batch.

        Exact repeats are no new evidence, and events without an input are none of similarity.
        """
        return self._queries

    @cached_property
    def made_once(self) -> dict[str, Any]:
        """What was made of this batch for one detector, by name, for the next one that asks for the same."""
        return {}

    @cached_property
    def _queries(self) -> "tuple[Self, NDArray[np.int64]]":
        # Every detector over queries asks for them.
        rows = np.flatnonzero(self.signals["unique"])
        return self.take(rows), rows


def label_place(label: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return one of 256 places for each answer (n,), from 0: of more answers some fall together."""
    # The odd number spreads codes that are small or alike, as tests have them, over the high bits.
    spread = (label * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(56)
    return spread.astype(np.int64)


def are_classes(label: NDArray[np.uint64]) -> bool:
    """Tell whether answers (n,), 0 where there is none, are classes: those of a regression hardly ever recur."""
    told = label[label != 0]
    return len(told) < ENOUGH_ANSWERS or 2 * len(np.unique(told)) <= len(told)
