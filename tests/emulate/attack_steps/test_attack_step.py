"""Records of steps: their times, and that products read what the builders write."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from caponier.emulate.attack_steps.attack_step import (
    PAUSE,
    THIEF,
    Row,
    aws,
    entra,
    google,
    kubernetes,
    line,
    okta,
    process,
    requested,
    sshd,
    timed,
    written,
)
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import LogEvent, read_logs
from caponier.telemetry.security_logs.identity import identity

START = datetime(2026, 1, 6, 2, tzinfo=UTC)


def read(path: Path, *rows: Row) -> list[LogEvent]:
    path.write_text("".join(json.dumps(row) + "\n" for row in timed(rows, START)))
    with RejectedRows() as rejected:
        events = [event for part in read_logs([path], rejected) for event in part.events]
    assert rejected.count == 0, rejected.first
    return events


def test_records_follow_one_a_second_or_after_their_pauses() -> None:
    rows = list(timed([{"a": 1}, {"a": 2, PAUSE: 60.0}, {"a": 3}], START))
    moments = [datetime.fromisoformat(row["time"]) - START for row in rows]
    assert moments == [timedelta(seconds=seconds) for seconds in (1, 61, 62)]
    assert all(PAUSE not in row for row in rows)


def test_a_none_is_a_time_and_marks_in_lines_are_too() -> None:
    (row,) = timed(
        [{"published": None, "log": "at <stamp> or [<clock>]", "event": "<iso> gpu-01", "x": "<iso>"}], START
    )
    assert row["published"] == row["time"] == "2026-01-06T02:00:01.000Z"
    assert row["log"] == "at 2026-01-06 02:00:01.000 or [06/Jan/2026:02:00:01 +0000]"
    assert row["event"] == "2026-01-06T02:00:01+00:00 gpu-01"
    assert row["x"] == "<iso>", "only lines have marks"


def test_a_record_is_never_changed_by_being_told() -> None:
    row = sshd("ada", THIEF)
    before = json.dumps(row)
    list(timed([row, row], START))
    assert json.dumps(row) == before


@pytest.mark.parametrize(
    ("row", "product", "who"),
    [
        (aws("user eve", THIEF, "s3", "GetObject", {"bucketName": "b"}), "aws", ("eve", None, THIEF)),
        (aws("role ci/run", THIEF, "s3", "GetObject"), "aws", ("ci/run", None, THIEF)),
        (aws("root", THIEF, "iam", "CreateUser"), "aws", ("root", None, THIEF)),
        (aws("nobody", THIEF, "s3", "GetObject"), "aws", (None, None, THIEF)),
        (kubernetes("eve@x", THIEF, "patch", "deployments"), "kubernetes", ("eve@x", None, THIEF)),
        (google("eve@x", THIEF, "storage", "storage.objects.get", "r"), "gcp", ("eve@x", None, THIEF)),
        (google(None, THIEF, "storage", "storage.objects.get", "r"), "gcp", (None, None, THIEF)),
        (okta("eve@x", THIEF, "user.session.start"), "okta", ("eve@x", None, THIEF)),
        (entra("eve@x", THIEF, "Add member to role"), "azure", ("eve@x", None, THIEF)),
        (sshd("ada", THIEF), "linux", ("ada", "gpu-01", THIEF)),
        (process("ls", user="bob", host="gpu-01"), "linux", ("bob", "gpu-01", None)),
        (written("D:\\m.pt", host="gpu-01", user="CORP\\bob"), "windows", ("bob", "gpu-01", None)),
    ],
)
def test_its_product_reads_who_did_it(row: Row, product: str, who: tuple[Any, ...], tmp_path: Path) -> None:
    (event,) = read(tmp_path / "x.jsonl", row)
    assert event.origin.product == product
    assert identity(event.fields) == who


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (requested(THIEF, "POST", "/api/kernels?a=1", 201),
         {"cs-method": "POST", "cs-uri-stem": "/api/kernels", "cs-uri-query": "a=1", "sc-status": 201}),
        (line('INFO:     203.0.113.66:51514 - "GET /x HTTP/1.1" 200 OK'), {"c-ip": THIEF, "cs-uri-stem": "/x"}),
        (sshd("ada", THIEF, good=False), {"outcome": "failure"}),
        (kubernetes("e", THIEF, "delete", "pods", code=403), {"outcome": "failure", "namespace": "ml"}),
        (aws("user e", THIEF, "s3", "GetObject", errorCode="AccessDenied"), {"outcome": "failure"}),
        (process("torchserve --stop", "/usr/bin/torchserve"), {"commandline": "torchserve --stop"}),
    ],
)  # fmt: skip
def test_what_rules_ask_for_is_there(row: Row, fields: Row, tmp_path: Path) -> None:
    (event,) = read(tmp_path / "x.jsonl", row)
    assert fields.items() <= event.fields.items()


@pytest.mark.parametrize("make", [lambda: requested(THIEF, "GET", "/"), lambda: line("x"), lambda: sshd("a", THIEF)])
def test_each_call_makes_a_record_of_its_own(make: Callable[[], Row]) -> None:
    first, second = make(), make()
    assert first == second
    first["more"] = True
    assert first != second
