"""What was planned a moment ago is planned anew when a finding becomes worse, and lasts while the store is away."""

import time
from dataclasses import replace

import pytest

from app.guard.storms.test_clock_jumps import Clock, clock
from app.guard.test_response import JudgedSubject, found, workspace
from caponier.records.finding import Severity
from caponier.records.inventory import Workspace

__all__ = ["clock", "workspace"]


def test_a_finding_that_becomes_worse_is_planned_anew(workspace: Workspace) -> None:
    one, worse = JudgedSubject(workspace), found("eve")
    one.response.take([replace(worse, severity=Severity.INFO)])
    assert not one.refuses("eve")
    one.response.take([worse])
    assert one.refuses("eve")


def test_what_the_store_does_not_take_goes_on_however_seldom_something_is_found(
    workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, real = JudgedSubject(workspace), time.monotonic
    later = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: real() + later)
    one.response.take([found("eve")])
    for n in range(1, 9):
        later = clock.set = 120.0 * n
        one.response.take([found(f"k-{n}", n)])
        assert one.refuses("eve"), f"after {2 * n} minutes"


@pytest.mark.parametrize("step", [86_400.0, -86_400.0])
def test_what_begins_before_a_step_of_the_clock_is_followed_lasts_as_long_as_it_was_to(
    workspace: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    one, real = JudgedSubject(workspace), time.monotonic
    clock.set = step
    one.response.take([found("eve")])
    assert one.refuses("eve")
    monkeypatch.setattr(time, "monotonic", lambda: real() + 3_000)
    assert not one.refuses("eve"), "the store never had it"
