"""A finding whose episode goes on in a later log, and that every matched event is in every export."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.scan.test_logs import INSIDE, login
from app.scan.test_memory import read
from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.export import to_json, to_ocsf
from caponier.app.incidents.export_flow import to_flow
from caponier.app.incidents.findings import list_findings
from caponier.app.incidents.incidents import list_incidents, show_incident
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.scan.memory import recall, remember
from caponier.app.workspace.workspace import create_workspace, load_workspace, require_workspace
from caponier.emulate.attack_steps.attack_step import THIEF, aws, timed
from caponier.records.inventory import System, Workspace


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    found = load_workspace(tmp_path)
    assert found is not None
    return found.model_copy(update={"systems": (INSIDE,)})


def scan(home: Workspace, rows: list[dict[str, object]]) -> LogScanReport:
    file = home.root / "log.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    memory = recall(home)
    report = scan_logs([file], workspace=home, memory=memory)
    keep_findings(home, report.findings, report.context)
    remember(home, memory)
    return report


def test_an_episode_that_goes_on_in_a_later_log_is_one_finding(home: Workspace) -> None:
    rows = [login(10 * number, "gpu-01") for number in range(10)]
    scan(home, rows[:6])
    scan(home, rows[6:])
    (one,) = list_findings(home)
    assert len(one.event_ids) == 10 == one.evidence.facts["matches"]
    (incident,) = list_incidents(home)
    assert incident.last_time == one.last_time


def test_a_log_that_is_scanned_again_adds_nothing(home: Workspace) -> None:
    rows = [login(10 * number, "gpu-01") for number in range(6)]
    scan(home, rows)
    before = list_findings(home)
    scan(home, rows)
    assert list_findings(home) == before


def test_after_a_silence_it_is_another_finding(home: Workspace) -> None:
    scan(home, [login(0, "gpu-01")])
    scan(home, [login(200, "gpu-01")])
    assert len(list_findings(home)) == 2


def test_every_event_that_matched_is_in_every_export(home: Workspace) -> None:
    rows: list[dict[str, object]] = [login(0, "gpu-01"), login(1, "desk-7")]
    rows += [read(600 + 5 * number, number) for number in range(40)]
    report = scan(home, rows)
    told = {id_ for one in report.findings for id_ in one.event_ids}
    told |= {id_ for one in report.context for id_ in (one.event_ids or (one.event_id,))}
    assert len(told) == 42
    (incident,) = list_incidents(home)
    case = show_incident(home, incident.incident_id)
    for name, text in (("json", to_json(case)), ("ocsf", json.dumps(to_ocsf(case))), ("flow", to_flow(case))):
        assert not [id_ for id_ in told if id_ not in text], name


def test_a_key_that_was_minted_is_found_again_a_month_later(tmp_path: Path) -> None:
    home = require_workspace(create_workspace(tmp_path / "home"))
    home = home.model_copy(
        update={"systems": (System(name="digits", accounts=("svc-model-sync",), buckets=("ml-models",)),)}
    )
    key = "AKIAMINTED0000000000"
    minted = aws("user eve", THIEF, "iam", "CreateAccessKey", {"userName": "svc-model-sync"},
                 responseElements={"accessKey": {"accessKeyId": key, "userName": "svc-model-sync"}})  # fmt: skip
    reads = [
        aws("user svc-model-sync", "198.51.100.9", "s3", "GetObject",
            {"bucketName": "ml-models", "key": f"m{number}.pt"})
        for number in range(30)
    ]  # fmt: skip
    for one in reads:
        one["userIdentity"]["accessKeyId"] = key
    for start, rows in ((datetime(2026, 1, 5, tzinfo=UTC), [minted]), (datetime(2026, 2, 6, tzinfo=UTC), reads)):
        log = tmp_path / "log.jsonl"
        log.write_text("".join(json.dumps(row) + "\n" for row in timed(rows, start)))
        memory = recall(home)
        report = scan_logs([log], workspace=home, memory=memory)
        keep_findings(home, report.findings, report.context)
        remember(home, memory)
        correlate_findings(home)
    (incident,) = list_incidents(home)
    assert {"account:eve", "account:svc-model-sync", f"key:{key}"} <= set(incident.actors)
    found = {one.detector: one.finding_id for one in list_findings(home)}
    assert "sigma:model_bulk_read" in found
    assert len(found) == 2, "the key, and the one theft with it"
    assert set(incident.finding_ids) == set(found.values())
