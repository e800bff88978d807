"""The security logs of a demo: moved to the days before it, with the upload in them."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from caponier.demo.theft import ACCOUNT, FROM, STORY, security_logs
from caponier.emulate.registry import stories

NOW = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)


def rows(log: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.splitlines()]


def moments(log: bytes) -> list[datetime]:
    return [datetime.fromisoformat(str(row["time"])) for row in rows(log)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_logs_end_before_today_and_keep_their_hours(seed: int) -> None:
    logs = security_logs(seed, "models/x.pkl", now=NOW)
    attack = moments(logs.attack)
    assert attack == sorted(attack)
    assert timedelta(0) < NOW - attack[-1] < timedelta(days=2)
    told = [datetime.fromisoformat(str(row["time"])) for row in stories.one(STORY).attack(seed).rows]
    shifts = {at - before for at, before in zip(moments(logs.control), _times(seed), strict=True)}
    assert len(shifts) == 1
    assert shifts.pop() % timedelta(days=1) == timedelta(0)
    assert len(attack) == logs.rows == len(told) + 1


def _times(seed: int) -> list[datetime]:
    return [datetime.fromisoformat(str(row["time"])) for row in stories.one(STORY).control(seed).rows]


def test_the_account_leaves_a_file_after_the_download() -> None:
    logs = security_logs(0, "models/x.pkl", now=NOW)
    uploads = [row for row in rows(logs.attack) if row.get("eventName") == "PutObject"]
    assert [row["requestParameters"] for row in uploads] == [{"bucketName": "ml-models", "key": "models/x.pkl"}]
    assert uploads[0]["sourceIPAddress"] == FROM
    assert str(uploads[0]["userIdentity"]).endswith(f"user/{ACCOUNT}'}}")
    reads = [row for row in rows(logs.attack) if row.get("sourceIPAddress") == FROM and row not in uploads]
    assert max(str(row["time"]) for row in reads) < str(uploads[0]["time"])
    assert len(reads) == logs.taken == 40
    assert logs.succeeded


def test_the_control_has_the_same_people_and_no_attack() -> None:
    logs = security_logs(0, "models/x.pkl", now=NOW)
    text = logs.control.decode()
    assert FROM not in text
    assert ACCOUNT in text
    assert "PutObject" not in text
