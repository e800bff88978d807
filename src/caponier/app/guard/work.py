"""The guard's work beside its requests: record, detect, and pass on what is found."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event, Thread
from typing import Final

from caponier.app.guard.failures import Failures
from caponier.app.guard.log import EventOrder, GuardLog
from caponier.app.guard.response import GuardResponse
from caponier.app.guard.unreadable import UnreadableQueries
from caponier.app.inference.live import LiveFindings
from caponier.guard.events import UNREAD, Row, events_of, is_unreadable, why_unreadable
from caponier.guard.exchange import Exchange
from caponier.guard.metrics import Metrics
from caponier.records.finding import Finding
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.telemetry.body_limits import BodyLimits
from caponier.telemetry.column_layouts import ColumnLayouts

QUEUE_LENGTH: Final = 20_000
QUEUE_BYTES: Final = 256 * 2**20
PAUSE_S: Final = 0.01
"""Between two looks at the queue: the longest that an event waits while there is little to do."""
MOST_AT_ONCE: Final = 256
"""Requests that are looked at together."""
MOST_ROWS: Final = 4_096
MOST_NUMBERS: Final = 1_000_000
"""Events that are looked at together, and numbers in them; one request may hold more."""


class ExchangeQueue:
    """Takes exchanges from the server's thread, which it never stops: what does not fit is counted as lost."""

    def __init__(self, length: int = QUEUE_LENGTH, size: int = QUEUE_BYTES) -> None:
        self._waiting: deque[Exchange] = deque()
        self._length, self._size = length, size
        # Each is written by one thread only.
        self._put_bytes = self._taken_bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, exchange: Exchange) -> bool:
        """Add an exchange; False if there is no room."""
        held = self._put_bytes - self._taken_bytes
        if len(self._waiting) >= self._length or held + exchange.size > self._size:
            return False
        self._put_bytes += exchange.size
        self._waiting.append(exchange)
        return True

    def take(self, most: int) -> list[Exchange]:
        """Take the oldest ones."""
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        self._taken_bytes += sum(exchange.size for exchange in taken)
        return taken


@dataclass
class GuardWork:
    """Does everything that a request does not wait for, in a thread of its own.

    Args:
        workspace: Whose store, lake and playbooks they are.
        live: Detects.
        order: Numbers the events; its ids are those that `live` names.
        log: Takes the events.
        response: Takes the findings.
        metrics: Counts.
        failed: Takes failures that are survived.
        unreadable: Takes queries that cannot be read.
        enforce: Whether decisions are carried out; here it is only counted.
        limits: What reading a body may cost.
    """

    workspace: Workspace
    live: LiveFindings
    order: EventOrder
    log: GuardLog
    response: GuardResponse
    metrics: Metrics
    failed: Failures
    unreadable: UnreadableQueries
    enforce: bool
    limits: BodyLimits
    queue: ExchangeQueue = field(default_factory=ExchangeQueue)
    layouts: ColumnLayouts = field(default_factory=ColumnLayouts)
    _stop: Event = field(default_factory=Event)
    _thread: Thread | None = None

    def record(self, exchange: Exchange) -> None:
        """Take a finished exchange; called by the server, and quick."""
        self.metrics.note(exchange, enforce=self.enforce)
        if not self.queue.put(exchange):
            self.metrics.count("lost_events")

    def start(self) -> None:
        """Begin."""
        self.response.start()
        self._thread = Thread(target=self._run, name="caponier-guard-work", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what is in the queue, and stop."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self.response.close()
        self.log.close()

    def _run(self) -> None:
        while not (self._stop.is_set() and not self.queue):
            taken = self.queue.take(MOST_AT_ONCE)
            if taken:
                try:
                    self._look(taken)
                except Exception as failure:  # noqa: BLE001 - the border of the worker: the next must be looked at
                    self.failed("detection", failure)
            if len(self.queue) < MOST_AT_ONCE:
                self._stop.wait(PAUSE_S)

    def _look(self, taken: Sequence[Exchange]) -> None:
        """Record and look at exchanges, and pass on what is found."""
        requests: list[list[Row]] = []
        rows = numbers = 0
        for exchange in taken:
            try:
                own = self._events(exchange)
            except Exception as failure:  # noqa: BLE001 - one request must not take the others with it
                self.metrics.count("lost_events")
                self.failed("event", failure)
                continue
            requests.append(own)
            rows += len(own)
            numbers += _numbers(own)
            # Each of many requests may hold as much as is allowed in one.
            if rows >= MOST_ROWS or numbers >= MOST_NUMBERS:
                self._pass_on(requests)
                requests, rows, numbers = [], 0, 0
        self._pass_on(requests)

    def _pass_on(self, requests: Sequence[Sequence[Row]]) -> None:
        """Write the events of some requests, and look for attacks in them."""
        self._write(requests)
        found: list[Finding] = []
        # Each by itself: what fails must neither keep the findings back nor the requests that follow.
        try:
            found = self.live.feed([row for rows in requests for row in rows])
        except Exception as failure:  # noqa: BLE001 - as above
            self.failed("detection", failure)
        for finding in found:
            self.metrics.count("findings", f'detector="{finding.detector}"')
        try:
            if found:
                self.response.take(found)
        except Exception as failure:  # noqa: BLE001 - as above
            self.failed("response", failure)

    def _write(self, requests: Sequence[Sequence[Row]]) -> None:
        """Write the events of some requests; where that is not possible, detection goes on all the same."""
        rows = [row for own in requests for row in own]
        try:
            self.log.write(rows)
            self.metrics.count("events", n=len(rows))
        except Exception as failure:  # noqa: BLE001 - what cannot be written must still be looked at
            if len(requests) > 1 and not isinstance(failure, OSError):
                # Not the disk but an event is at fault; it must not take the others with it.
                for own in requests:
                    self._write([own])
                return
            self.metrics.count("lost_events", n=len(requests))
            self.failed("event log", failure)

    def _readable(self, exchange: Exchange, size: int | None, takes: FeatureSpec | None) -> tuple[Exchange, list[Row]]:
        """Return what can be read of an exchange: nothing in an answer costs the question, nor in a body the event."""
        unanswered = replace(exchange, answer=b"")
        for part, held in (("answer", exchange), ("question", unanswered)):
            try:
                return held, events_of(held, self.limits, size, takes, self.layouts)
            except Exception as failure:  # noqa: BLE001 - whatever it is, somebody sent it
                self.failed(part, failure)
        bare = replace(unanswered, body=b"")
        return bare, events_of(bare, self.limits, size)

    def _events(self, exchange: Exchange) -> list[Row]:
        size, takes = self.live.size(exchange.call.model), self.live.takes(exchange.call.model)
        exchange, rows = self._readable(exchange, size, takes)
        system = self.workspace.system_of(rows[0]["model"])
        for row in rows:
            row["system"] = system.name if system else None
        if is_unreadable(exchange, rows):
            self.unreadable.note(exchange, partial(why_unreadable, exchange, self.limits, size, takes))
        if UNREAD in rows[0]:
            self.metrics.count("unread", f'part="{"answer" if "input" in rows[0] else "request"}"')
        self.order.stamp(rows)
        return rows


def _numbers(rows: Sequence[Row]) -> int:
    """Return how many numbers the events of one request hold."""
    first = rows[0]
    return len(rows) * sum(len(first[name]) for name in ("input", "scores") if first.get(name) is not None)
