"""The response action: what is done against an actor or an asset, for how long, and how it is undone."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Self

from caponier.records.finding import SubjectRef, rfc3339


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
    CLOSE = "close"
    """Take away what lets everybody in."""
    RESTORE = "restore"
    """Put what was changed back to its last good state."""
    ISOLATE = "isolate"
    """Cut off from the net, and keep as evidence."""


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

    @property
    def unsent(self) -> bool:
        """Whether it names a session alone: a header that anybody may send, so that it says nothing about who is meant.

        Older versions stored such actions, and a log without principals and addresses leads to them. No guard carries
        them out.
        """
        return self.scope.kind == "session" and self.scope.sender is None

    def reaches(self, model: str | None, system: str | None) -> bool:
        """Tell whether it applies where a request goes: what guard and dry run both go by.

        What is done to a version of a model is done to the model: callers may write a version in several ways, or leave
        it out.

        Args:
            model: That is asked; None if that cannot be told, which counts as a request to every model.
            system: That the model belongs to.
        """
        if model is None:
            return True
        named = self.scope.kind != "model" or self.scope.id == model or self.scope.id.startswith(f"{model}@")
        return named and self.model in (None, model) and self.system in (None, system)

    def active_at(self, moment: datetime) -> bool:
        """Tell whether the action is in force at a moment."""
        return self.state is ActionState.ACTIVE and self.created <= moment < self.expires

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, an entry of the document `caponier.response-actions/1`."""
        return {
            "action_id": self.action_id,
            "incident_id": self.incident_id,
            "kind": self.kind.value,
            "scope": self.scope.to_dict(),
            "system": self.system,
            "model": self.model,
            "reason": self.reason,
            "author": self.author,
            "created": rfc3339(self.created),
            "expires": rfc3339(self.expires),
            "needs_approval": self.needs_approval,
            "state": self.state.value,
            "undo": self.undo,
            "approver": self.approver,
            "parameters": dict(self.parameters),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read the JSON form back: `ResponseAction.from_dict(action.to_dict()) == action`.

        Raises:
            KeyError: If a key is missing.
            ValueError: If a value has no meaning here.
        """
        return cls(
            action_id=plain["action_id"],
            incident_id=plain["incident_id"],
            kind=ActionKind(plain["kind"]),
            scope=SubjectRef.from_dict(plain["scope"]),
            system=plain["system"],
            model=plain["model"],
            reason=plain["reason"],
            author=plain["author"],
            created=datetime.fromisoformat(plain["created"]),
            expires=datetime.fromisoformat(plain["expires"]),
            needs_approval=plain["needs_approval"],
            state=ActionState(plain["state"]),
            undo=plain["undo"],
            approver=plain["approver"],
            parameters=dict(plain["parameters"]),
        )


def everybody_at(address: str) -> SubjectRef:
    """Return the scope of all who come from an address and show no name that is worth anything there."""
    return SubjectRef("address", address, sender=f"names:{address}")


@lru_cache(maxsize=1_024)
def scopes_of(principal: str | None, session: str | None, address: str | None) -> tuple[SubjectRef, ...]:
    """Return every scope of an action that means the sender of a request: what guard and dry run both go by.

    A session counts together with who sent it. Whoever names a principal is not meant by what others did without one,
    at the same address or under the same session.
    """
    sender = f"principal:{principal}" if principal else f"address:{address}" if address else None
    scopes = [SubjectRef("principal", principal)] if principal else []
    if session and sender:
        scopes.append(SubjectRef("session", session, sender=sender))
    if address:
        scopes.append(SubjectRef("address", address))
        scopes += [SubjectRef("address", address, sender=sender)] if not principal else []
    return tuple(scopes)
