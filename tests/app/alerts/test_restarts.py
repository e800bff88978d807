"""What is known of a route outlives kills, broken files and clocks that disagree; windows are moments, not hours."""

import os
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.alerts.receivers import found, receiving, record, workspace_with
from caponier.app.alerts.alerts import FOLDER, OVERLAP, Alerts
from caponier.app.guard.alerting import Alerting
from caponier.app.guard.failures import Failures
from caponier.app.workspace.alert_routes import MaintenanceWindow, windows_of
from caponier.errors import InputError
from caponier.guard.metrics import Metrics
from caponier.records.inventory import Workspace


def webhook(url: str, name: str = "soc") -> dict[str, Any]:
    return {"name": name, "kind": "webhook", "to": url}


def recorded_at(workspace: Workspace, number: int, moment: datetime) -> None:
    """Date a finding of the store, as a machine with another clock would have."""
    with sqlite3.connect(workspace.root / ".caponier" / "store.db") as store:
        (known,) = store.execute(
            "select first_seen_at from findings where finding_id = ?", (found(number).finding_id,)
        ).fetchone()
        changed = moment.strftime("%Y-%m-%d %H:%M:%S.%f") + known[26:]
        store.execute("update findings set first_seen_at = ? where finding_id = ?", (changed, found(number).finding_id))
    store.close()


def killed(alerts: Alerts) -> None:
    os.close(alerts._lock)


BROKEN = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b'{"since": 5, "settled": {}, "waiting": {}, "sent": 0, "silenced": 0}',
    b'{"since": "2026-12-01T00:00:00", "settled": {}, "waiting": {}, "sent": 0, "silenced": 0}',
    b'{"since": "2026-12-01T00:00:00Z", "settled": [1], "waiting": {}, "sent": 0, "silenced": 0}',
    b'{"since": "2026-12-01T00:00:00Z", "settled": {}, "waiting": ["f-1"], "sent": 0, "silenced": 0}',
    b'{"since": "2026-12-01T00:00:00Z", "settled": {}, "waiting": {}, "more": 1}',
]


@pytest.mark.parametrize("state", BROKEN)
def test_a_state_that_cannot_be_read_is_told_at_every_look_until_it_is_mended(tmp_path: Path, state: bytes) -> None:
    with receiving() as (receiver, url):
        workspace = workspace_with(tmp_path, webhook(url), webhook(url, "other"))
        first = Alerts(workspace)
        first.send()
        first.close()
        file = tmp_path / FOLDER / "other.json"
        file.write_bytes(state)
        alerts = Alerts(workspace)
        for _ in range(3):
            with pytest.raises(InputError, match="not the state of a route"):
                alerts.send()
        file.unlink()
        alerts.send()
        record(workspace, found(1))
        assert alerts.send().sent == 2, "as soon as it is mended"
        alerts.close()
    assert len(receiver.taken) == 2


def test_while_one_process_cannot_read_a_state_another_may_try(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, webhook("http://127.0.0.1:9"))
    (tmp_path / FOLDER).mkdir(parents=True)
    file = tmp_path / FOLDER / "soc.json"
    file.write_bytes(b"{")
    one, other = Alerts(workspace), Alerts(workspace)
    with pytest.raises(InputError):
        one.send()
    file.unlink()
    other.send()
    assert file.exists()
    other.close()
    one.close()


@pytest.mark.parametrize("taken", ["", "/lock", "/soc.json"])
def test_a_place_that_cannot_be_written_is_an_error_that_says_where(tmp_path: Path, taken: str) -> None:
    workspace = workspace_with(tmp_path, webhook("http://127.0.0.1:9"))
    place = Path(f"{tmp_path / FOLDER}{taken}")
    if taken:
        place.mkdir(parents=True)
    else:
        place.parent.mkdir(exist_ok=True)
        place.write_text("a file")
    alerts = Alerts(workspace)
    for _ in range(2):
        with pytest.raises(InputError, match=FOLDER):
            alerts.send()
    alerts.close()


def test_a_kill_between_any_two_steps_repeats_nothing_that_was_noted(tmp_path: Path) -> None:
    ids = [found(n).finding_id for n in range(6)]
    with receiving() as (receiver, url):
        workspace = workspace_with(tmp_path, webhook(url) | {"per_minute": 1})
        alerts = Alerts(workspace)
        alerts.send()
        record(workspace, *(found(n) for n in range(6)))
        for left in range(5, -1, -1):
            done = alerts.send()
            assert (done.sent, done.waiting) == (1, left)
            killed(alerts)
            alerts = Alerts(workspace)
        assert alerts.send() == type(done)()
        alerts.close()
    assert sorted(body["finding_id"] for body in receiver.bodies) == sorted(ids)
    state = orjson.loads((tmp_path / FOLDER / "soc.json").read_bytes())
    assert (state["sent"], state["waiting"]) == (6, {})
    assert (tmp_path / FOLDER / "soc.json").stat().st_mode & 0o777 == 0o600


def test_half_a_file_beside_the_state_is_none_of_it(tmp_path: Path) -> None:
    with receiving() as (receiver, url):
        workspace = workspace_with(tmp_path, webhook(url))
        alerts = Alerts(workspace)
        alerts.send()
        killed(alerts)
        (tmp_path / FOLDER / ".soc.json.tmp").write_bytes(b'{"since"')
        record(workspace, found(1))
        again = Alerts(workspace)
        assert again.send().sent == 1
        again.close()
    assert len(receiver.taken) == 1


@pytest.mark.parametrize("ahead", [timedelta(minutes=30), timedelta(days=400)])
def test_a_clock_that_is_ahead_hides_nothing_that_others_record_and_repeats_nothing(
    tmp_path: Path, ahead: timedelta
) -> None:
    now = datetime.now(UTC)
    with receiving() as (receiver, url):
        workspace = workspace_with(tmp_path, webhook(url))
        alerts = Alerts(workspace)
        alerts.send(now)
        record(workspace, found(1))
        recorded_at(workspace, 1, now + ahead)
        assert alerts.send(now).sent == 1
        record(workspace, found(2))
        assert alerts.send(now).sent == 1, "what came after it is older by its clock, and news all the same"
        later = now
        for step in range(8):
            later += timedelta(minutes=8)
            record(workspace, found(10 + step))
            recorded_at(workspace, 10 + step, later)
            assert alerts.send(later).sent == 1
            killed(alerts)
            alerts = Alerts(workspace)
        alerts.close()
    sent = [body["finding_id"] for body in receiver.bodies]
    assert len(sent) == len(set(sent)) == 10


def test_what_is_recorded_late_is_sent_within_the_overlap(tmp_path: Path) -> None:
    now = datetime.now(UTC) + timedelta(hours=1)
    with receiving() as (receiver, url):
        workspace = workspace_with(tmp_path, webhook(url))
        alerts = Alerts(workspace)
        alerts.send(now)
        for number, back in enumerate((timedelta(0), OVERLAP - timedelta(seconds=1), OVERLAP + timedelta(seconds=1))):
            record(workspace, found(number))
            recorded_at(workspace, number, now - back)
            alerts.send(now)
        alerts.close()
    assert [body["finding_id"] for body in receiver.bodies] == [found(n).finding_id for n in (0, 1)]


def test_what_was_deleted_meanwhile_is_not_waited_for(tmp_path: Path) -> None:
    workspace = workspace_with(tmp_path, webhook("http://127.0.0.1:9"))
    alerts = Alerts(workspace)
    alerts.send()
    record(workspace, found(1))
    assert alerts.send().waiting == 1
    with sqlite3.connect(tmp_path / ".caponier" / "store.db") as store:
        store.execute("pragma foreign_keys = off")
        store.execute("delete from findings")
    store.close()
    alerts._ways[0].again = 0.0
    assert alerts.send().waiting == 0
    alerts.close()


def test_the_guard_ends_whatever_becomes_of_the_last_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    metrics = Metrics()
    alerting = Alerting(
        workspace_with(tmp_path, webhook("http://127.0.0.1:9")), metrics, Failures(metrics, told.append)
    )
    alerting.start()

    def broken() -> None:
        raise RuntimeError("the store is gone")

    monkeypatch.setattr(alerting._alerts, "send", broken)
    alerting.close()
    assert any("alerts: RuntimeError" in line for line in told)
    again = Alerts(workspace_with(tmp_path, webhook("http://127.0.0.1:9")))
    assert again._is_mine(), "and lets go of the lock"
    again.close()


def window(begins: str, ends: str, **changes: Any) -> MaintenanceWindow:
    return MaintenanceWindow.model_validate({"begins": begins, "ends": ends, "reason": "work", **changes})


@pytest.mark.parametrize(
    ("begins", "ends", "moment", "silent"),
    [
        # Across midnight, the end of a month and of a year.
        ("2026-12-01T22:00:00Z", "2026-12-02T02:00:00Z", "2026-12-01T23:59:59Z", True),
        ("2026-12-01T22:00:00Z", "2026-12-02T02:00:00Z", "2026-12-02T00:00:00Z", True),
        ("2026-12-01T22:00:00Z", "2026-12-02T02:00:00Z", "2026-12-01T01:00:00Z", False),
        ("2026-12-31T23:00:00Z", "2027-01-01T01:00:00Z", "2027-01-01T00:30:00Z", True),
        ("2028-02-28T23:00:00Z", "2028-03-01T00:00:00Z", "2028-02-29T12:00:00Z", True),
        # It begins with its first moment and ends before its last one.
        ("2026-12-01T22:00:00Z", "2026-12-01T23:00:00Z", "2026-12-01T22:00:00Z", True),
        ("2026-12-01T22:00:00Z", "2026-12-01T23:00:00Z", "2026-12-01T21:59:59.999999Z", False),
        ("2026-12-01T22:00:00Z", "2026-12-01T23:00:00Z", "2026-12-01T22:59:59.999999Z", True),
        ("2026-12-01T22:00:00Z", "2026-12-01T23:00:00Z", "2026-12-01T23:00:00Z", False),
        # In zones, half-hour ones too, and with two in one window.
        ("2026-12-02T00:00:00+05:30", "2026-12-02T01:00:00+05:30", "2026-12-01T19:00:00Z", True),
        ("2026-12-02T00:00:00+05:30", "2026-12-02T01:00:00+05:30", "2026-12-02T00:30:00Z", False),
        ("2026-12-01T23:30:00+14:00", "2026-12-01T11:00:00Z", "2026-12-01T10:00:00Z", True),
        ("2026-12-01T00:00:00Z", "2026-12-01T01:00:00Z", "2026-12-01T13:00:00+12:45", True),
        # An hour that a clock shows twice is two hours: 01:30 in winter time is not 01:30 in summer time.
        ("2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+02:00", "2026-10-25T02:30:00+01:00", False),
    ],
)
def test_a_window_is_between_two_moments(begins: str, ends: str, moment: str, silent: bool) -> None:
    at = datetime.fromisoformat(moment)
    assert window(begins, ends).silences(replace(found(1), last_time=at)) is silent
    assert window(begins, ends, systems=["another"]).silences(replace(found(1), last_time=at)) is False
    assert window(begins, ends, systems=["digits"]).silences(replace(found(1), last_time=at)) is silent


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"begins": "2026-12-01T22:00:00"}, "without a zone"),
        ({"ends": datetime(2026, 12, 2)}, "without a zone"),
        ({"ends": "2026-12-01T22:00:00Z"}, "before ends"),
        ({"ends": "2026-12-01T22:30:00+01:00"}, "before ends"),
        ({"ends": "tomorrow"}, "maintenance 1.ends"),
        ({"reason": ""}, "maintenance 1.reason"),
        ({"until": "2026-12-02T00:00:00Z"}, "unknown key"),
        ({"system": ["digits"]}, "systems"),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    plain = {"begins": "2026-12-01T22:00:00Z", "ends": "2026-12-02T02:00:00Z", "reason": "work"}
    workspace = workspace_with(tmp_path, maintenance=(plain | changes,))
    with pytest.raises(InputError) as refused:
        windows_of(workspace)
    assert told in f"{refused.value} {refused.value.hint}"


def test_what_a_window_silenced_is_not_sent_after_it_and_each_window_counts(tmp_path: Path) -> None:
    at = found(1).last_time
    day = timedelta(days=1)
    windows = tuple(
        {"begins": at + n * day - timedelta(minutes=1), "ends": at + n * day + timedelta(minutes=1), "reason": "night"}
        for n in range(3)
    )
    with receiving() as (receiver, url):
        workspace = workspace_with(tmp_path, webhook(url), webhook(url, "b"), maintenance=windows)
        alerts = Alerts(workspace)
        alerts.send()
        record(
            workspace,
            *(replace(found(n), last_time=at + n * day) for n in range(3)),
            replace(found(5), last_time=at - day),
        )
        done = alerts.send()
        assert (done.sent, done.silenced) == (2, 6)
        killed(alerts)
        after = Alerts(workspace_with(tmp_path, webhook(url), webhook(url, "b")))
        assert after.send().sent == 0
        after.close()
    assert [body["finding_id"] for body in receiver.bodies] == [found(5).finding_id] * 2
