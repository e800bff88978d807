"""What a tree of processes costs, also those that nobody waits for: by the kernel's account, looked at often."""

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

TICK: Final = os.sysconf("SC_CLK_TCK")
EVERY_SECONDS: Final = 0.1
"""Between two looks: what a process uses after the last one is lost."""


def descendants(process: int) -> dict[int, str]:
    """Return the processes below one that was started here: their ids, and what they were started as."""
    found: dict[int, str] = {}
    for task in _names(f"/proc/{process}/task"):
        for child in _read(f"/proc/{process}/task/{task}/children").split():
            found[int(child)] = _read(f"/proc/{child}/cmdline").replace("\0", " ")
            found |= descendants(int(child))
    return found


class Meter:
    """Adds up the processor seconds of processes and of whatever runs below them, while it is open."""

    def __init__(self, roots: Iterable[int]) -> None:
        self.roots = set(roots)
        """Processes; more may be added."""
        self._seen: dict[int, float] = {}
        self._begun = {one: _seconds(one) for root in self.roots for one in (root, *descendants(root))}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def cpu_seconds(self) -> float:
        """Processor seconds since it was opened."""
        return sum(spent - self._begun.get(process, 0.0) for process, spent in self._seen.items())

    def _watch(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            self._look()

    def _look(self) -> None:
        for root in tuple(self.roots):
            for process in (root, *descendants(root)):
                self._seen[process] = max(self._seen.get(process, 0.0), _seconds(process))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()


def _seconds(process: int) -> float:
    """Return what a process itself has used, in all its threads; 0 once it is gone."""
    fields = _read(f"/proc/{process}/stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK if len(fields) > 12 else 0.0


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
