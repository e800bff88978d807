import gzip
import json
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from caponier.errors import InputError
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import LogEvent, moment, read_logs
from caponier.telemetry.security_logs.sources import LogSource
from caponier.telemetry.streams import STDIN

GOOD = {"time": "2026-01-05T09:00:00Z", "category": "authentication", "user": "ann"}


def write(folder: Path, *rows: Any, name: str = "log.jsonl") -> Path:
    path = folder / name
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def read(*paths: Path, **how: Any) -> tuple[list[LogEvent], RejectedRows]:
    with RejectedRows() as rejected:
        events = [event for part in read_logs(paths, rejected, **how) for event in part.events]
    return events, rejected


def test_an_event(tmp_path: Path) -> None:
    (event,), rejected = read(write(tmp_path, GOOD))
    assert moment(event.time).isoformat() == "2026-01-05T09:00:00+00:00"
    assert event.origin == LogSource(None, "authentication", None)
    assert (event.fields["user"], event.line, rejected.count) == ("ann", 1, 0)


@pytest.mark.parametrize(
    "times",
    [
        {"time": 1767603600000},
        {"@timestamp": "2026-01-05T10:00:00+01:00"},
        {"eventTime": "2026-01-05T09:00:00Z"},
        {"timestamp": "2026-01-05T09:00:00.000000Z"},
        {"requestReceivedTimestamp": "2026-01-05T09:00:00.000000Z"},
    ],
)
def test_times(tmp_path: Path, times: dict[str, Any]) -> None:
    (event,), _ = read(write(tmp_path, {"category": "dns", **times}))
    assert moment(event.time).isoformat() == "2026-01-05T09:00:00+00:00"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{bad", "bad JSON"),
        ("[1]", "bad JSON"),
        ({"category": "dns"}, "no time"),
        ({**GOOD, "time": "yesterday"}, "time cannot be read"),
        ({**GOOD, "time": "2026-01-05T09:00:00"}, "time cannot be read"),
        ({**GOOD, "time": 1.5}, "time cannot be read"),
        ({**GOOD, "time": True}, "time cannot be read"),
        ({**GOOD, "time": 10**30}, "time cannot be read"),
        ({**GOOD, "time": "1970-01-01T00:00:00Z"}, "time outside"),
        ({**GOOD, "time": 99999999999999}, "time outside"),
        ({"time": "2026-01-05T09:00:00Z", "message": "x"}, "no log source"),
        ({**GOOD, **{f"f{n}": n for n in range(2000)}}, "too many fields"),
    ],
)
def test_a_bad_row_is_told_and_the_good_go_on(tmp_path: Path, row: Any, reason: str) -> None:
    events, rejected = read(write(tmp_path, GOOD, row, {**GOOD, "user": "bob"}))
    assert [event.fields["user"] for event in events] == ["ann", "bob"]
    (rejection,) = rejected.first
    assert (rejection.line, rejection.reason.startswith(reason)) == (2, True), rejection.reason


def test_a_row_of_a_stream_that_comes_too_late_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = [{**GOOD, "time": f"2026-01-05T10:00:0{n}Z"} for n in range(3)]
    file = write(tmp_path, *later, {**GOOD, "time": "2026-01-05T09:58:00Z"}, GOOD)
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(file.read_bytes())))
    events, rejected = read(STDIN, lateness=300)
    assert len(events) == 4
    assert [(one.line, one.reason.split(":")[0]) for one in rejected.first] == [(5, "late")]


def test_in_a_file_no_row_is_late(tmp_path: Path) -> None:
    later = [{**GOOD, "time": f"2026-01-06T10:00:0{n}Z"} for n in range(3)]
    new = write(tmp_path, *later, GOOD, name="a.jsonl")
    events, rejected = read(new, write(tmp_path, GOOD, name="b.jsonl"), lateness=0)
    assert (len(events), rejected.count) == (5, 0)


def test_the_log_source_may_be_given(tmp_path: Path) -> None:
    row = {"time": "2026-01-05T09:00:00Z", "message": "x"}
    (event, said), _ = read(write(tmp_path, row, GOOD), origin=LogSource("aws", None, "cloudtrail"))
    assert event.origin == LogSource("aws", None, "cloudtrail")
    assert said.origin.category == "authentication"


def test_folders_and_compression(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "old.log.gz").write_bytes(gzip.compress(json.dumps(GOOD).encode()))
    (tmp_path / "notes.md").write_text("no log")
    assert len(read(tmp_path)[0]) == 2


def test_paths_that_are_no_log(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        read(tmp_path / "no.jsonl")
    with pytest.raises(InputError, match="holds no"):
        read(tmp_path)
    (tmp_path / "notes.md").write_text("no log")
    with pytest.raises(InputError, match="holds no"):
        read(tmp_path)
    events, rejected = read(tmp_path / "notes.md")
    assert (events, [one.reason for one in rejected.first]) == ([], ["no known format"])


def test_an_id_is_of_what_the_event_says_and_nothing_else(tmp_path: Path) -> None:
    one, again, other = read(write(tmp_path, GOOD, GOOD, {**GOOD, "user": "bob"}))[0]
    assert one.id() == again.id() != other.id()
    assert one.id(b"salt") != one.id()
    moved = read(write(tmp_path, {"x": 1, **GOOD}, {**GOOD, "user": "bob"}, name="b.jsonl"))[0][1]
    assert moved.id() == other.id()


def test_what_was_cut_is_counted(tmp_path: Path) -> None:
    with RejectedRows() as rejected:
        part, _ = read_logs([write(tmp_path, {**GOOD, "agent": "x" * 100_000})], rejected)
    assert part.shortened == 1
    assert part.bytes_read > 100_000
