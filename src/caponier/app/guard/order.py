"""The events of a guard, numbered and put in order."""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from caponier.app.inference.live import subject_of
from caponier.engines.spool import SEPARATOR
from caponier.guard.events import Row

MOST_SUBJECTS: Final = 20_000
"""Of which the time of the last event is remembered; more than the live engine remembers."""
SLACK: Final = timedelta(seconds=1)
"""By which answers may leave in another order than they are taken."""
SLOWER: Final = 16
"""Once in so many seconds a second is made up for where the clock was set back: too little to look like haste."""
_MICROSECOND: Final = timedelta(microseconds=1)


class EventOrder:
    """Gives events their `seq`, their id and, where two overlap, their order.

    A request that takes long ends after a later one of the same caller. Events are looked at when they end, and a log
    is read in order of time; so that both agree, such an event is dated just after the last one of its subject.

    Where the clock is set back, events go on from where they were, and meet it again little by little: else all that
    somebody asks in the next hour would be dated into one moment, and look like a flood.
    """

    def __init__(self) -> None:
        self._run = secrets.token_bytes(16)
        self._next = 0
        self._last: OrderedDict[str, datetime] = OrderedDict()
        self._answered: datetime | None = None
        """When the latest of the last ones was answered, by the clock as it went then."""
        self._ahead = timedelta(0)
        """By how much events are dated later than the clock says now."""

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
        """Return by how much the clock is behind where it was, for all one can tell by when requests are answered."""
        answered: datetime = row["time"] + timedelta(milliseconds=row.get("latency_ms") or 0.0)
        before, self._answered = self._answered, answered
        if before is None:
            return self._ahead
        passed = answered - before
        if passed < -SLACK:
            self._ahead -= passed
        elif passed < timedelta(0):
            self._answered = before
        else:
            self._ahead = max(timedelta(0), self._ahead - passed / SLOWER)
        return self._ahead
