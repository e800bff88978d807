"""A machine that is twice as slow has twice the time."""

import gc

import pytest

import pace
from pace import Stopwatch, slowness, wait_for


def test_a_quick_machine_is_no_excuse_and_a_slow_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "REFERENCE", dict.fromkeys(pace.REFERENCE, 1e9))
    assert slowness() == 1
    monkeypatch.setattr(pace, "REFERENCE", {pace._loop: 1e-9})
    assert slowness() > 1_000


def test_what_is_long_is_counted_by_the_machines_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SHORT", 0.0)
    monkeypatch.setattr(pace, "slowness", lambda: 4.0)
    with Stopwatch() as watch:
        pace._loop()
    assert watch.seconds == watch.spent / 4 > 0


def test_what_comes_is_given_and_what_never_does_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    coming = iter([0, None, "there"])
    assert wait_for(lambda: next(coming)) == "there"
    monkeypatch.setattr(pace, "HANG", 0.01)
    with pytest.raises(AssertionError, match="does not come"):
        wait_for(lambda: False)


def test_no_search_for_garbage_is_counted_and_it_goes_on_afterwards() -> None:
    with Stopwatch():
        assert not gc.isenabled()
    assert gc.isenabled()
