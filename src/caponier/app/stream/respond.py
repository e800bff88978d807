"""Answer incidents that a stream has found: what is begun stands in the store, and every guard there obeys."""

from collections.abc import Callable, Sequence
from functools import partial

from caponier.app.incidents.correlate import settings_of
from caponier.app.incidents.incidents import incidents_holding, show_incident
from caponier.app.respond.respond import apply_response, plan_response
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionState
from caponier.respond import limit
from caponier.respond.plan import key_of


def respond_to(
    workspace: Workspace, finding_ids: Sequence[str], callers: int, actor: str, tell: Callable[[str], None]
) -> None:
    """Do what the playbooks want done about incidents, but for what somebody has undone: that is for people.

    Doing it again begins nothing twice.

    Args:
        workspace: Whose incidents and playbooks they are.
        finding_ids: Of what was found; the incidents that hold it are answered.
        callers: How many there were lately: of them a share may be bound without an approver.
        actor: Who acts, for the audit log.
        tell: Says what was begun.

    Raises:
        InputError: If a playbook cannot be read.
    """
    settings = settings_of(workspace)
    answers = partial(_is_rare, settings.alpha)
    for incident_id in incidents_holding(workspace, finding_ids):
        planned = plan_response(workspace, incident_id, actor=actor, answers=answers).plan.actions
        known = show_incident(workspace, incident_id).actions
        undone = {key_of(action) for action in known if action.state is ActionState.UNDONE}
        wanted = [action.action_id for action in planned if key_of(action) not in undone]
        if not wanted:
            continue
        most = limit.most_bound(settings, callers)
        applied = apply_response(workspace, incident_id, only=wanted, actor=actor, most=most, answers=answers)
        for action in applied.actions:
            what = f"{action.state.value}: {action.kind.value} {action.scope.in_words}"
            tell(f"{what} until {action.expires:%Y-%m-%d %H:%M} UTC ({action.incident_id})")


def _is_rare(alpha: float, finding: Finding) -> bool:
    """Tell whether a finding is rare enough for a response that nobody was asked about."""
    share = finding.evidence.share
    return share is None or share <= alpha
