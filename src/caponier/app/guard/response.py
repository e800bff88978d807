"""What a guard does about its findings: at once in memory, and then in the store, where everybody sees it."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Any, Final, NamedTuple

from caponier.app.guard.failures import Failures, Tell
from caponier.app.guard.steady_time import SteadyTime
from caponier.app.incidents.correlate import correlate_findings, settings_of
from caponier.app.incidents.findings import record_findings
from caponier.app.incidents.incidents import incidents_holding, show_incident
from caponier.app.respond.action_feed import ActionFeed
from caponier.app.respond.respond import NOT_BOUND, apply_response, plan_response
from caponier.guard.decisions import KINDS, Decisions
from caponier.records.accused import BUCKET, accused
from caponier.records.finding import Finding, SubjectRef
from caponier.records.incident import Incident
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionState, ResponseAction
from caponier.respond import limit, playbook
from caponier.respond.actors import Actors
from caponier.respond.correlate import correlate
from caponier.respond.plan import Key, callers_of, key_of, plan

ACTOR: Final = "caponier guard"
"""Who acts, for the audit log."""
POLL_S: Final = 1.0
"""Between two looks at what other programs have changed, and between two attempts to write."""
MOST_WAITING: Final = 10_000
"""Findings that wait for a store that cannot be written; later ones are lost."""
MOST_CERTAIN: Final = 50_000
"""Findings of which it is remembered that they may be answered after all; incidents of older ones are answered long
since."""
UNTIL_STORED: Final = timedelta(minutes=10)
"""For how long an action may be in force that the store does not know yet."""
PLANNED_ANEW: Final = timedelta(minutes=1)
"""After which what still waits is planned anew, so that it lasts long enough."""
MOST_TOGETHER: Final = 200
"""Findings that are joined and answered in memory at once: in a storm the last ones count, and what was begun stays."""
ANSWERING_S: Final = 0.5
"""For how long incidents are answered before it is looked at what people have undone."""
CLOSING_S: Final = 5.0
"""For how long they are answered at the end; what exceeds that stands in the list of incidents."""
TOLD_S: Final = 60.0
"""Between two warnings that responses wait for people."""


class _Planned(NamedTuple):
    """What was planned about an incident as it stood."""

    at: datetime
    incident: Incident
    findings: Sequence[Finding]
    actions: Sequence[ResponseAction]


class GuardResponse:
    """Takes findings from the detection, and keeps the guard's decisions up to date.

    Recording, joining and applying take a quarter of a second, in which a fast attacker asks hundreds of queries. So
    what the playbooks want is begun in memory first; the store is told in a thread of its own.

    Args:
        workspace: Whose store and playbooks they are.
        decisions: Kept up to date.
        tell: Says what happened, in a line.
        failed: Takes failures that are survived.
        enforce: Do what the playbooks want done and needs no approval, within the limit of `[respond]`.
        callers: Tells how many callers there were within the last hour.
        withheld: Counts responses that wait for people because of the limit.
        origins: Of callers' names: those of one address that nobody checks share what may be bound.
        found_together: Told of callers whose queries are of one search.
        adds_up: Tells of a finding whether it may come of many callers who count as one: nothing is done about those.

    Raises:
        InputError: If a playbook cannot be read.
    """

    def __init__(
        self,
        workspace: Workspace,
        decisions: Decisions,
        tell: Tell,
        failed: Failures,
        *,
        enforce: bool,
        callers: Callable[[], int] = lambda: 0,
        withheld: Callable[[int], None] = lambda _: None,
        origins: limit.NameOrigins = limit.CHECKED,
        found_together: Callable[[Iterable[str]], object] = lambda _: None,
        adds_up: Callable[[Finding], bool] = lambda _: False,
    ) -> None:
        self._workspace, self._decisions, self._tell, self._failed = workspace, decisions, tell, failed
        self._enforce, self._settings = enforce, settings_of(workspace)
        self._rules = playbook.load(self._settings, workspace.root)
        self._actors = Actors(workspace.identities, self._settings)
        self._lock = Lock()
        """Held where the findings, what is in force and what is begun are changed together; never while writing."""
        self._waiting: list[Finding] = []
        self._active: tuple[ResponseAction, ...] = ()
        self._begun: dict[Key, ResponseAction] = {}
        """What was begun about findings that wait for the store."""
        self._bound: dict[SubjectRef, datetime] = {}
        """Whom this has bound by itself within the last hour, and since when."""
        self._refused: set[SubjectRef] = set()
        """Whom it would have bound but for the limit, since that was told last."""
        self._callers, self._withheld, self._last_told = callers, withheld, -TOLD_S
        self._origins, self._found_together, self._adds_up = origins, found_together, adds_up
        self._spared: dict[Key, datetime] = {}
        """What somebody has undone, and until when it is not begun before the store is asked."""
        self._let_go: dict[SubjectRef, datetime] = {}
        """Whom that was done to, and until when nothing is begun against it in others' stead."""
        self._certain: dict[str, None] = {}
        """Ids of findings that were told while more benign callers come as high than responses may bind by mistake, and
        whose subjects have come higher since."""
        self._turned: set[str] = set()
        """Those of them whose incidents are not known to be due yet."""
        self._warned: set[str] = set()
        """Ids of the actions that bind nobody, of which that was told."""
        self._due: list[str] = []
        """Ids of the incidents that are to be answered; touched by the thread alone."""
        self._plans: OrderedDict[str, _Planned] = OrderedDict()
        """By incident: what was planned about it."""
        self._time = SteadyTime()
        self._wake, self._stop = Event(), Event()
        self._thread = Thread(target=self._run, name="caponier-guard-response", daemon=True)

    def start(self) -> None:
        """Read what is in force, and begin."""
        with ActionFeed(self._workspace) as feed:
            self._go_by(feed.read(self._time.now()).actions)
        self._thread.start()

    def close(self) -> None:
        """Write what is left, and stop."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def take(self, found: Sequence[Finding], certain: Sequence[Finding] = ()) -> None:
        """Respond to findings at once, and have them recorded.

        Args:
            found: New ones; those that are not rare enough for a response are recorded alone.
            certain: Such ones of before, whose subjects have become rare enough since.
        """
        self.doubt(found)
        for finding in (*certain, *filter(self.answers, found)):
            if finding.subject.kind == BUCKET:
                self._found_together(accused(finding))
        with self._lock:
            turned = {finding.finding_id for finding in certain}
            self._certain |= dict.fromkeys(turned)
            for old in list(self._certain)[:-MOST_CERTAIN]:
                del self._certain[old]
            self._turned |= turned
            fresh = {finding.finding_id: finding for finding in (*self._waiting, *certain, *found)}
            self._waiting = list(fresh.values())[:MOST_WAITING]
            self._decide()
        self._wake.set()
        for finding in found:
            said = f"{finding.severity.value} finding {finding.finding_id}: {finding.summary}"
            self._tell(f"{said} ({finding.subject.in_words}, model {finding.model})")

    def doubt(self, found: Iterable[Finding]) -> None:
        """Have answers to those of whom something was found wait until detection has looked at what they ask.

        Many of them are benign, and lose some hundredths of a second by it; nobody else gets the answer to the query
        with which he becomes certain, however fast he asks.
        """
        for finding in found:
            together = accused(finding) if finding.subject.kind == BUCKET else ()
            self._decisions.doubt(SubjectRef("principal", name) for name in together)
            self._decisions.doubt(callers_of(finding, self._actors))

    def _run(self) -> None:
        polled = time.monotonic()
        with ActionFeed(self._workspace) as feed:
            while not self._stop.is_set():
                woken = self._wake.wait(max(0.0, polled + POLL_S - time.monotonic()))
                self._wake.clear()
                self._survive(lambda: self._follow_clock(feed))
                if woken:
                    self._survive(lambda: self._respond(feed))
                if time.monotonic() - polled >= POLL_S:
                    polled = time.monotonic()
                    self._survive(lambda: self._poll(feed))
            if self._waiting or self._due or self._turned:
                self._survive(lambda: self._respond(feed))

    def _survive(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as failure:  # noqa: BLE001 - the border of the thread: it is tried again at the next look
            self._failed("response", failure)

    def _follow_clock(self, feed: ActionFeed) -> None:
        """Have everything last as long as it was to if the clock was set; until that is stored, it counts as not set.

        What is in force is moved in the store, too: else others, and this after a restart, would take it for over.
        """
        by = self._time.stepped()
        if not by:
            return
        with self._lock:
            active = self._active
        feed.redate(active, by, actor=ACTOR)
        with self._lock:
            self._time.follow()
            for moments in (self._spared, self._let_go, self._bound):
                _move(moments, by)
            self._begun = {
                key: replace(one, created=one.created + by, expires=one.expires + by)
                for key, one in self._begun.items()
            }
        self._tell(
            f"note: the clock was set by {by.total_seconds():+,.0f} seconds; actions last as long as they were to"
        )
        self._go_by(feed.read(self._time.now()).actions)

    def _poll(self, feed: ActionFeed) -> None:
        now = self._time.now()
        changed = feed.poll(now)
        if changed is not None:
            self._go_by(changed.actions)
        feed.expire(now, actor=ACTOR)
        if self._waiting or self._due or self._turned:
            self._respond(feed)

    def _respond(self, feed: ActionFeed) -> None:
        """Keep the findings, join them into incidents and do what the playbooks say; what fails stays as it is."""
        with self._lock:
            found, turned = list(self._waiting), sorted(self._turned)
        if found:
            record_findings(self._workspace, found, actor=ACTOR)
        joined = correlate_findings(self._workspace, actor=ACTOR)
        if self._enforce:
            due = [*self._due, *(incident.incident_id for incident in (*joined.opened, *joined.changed))]
            due += incidents_holding(self._workspace, turned)
            self._due = list(dict.fromkeys(due))
        with self._lock:
            self._turned.difference_update(turned)
        try:
            self._answer_due()
        finally:
            # An incident that cannot be answered stays due; findings that are in the store must not wait for it.
            self._go_by(feed.read(self._time.now()).actions, stored=len(found))

    def _answer_due(self) -> None:
        """Answer every incident that is due; one that fails stays so, and keeps no other waiting."""
        failures: list[Exception] = []
        until = time.monotonic() + (CLOSING_S if self._stop.is_set() else ANSWERING_S)
        for incident_id in tuple(self._due):
            if time.monotonic() > until:
                break
            try:
                self._answer(incident_id)
                self._due.remove(incident_id)
            except Exception as failure:  # noqa: BLE001 - raised when the others are done
                # Behind the others: it may have taken all the time there is.
                self._due.remove(incident_id)
                self._due.append(incident_id)
                failures.append(failure)
        if failures:
            raise failures[0]

    def _answer(self, incident_id: str) -> None:
        """Do what the playbooks want done about an incident, but for what somebody has undone: that is for people."""
        now = self._time.now()
        planned = plan_response(self._workspace, incident_id, now=now, actor=ACTOR, answers=self.answers).plan.actions
        # Asked afterwards: an action that is undone between the two would be planned again and not be known as undone.
        known = show_incident(self._workspace, incident_id).actions
        undone = {key_of(action): action for action in known if action.state is ActionState.UNDONE}
        with self._lock:
            self._spare(undone.values())
        wanted = [action.action_id for action in planned if key_of(action) not in undone]
        if not wanted:
            return
        applied = apply_response(
            self._workspace,
            incident_id,
            only=wanted,
            now=now,
            actor=ACTOR,
            most=self._most(),
            origins=self._origins,
            answers=self.answers,
        )
        with self._lock:
            # What is gone when the store is read next was undone, however soon that was.
            self._active += tuple(action for action in applied.actions if action.state is ActionState.ACTIVE)
        for action in applied.actions:
            what = f"{action.state.value}: {action.kind.value} {action.scope.in_words}"
            self._tell(f"{what} until {action.expires:%Y-%m-%d %H:%M} UTC ({action.incident_id})")

    def _go_by(self, actions: tuple[ResponseAction, ...], *, stored: int = 0) -> None:
        """Decide by what the store says; what is gone from it before its end was undone.

        Args:
            actions: In force.
            stored: Of the findings that wait, how many have found their answer in it.
        """
        now, ids = self._time.now(), {action.action_id for action in actions}
        with self._lock:
            self._warn_unsent(actions)
            self._spare(action for action in self._active if action.action_id not in ids and now < action.expires)
            self._active = actions
            del self._waiting[:stored]
            self._decide()

    def _warn_unsent(self, actions: Iterable[ResponseAction]) -> None:
        for action in actions:
            if action.unsent and action.kind in KINDS and action.action_id not in self._warned:
                self._warned.add(action.action_id)
                said = f"{action.action_id} ({action.kind.value} {action.scope.in_words}) is not carried out"
                hint = f"undo it (caponier respond undo {action.action_id}) and plan anew"
                self._tell(f"warning: {said}: {NOT_BOUND}; {hint}")

    def _decide(self) -> None:
        """Decide by what is in force and what the playbooks want done about the findings that wait for the store."""
        if not self._waiting and not self._due and not self._turned:
            self._begun.clear()
        elif self._enforce and self._waiting:
            self._begin(self._time.now())
        self._decisions.replace([*self._active, *self._begun.values()], self._time.now().timestamp())

    def _begin(self, now: datetime) -> None:
        """Begin what may begin by itself; the rest waits for people."""
        self._bound |= limit.bound_in(self._active, ACTOR, now)
        self._bound = {scope: at for scope, at in self._bound.items() if now - limit.WINDOW < at}
        self._begun = {key: one for key, one in self._begun.items() if one.expires > now and key not in self._spared}
        most = self._most()
        spared = [scope for scope, until in self._let_go.items() if now < until]
        room = limit.BindingRoom(self._bound, most, self._origins, spared)
        for incident in self._joined(now):
            try:
                wanted = list(self._wanted(incident, now))
            except Exception as failure:  # noqa: BLE001 - one that cannot be planned must not spare all others
                self._failed("response", failure)
                continue
            for action in wanted:
                begun = room.begin(action, now) if limit.binds(action) else action
                if begun is None:
                    self._refused.add(action.scope)
                else:
                    before = self._begun.get(key_of(begun), begun)
                    # It is the same one that goes on: only one that lasts longer is given a later end.
                    self._begun[key_of(begun)] = replace(begun, created=min(begun.created, before.created))
        self._bound = room.bound
        self._tell_withheld(most)

    def _most(self) -> int:
        return limit.most_bound(self._settings, self._callers())

    def _tell_withheld(self, most: int) -> None:
        """Say that responses wait for people, in the first moment of a storm and then once a minute."""
        if not self._refused or time.monotonic() - self._last_told < TOLD_S:
            return
        self._last_told = time.monotonic()
        self._withheld(len(self._refused))
        self._tell(
            f"warning: {len(self._refused):,} callers are not responded to: responses may bind {most} callers an hour "
            "by themselves ([respond] limit and limit_least), and have; what exceeds it waits for an approver: "
            "caponier respond list"
        )
        self._refused.clear()

    def _joined(self, now: datetime) -> Sequence[Incident]:
        """Join the findings that wait into incidents; if one is broken, each that is not by itself."""
        latest = self._waiting[-MOST_TOGETHER:]
        try:
            return correlate(latest, (), (), self._workspace, self._settings, now).incidents
        except Exception as failure:  # noqa: BLE001 - a broken finding must not spare all others
            self._failed("response", failure)
        alone: list[Incident] = []
        for finding in latest:
            with suppress(Exception):
                alone += correlate([finding], (), (), self._workspace, self._settings, now).incidents
        return alone

    def answers(self, finding: Finding) -> bool:
        """Tell whether a finding is rare enough for a response that nobody was asked about."""
        share = finding.evidence.share
        rare = share is None or share <= self._settings.alpha or finding.finding_id in self._certain
        return rare and not self._adds_up(finding)

    def _wanted(self, incident: Incident, now: datetime) -> Iterable[ResponseAction]:
        for action in self._planned(incident, now):
            if not action.needs_approval and self._spared.get(key_of(action), now) <= now:
                until = min(action.expires, now + UNTIL_STORED)
                yield replace(action, state=ActionState.ACTIVE, expires=until)

    def _planned(self, incident: Incident, now: datetime) -> Sequence[ResponseAction]:
        """Plan an incident, or take the plan of a moment ago: in a storm hundreds wait that have not changed."""
        of = frozenset(incident.finding_ids)
        own = [one for one in self._waiting if one.finding_id in of and self.answers(one)]
        known = self._plans.get(incident.incident_id)
        # Compared as a whole: a finding keeps its id while what it says becomes worse.
        same = known is not None and known.incident == incident and known.findings == own
        if known is None or not same or not timedelta() <= now - known.at < PLANNED_ANEW:
            made = plan(incident, own, self._rules, self._workspace, self._settings, author=ACTOR, now=now)
            known = _Planned(now, incident, own, made.actions)
        self._plans[incident.incident_id] = known
        self._plans.move_to_end(incident.incident_id)
        while len(self._plans) > MOST_TOGETHER:
            self._plans.popitem(last=False)
        return known.actions

    def _spare(self, undone: Iterable[ResponseAction]) -> None:
        # As long as whatever else the caller does belongs to the same incident.
        until = self._time.now() + self._settings.gap
        for action in undone:
            self._spared[key_of(action)] = self._let_go[action.scope] = until
            self._origins.pardon(action.scope)


def _move(moments: dict[Any, datetime], by: timedelta) -> None:
    for key in moments:
        moments[key] += by
