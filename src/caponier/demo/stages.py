"""The stages of a demo: who watches is told of each, and how long each took is kept."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from caponier.app.progress import Progress
from caponier.telemetry.recorder import EventLog

GLANCE_S = 0.1


class Stages:
    """Times stages, and passes their progress on.

    Args:
        watch: Who watches.
    """

    def __init__(self, watch: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._watch = watch

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Progress]:
        """Enter a stage of so many steps."""
        self._watch.stage(name, total)
        begun = perf_counter()
        try:
            yield _Within(self._watch, name)
        finally:
            self.seconds[name] = perf_counter() - begun


class _Within:
    """Progress of a use-case that is only a part of a stage: its own stages are told behind the stage's name."""

    def __init__(self, watch: Progress, name: str) -> None:
        self._watch = watch
        self._name = name

    def stage(self, name: str, total: int | None = None) -> None:
        self._watch.stage(f"{self._name}: {name[:1].lower()}{name[1:]}", total)

    def advance(self, steps: int) -> None:
        self._watch.advance(steps)


class Journal:
    """Writes what the server records into one log after the other, and counts the rows.

    Only the server's thread writes, and only while nobody asks does the log change.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._log: EventLog | None = None

    @contextmanager
    def into(self, file: Path) -> Iterator[None]:
        """Write into a file until the block is left."""
        self.rows = 0
        with EventLog(file) as self._log:
            try:
                yield
            finally:
                self._log = None

    def record(self, rows: list[dict[str, Any]]) -> None:
        """Take the events of one request."""
        if self._log is not None:
            self._log.record(rows)
            self.rows += len(rows)


def follow(work: Sequence[Future[Any]], journal: Journal, watch: Progress, total: int) -> None:
    """Tell how many rows the journal holds until the work is done, up to a total that was only a guess."""
    told, unfinished = 0, set(work)
    while unfinished:
        done, unfinished = wait(unfinished, timeout=GLANCE_S)
        for future in done:
            future.result()
        now = min(journal.rows, total)
        watch.advance(now - told)
        told = now
