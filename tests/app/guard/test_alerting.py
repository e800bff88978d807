"""A guard tells what it finds, by itself, and says when nobody takes it."""

from pathlib import Path
from typing import Any

import pytest

from app.alerts.receivers import found, receiving, record, workspace_with
from caponier.app.guard import alerting
from caponier.app.guard.run import Guard
from caponier.errors import InputError
from pace import wait_for


async def model(_: Any, __: Any, ___: Any) -> None:
    raise AssertionError


def test_what_is_found_while_a_guard_runs_goes_out_and_is_counted(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(alerting, "POLL_S", 0.05)
    told: list[str] = []
    with receiving(200, 503) as (receiver, url):
        workspace = workspace_with(tmp_path, {"name": "soc", "kind": "webhook", "to": url})
        guard = Guard(workspace, app=model, tell=told.append)
        guard.start()
        record(workspace, found(1))
        wait_for(lambda: receiver.taken)
        record(workspace, found(2))
        wait_for(lambda: guard.alerting.waiting == 1)
        text = guard.metrics.text()
        guard.close()
    assert 'caponier_guard_alerts_total{state="sent"} 1' in text
    assert "caponier_guard_waiting_alerts 1" in text
    assert [line for line in told if line.startswith("warning: alerts to soc: UndeliveredError")]
    assert not [line for line in told if url in line]


def test_without_a_route_nothing_runs(tmp_path: Path) -> None:
    guard = Guard(workspace_with(tmp_path), app=model)
    guard.start()
    assert not guard.alerting._thread.is_alive()
    guard.close()


def test_a_secret_that_is_not_there_is_told_before_there_is_anything_to_tell(tmp_path: Path) -> None:
    route = {"name": "soc", "kind": "webhook", "to": "https://soc.example/", "secret_file": "soc.secret"}
    workspace = workspace_with(tmp_path, route)
    with pytest.raises(InputError, match="the secret of a route cannot be read"):
        Guard(workspace, app=model)
    (tmp_path / "soc.secret").write_text("a-secret-of-some-length-0123456789")
    Guard(workspace, app=model)
