"""How a response action changes state: applied, approved, undone, expired. Pure rules; the store keeps them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from caponier.errors import InputError
from caponier.records.response_action import ActionState, ResponseAction

_OVER: Final = {ActionState.UNDONE: "was undone", ActionState.EXPIRED: "has expired"}


def apply(action: ResponseAction) -> ResponseAction:
    """Return a planned action as it is stored: active, or awaiting approval where its playbook wants that.

    Raises:
        InputError: If it is not planned.
    """
    if action.state is not ActionState.PLANNED:
        raise InputError(f"the action is {action.state} already", where=action.action_id)
    return replace(action, state=ActionState.AWAITING_APPROVAL if action.needs_approval else ActionState.ACTIVE)


def approve(action: ResponseAction, approver: str, approvers: Sequence[str], now: datetime) -> ResponseAction:
    """Return an action that awaited approval as active; it lasts as long as it was planned to from now on.

    Raises:
        InputError: If it awaits no approval, or the approver is its author or not among those who may.
    """
    if action.state is not ActionState.AWAITING_APPROVAL:
        raise InputError(f"the action is {action.state}, so there is nothing to approve", where=action.action_id)
    if now >= action.expires:
        raise InputError("the action has expired; plan it anew", where=action.action_id)
    if approver == action.author:
        raise InputError(
            f"{approver} asked for this action, so somebody else has to approve it", where=action.action_id
        )
    if approvers and approver not in approvers:
        raise InputError(
            f"{approver} is not among those who may approve",
            where=action.action_id,
            hint=f"Approvers are listed in caponier.toml, [respond] approvers: {', '.join(approvers)}",
        )
    lasting = action.expires - action.created
    return replace(action, state=ActionState.ACTIVE, approver=approver, created=now, expires=now + lasting)


def undo(action: ResponseAction, now: datetime) -> ResponseAction:
    """Return an action that is active or awaits approval as undone.

    Raises:
        InputError: If it is over already.
    """
    state = ActionState.EXPIRED if now >= action.expires and action.state not in _OVER else action.state
    if state in _OVER:
        raise InputError(f"the action {_OVER[state]} already; there is nothing to undo", where=action.action_id)
    if state is ActionState.PLANNED:
        raise InputError("the action was only planned; there is nothing to undo", where=action.action_id)
    return replace(action, state=ActionState.UNDONE)


def expire(actions: Iterable[ResponseAction], now: datetime) -> list[ResponseAction]:
    """Return those actions as expired whose time is over but whose state does not say so yet."""
    live = (ActionState.ACTIVE, ActionState.AWAITING_APPROVAL)
    return [
        replace(action, state=ActionState.EXPIRED)
        for action in actions
        if action.state in live and now >= action.expires
    ]


def as_of(actions: Iterable[ResponseAction], now: datetime) -> tuple[ResponseAction, ...]:
    """Return actions as they stand at a moment: over when their time is, whether or not somebody noted it yet."""
    known = tuple(actions)
    over = {action.action_id: action for action in expire(known, now)}
    return tuple(over.get(action.action_id, action) for action in known)
