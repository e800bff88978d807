"""Time as tests tell it, so that none fails because a machine is slow, or busy with something else.

What is limited here is what work grows to (a square where a line was due, a bomb that unfolds), never how quick a
machine is: processor time is counted in seconds of the machine on which limits were chosen, and whoever waits for
something waits for it as long as for anything.
"""

import gc
import json
import mmap
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, process_time, sleep
from typing import Any, Final, Self

import numpy as np

HANG: Final = 120.0
"""Seconds after which what has not come is not late, but never comes. Of no use where a test expects the waiting."""
SHORT: Final = 0.5
"""Seconds of work for which nobody asks how quick the machine is: no limit is lower."""
OBJECTS: Final = json.dumps([{"n": n, "t": [n, None, "x"]} for n in range(8_000)])
NUMBERS: Final = np.random.default_rng(0).random(400_000)
FRESH: Final = 32 << 20


def _loop() -> None:
    total = 0
    for n in range(200_000):
        total += n * n % 7


def _objects() -> None:
    for _ in range(3):
        json.loads(OBJECTS)


def _arrays() -> None:
    np.sort(NUMBERS)


def _pages() -> None:
    with mmap.mmap(-1, FRESH) as memory:
        for at in range(0, FRESH, mmap.PAGESIZE):
            memory[at] = 1


REFERENCE: Final[dict[Callable[[], None], float]] = {_loop: 0.0093, _objects: 0.009, _arrays: 0.019, _pages: 0.0286}
"""Work of each sort that tests do, and the processor seconds that it takes where the limits were chosen, left alone."""


def slowness() -> float:
    """Tell how many times as long this machine takes now, in what it is slowest at; a quicker one counts as 1."""
    collecting = gc.isenabled()
    # A search for garbage takes as long as there are objects elsewhere in the process, which says nothing about it.
    gc.disable()
    try:
        # Of three turns the quickest: what is slow once was interrupted.
        return max(1.0, *(min(_spent(work) for _ in range(3)) / usual for work, usual in REFERENCE.items()))
    finally:
        if collecting:
            gc.enable()


def _spent(work: Callable[[], None]) -> float:
    began = process_time()
    work()
    return process_time() - began


@dataclass
class Stopwatch:
    """Counts the processor time of what is done within, in seconds of the machine on which limits were chosen.

    A limit is some five times what is measured there: neighbours on a core, caches and clocks make it half as much
    again, and what a limit is there for makes it ten times as much or a thousand.
    """

    spent: float = 0.0
    """Seconds of this machine's processor."""
    slow: float = 1.0
    """How many times as long this machine took for the same work just then."""
    _began: float = field(default=0.0, repr=False)
    _collecting: bool = field(default=True, repr=False)

    def __enter__(self) -> Self:
        # A search for garbage looks through what all other tests keep, for a second or two, wherever it falls.
        self._collecting = gc.isenabled()
        gc.disable()
        self._began = process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.spent = process_time() - self._began
        if self._collecting:
            gc.enable()
        self.slow = slowness() if self.spent > SHORT else 1.0

    @property
    def seconds(self) -> float:
        return self.spent / self.slow


def wait_for(there: Callable[[], Any]) -> Any:
    """Wait until something is there, however long it takes, and return it.

    Raises:
        AssertionError: It is not there after `HANG` seconds.
    """
    deadline = monotonic() + HANG
    while not (found := there()):
        assert monotonic() < deadline, "it does not come"
        sleep(0.005)
    return found
