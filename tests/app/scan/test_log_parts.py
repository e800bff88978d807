"""Files that several processes share give the same, to the last digit, as files that one reads."""

import dataclasses
import gc
import gzip
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from caponier.app.scan import log_parts
from caponier.app.scan.log_parts import LogPart, LogReading, shares, size_of, worth_workers
from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.scan.memory import Memory
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.habits.past import Past
from caponier.detect.sigma.sigma import Sigma
from caponier.errors import CaponierError, InputError
from caponier.records.inventory import Criticality, System, Workspace
from caponier.telemetry.log_files import LogFile
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.streams import STDIN

SYSTEM = System(name="digits", criticality=Criticality.HIGH, hosts=("gpu-01",), buckets=("ml-models",))


def reads(number: int) -> list[str]:
    """Forty reads of models from outside: within each file too few for a finding about all of them."""
    call = {
        "eventVersion": "1.09", "eventName": "GetObject", "eventSource": "s3.amazonaws.com", "awsRegion": "eu-west-1",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/eve"}, "sourceIPAddress": "203.0.113.9",
    }  # fmt: skip
    return [
        json.dumps({
            **call, "eventTime": f"2026-01-05T09:0{number}:{second:02}Z",
            "requestParameters": {"bucketName": "ml-models", "key": f"m{number}-{second}.safetensors"},
        })
        for second in range(0, 60, 6)
    ]  # fmt: skip


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    for number in range(4):
        (folder / f"trail-{number}.json").write_text("\n".join([*reads(number), "broken", *reads(0)[:2]]) + "\n")
    ssh = [
        f"2026-01-{day:02}T02:00:00+00:00 gpu-01 sshd[7]: Accepted publickey for ann from 203.0.113.{day} port 4 ssh2"
        for day in range(1, 28)
    ]
    (folder / "auth.log").write_text("\n".join(ssh) + "\n")
    (folder / "cut.log.gz").write_bytes(gzip.compress("\n".join(ssh).encode())[:-9])
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = require_workspace(create_workspace(tmp_path / "home"))
    return made.model_copy(update={"systems": (SYSTEM,)})


def scan(logs: Path, home: Workspace, rejected: Path, **how: Any) -> tuple[dict[str, Any], Any, str]:
    memory = Memory()
    with RejectedRows(rejected) as rows:
        report: LogScanReport = scan_logs([logs], workspace=home, rejected=rows, memory=memory, **how)
    told = {field.name: getattr(report, field.name) for field in dataclasses.fields(report) if field.name != "rejected"}
    told["findings"] = [finding.to_dict() for finding in report.findings]
    return told, (sorted(memory.past.changed()), memory.waiting), rejected.read_text()


@pytest.mark.slow
def test_the_collector_is_as_it_was_after_a_scan_that_was_left_in_the_middle() -> None:
    before, going = gc.get_threshold(), log_parts.rarely_collected()
    going.__enter__()
    assert gc.get_threshold() != before
    assert not going.__exit__(KeyError, KeyError(), None), "what went wrong is not kept back"
    assert gc.get_threshold() == before


def test_the_number_of_processes_changes_nothing(
    logs: Path, home: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = scan(logs, home, tmp_path / "alone.jsonl", workers=1)
    monkeypatch.setattr(log_parts, "WORTH", 0)
    monkeypatch.setattr(log_parts, "SHARE", 5_000)
    files = [LogFile(path, named=False) for path in sorted(logs.iterdir())]
    assert 2 < len(shares(files)) < len(files)
    assert scan(logs, home, tmp_path / "several.jsonl", workers=2) == alone
    told, (facts, waiting), rejected = alone
    # Of the file that is cut off, all logins but the last are whole.
    assert told["events"] == 4 * 12 + 27 + 26
    assert any(finding["detector"] == "sigma:model_bulk_read" for finding in told["findings"])
    assert facts
    assert waiting
    assert "broken from here on" in rejected


@pytest.mark.slow
def test_a_named_file_that_cannot_be_read_is_told_from_the_other_process(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = LogFile(logs / "gone.log")
    monkeypatch.setattr(log_parts, "SHARE", 1)
    with pytest.raises(InputError) as told:
        list(LogReading(Sigma()).parts_of_workers([LogFile(logs / "auth.log"), gone], Past(), 2))
    assert told.value.where == str(gone.path)


class Dying(LogReading):
    """Ends the process that reads with it, as a machine without memory does."""

    def parts(self, files: Sequence[LogFile], past: Past) -> Iterator[LogPart]:
        del files, past
        os._exit(9)


@pytest.mark.slow
def test_a_process_that_is_ended_from_outside_is_told_with_what_to_do(logs: Path) -> None:
    with pytest.raises(CaponierError, match="ended from outside") as told:
        list(Dying(Sigma(own=False)).parts_of_workers([LogFile(logs / "auth.log")], Past(), 2))
    assert "--workers 1" in str(told.value)


def test_small_files_are_read_many_at_a_time(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [LogFile(path) for path in sorted(logs.iterdir())]
    assert shares(files) == [files]
    monkeypatch.setattr(log_parts, "SHARE", 1)
    assert shares(files) == [[file] for file in files]
    assert shares([]) == []
    assert size_of(LogFile(logs / "gone")) == 0
    packed = LogFile(logs / "cut.log.gz")
    assert size_of(packed) > packed.path.stat().st_size


def test_little_and_what_only_this_process_can_read_is_read_here(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [LogFile(path) for path in sorted(logs.iterdir())]
    assert not worth_workers(files, 2)
    monkeypatch.setattr(log_parts, "WORTH", 0)
    monkeypatch.setattr(log_parts, "SHARE", 1)
    assert worth_workers(files, 2)
    assert not worth_workers(files, 1)
    assert not worth_workers(files[:1], 2)
    assert not worth_workers([*files, LogFile(STDIN)], 2)
