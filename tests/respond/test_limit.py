"""What responses may do by themselves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.records.finding import SubjectRef
from caponier.records.response_action import ActionKind, ActionState, ResponseAction, everybody_at
from caponier.respond.limit import BindingRoom, binds, bound_in, limited, most_bound
from caponier.respond.plan import key_of
from caponier.respond.settings import RespondSettings

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def action(who: str, kind: str = "block", scope: str = "principal", **changes: Any) -> ResponseAction:
    return ResponseAction(
        **{
            "action_id": f"a-{who}-{kind}", "incident_id": "i", "kind": ActionKind(kind),
            "scope": SubjectRef(scope, who),
            "system": None, "model": None, "reason": "r", "author": "guard", "created": NOW,
            "expires": NOW + timedelta(hours=2), "needs_approval": False, "state": ActionState.PLANNED, "undo": "u",
            **changes,
        }
    )  # fmt: skip


@pytest.mark.parametrize(("callers", "expected"), [(0, 10), (999, 10), (1_500, 15), (100_000, 1_000)])
def test_a_hundredth_of_the_callers_but_always_ten(callers: int, expected: int) -> None:
    assert most_bound(RespondSettings(), callers) == expected
    assert most_bound(RespondSettings(limit=0, limit_least=0), callers) == 0


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["block", "throttle", "hold"])), max_size=60))
def test_no_more_callers_are_bound_than_may_be(wanted: list[tuple[int, str]]) -> None:
    planned = [action(f"k-{who}", kind) for who, kind in dict.fromkeys(wanted)]
    bound = {SubjectRef("principal", "k-0"): NOW}
    made = list(limited(planned, (), BindingRoom(bound, 5), NOW))
    assert len(made) == len(planned)
    by_itself = {one.scope for one in made if binds(one)} | set(bound)
    assert len(by_itself) <= 5
    assert all(one.needs_approval for one in made if one.scope not in by_itself)
    assert all("waits for an approver" in one.reason for one in made if one.scope not in by_itself)
    assert len({one.action_id for one in made}) == len(made)


def test_what_is_no_deed_to_a_caller_has_no_limit_and_a_model_is_everybody() -> None:
    planned = [
        action("f", "quarantine", "file"), action("k-1", "revoke"), action("k-2", needs_approval=True),
        action("m", "round", "model"),
    ]  # fmt: skip
    assert [one.needs_approval for one in limited(planned, (), BindingRoom({}, 10), NOW)] == [False, False, True, True]
    assert BindingRoom({SubjectRef("model", "m"): NOW}, 10).begin(action("m", "round", "model"), NOW) is None


def test_what_waits_already_is_not_asked_for_again_and_can_be_once_it_is_over() -> None:
    (waiting,) = limited([action("k-1")], (), BindingRoom({}, 0), NOW)
    known = replace(waiting, state=ActionState.AWAITING_APPROVAL)
    assert not list(limited([action("k-1")], [known], BindingRoom({}, 0), NOW))
    (again,) = limited([action("k-1")], [replace(known, state=ActionState.EXPIRED)], BindingRoom({}, 0), NOW)
    assert key_of(again) == key_of(waiting)
    assert again.action_id != waiting.action_id


def test_who_was_bound_within_the_hour_counts_and_what_people_did_does_not() -> None:
    hour = timedelta(hours=1)
    acts = [
        action("k-1", state=ActionState.ACTIVE),
        action("k-1", "throttle", created=NOW - hour / 2),
        action("k-2", state=ActionState.UNDONE),
        action("k-3", created=NOW - hour),
        action("k-4", author="ben"),
        action("k-5", needs_approval=True),
        action("f", "quarantine", "file"),
    ]
    found = bound_in(acts, "guard", NOW)
    assert {scope.id for scope in found} == {"k-1", "k-2"}
    assert found[SubjectRef("principal", "k-1")] == NOW - hour / 2


class Origins:
    """Names `aN` and `bN` are made up at the addresses `a` and `b`; `bN` have long come from there."""

    def address_of(self, caller: SubjectRef) -> SubjectRef | None:
        if caller.kind == "address":
            return caller
        return everybody_at(caller.id[0]) if caller.id[0] in "abcdefgh" else None

    def is_new(self, caller: SubjectRef) -> bool:
        return caller.kind == "principal" and caller.id[0] in "acdefgh"


def bound_by(room: BindingRoom, *names: str) -> list[str | None]:
    begun = [room.begin(action(name), NOW) for name in names]
    return [one and f"{one.scope.kind} {one.scope.id}" for one in begun]


def test_an_address_that_keeps_coming_under_new_names_is_bound_and_is_one_with_them() -> None:
    room = BindingRoom({}, 10, Origins())
    assert bound_by(room, *(f"a{n}" for n in range(8))) == [*(f"principal a{n}" for n in range(5)), *["address a"] * 3]
    assert bound_by(room, *(f"k{n}" for n in range(10))) == [*(f"principal k{n}" for n in range(9)), None]


def test_an_address_of_many_has_no_more_names_bound_than_there_is_room_besides() -> None:
    room = BindingRoom({}, 10, Origins())
    assert bound_by(room, *(f"b{n}" for n in range(8))) == [*(f"principal b{n}" for n in range(5)), *[None] * 3]
    assert bound_by(room, *(f"k{n}" for n in range(6))) == [*(f"principal k{n}" for n in range(5)), None]
    let_go = BindingRoom({}, 10, Origins(), [everybody_at("a")])
    assert bound_by(let_go, *(f"a{n}" for n in range(6))) == [*(f"principal a{n}" for n in range(5)), None]
    assert bound_by(let_go, "k", *(f"b{n}" for n in range(3))) == ["principal k", "principal b0", "principal b1", None]


@given(
    st.lists(st.tuples(st.sampled_from("abcdefghk"), st.integers(0, 30)), max_size=120),
    st.integers(0, 15),
)
def test_whoever_makes_up_names_leaves_room_for_another_one(wanted: list[tuple[str, int]], most: int) -> None:
    origins, room = Origins(), BindingRoom({}, most, Origins())
    for letter, n in wanted:
        room.begin(action(f"{letter}{n}"), NOW)
    stood_for = {scope for scope in room.bound if origins.is_new(scope) and origins.address_of(scope) in room.bound}
    counted = room.bound.keys() - stood_for
    assert len(counted) <= most
    assert BindingRoom(room.bound, most, origins)._all == len(counted)
    # Of each address either it, or no more names than there is room besides; so another one finds some.
    parties = {origins.address_of(scope) or scope for scope in counted}
    assert len(counted) < most or len(parties) >= min(most, 3)
