"""The live engine: scores events as they come, for a guard; it gives the findings that a scan of its log would give."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from caponier.engines.local import Detection, Judge, Plan
from caponier.engines.subjects import SubjectPass

MOST_SUBJECTS: Final = 10_000
"""Subjects that are remembered; the one that was silent for longest is forgotten first. About 25 kB each."""


class LiveScan:
    """Keeps the state of many subjects of one model.

    Args:
        plan: What to run.
        most_subjects: Bound on the memory: callers who change their name for each query cannot fill it.
    """

    def __init__(self, plan: Plan, most_subjects: int = MOST_SUBJECTS) -> None:
        self._plan = plan
        self._detectors = plan.detectors()
        self._most = most_subjects
        self._subjects: OrderedDict[str, tuple[SubjectPass, Judge]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._subjects)

    def feed(self, events: pa.RecordBatch) -> list[Detection]:
        """Score events and return what they trigger.

        Args:
            events: Columns `subject`, `time` (int64 microseconds), `source`, `seq`, `line`, `input` and `label`,
                sorted by subject and order; each subject's events come after those that were fed before.
        """
        return [found for part in _by_subject(events) for found in self._one(part)]

    def _one(self, events: pa.RecordBatch) -> Iterator[Detection]:
        name = events.column("subject")[0].as_py()
        if name in self._subjects:
            self._subjects.move_to_end(name)
        else:
            scoring = SubjectPass(self._plan.encoder, self._detectors, self._plan.salt)
            self._subjects[name] = (scoring, Judge(self._plan))
            if len(self._subjects) > self._most:
                self._subjects.popitem(last=False)
        scoring, judge = self._subjects[name]
        for scored in scoring.run(iter([events])):
            yield from judge.detections(scored)


def _by_subject(events: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    codes = events.column("subject").dictionary_encode().indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    for start, end in zip(starts, np.append(starts[1:], len(codes)), strict=True):
        yield events.slice(int(start), int(end - start))
