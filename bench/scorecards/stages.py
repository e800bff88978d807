"""Where the time of a scan goes: its stages, each without what it calls of the others.

A clock at the doors of a few functions, in place of a profiler, which makes whatever is written in Python look slow.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench.machinery.long_log import LongLog
from bench.machinery.measured import say
from bench.machinery.scorecard import Scorecard
from bench.scorecards.scale import Ground
from caponier.app.inference import load, scan
from caponier.app.workspace.workspace import load_workspace
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.registry import event_detectors
from caponier.detect.similarity import nearest_query
from caponier.engines import cells, local, spool, subjects
from caponier.engines.profiles import ProfileComparison
from caponier.engines.spool import Spool
from caponier.engines.subjects import SubjectPass
from caponier.telemetry.features import Encoder

REST = "all else: starting, planning, counting on"
DOORS: tuple[tuple[Any, str, str], ...] = (
    (load, "read_events", "read Parquet, check rows"),
    (Spool, "write", "write the spool"),
    (Spool, "seal", "write the spool"),
    (spool, "_subjects", "name subjects"),
    (Spool, "models", "summarise (SQL)"),
    (scan, "sampled", "summarise (SQL)"),
    (local, "sorted_events", "sort by subject (SQL)"),
    (local, "cell_events", "sort by time, share out among cells"),
    (cells, "by_cell", "sort by time, share out among cells"),
    (Encoder, "encode", "quantise inputs"),
    (subjects, "row_keys", "digests of inputs"),
    (nearest_query, "add_signals", "similarity: rings, repeats"),
    (nearest_query, "_nearest", "similarity: nearest queries"),
    (local.Judge, "detections", "judge"),
    (ProfileComparison, "watch", "compare with the profile"),
    (SubjectPass, "_one", "columns, batches, states"),
    (scan, "_findings", "findings"),
)


@dataclass
class Clock:
    """Adds up what each stage took by itself."""

    spent: dict[str, float] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _since: float = 0.0

    def enter(self, stage: str) -> None:
        self._charge()
        self._open.append(stage)

    def leave(self) -> None:
        self._charge()
        self._open.pop()

    def _charge(self) -> None:
        now = time.process_time()
        if self._open:
            self.spent[self._open[-1]] = self.spent.get(self._open[-1], 0.0) + now - self._since
        self._since = now

    def at(self, door: Callable[..., Any], stage: str) -> Callable[..., Any]:
        """Return a function that does the same on the clock; what it yields is made on the clock, too."""

        def timed(*given: Any, **named: Any) -> Any:
            self.enter(stage)
            try:
                result = door(*given, **named)
            finally:
                self.leave()
            return self._each(result, stage) if isinstance(result, Iterator) else result

        return timed

    def _each(self, items: Iterator[Any], stage: str) -> Iterator[Any]:
        while True:
            self.enter(stage)
            try:
                item = next(items)
            except StopIteration:
                return
            finally:
                self.leave()
            yield item


def run(quick: bool) -> Scorecard:
    """Time the stages of scans of 1 million events; quick: of 100,000."""
    unit = 100_000 if quick else 1_000_000
    logs = {"200": LongLog(unit), "10": LongLog(unit, each=10), "heavy": LongLog(unit, heavy=0.9)}
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder))
        found = {name: stages(ground, log) for name, log in logs.items()}
    names = sorted(found["200"], key=lambda name: -found["200"][name])
    table = [
        {"stage": name} | {f"subjects_of_{of}": round(one.get(name, 0.0), 2) for of, one in found.items()}
        for name in names
    ]
    figures = {f"microseconds_per_event_{of}": round(sum(one.values()), 2) for of, one in found.items()}
    about = (
        f"Microseconds an event, of one processor, in scans of {unit:,} events with 64 features and all columns: "
        "subjects of 200 events, of 10, and one of nine tenths of all. Start-up is not in it."
    )
    return Scorecard("stages", about, figures, (), (0, 1), table)


def stages(ground: Ground, log: LongLog) -> dict[str, float]:
    """Return the microseconds an event by stage."""
    say(f"stages: {log.events:,} events, {log.each} a subject, {log.heavy:.0%} of one")
    baseline = Baseline.load(ground.baseline(log.features))
    path, workspace = log.write(ground.folder / "log.parquet"), load_workspace(ground.folder / "workspace")
    clock = Clock()
    with ExitStack() as stack:
        for owner, name, stage in DOORS:
            stack.enter_context(patch.object(owner, name, clock.at(getattr(owner, name), stage)))
        for detector in event_detectors().values():
            kind = type(detector)
            stack.enter_context(patch.object(kind, "score", clock.at(kind.score, f"score: {detector.name}")))
        clock.enter(REST)
        scan.scan_inference([path], baseline, workspace=workspace)
        clock.leave()
    return {stage: seconds / log.events * 1e6 for stage, seconds in clock.spent.items()}
