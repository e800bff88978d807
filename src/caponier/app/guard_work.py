"""The guard's work beside its requests: record, detect, respond, and keep the decisions up to date."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Thread
from typing import Final

from caponier.app.action_feed import ActionFeed
from caponier.app.correlate_findings import correlate_findings, settings_of
from caponier.app.findings import record_findings
from caponier.app.guard_log import EventOrder, GuardLog
from caponier.app.incidents import show_incident
from caponier.app.live_findings import LiveFindings
from caponier.app.respond import apply_response, plan_response
from caponier.guard.decisions import Decisions
from caponier.guard.events import Row, events_of
from caponier.guard.exchange import Exchange
from caponier.guard.metrics import Metrics
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionState, ResponseAction
from caponier.respond import playbook
from caponier.respond.correlate import correlate
from caponier.respond.plan import Key, key_of, plan
from caponier.store.response_actions import ActiveActions

ACTOR: Final = "caponier guard"
"""Who acts, for the audit log."""
QUEUE_LENGTH: Final = 20_000
QUEUE_BYTES: Final = 256 * 2**20
PAUSE_S: Final = 0.01
"""Between two looks at the queue: the longest that an event waits while there is little to do."""
MOST_AT_ONCE: Final = 256
"""Requests that are looked at together."""
POLL_S: Final = 1.0
"""Between two looks at what other programs have changed."""
MOST_WAITING: Final = 10_000
"""Findings that wait for a store that cannot be written; later ones are lost, and told."""

UNTIL_STORED: Final = timedelta(minutes=10)
"""For how long an action may be in force that the store does not know yet."""

Tell = Callable[[str], None]


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
        decisions: Kept up to date.
        metrics: Counts.
        tell: Says what happened, in a line.
        enforce: Apply at once what the playbooks want done and needs no approval.
        body_limit: Most bytes of a body after unpacking.
    """

    workspace: Workspace
    live: LiveFindings
    order: EventOrder
    log: GuardLog
    decisions: Decisions
    metrics: Metrics
    tell: Tell
    enforce: bool
    body_limit: int
    queue: ExchangeQueue = field(default_factory=ExchangeQueue)
    _rules: Sequence[playbook.Rule] = ()
    _active: tuple[ResponseAction, ...] = ()
    """In force, by the store."""
    _spared: dict[Key, datetime] = field(default_factory=dict)
    """What somebody has undone, and until when it is not begun before the store is asked."""
    _stop: Event = field(default_factory=Event)
    _thread: Thread | None = None
    _findings: list[Finding] = field(default_factory=list)
    """Those that are not in the store yet."""
    _loose: bool = False
    """Whether findings in the store are to be joined into incidents."""
    _due: list[str] = field(default_factory=list)
    """Ids of the incidents that are to be answered."""
    _told: set[str] = field(default_factory=set)

    def record(self, exchange: Exchange) -> None:
        """Take a finished exchange; called by the server, and quick."""
        self.metrics.note(exchange, enforce=self.enforce)
        if not self.queue.put(exchange):
            self.metrics.count("lost_events")

    def failed(self, where: str, failure: Exception) -> None:
        """Count a failure that was survived; say so when its kind is new.

        The message of the exception is not repeated: it may hold what a caller sent.
        """
        kind = f"{where}: {type(failure).__name__}"
        self.metrics.count("failures", f'kind="{kind}"')
        if kind not in self._told:
            self._told.add(kind)
            self.tell(f"warning: {kind}; the guard goes on, and counts how often this happens")

    def start(self) -> None:
        """Read what is in force, and begin.

        Raises:
            InputError: If a playbook cannot be read.
        """
        self._rules = playbook.load(settings_of(self.workspace), self.workspace.root)
        with ActionFeed(self.workspace) as feed:
            self._go_by(feed.read(datetime.now(UTC)))
        self._thread = Thread(target=self._run, name="caponier-guard-work", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Finish what is in the queue, and stop."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.log.close()

    def _run(self) -> None:
        with ActionFeed(self.workspace) as feed:
            polled = time.monotonic()
            while not (self._stop.is_set() and not self.queue):
                taken = self.queue.take(MOST_AT_ONCE)
                found = bool(taken) and self._survive("detection", partial(self._look, taken))
                if found:
                    self._survive("response", self._begin)
                    self._survive("response", partial(self._respond, feed))
                if time.monotonic() - polled >= POLL_S:
                    polled = time.monotonic()
                    self._survive("store", partial(self._poll, feed))
                    if self._findings or self._loose or self._due:
                        self._survive("response", partial(self._respond, feed))
                if len(self.queue) < MOST_AT_ONCE:
                    self._stop.wait(PAUSE_S)

    def _survive(self, where: str, work: Callable[[], bool]) -> bool:
        try:
            return work()
        except Exception as failure:  # noqa: BLE001 - the border of the worker: the next events must be looked at
            self.failed(where, failure)
        return False

    def _look(self, taken: Sequence[Exchange]) -> bool:
        """Record and look at exchanges; tell whether there is something to respond to."""
        rows: list[Row] = []
        for exchange in taken:
            try:
                rows += self._events(exchange)
            except Exception as failure:  # noqa: BLE001 - one request must not take the others with it
                self.metrics.count("lost_events")
                self.failed("event", failure)
        try:
            self.log.write(rows)
            self.metrics.count("events", n=len(rows))
        except OSError as failure:
            self.metrics.count("lost_events", n=len(taken))
            self.failed("event log", failure)
        found = self.live.feed(rows)
        for finding in found:
            self.metrics.count("findings", f'detector="{finding.detector}"')
        room = MOST_WAITING - len(self._findings)
        self._findings += found[:room]
        return bool(found)

    def _events(self, exchange: Exchange) -> list[Row]:
        rows = events_of(exchange, self.body_limit)
        system = self.workspace.system_of(rows[0]["model"])
        for row in rows:
            row["system"] = system.name if system else None
        if exchange.call.operation in ("predict", "explain") and exchange.status == 200 and "input" not in rows[0]:
            self.metrics.count("unreadable")
        self.order.stamp(rows)
        return rows

    def _begin(self) -> bool:
        """Begin in memory what the store will be told next: writing it down takes as long as hundreds of queries.

        It lasts until the store has the actions, which then take its place, or for some minutes if the store is down.
        """
        if not self.enforce:
            return False
        settings, now = settings_of(self.workspace), datetime.now(UTC)
        begun: list[ResponseAction] = []
        for incident in correlate(self._findings, (), (), self.workspace, settings, now).incidents:
            own = [finding for finding in self._findings if finding.finding_id in incident.finding_ids]
            made = plan(incident, own, self._rules, self.workspace, settings, author=ACTOR, now=now)
            begun += [
                replace(action, state=ActionState.ACTIVE, expires=min(action.expires, now + UNTIL_STORED))
                for action in made.actions
                if not action.needs_approval and self._spared.get(key_of(action), now) <= now
            ]
        self.decisions.replace([*self._active, *begun])
        return True

    def _respond(self, feed: ActionFeed) -> bool:
        """Keep the findings, join them into incidents and, where that is wanted, do what the playbooks say.

        What fails stays where it is, and is tried again when the store is looked at next.
        """
        if self._findings:
            found = list(self._findings)
            record_findings(self.workspace, found, actor=ACTOR)
            del self._findings[: len(found)]
            self._loose = True
            for finding in found:
                said = f"{finding.severity.value} finding {finding.finding_id}: {finding.summary}"
                self.tell(f"{said} ({finding.subject.kind} {finding.subject.id}, model {finding.model})")
        if self._loose:
            joined = correlate_findings(self.workspace, actor=ACTOR)
            self._loose = False
            if self.enforce:
                self._due += [incident.incident_id for incident in (*joined.opened, *joined.changed)]
        while self._due:
            self._answer(self._due[0])
            del self._due[0]
        self._go_by(feed.read(datetime.now(UTC)))
        return True

    def _answer(self, incident_id: str) -> None:
        """Do what the playbooks want done about an incident, but for what somebody has undone: that is for people."""
        known = show_incident(self.workspace, incident_id).actions
        undone = [action for action in known if action.state is ActionState.UNDONE]
        self._spare(undone)
        left = {key_of(action) for action in undone}
        planned = plan_response(self.workspace, incident_id, actor=ACTOR).plan.actions
        wanted = [action.action_id for action in planned if key_of(action) not in left]
        if not wanted:
            return
        for action in apply_response(self.workspace, incident_id, only=wanted, actor=ACTOR).actions:
            what = f"{action.state.value}: {action.kind.value} {action.scope.kind} {action.scope.id}"
            self.tell(f"{what} until {action.expires:%Y-%m-%d %H:%M} UTC ({action.incident_id})")

    def _go_by(self, force: ActiveActions) -> None:
        """Decide by what the store says; what is gone from it before its end was undone."""
        now, ids = datetime.now(UTC), {action.action_id for action in force.actions}
        self._spare(action for action in self._active if action.action_id not in ids and now < action.expires)
        self._active = force.actions
        self.decisions.replace(self._active)

    def _spare(self, undone: Iterable[ResponseAction]) -> None:
        # As long as whatever else the caller does belongs to the same incident.
        until = datetime.now(UTC) + settings_of(self.workspace).gap
        self._spared |= {key_of(action): until for action in undone}

    def _poll(self, feed: ActionFeed) -> bool:
        now = datetime.now(UTC)
        changed = feed.poll(now)
        if changed is not None:
            self._go_by(changed)
        feed.expire(now, actor=ACTOR)
        return True
