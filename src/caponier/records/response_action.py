"""The response action: what is done against an actor or an asset, for how long, and how it is undone."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from caponier.records.finding import SubjectRef


class ActionKind(StrEnum):
    """What a response action does. None of them lets a model invent an answer for a suspected attacker."""

    BLOCK = "block"
    THROTTLE = "throttle"
    ROUND = "round"
    """Round the scores of the model's own answer, or give its top label alone."""
    HOLD = "hold"
    QUARANTINE = "quarantine"
    REVOKE = "revoke"
    ROLLBACK = "rollback"
    FREEZE = "freeze"


class ActionState(StrEnum):
    """How far a response action is; a dry run ends at `planned`."""

    PLANNED = "planned"
    AWAITING_APPROVAL = "awaiting-approval"
    ACTIVE = "active"
    EXPIRED = "expired"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class ResponseAction:
    """One action of a playbook for one incident."""

    action_id: str
    incident_id: str
    kind: ActionKind
    scope: SubjectRef
    """Whom or what it is done to."""
    system: str | None
    model: str | None
    """Where it applies; None is everywhere."""
    reason: str
    author: str
    created: datetime
    expires: datetime
    """Every action ends by itself."""
    needs_approval: bool
    state: ActionState
    undo: str
    """What undoing it does, in a sentence."""
    approver: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    """Such as the rate of a throttle."""

    def active_at(self, moment: datetime) -> bool:
        """Tell whether the action is in force at a moment."""
        return self.state is ActionState.ACTIVE and self.created <= moment < self.expires
