"""The live engine: scores events as they come, for a guard; it gives the findings that a scan of its log would give."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from caponier.detect.similarity.nearest_query import state_dtype
from caponier.engines.columns import Read
from caponier.engines.judge import Detection, Judge
from caponier.engines.plan import Plan
from caponier.engines.remembered import Remembered
from caponier.engines.subjects import Failed, Scored, SubjectPass

MOST_SUBJECTS: Final = 10_000
"""Subjects that are remembered. About 25 kB each."""
TOGETHER_BYTES: Final = 8 * 2**20
"""Of what is remembered of the subjects that are scored in one go: each go costs some hundred calls, whoever is in it,
and what exceeds the cache costs more than it spares."""
TOGETHER: Final = (16, 256)
"""Subjects that are scored in one go, at least and at most."""


class LiveScan:
    """Keeps the state of many subjects of one model.

    Args:
        plan: What to run.
        most_subjects: Bound on the memory: callers who change their name for each query cannot fill it.
        failed: Takes failures that are survived, as `engines.subjects.SubjectPass` and `engines.local.Judge` do; where
            a subject's events cannot be scored at all, they alone are left out. Without it failures are raised.
        between: Called between two steps, see `engines.subjects.SubjectPass`.
    """

    def __init__(
        self,
        plan: Plan,
        most_subjects: int = MOST_SUBJECTS,
        failed: Failed | None = None,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self._scoring = SubjectPass(
            plan.encoder, plan.detectors(), plan.salt, sorted_by_subject=False, failed=failed, between=between
        )
        self._judge = Judge(plan, sorted_by_subject=False, failed=failed)
        self._failed = failed
        self._together = int(np.clip(TOGETHER_BYTES // state_dtype(plan.encoder.width).itemsize, *TOGETHER))
        self._remembered = Remembered(most_subjects)
        self._came: set[str] = set()

    @property
    def columns(self) -> tuple[Read, ...]:
        """Further columns that the events must have, each of its `engines.columns.raw_type`."""
        return self._scoring.columns

    def __len__(self) -> int:
        return len(self._remembered)

    def came(self) -> set[str]:
        """Return the names of those whose events came since this was asked last."""
        came, self._came = self._came, set()
        return came

    def strength(self, name: str) -> int:
        """Return the evidence against a subject up to now, in thousandths; 0 if it is not remembered."""
        return self._judge.strength(name)

    def feed(self, events: pa.RecordBatch) -> list[Detection]:
        """Score events and return what they trigger.

        Args:
            events: Columns `subject`, `time` (int64 microseconds), `source`, `seq`, `line`, `input` and `label`,
                sorted by subject and order; each subject's events come after those that were fed before. There may
                be none, and any of them may be without an input.
        """
        return [found for part in _some_subjects(events, self._together) for found in self._part(part)]

    def forget(self, is_meant: Callable[[str], bool]) -> int:
        """Drop the state of some subjects; return how many those were.

        Args:
            is_meant: Tells of a subject's name whether it is one of them.
        """
        names = [name for name in self._remembered if is_meant(name)]
        for name in names:
            self._remembered.forget(name)
            self._drop(name)
        return len(names)

    def _drop(self, name: str) -> None:
        self._scoring.forget(name)
        self._judge.forget(name)

    def _part(self, events: pa.RecordBatch) -> Iterator[Detection]:
        for scored in self._scored(events):
            yield from self._judge.detections(scored)
        counts = events.column("subject").value_counts()
        for name, n in zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True):
            self._remembered.note(name, n)
            self._came.add(name)
        for name in self._remembered.surplus():
            self._drop(name)

    def _scored(self, events: pa.RecordBatch) -> list[Scored]:
        """Score the events of some subjects together; where that fails, by halves down to those of each by themselves.

        By halves, one that fails among many costs some passes, and not one a subject.
        """
        try:
            return list(self._scoring.run(iter([events])))
        except Exception as failure:
            if self._failed is None:
                raise
            subjects = len(events.column("subject").unique())
            if subjects == 1:
                self._failed("scoring", failure)
                return []
            halves = _some_subjects(events, -(-subjects // 2))
        return [scored for half in halves for scored in self._scored(half)]


def _some_subjects(events: pa.RecordBatch, together: int) -> Iterator[pa.RecordBatch]:
    """Yield all events of a few subjects at a time; nothing where there are no events."""
    if not events.num_rows:
        return
    codes = events.column("subject").dictionary_encode().indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1))[::together]
    for start, end in zip(starts, np.append(starts[1:], len(codes)), strict=True):
        yield events.slice(int(start), int(end - start))
