import json
from dataclasses import replace
from datetime import timedelta

import pytest

from caponier.records.finding import SubjectRef
from caponier.records.response_action import ActionState, ResponseAction
from respond.made import NOW
from respond.test_actions import action


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"parameters": {"per_minute": 5, "burst": 2.5}, "approver": "ben", "model": None, "system": None},
        {"scope": SubjectRef("row", "train.npz", ("1", "2"), "/data/train.npz", "ab" * 32)},
    ],
)
def test_the_json_form_is_read_back_equal(changes: dict[str, object]) -> None:
    one = replace(action(), **changes)  # type: ignore[arg-type]
    assert ResponseAction.from_dict(json.loads(json.dumps(one.to_dict()))) == one


@pytest.mark.parametrize("state", list(ActionState))
def test_only_what_is_active_is_in_force_and_only_until_its_end(state: ActionState) -> None:
    one = action(state=state)
    in_force = state is ActionState.ACTIVE
    assert one.active_at(NOW) == in_force
    assert one.active_at(NOW + timedelta(hours=23)) == in_force
    assert not one.active_at(NOW + timedelta(hours=24))
    assert not one.active_at(NOW - timedelta(seconds=1))
