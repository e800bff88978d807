"""Says within a second that detection is behind or has ended: then what passes is not looked at in time."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from caponier.app.guard.failures import Tell

LOOK_S: Final = 0.25
WELL: Final = "ok"
BEHIND: Final = "behind"
DEAD: Final = "ended"


class Watchdog:
    """Looks after the guard's work, in a thread of its own.

    Args:
        lag_s: Tells how old the oldest request is that was not looked at.
        alive: Tells whether the work goes on at all.
        limit_s: Seconds that detection may be behind.
        tell: Says what happened, in a line.
        closed: Tells whether requests are refused meanwhile, for the line.
    """

    def __init__(
        self, lag_s: Callable[[], float], alive: Callable[[], bool], limit_s: float, tell: Tell, *, closed: str
    ) -> None:
        self._lag_s, self._alive, self._limit, self._tell, self._closed = lag_s, alive, limit_s, tell, closed
        self.state = WELL
        self._stop = Event()
        self._thread = Thread(target=self._run, name="caponier-guard-watchdog", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_well(self) -> bool:
        """Whether what passes is looked at in time; cheap to ask."""
        return self.state == WELL

    def look(self) -> None:
        """See how it stands, and say so if that is new."""
        now = DEAD if not self._alive() else BEHIND if self._lag_s() > self._limit else WELL
        if now == self.state:
            return
        self.state = now
        if now == WELL:
            self._tell("detection has caught up")
            return
        what = "has ended; start the guard again" if now == DEAD else f"is more than {self._limit:g} seconds behind"
        self._tell(f"warning: detection {what}; {self._closed}")

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            self.look()
