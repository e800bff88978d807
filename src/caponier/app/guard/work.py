"""The guard's work beside its requests: record, detect, and pass on what is found."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Event, Thread
from typing import Final

from caponier.app.guard.ahead import AnswersAhead
from caponier.app.guard.backlog import Backlog
from caponier.app.guard.callers import RecentCallers
from caponier.app.guard.failures import Failures
from caponier.app.guard.log import GuardLog
from caponier.app.guard.order import EventOrder
from caponier.app.guard.response import GuardResponse
from caponier.app.guard.unreadable import UnreadableQueries
from caponier.app.inference.live import LiveFindings
from caponier.app.workspace.erasure import digest_of
from caponier.guard.events import UNREAD, Row, events_of, is_unreadable, why_unreadable
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.metrics import Metrics
from caponier.guard.spool import SpoolProgress
from caponier.records.finding import Finding
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.telemetry.body_limits import BodyLimits
from caponier.telemetry.column_layouts import ColumnLayouts

PAUSE_S: Final = 0.01
"""Between two looks at the queue while there is little to do."""
REST: Final = 2.0
"""Times as long as a look took, detection lets requests have the interpreter that both share."""
LONGEST_REST_S: Final = 0.03
MANY: Final = 10
"""Callers in one look, from which on detection rests twice as long. Half of a look at twenty requests is spent however
many they are: the more it takes together, the less each of them costs. Where few ask, and be it one very fast, it looks
as soon as it can, and an answer that waits for it ends any rest."""
LATE_S: Final = 0.1
"""Behind by more than this, detection does not wait for requests any more: else a flood of them would keep it out."""
TOGETHER_S: Final = 0.1
MOST_TOGETHER: Final = 256
"""Between two looks at what many callers ask together, and events after which it is looked at before that."""
MOST_AT_ONCE: Final = 256
"""Requests that are looked at together."""
MOST_ROWS: Final = 4_096
MOST_NUMBERS: Final = 1_000_000
"""Events that are looked at together, and numbers in them; one request may hold more."""
MOST_OWED: Final = 50_000
"""Events that are held in memory while neither lake nor spool can be written."""


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
        callers: Counts whom the model server answered.
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
    callers: RecentCallers
    backlog: Backlog = field(default_factory=lambda: Backlog(None))
    layouts: ColumnLayouts | None = None
    """Of columns; None where they do not matter."""
    ahead: AnswersAhead = field(default_factory=AnswersAhead)
    crowded_s: float = 2.5
    """Seconds that detection may be behind before whoever keeps it from the others is made to wait."""
    erased: Callable[[], Sequence[str]] = tuple
    """Tells which names were erased since it was asked last, by their digests."""
    server: str | None = None
    """What answers, where that is known."""
    _owed: list[Row] = field(default_factory=list)
    """Events that could be written nowhere so far."""
    _looking: Exchange | None = None
    """The oldest of the requests that are being looked at."""
    _awaited: bool = False
    """Whether the answer to one of them waits for that."""
    _hurried: bool = False
    """Whether one to which that applies waits."""
    _of_many: bool = False
    """Whether what was looked at last came from many callers."""
    _together_at: float = 0.0
    """When it was looked at last what many callers ask together."""
    _stop: Event = field(default_factory=Event)
    _wake: Event = field(default_factory=Event)
    """Set where somebody waits for a request to be looked at."""
    _thread: Thread | None = None

    def keep(self, exchange: Exchange) -> None:
        """Put an exchange where it survives this process; called by the server before its answer has left, and quick.

        Raises:
            OSError, TypeError: If that is not possible.
        """
        # Before anybody can look at it.
        self.ahead.left(exchange)
        exchange.ended = time.monotonic()
        try:
            self.backlog.keep(exchange)
            if exchange.looked_at is not None:
                self._hurried = self._hurried or exchange.is_urgent
                self._wake.set()
        except (OSError, TypeError):
            self.metrics.count("unspooled")
            raise

    def record(self, exchange: Exchange) -> None:
        """Take a finished exchange; called by the server, and quick."""
        self.metrics.note(exchange, enforce=self.enforce)
        exchange.ended = time.monotonic() if exchange.ended is None else exchange.ended
        if not exchange.kept and not self.backlog.put(exchange):
            self.metrics.count("lost_events")

    def __post_init__(self) -> None:
        self.log.switching, self.log.failing = self._switching, partial(self.failed, "lake")

    def start(self) -> None:
        """Begin."""
        self.response.start()
        self._thread = Thread(target=self._run, name="caponier-guard-work", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what waits, and stop."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self.response.close()
        self.log.close()
        if self.backlog.spool is not None:
            self.backlog.spool.close()

    @property
    def waiting_bytes(self) -> int:
        """Of the spool."""
        return 0 if self.backlog.spool is None else self.backlog.spool.waiting

    @property
    def lag_s(self) -> float:
        """Seconds since the oldest request was answered that was not looked at yet; 0 if all were."""
        first = self.backlog.queue.first
        waiting = [self._looking, None if first is None else first.exchange]
        return max((_age(exchange) for exchange in waiting if exchange is not None), default=0.0)

    def is_crowding(self, caller: Caller) -> bool:
        """Tell whether it is a caller's own load that keeps detection from the others; cheap to ask."""
        return self.lag_s > self.crowded_s and self.backlog.callers.is_of(caller)

    @property
    def hurries(self) -> bool:
        """Whether detection gives way to no request: it is late, or somebody's answer waits for it."""
        return self._awaited or self._hurried or self.lag_s > LATE_S

    @property
    def is_alive(self) -> bool:
        """Whether requests are looked at at all."""
        return self._thread is not None and self._thread.is_alive()

    def recover(self) -> int:
        """Look at everything that waits in the spool, before `start`; return how many requests that were."""
        done = 0
        while self.backlog:
            one = self._work()
            done += one
            if not one:
                time.sleep(PAUSE_S)
        self._look_together()
        self._survive("event log", self._tidy)
        return done

    def _run(self) -> None:
        # What cannot be read from the spool at the end stays there for the next start.
        while not (self._stop.is_set() and (not self.backlog or self.backlog.trouble)):
            began = time.monotonic()
            done = self._work()
            if not done or (len(self.backlog.queue) < MOST_AT_ONCE and not self._stop.is_set()):
                rest = min(LONGEST_REST_S, max(PAUSE_S, REST * (time.monotonic() - began)))
                self._wake.wait(2 * rest if self._of_many else rest)
                self._wake.clear()
        self._look_together()
        self._survive("event log", self._tidy)

    def _work(self) -> int:
        """Take the next requests that wait, and do everything that is to be done about them."""
        broken = self.backlog.broken
        self._hurried = False
        taken = self.backlog.take(MOST_AT_ONCE)
        if self.backlog.broken > broken:
            self.metrics.count("lost_events", n=self.backlog.broken - broken)
        if self.backlog.trouble is not None:
            self.failed("spool", self.backlog.trouble)
        self._of_many = len({exchange.caller.name for exchange in taken}) >= MANY
        if taken:
            self._looking = taken[0]
            self._awaited = any(exchange.is_urgent for exchange in taken)
            self._survive("detection", partial(self._look, taken))
            self._looking, self._awaited = None, False
            self.ahead.looked_at(taken, nothing_waits=not self.backlog)
        for exchange in (*taken, *self.backlog.twice()):
            if exchange.looked_at is not None:
                # The server may have ended meanwhile, and with it whoever waited.
                with suppress(RuntimeError):
                    exchange.looked_at()
        if self.live.waiting >= MOST_TOGETHER or time.monotonic() - self._together_at >= TOGETHER_S:
            self._look_together()
        self._survive("event log", self._tidy)
        return len(taken)

    def _survive(self, where: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as failure:  # noqa: BLE001 - the border of the worker: the next must be looked at
            self.failed(where, failure)

    def _tidy(self) -> None:
        """Put what could not be written where it belongs, and note how far everything is."""
        if self._owed:
            self._write([])
        self.log.drain()
        spool = self.backlog.spool
        if spool is not None and not self._owed and spool.taken != spool.progress.place:
            spool.commit(SpoolProgress(spool.taken, *self.log.place))

    def _switching(self, file: str, size: int) -> None:
        """Note, before events go to another file, that none of those that are not done with are in it."""
        if self.backlog.spool is not None:
            self.backlog.spool.commit(SpoolProgress(self.backlog.spool.progress.place, file, size))

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
        rows = [row for own in requests for row in own]
        self._tell(partial(self.live.by_caller, rows))

    def _look_together(self) -> None:
        """Look for attacks that many callers carry out together in what was looked at since the last time."""
        if self.live.waiting:
            self._tell(self.live.by_cell)
        self._together_at = time.monotonic()
        self._survive("erasure", self._forget)

    def _forget(self) -> None:
        """Drop what is known of callers that were erased."""
        erased = frozenset(self.erased())
        if erased:
            self.live.forget(lambda name: digest_of(name) in erased)
            self.order.forget(lambda name: digest_of(name) in erased)

    def _tell(self, look: Callable[[], list[Finding]]) -> None:
        found: list[Finding] = []
        # Each by itself: what fails must neither keep the findings back nor the requests that follow.
        try:
            found = look()
        except Exception as failure:  # noqa: BLE001 - as above
            self.failed("detection", failure)
        for finding in found:
            self.metrics.count("findings", f'detector="{finding.detector}",{self.metrics.of_model(finding.model)}')
        certain = self.live.certain()
        try:
            if found or certain:
                self.response.take(found, certain)
        except Exception as failure:  # noqa: BLE001 - as above
            self.failed("response", failure)

    def _write(self, requests: Sequence[Sequence[Row]]) -> None:
        """Write the events of some requests; where that is not possible, detection goes on all the same."""
        rows = [*self._owed, *(row for own in requests for row in own)]
        try:
            self.log.write(rows)
            self.metrics.count("events", n=len(rows))
            self._owed.clear()
        except Exception as failure:  # noqa: BLE001 - what cannot be written must still be looked at
            if len(requests) > 1 and not isinstance(failure, OSError):
                # Not the disk but an event is at fault; it must not take the others with it.
                for own in requests:
                    self._write([own])
                return
            if isinstance(failure, OSError) and len(rows) <= MOST_OWED:
                self._owed = rows
            else:
                self.metrics.count("lost_events", n=len(requests))
            self.failed("event log", failure)

    def _readable(self, exchange: Exchange, size: int | None, takes: FeatureSpec | None) -> tuple[Exchange, list[Row]]:
        """Return what can be read of an exchange: nothing in an answer costs the question, nor in a body the event."""
        for part, held in _by_parts(exchange):
            try:
                return held, events_of(held, self.limits, size, takes, self.layouts, self.server)
            except Exception as failure:  # noqa: BLE001 - whatever it is, somebody sent it
                self.failed(part, failure)
        bare = replace(exchange, answer=b"", body=b"")
        return bare, events_of(bare, self.limits, size)

    def _events(self, exchange: Exchange) -> list[Row]:
        self.callers.note(exchange)
        size, takes = self.live.size(exchange.call.model), self.live.takes(exchange.call.model)
        exchange, rows = self._readable(exchange, size, takes)
        asked = exchange.call.asks and exchange.status // 100 == 2
        if asked and exchange.call.model not in self.live.models:
            self.unreadable.note_unseen(exchange.call.model)
        system = self.workspace.system_of(rows[0]["model"])
        for row in rows:
            row["system"] = system.name if system else None
        if is_unreadable(exchange, rows):
            self.unreadable.note(exchange, partial(why_unreadable, exchange, self.limits, size, takes, self.server))
            watched = size is not None if exchange.call.asks else self.server is not None
            if watched and not self.enforce:
                self.metrics.count("would_refuse_unread")
        if UNREAD in rows[0] and "input" in rows[0]:
            self.unreadable.note_answer(exchange.call.model, rows[0][UNREAD])
        elif UNREAD in rows[0]:
            self.metrics.count("unread", 'part="request"')
        self.order.stamp(rows)
        return rows


def _by_parts(exchange: Exchange) -> Iterator[tuple[str, Exchange]]:
    """Yield an exchange and, where somebody asks for more, the question of it alone."""
    yield "answer", exchange
    yield "question", replace(exchange, answer=b"")


def _age(exchange: Exchange) -> float:
    """Return for how many seconds an exchange has been over, however the clock was set meanwhile."""
    if exchange.ended is not None:
        return time.monotonic() - exchange.ended
    return max(0.0, time.time() - (exchange.arrived.timestamp() + exchange.took_ms / 1_000))


def _numbers(rows: Sequence[Row]) -> int:
    """Return how many numbers the events of one request hold."""
    first = rows[0]
    return len(rows) * sum(len(first[name]) for name in ("input", "scores") if first.get(name) is not None)
