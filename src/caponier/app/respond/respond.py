"""Plan, apply, approve and undo response actions."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from caponier.app.incidents.correlate import settings_of
from caponier.app.incidents.incidents import CaseFile, read_case
from caponier.app.respond.dry_run_log import LogRead, read_queries
from caponier.app.workspace.workspace import acting_user
from caponier.errors import InputError
from caponier.records.finding import Finding
from caponier.records.incident import Incident, Stage
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionState, ResponseAction
from caponier.respond import actions, limit, playbook
from caponier.respond.dry_run import DryRun, dry_run
from caponier.respond.effects import EFFECTS
from caponier.respond.plan import ResponsePlan, in_words, plan
from caponier.respond.stage import advance
from caponier.store import audit, incidents, response_actions
from caponier.store.database import open_store

NOT_BOUND: Final = (
    "anybody may send any session, and this action does not say who sent the evidence, so no guard carries it out"
)


_SETTINGS: Final = {
    "per_minute": ": {:g} a minute",
    "burst": ", with bursts of {:g}",
    "decimals": ", decimals kept: {:g}",
}
"""How a parameter of an action is told, after what the action does."""

Answers = Callable[[Finding], bool]
"""Tells whether a finding is answered."""


@dataclass(frozen=True, slots=True)
class PlanReport:
    """The actions proposed for an incident, and which queries they would have stopped."""

    plan: ResponsePlan
    dry_runs: tuple[DryRun, ...] = ()
    """One an action of the plan, in its order, and one of all together; empty without a log."""
    log: LogRead | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done."""

    incident: Incident
    actions: tuple[ResponseAction, ...]
    """Active, or awaiting approval."""
    standing: tuple[ResponseAction, ...] = ()
    """Asked for, too, but there already."""


def plan_response(
    workspace: Workspace,
    incident_id: str,
    *,
    log: Sequence[Path] = (),
    now: datetime | None = None,
    actor: str | None = None,
    answers: Answers | None = None,
) -> PlanReport:
    """Say what the playbooks would do about an incident; change nothing.

    Args:
        workspace: Whose incident and playbooks they are.
        incident_id: The incident.
        log: Inference logs over which to count what each action would have stopped.
        now: When the actions would begin; the present by default.
        actor: Who plans; the user who runs this program by default.
        answers: Which findings are answered; all by default.

    Raises:
        InputError: If there is no such incident, or a playbook or a log cannot be read.
    """
    with open_store(workspace.store) as store, store.read() as connection:
        case = read_case(connection, incident_id)
    made = _plan(workspace, case, actor or acting_user(), now or datetime.now(UTC), answers)
    if not log:
        return PlanReport(made)
    read = read_queries(workspace, log)
    counted = dry_run(made.actions, read.queries, case.incident, workspace, settings_of(workspace))
    return PlanReport(made, counted, read)


def apply_response(
    workspace: Workspace,
    incident_id: str,
    *,
    only: Collection[str] = (),
    now: datetime | None = None,
    actor: str | None = None,
    most: int | None = None,
    origins: limit.NameOrigins = limit.CHECKED,
    answers: Answers | None = None,
) -> Applied:
    """Do what the playbooks want done about an incident; actions that need approval wait for it.

    The plan is made anew within the transaction, so that two who apply at once do everything once.

    Args:
        workspace: Whose incident and playbooks they are.
        incident_id: The incident.
        only: Ids of the actions to apply, as the plan gives them; empty is all.
        now: When the actions begin; the present by default.
        actor: Who applies; the user who runs this program by default.
        most: How many callers the actor may bind in an hour; what exceeds it waits for an approver. None for people.
        origins: Of callers' names, where that is limited: those of one address that nobody checks share.
        answers: Which findings are answered; all by default.

    Raises:
        InputError: If there is no such incident, or the plan has no action of an id.
    """
    moment, author = now or datetime.now(UTC), actor or acting_user()
    with open_store(workspace.store) as store, store.write() as connection:
        audit.lock(connection)
        expire_within(connection, moment, author)
        case = read_case(connection, incident_id)
        made = _plan(workspace, case, author, moment, answers)
        chosen = _chosen(made, only)
        if most is not None:
            recent = response_actions.search(connection, since=moment - limit.WINDOW)
            spared = {one.scope for one in recent if one.state is ActionState.UNDONE}
            room = limit.BindingRoom(limit.bound_in(recent, author, moment), most, origins, spared)
            chosen = list(limit.limited(list(chosen), case.actions, room, moment))
        done = [action for action in map(actions.apply, chosen) if response_actions.add(connection, action, author)]
        incident = _settle(connection, made.incident.incident_id, moment, author)
    return Applied(incident, tuple(done), made.standing)


def approve_action(
    workspace: Workspace, action_id: str, *, now: datetime | None = None, actor: str | None = None
) -> ResponseAction:
    """Let an action that awaits approval begin.

    Raises:
        InputError: If there is no such action, it awaits no approval, or this user may not approve it.
    """
    moment, approver = now or datetime.now(UTC), actor or acting_user()
    approvers = settings_of(workspace).approvers
    with open_store(workspace.store) as store, store.write() as connection:
        audit.lock(connection)
        approved = actions.approve(_require(connection, action_id), approver, approvers, moment)
        response_actions.change(connection, approved, approver, "action.approved")
        _settle(connection, approved.incident_id, moment, approver)
    return approved


def undo_for(
    workspace: Workspace, caller: str, *, now: datetime | None = None, actor: str | None = None
) -> tuple[ResponseAction, ...]:
    """End everything that is done to a caller, or awaits approval, at once.

    Args:
        workspace: Whose actions they are.
        caller: A principal, a session or an address, as actions name it.
        now: The present by default.
        actor: Who undoes; the user who runs this program by default.

    Raises:
        InputError: If nothing is done to anybody of that name.
    """
    moment, author = now or datetime.now(UTC), actor or acting_user()
    with open_store(workspace.store) as store, store.write() as connection:
        audit.lock(connection)
        live = actions.as_of(response_actions.search(connection, states=response_actions.LIVE), moment)
        named = [one for one in live if one.scope.id == caller and one.state in response_actions.LIVE]
        if not named:
            raise InputError(
                "nothing is done to a caller of this name", where=caller, hint="List it with: caponier respond list"
            )
        undone = tuple(actions.undo(action, moment) for action in named)
        for action in undone:
            response_actions.change(connection, action, author, "action.undone")
        for incident_id in dict.fromkeys(action.incident_id for action in undone):
            _settle(connection, incident_id, moment, author)
    return undone


def undo_action(
    workspace: Workspace, action_id: str, *, now: datetime | None = None, actor: str | None = None
) -> ResponseAction:
    """End an action that is active or awaits approval, at once.

    Raises:
        InputError: If there is no such action, or it is over already.
    """
    moment, author = now or datetime.now(UTC), actor or acting_user()
    with open_store(workspace.store) as store, store.write() as connection:
        audit.lock(connection)
        undone = actions.undo(_require(connection, action_id), moment)
        response_actions.change(connection, undone, author, "action.undone")
        _settle(connection, undone.incident_id, moment, author)
    return undone


def list_actions(
    workspace: Workspace,
    *,
    incident_id: str | None = None,
    everything: bool = False,
    now: datetime | None = None,
) -> list[ResponseAction]:
    """Return response actions as they stand now, the last created first.

    Args:
        workspace: Whose actions they are.
        incident_id: Only for this incident.
        everything: Include actions that were undone or have expired.
        now: The present by default.

    Raises:
        InputError: If there is no such incident.
    """
    moment = now or datetime.now(UTC)
    with open_store(workspace.store) as store, store.read() as connection:
        ids = incidents.ids_of(read_case(connection, incident_id).incident) if incident_id else None
        found = response_actions.search(connection, incident_ids=ids)
    # The audit row of an expiry is written by the next who writes; the action is over without it.
    standing = actions.as_of(found, moment)
    return [action for action in standing if everything or action.state in response_actions.LIVE]


def by_doubt(workspace: Workspace, found: Sequence[ResponseAction]) -> list[ResponseAction]:
    """Sort actions so that what a machine began on the weakest grounds stands first: a mistake is likeliest there.

    What awaits approval follows, and then what somebody has approved; otherwise the order stays.
    """
    sure: dict[str, float] = {}
    with open_store(workspace.store) as store, store.read() as connection:
        for incident_id in dict.fromkeys(action.incident_id for action in found if limit.is_automatic(action)):
            findings = read_case(connection, incident_id).findings
            sure[incident_id] = max((finding.confidence for finding in findings), default=0.0)
    return sorted(found, key=lambda one: _rank(one, sure))


def _rank(action: ResponseAction, sure: Mapping[str, float]) -> tuple[int, float]:
    if limit.is_automatic(action):
        return 0, sure[action.incident_id]
    return (1, 0.0) if action.state is ActionState.AWAITING_APPROVAL else (2, 0.0)


def expire_actions(
    workspace: Workspace, *, now: datetime | None = None, actor: str | None = None
) -> tuple[ResponseAction, ...]:
    """Note which actions have come to their end."""
    with open_store(workspace.store) as store, store.write() as connection:
        audit.lock(connection)
        return expire_within(connection, now or datetime.now(UTC), actor or acting_user())


def _plan(workspace: Workspace, case: CaseFile, author: str, now: datetime, answers: Answers | None) -> ResponsePlan:
    settings = settings_of(workspace)
    rules = playbook.load(settings, workspace.root)
    found = [finding for finding in case.findings if answers is None or answers(finding)]
    return plan(case.incident, found, rules, workspace, settings, author=author, now=now, known=case.actions)


def _chosen(made: ResponsePlan, only: Collection[str]) -> Iterable[ResponseAction]:
    known = {action.action_id for action in made.actions}
    there = {action.action_id for action in made.standing}
    for wanted in only:
        if wanted not in known | there:
            raise InputError(
                "the plan has no such action",
                where=wanted,
                hint=f"See: caponier respond plan {made.incident.incident_id}",
            )
    return [action for action in made.actions if not only or action.action_id in only]


def expire_within(connection: Connection, now: datetime, actor: str) -> tuple[ResponseAction, ...]:
    """Note which actions have come to their end, within the caller's write transaction."""
    expired = actions.expire(response_actions.due(connection, now), now)
    for action in expired:
        response_actions.change(connection, action, actor, "action.expired")
    for incident_id in dict.fromkeys(action.incident_id for action in expired):
        _settle(connection, incident_id, now, actor)
    return tuple(expired)


def _settle(connection: Connection, incident_id: str, now: datetime, actor: str) -> Incident:
    """Say whether an incident is contained: something is in force, and nothing awaits approval."""
    case = read_case(connection, incident_id)
    live = [action.state for action in case.actions if now < action.expires]
    contained = ActionState.ACTIVE in live and ActionState.AWAITING_APPROVAL not in live
    stage, why = case.incident.stage, ""
    if stage is Stage.OPEN and contained:
        stage, why = Stage.CONTAINED, "response actions are in force"
    elif stage is Stage.CONTAINED and ActionState.ACTIVE not in live:
        stage, why = Stage.OPEN, "no response action is in force any more"
    if stage is case.incident.stage:
        return case.incident
    moved = advance(case.incident, stage, now)
    details = {"from": case.incident.stage.value, "to": stage.value, "why": why}
    incidents.change(connection, moved, actor, "incident.stage", details)
    return moved


def _require(connection: Connection, action_id: str) -> ResponseAction:
    found = response_actions.get(connection, action_id)
    if found is None:
        raise InputError(
            "there is no such response action", where=action_id, hint="List them with: caponier respond list --all"
        )
    return found


def in_plain_words(action: ResponseAction) -> str:
    """Say what an action does, to whom, and where."""
    does = EFFECTS[action.kind].does.format(what=in_words(action.scope, action.kind))
    if action.scope.kind in ("principal", "session", "account", "address"):
        does += (
            f", at model {action.model}" if action.model else f", at system {action.system}" if action.system else ""
        )
    return does + "".join(
        said.format(action.parameters[name]) for name, said in _SETTINGS.items() if name in action.parameters
    )


def done_by_guard(action: ResponseAction) -> bool:
    """Tell whether a guard does it by itself; other actions are an order to people."""
    scopes = ("principal", "session", "address", "model")
    return EFFECTS[action.kind].by_guard and action.scope.kind in scopes and not action.unsent


def carried_out_by(action: ResponseAction) -> str:
    """Say who does it."""
    if EFFECTS[action.kind].by_guard and action.unsent:
        return f"you: {NOT_BOUND}"
    return (
        "the guard, in enforce mode"
        if done_by_guard(action)
        else "you; Caponier only records that it was asked for, and until when"
    )
