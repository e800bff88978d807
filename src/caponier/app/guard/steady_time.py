"""The time by which actions end: that of the wall's clock, but for steps of it that nobody has made up for yet."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

SLACK_S: Final = 1.0
"""By which the clock may go faster or slower for a while, as it does to meet another one."""


class SteadyTime:
    """Goes on by a clock that nobody sets, until the steps of the other one are followed."""

    def __init__(self) -> None:
        self._apart = time.time() - time.monotonic()

    def now(self) -> datetime:
        """Return the present, as it would be had the clock not been set."""
        if not self.stepped():
            self.follow()
        return datetime.fromtimestamp(time.monotonic() + self._apart, UTC)

    def stepped(self) -> timedelta:
        """Return by how much the clock was set since it was followed last; negative if back, zero if not at all."""
        by = time.time() - time.monotonic() - self._apart
        return timedelta(seconds=by) if abs(by) > SLACK_S else timedelta()

    def follow(self) -> None:
        """Go by the clock as it is set now."""
        self._apart = time.time() - time.monotonic()
