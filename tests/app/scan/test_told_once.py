"""One theft passes the thresholds of several rules, and is one finding with all of its events."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.emulate.attack_steps.attack_step import aws
from caponier.records.inventory import System, Workspace
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import read_logs
from detect.sigma.events import joint, plain, write

SYSTEMS = (System(name="digits", buckets=("ml-models",)), System(name="faces", buckets=("face-models",)))
FEW = joint("few", "event_count", ["opened"], "1h", condition={"gte": 3}) | {"tags": ["attack.t1530"]}
MANY = joint("many", "event_count", ["opened"], "1h", condition={"gte": 6}) | {"tags": ["attack.t1530"]}
OTHER = joint("other", "event_count", ["opened"], "1h", condition={"gte": 6}) | {"tags": ["attack.t1110"]}


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    return require_workspace(create_workspace(tmp_path / "home")).model_copy(update={"systems": SYSTEMS})


def opened(second: int, user: str = "eve", bucket: str = "ml-models") -> dict[str, Any]:
    return {"time": f"2026-03-02T09:{second // 60:02}:{second % 60:02}Z", "product": "shop", "service": "door",
            "user": user, "bucket": bucket}  # fmt: skip


def scan(home: Workspace, rows: list[dict[str, Any]], *rules: dict[str, Any]) -> LogScanReport:
    (home.root / "log.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    if not rules:
        return scan_logs([home.root / "log.jsonl"], workspace=home)
    write(home.root / "rules", "mine.yml", plain("opened", {"bucket": "*"}, level="informational"), *rules)
    return scan_logs([home.root / "log.jsonl"], workspace=home, rules=[home.root / "rules"], own_rules=False)


def told(report: LogScanReport) -> list[str]:
    return sorted(one.detector.removeprefix("sigma:") for one in report.findings if one.detector != "sigma:opened")


def test_a_bulk_read_of_models_takes_the_reads_of_several_up(home: Workspace) -> None:
    names = [f"m{number:02}.safetensors" for number in range(25)]
    rows = [
        {"time": f"2026-03-02T09:00:{second:02}Z"}
        | aws("user ada", "203.0.113.66", "s3", "GetObject", {"bucketName": "ml-models", "key": name})
        for second, name in enumerate(names)
    ]
    report = scan(home, rows)
    (finding,) = report.findings
    assert finding.detector == "sigma:model_bulk_read"
    assert finding.evidence.facts["also"] == ["Several models read by one account"]
    events = [one for read in read_logs([home.root / "log.jsonl"], RejectedRows()) for one in read.events]
    assert len(set(finding.event_ids)) == len(events) == 25


def test_the_most_severe_rule_tells_it_whichever_came_first(home: Workspace) -> None:
    rows = [opened(second) for second in range(8)]
    assert told(scan(home, rows, FEW | {"level": "medium"}, MANY | {"level": "high"})) == ["many"]
    assert told(scan(home, rows, FEW | {"level": "high"}, MANY | {"level": "medium"})) == ["few"]


def test_of_equals_the_rule_that_asks_for_most_tells_it(home: Workspace) -> None:
    rows = [opened(second) for second in range(8)]
    assert told(scan(home, rows, FEW | {"level": "low"}, MANY | {"level": "low"})) == ["many"]


def test_no_event_and_no_moment_of_it_is_lost(home: Workspace) -> None:
    rows = [opened(second) for second in range(0, 400, 10)]
    apart = scan(home, rows, FEW | {"level": "medium"}).findings + scan(home, rows, MANY | {"level": "high"}).findings
    apart = [one for one in apart if one.detector != "sigma:opened"]
    (together,) = [
        one
        for one in scan(home, rows, FEW | {"level": "medium"}, MANY | {"level": "high"}).findings
        if one.detector != "sigma:opened"
    ]
    assert set(together.event_ids) == {id_ for one in apart for id_ in one.event_ids}
    assert together.first_time == min(one.first_time for one in apart)
    assert together.last_time == max(one.last_time for one in apart)


def test_what_passes_one_threshold_alone_is_told_by_that_rule(home: Workspace) -> None:
    rows = [opened(second) for second in range(4)]
    assert told(scan(home, rows, FEW | {"level": "medium"}, MANY | {"level": "high"})) == ["few"]


def test_another_technique_actor_or_system_is_another_finding(home: Workspace) -> None:
    rows = [opened(second) for second in range(8)]
    assert told(scan(home, rows, FEW | {"level": "medium"}, OTHER | {"level": "high"})) == ["few", "other"]
    rules = FEW | {"level": "medium"}, MANY | {"level": "high"}
    assert told(scan(home, [*rows, *(opened(second + 9, "bob") for second in range(4))], *rules)) == ["few", "many"]
    elsewhere = [opened(second + 9, "eve", "face-models") for second in range(4)]
    assert told(scan(home, [*rows, *elsewhere], *rules)) == ["few", "many"]


def test_a_rule_on_single_events_keeps_its_findings(home: Workspace) -> None:
    rows = [opened(second) for second in range(4)]
    report = scan(home, rows, FEW | {"level": "medium"}, plain("one", {"user": "eve"}, level="low"))
    assert told(report) == ["few", "one"]
    assert all("also" not in one.evidence.facts for one in report.findings)
