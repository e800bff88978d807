"""The events of a guard: numbered, put in order, and written to the lake."""

import hashlib
import os
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from caponier.app.inference.live import subject_of
from caponier.errors import InputError
from caponier.guard.events import Row
from caponier.records.inventory import Workspace
from caponier.telemetry.digests import input_digest, typed_rows
from caponier.telemetry.recorder import EventLog

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


class GuardLog:
    """Writes events to the lake: a JSON Lines file an hour and process, in a folder a day.

    Args:
        workspace: Whose lake it is; its `keep_inputs` says whether inputs are written, or only their digests.
        salt: For the digests.

    Raises:
        InputError: If the lake is no folder.
    """

    def __init__(self, workspace: Workspace, salt: bytes) -> None:
        if "://" in workspace.lake:
            raise InputError("the guard writes to a folder only", where=f"{workspace.file}: lake")
        self._root, self._salt = Path(workspace.lake), salt
        self._digests = workspace.privacy.keep_inputs != "exact"
        self._types = {model.name: model.features.dtype for model in workspace.models if model.features}
        self._name = f"{os.getpid()}-{secrets.token_hex(3)}"
        self._log: EventLog | None = None
        self._hour = ""

    def write(self, rows: Sequence[Row]) -> None:
        """Write rows at once, in one piece.

        Raises:
            OSError: If that is not possible, such as when the disk is full.
        """
        now = datetime.now(UTC)
        hour = f"{now:%Y-%m-%d/guard-%H}"
        if self._log is None or hour != self._hour:
            self.close()
            self._log, self._hour = EventLog(self._root / f"{hour}-{self._name}.jsonl"), hour
        self._log.record([self._kept(row) for row in rows])

    def close(self) -> None:
        """Close the file."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def _kept(self, row: Row) -> Row:
        kept = {name: value for name, value in row.items() if value is not None}
        if self._digests and "input" in kept:
            values = typed_rows(kept.pop("input"), self._types.get(row["model"], "float32"))
            kept["input_digest"] = input_digest(values, self._salt)
        return kept
