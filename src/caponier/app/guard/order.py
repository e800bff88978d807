"""The events of a guard, numbered and put in order."""

import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from caponier.app.inference.live import subject_of
from caponier.engines.spool import SEPARATOR
from caponier.guard.events import Row

MOST_SUBJECTS: Final = 20_000
"""Of which the time of the last event is remembered; more than the live engine remembers."""
SLACK_S: Final = 1.0
"""By which the clock may go slower for a while, as it does to meet another one."""
SLOWER: Final = 16
"""Once in so many seconds a second is made up for where the clock was set back: too little to look like haste."""
_MICROSECOND: Final = timedelta(microseconds=1)


class EventOrder:
    """Gives events their `seq`, their id and, where two overlap, their order.

    A request that takes long ends after a later one of the same caller. Events are looked at when they end, and a log
    is read in order of time; so that both agree, such an event is dated just after the last one of its subject.

    Where the clock is set back, events go on from where they were, and meet it again little by little: else all that
    somebody asks in the next hour would be dated into one moment, and look like a flood.

    Args:
        wall: Tells the seconds since the epoch, as the clock says that may be set.
        steady: Tells seconds that are never set.
    """

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._run = secrets.token_bytes(16)
        self._next = 0
        self._last: OrderedDict[str, datetime] = OrderedDict()
        self._wall, self._steady = wall, steady
        self._looked = steady()
        self._apart = wall() - self._looked
        self._ahead = 0.0
        """Seconds by which events are dated later than the clock says now."""

    def stamp(self, rows: Sequence[Row]) -> None:
        """Complete the rows of one request, which share its time.

        Args:
            rows: Columns by name; `time`, `seq` and `event_id` are set.
        """
        moment = self._moment(rows[0])
        for row in rows:
            row.update(time=moment, seq=self._next, event_id=self.event_id(self._next))
            self._next += 1

    def event_id(self, seq: int) -> str:
        """Return the id of an event of this run."""
        return "e-" + hashlib.blake2b(seq.to_bytes(8, "big"), digest_size=12, key=self._run).hexdigest()

    def forget(self, is_meant: Callable[[str], bool]) -> None:
        """Drop what is known of some principals."""
        for subject in list(self._last):
            kind, _, name = subject.partition(SEPARATOR)
            if kind == "principal" and is_meant(name):
                del self._last[subject]

    def _moment(self, row: Row) -> datetime:
        moment: datetime = row["time"] + self._set_back(row)
        subject = subject_of(row)
        if subject is None:
            return moment
        last = self._last.pop(subject, None)
        if last is not None and moment <= last:
            moment = last + _MICROSECOND
        self._last[subject] = moment
        if len(self._last) > MOST_SUBJECTS:
            self._last.popitem(last=False)
        return moment

    def _set_back(self, row: Row) -> timedelta:
        """Return by how much later than by the clock an event is dated that came since it was set back."""
        wall, steady = self._wall(), self._steady()
        jumped = wall - steady - self._apart
        self._ahead = max(0.0, self._ahead - (steady - self._looked) / SLOWER)
        self._looked = steady
        if jumped < -SLACK_S:
            self._ahead -= jumped
        if not -SLACK_S <= jumped <= 0:
            self._apart = wall - steady
        # What came before that is dated by the clock as it was then: later than it says now.
        came = row["time"].timestamp() <= wall + SLACK_S
        return timedelta(seconds=self._ahead if came else 0.0)
