"""A clock that jumps makes detection look neither late where it is not, nor in time where it is stuck."""

import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from app.guard.test_watchdog import ask, standing
from caponier.app.guard.watchdog import BEHIND
from pace import HANG, wait_for

PREDICT = "/v1/models/fraud:predict"
REAL = time.time


@dataclass
class Clock:
    """The one that may be set."""

    set: float = 0.0

    def __call__(self) -> float:
        return REAL() + self.set


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "time", made)
    return made


@pytest.mark.parametrize("spool", [False, ".caponier/spool"])
@pytest.mark.parametrize("jump", [3_600.0, -3_600.0, 0.0])
def test_the_watchdog_goes_by_no_clock_that_can_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock, jump: float, spool: Any
) -> None:
    guard, go_on, stuck_at = standing(tmp_path, [], fail="closed", lag_limit=1.0, spool=spool), Event(), Event()
    write = guard.work.log.write

    def stuck(rows: Any) -> None:
        stuck_at.set()
        go_on.wait(HANG)
        write(rows)

    monkeypatch.setattr(guard.work.log, "write", stuck)
    guard.start()
    try:
        assert ask(guard, PREDICT)[0] == 200
        assert stuck_at.wait(HANG)
        began = time.monotonic()
        clock.set = jump
        assert guard.work.lag_s < 1 or time.monotonic() - began > 0.5, "nothing has waited for an hour"
        wait_for(lambda: guard.watchdog.state == BEHIND)
        assert guard.work.lag_s < HANG
        assert ask(guard, PREDICT)[0] == 429
        go_on.set()
        wait_for(lambda: guard.watchdog.is_well)
        assert ask(guard, PREDICT)[0] == 200
    finally:
        go_on.set()
        guard.close()
    assert sum(len(file.read_bytes().splitlines()) for file in tmp_path.rglob("guard-*.jsonl")) == 3
