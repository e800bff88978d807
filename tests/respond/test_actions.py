from dataclasses import replace
from datetime import timedelta

import pytest

from caponier.errors import InputError
from caponier.records.response_action import ActionState, ResponseAction
from caponier.respond import actions
from respond.made import NOW, finding
from respond.test_plan import made


def action(**changes: object) -> ResponseAction:
    return replace(made(finding(1)).actions[0], **changes)  # type: ignore[arg-type]


def test_apply_makes_active_or_waits() -> None:
    assert actions.apply(action()).state is ActionState.ACTIVE
    assert actions.apply(action(needs_approval=True)).state is ActionState.AWAITING_APPROVAL
    with pytest.raises(InputError, match="active already"):
        actions.apply(action(state=ActionState.ACTIVE))


def test_approval_starts_the_clock() -> None:
    waiting = action(state=ActionState.AWAITING_APPROVAL)
    later = NOW + timedelta(hours=5)
    approved = actions.approve(waiting, "ben", (), later)
    assert (approved.state, approved.approver) == (ActionState.ACTIVE, "ben")
    assert (approved.created, approved.expires) == (later, later + timedelta(hours=24))
    assert approved.active_at(later)


@pytest.mark.parametrize(
    ("state", "approver", "approvers", "hours", "said"),
    [
        (ActionState.AWAITING_APPROVAL, "ada", (), 0, "somebody else has to approve"),
        (ActionState.AWAITING_APPROVAL, "ada", ("ada",), 0, "somebody else has to approve"),
        (ActionState.AWAITING_APPROVAL, "ben", ("eve",), 0, "not among those who may approve"),
        (ActionState.AWAITING_APPROVAL, "ben", (), 24, "has expired"),
        (ActionState.ACTIVE, "ben", (), 0, "nothing to approve"),
        (ActionState.UNDONE, "ben", (), 0, "nothing to approve"),
        (ActionState.EXPIRED, "ben", (), 0, "nothing to approve"),
        (ActionState.PLANNED, "ben", (), 0, "nothing to approve"),
    ],
)
def test_approval_is_refused(
    state: ActionState, approver: str, approvers: tuple[str, ...], hours: int, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        actions.approve(action(state=state), approver, approvers, NOW + timedelta(hours=hours))


@pytest.mark.parametrize("state", [ActionState.ACTIVE, ActionState.AWAITING_APPROVAL])
def test_what_is_live_can_be_undone(state: ActionState) -> None:
    assert actions.undo(action(state=state), NOW).state is ActionState.UNDONE


@pytest.mark.parametrize(
    ("state", "hours", "said"),
    [
        (ActionState.UNDONE, 0, "was undone already"),
        (ActionState.UNDONE, 99, "was undone already"),
        (ActionState.EXPIRED, 0, "has expired already"),
        (ActionState.ACTIVE, 24, "has expired already"),
        (ActionState.PLANNED, 0, "only planned"),
    ],
)
def test_what_is_over_cannot_be_undone(state: ActionState, hours: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        actions.undo(action(state=state), NOW + timedelta(hours=hours))


def test_everything_ends_by_itself() -> None:
    states = [action(state=state) for state in ActionState]
    assert actions.expire(states, NOW + timedelta(hours=23, minutes=59)) == []
    over = actions.expire(states, NOW + timedelta(hours=24))
    assert [one.state for one in over] == [ActionState.EXPIRED] * 2
    assert actions.expire(over, NOW + timedelta(hours=48)) == []
