"""Detection gives way to requests: both share one interpreter.

A request asks for the interpreter back each time it was let go of for a call of the system, some five times. Where
detection holds it, each of these takes up to the interval in which threads are switched. So detection looks up between
two of its steps, and waits until the server has nothing to do; for a moment at most, and not at all once it is late or
an answer waits for it.
"""

import asyncio
import selectors
from collections.abc import Callable
from threading import Event
from typing import Any, Final

MOST_S: Final = 0.0005
"""For which one step waits, as long as a request takes: a look has some twenty steps, so that a server that never rests
makes it late by ten milliseconds at most."""


class GivingWay:
    """Tells detection when the server is at rest.

    Args:
        hurries: Tells whether detection has no time to wait.
    """

    def __init__(self, hurries: Callable[[], bool] = lambda: False) -> None:
        self._hurries = hurries
        self._rests = Event()
        # A server that has no loop of this gives no signs: it is never waited for.
        self._rests.set()

    def __call__(self) -> None:
        """Wait for a moment while a request is worked on; called by detection between two steps."""
        if not self.rests and not self._hurries():
            self._rests.wait(MOST_S)

    @property
    def rests(self) -> bool:
        """Whether the server waits for something to do."""
        return self._rests.is_set()

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return a new event loop, for the server, that says when it rests."""
        return asyncio.SelectorEventLoop(_Telling(self._rests))


class _Telling(selectors.DefaultSelector):
    """Tells by an event whether it waits for something to happen."""

    def __init__(self, rests: Event) -> None:
        super().__init__()
        self._rests = rests

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, Any]]:
        """Wait for what happens next; with no time to wait it is only asked what has happened, which is no rest."""
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        self._rests.set()
        try:
            return super().select(timeout)
        finally:
            self._rests.clear()

    def close(self) -> None:
        """Let go of everything; a server that has ended is not waited for."""
        super().close()
        self._rests.set()
