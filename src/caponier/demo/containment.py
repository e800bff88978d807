"""Block the demo's attacker by the playbook, see what that costs others, undo it, and block again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Final

from caponier.app.guard.run import Guard, Listening, guarding
from caponier.app.respond.respond import (
    apply_response,
    approve_action,
    done_by_guard,
    list_actions,
    plan_response,
    undo_action,
)
from caponier.app.workspace.verify_audit import list_audit
from caponier.demo.clients import AttackJob, ClientPool, Endpoint
from caponier.demo.folder import DemoFolder
from caponier.demo.models import UNSAFE
from caponier.demo.outcome import AccessCheck, Containment
from caponier.emulate.images import Images
from caponier.emulate.simulation.population import Member
from caponier.errors import CaponierError
from caponier.formats.atomic_file import write_bytes
from caponier.guard.settings import GuardSettings
from caponier.records.incident import Incident
from caponier.records.response_action import ActionKind, ActionState, ResponseAction

ANALYST: Final = "demo analyst"
APPROVER: Final = "demo approver"
"""Two people: whoever asks for an action may not approve it."""
KNOCKS: Final = 20
"""Requests that each of the attacker's keys tries at a time."""
BENIGN_QUERIES: Final = 20
"""Different images that each benign user asks for at a time."""
PATIENCE_S: Final = 10.0


@dataclass(frozen=True, eq=False)
class ContainmentScenario:
    """Who asks a guarded model.

    Args:
        people: The processes from which they ask.
        members: Benign users.
        jobs: The attacker's keys.
        images: Ordinary images, with which the attacker's keys try whether they are let in, shape (k, 64).
        model: Name of the model.
        upstream: Address of its server.
    """

    people: ClientPool
    members: Sequence[Member]
    jobs: Sequence[AttackJob]
    images: Images
    model: str
    upstream: str


def contain(folder: DemoFolder, incident: Incident, scene: ContainmentScenario) -> Containment:
    """Answer an incident.

    Every request goes through a guard in enforce mode, which reads from the store what is in force.
    """
    workspace, id_ = folder.workspace, incident.incident_id
    planned = plan_response(workspace, id_, log=[folder.traffic_log], actor=ANALYST)
    with _guard(folder, scene.upstream) as listening:
        guard, door = listening.guard, Endpoint(listening.url, scene.model)
        _block(folder, incident)
        _await(guard, lambda rules: rules > 0)
        blocked = _probe(scene, door)
        for action in _guarded(list_actions(workspace, incident_id=id_)):
            undo_action(workspace, action.action_id, actor=ANALYST)
        _await(guard, lambda rules: rules == 0)
        undone = _probe(scene, door)
        _block(folder, incident)
        _await(guard, lambda rules: rules > 0)
        again = _probe(scene, door)
    actions = list_actions(workspace, incident_id=id_, everything=True)
    return Containment(
        dry_run=planned.dry_runs[-1],
        actions=tuple(sorted(actions, key=lambda action: (action.created, action.action_id))),
        blocked=blocked,
        undone=undone,
        again=again,
        undo_rows=sum(row.action == "action.undone" for row in list_audit(workspace, limit=10_000)),
        approver=APPROVER,
        moved=_move(folder, actions),
    )


def _block(folder: DemoFolder, incident: Incident) -> None:
    """Do what the playbook says, and let a second person approve what waits for that."""
    applied = apply_response(folder.workspace, incident.incident_id, actor=ANALYST)
    for action in applied.actions:
        if action.state is ActionState.AWAITING_APPROVAL:
            approve_action(folder.workspace, action.action_id, actor=APPROVER)


def _guarded(actions: Sequence[ResponseAction]) -> list[ResponseAction]:
    return [action for action in actions if done_by_guard(action)]


def _probe(scene: ContainmentScenario, door: Endpoint) -> AccessCheck:
    """Let the attacker's keys and benign users ask at the same time."""
    retries = scene.people.retry(scene.jobs, door, scene.images)
    visits = scene.people.visits(scene.members, door, BENIGN_QUERIES)
    tried, came = retries.result(), visits.result()
    return AccessCheck(
        asked=sum(retry.asked for retry in tried),
        answered=sum(retry.answered for retry in tried),
        benign_users=len(came),
        benign_requests=sum(visit.requests for visit in came),
        benign_refused=sum(visit.refused for visit in came),
    )


@contextmanager
def _guard(folder: DemoFolder, upstream: str) -> Iterator[Listening]:
    """Put a guard before the model server; what it records goes into one log of the demo."""
    with TemporaryDirectory(prefix="caponier-demo-") as lake:
        workspace = folder.workspace.model_copy(update={"lake": lake})
        settings = GuardSettings(upstream=upstream, mode="enforce", port=0)
        with guarding(Guard(workspace, settings)) as listening:
            yield listening
        logs = sorted(path for path in Path(lake).rglob("*") if path.is_file())
        write_bytes(folder.guard_log, b"".join(path.read_bytes() for path in logs))


def _await(guard: Guard, ready: Callable[[int], bool]) -> None:
    """Wait until the guard goes by what has changed in the store: it looks every second."""
    deadline = monotonic() + PATIENCE_S
    while not ready(len(guard.decisions)):
        if monotonic() > deadline:
            raise CaponierError("the guard does not see what is in force", where="guard")
        sleep(0.02)


def _move(folder: DemoFolder, actions: Sequence[ResponseAction]) -> str | None:
    """Carry out the order to quarantine the unsafe file, if there is one in force."""
    ordered = any(
        action.kind is ActionKind.QUARANTINE and action.scope.kind == "file" and action.state is ActionState.ACTIVE
        for action in actions
    )
    file = folder.models / UNSAFE
    if not ordered or not file.is_file():
        return None
    moved = file.replace(folder.quarantine / UNSAFE)
    return str(moved.relative_to(folder.root))
