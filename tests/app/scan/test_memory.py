import json
from pathlib import Path

import pytest

from app.scan.test_logs import INSIDE, login
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.incidents.verdicts import give_verdict
from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.scan.memory import Memory, recall, remember
from caponier.app.workspace.workspace import create_workspace, load_workspace, require_workspace
from caponier.records.inventory import System, Workspace
from caponier.records.verdict import VerdictKind


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    found = load_workspace(tmp_path)
    assert found is not None
    return found.model_copy(update={"systems": (INSIDE,)})


def read(second: int, key: int) -> dict[str, object]:
    return {
        "eventVersion": "1.09", "eventTime": f"2026-01-05T09:{second // 60:02}:{second % 60:02}Z",
        "eventName": "GetObject", "eventSource": "s3.amazonaws.com", "sourceIPAddress": "203.0.113.7",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/ann"},
        "requestParameters": {"bucketName": "ml-models", "key": f"d/{key}.parquet"},
    }  # fmt: skip


def scan(home: Workspace, rows: list[dict[str, object]]) -> LogScanReport:
    """Scan as the command does: with what was left before, and leaving what comes next."""
    file = home.root / "log.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    memory = recall(home)
    report = scan_logs([file], workspace=home, memory=memory)
    remember(home, memory)
    return report


def test_a_count_goes_on_in_the_next_log(home: Workspace) -> None:
    rows = [read(10 * number, number) for number in range(24)]
    assert [one.detector for one in scan(home, rows[:15]).findings] == []
    assert [one.detector for one in scan(home, rows[15:]).findings] == ["sigma:model_bulk_read"]
    assert scan(home, [read(1800, 1)]).findings == [], "what was told is not told again"


def test_one_log_or_several_give_the_same_first_trigger(home: Workspace) -> None:
    rows = [read(10 * number, number) for number in range(24)]
    whole = scan_logs([_written(home, rows)], workspace=home)
    scan(home, rows[:15])
    (later,) = scan(home, rows[15:]).findings
    assert later.trigger_event_id == whole.findings[0].trigger_event_id


def test_a_habit_is_carried_from_scan_to_scan(home: Workspace) -> None:
    for day in (1, 5, 10, 17):
        row = login(0, "gpu-01") | {"time": f"2026-01-{day:02}T09:00:00Z"}
        report = scan(home, [row])
        assert len(report.findings) == (day < 17), "two weeks are needed"
    assert len(report.usual) == 1
    elsewhere = login(0, "gpu-01", src_ip="198.51.100.9") | {"time": "2026-01-18T09:00:00Z"}
    assert len(scan(home, [elsewhere]).findings) == 1


def test_scanning_a_log_again_learns_nothing(home: Workspace) -> None:
    scan(home, [login(0, "gpu-01")])
    memory = recall(home)
    scan_logs([home.root / "log.jsonl"], workspace=home, memory=memory)
    assert list(memory.past.changed()) == []


def test_without_a_workspace_nothing_is_carried(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text(json.dumps(login(0, "gpu-01")) + "\n")
    memory = Memory()
    scan_logs([file], memory=memory)
    assert list(memory.past.changed())


def _written(home: Workspace, rows: list[dict[str, object]]) -> Path:
    file = home.root / "whole.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_what_analysts_say_lowers_the_confidence_of_the_next_findings(tmp_path: Path) -> None:
    home = require_workspace(create_workspace(tmp_path / "home"))
    home = home.model_copy(update={"systems": (System(name="digits", hosts=("gpu-01",)),)})
    log = tmp_path / "log.jsonl"
    confidences = []
    for number in range(4):
        row = {"time": f"2026-01-0{number + 1}T09:00:00Z", "category": "authentication", "user": f"u{number}",
               "host": "gpu-01", "src_ip": f"203.0.{number}.7", "outcome": "success"}  # fmt: skip
        log.write_text(json.dumps(row) + "\n")
        report = scan_logs([log], workspace=home, memory=recall(home))
        (found,) = report.findings
        keep_findings(home, report.findings, [])
        confidences.append(found.confidence)
        give_verdict(home, found.finding_id, VerdictKind.BENIGN)
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[-1] < confidences[0] * 0.7
    assert "3 benign" in str(found.evidence.facts["confidence"])
