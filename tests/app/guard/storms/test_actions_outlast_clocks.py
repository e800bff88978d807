"""Actions last as long as they were to, however the clock is set meanwhile, and so they do after a restart."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from app.guard.storms.test_clock_jumps import REAL, Clock, clock
from app.guard.test_response import JudgedSubject, found, workspace
from caponier.app.guard.steady_time import SteadyTime
from caponier.app.respond.action_feed import ActionFeed
from caponier.app.respond.respond import list_actions
from caponier.guard.verdict import PASS, REFUSE
from caponier.records.inventory import Workspace
from guard.test_decisions import ASK, EVE, action, one, table
from pace import wait_for

__all__ = ["clock", "workspace"]


@pytest.mark.parametrize("step", [3_600.0, -3_600.0, 40 * 86_400.0])
def test_no_step_of_the_clock_ends_an_action_or_makes_it_last(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, step: float
) -> None:
    block = action()
    decide, began = table(block), time.monotonic()
    clock.set = step
    assert decide(EVE, ASK, one) is REFUSE
    decide.replace([block])
    assert decide.blocks(EVE, ASK)
    by = timedelta(seconds=step)
    decide.replace([replace(block, created=block.created + by, expires=block.expires + by)])
    assert decide(EVE, ASK, one) is REFUSE
    monkeypatch.setattr(time, "monotonic", lambda: began + 61)
    assert decide(EVE, ASK, one) is PASS, "after its minute"


@pytest.mark.parametrize("step", [86_400.0, -86_400.0])
def test_what_was_begun_stays_in_the_store_and_after_a_restart(workspace: Workspace, clock: Clock, step: float) -> None:
    with JudgedSubject(workspace) as one:
        one.response.take([found("eve")])
        before = wait_for(lambda: {a.action_id: a for a in list_actions(workspace)})
        wait_for(lambda: one.response._active)
        clock.set = step
        assert one.refuses("eve")
        wait_for(lambda: [line for line in one.told if "the clock was set" in line])
        assert one.refuses("eve")
        with ActionFeed(workspace) as feed:
            after = {a.action_id: a for a in feed.read(SteadyTime().now()).actions}
        assert after
        assert all(abs((a.expires - before[i].expires).total_seconds() - step) < 5 for i, a in after.items())
    with JudgedSubject(workspace) as anew:
        assert anew.refuses("eve")


def test_two_guards_move_an_action_once(workspace: Workspace) -> None:
    with JudgedSubject(workspace) as one:
        one.response.take([found("eve")])
        wait_for(lambda: list_actions(workspace))
    seen, hour = list_actions(workspace), timedelta(hours=1)
    with ActionFeed(workspace) as feed:
        for _ in range(2):
            feed.redate(seen, hour, actor="guard")
    assert {a.expires for a in list_actions(workspace)} == {a.expires + hour for a in seen}


def test_what_a_clock_gains_slowly_is_followed(clock: Clock) -> None:
    steady = SteadyTime()
    for clock.set in (0.4, 0.8, 1.2, 1.6):
        assert abs(steady.now().timestamp() - REAL() - clock.set) < 0.3
    clock.set = 60.0
    assert abs(steady.now().timestamp() - REAL() - 1.6) < 0.3
    steady.follow()
    assert abs(steady.now().timestamp() - REAL() - 60) < 0.3
