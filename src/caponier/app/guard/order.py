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
_MICROSECOND: Final = timedelta(microseconds=1)


class EventOrder:
    """Gives events their `seq`, their id and, where two overlap, their order.

    A request that takes long ends after a later one of the same caller. Events are looked at when they end, and a log
    is read in order of time; so that both agree, such an event is dated just after the last one of its subject.
    """

    def __init__(self) -> None:
        self._run = secrets.token_bytes(16)
        self._next = 0
        self._last: OrderedDict[str, datetime] = OrderedDict()

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
        moment: datetime = row["time"]
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
