"""What goes on for weeks is told once, a journey is one piece of news, and an attack among all of it is still told."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from bench.machinery.small_company import describe, write

from caponier.app.incidents.correlate import settings_of
from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.scan.memory import Memory
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.habits.past import Past
from caponier.emulate.attack_steps.attack_step import aws, kubernetes, okta, requested, sshd, timed
from caponier.records.finding import Severity
from caponier.records.inside import ChangeWindow, InsideSettings
from caponier.records.inventory import System, Workspace
from caponier.respond.correlate import correlate
from detect.sigma import events as sigma

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
SYSTEM = System(name="digits", hosts=("gpu-01",), buckets=("ml-models",), models=("digits",), namespaces=("ml",))
Days = dict[int, list[dict[str, Any]]]


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = require_workspace(create_workspace(tmp_path / "home"))
    return made.model_copy(update={"systems": (SYSTEM,)})


def scan(home: Workspace, days: Days, memory: Memory | None = None) -> LogScanReport:
    file = home.root / "log.jsonl"
    rows = [row for day, made in days.items() for row in timed(made, START + timedelta(days=day))]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return scan_logs([file], workspace=home, memory=memory)


def rules(report: LogScanReport) -> Counter[str]:
    return Counter(finding.detector.removeprefix("sigma:") for finding in report.findings)


def reached(address: str, port: int = 22) -> dict[str, Any]:
    return {"TimeGenerated": None, "Type": "CommonSecurityLog", "DeviceAction": "allow", "SourceIP": address,
            "DestinationIP": "10.0.0.5", "DestinationPort": port, "DestinationHostName": "gpu-01"}  # fmt: skip


def scanners(days: Iterable[int], port: int = 22) -> Days:
    return {day: [reached(f"198.{day}.{number}.9", port) for number in range(20)] for day in days}


def test_a_month_of_a_small_company_is_quiet(tmp_path: Path) -> None:
    file = create_workspace(tmp_path / "home")
    describe(file, inside=True)
    write(tmp_path / "logs", seed=12, size=0.01)
    report = scan_logs([tmp_path / "logs"], workspace=require_workspace(tmp_path / "home"))
    assert report.rejected.count == 0
    assert len(report.findings) <= 20, [one.summary for one in report.findings]
    assert not [one for one in report.findings if one.severity is Severity.CRITICAL]
    assert max(rules(report).values()) <= 6


def test_a_port_that_strangers_reach_every_day_is_one_finding_about_the_host(home: Workspace) -> None:
    report = scan(home, scanners(range(20)))
    (finding,) = report.findings
    assert (finding.subject.kind, finding.subject.id) == ("asset", "gpu-01")
    assert "strangers" in finding.summary
    assert finding.evidence.facts["matches"] == 400
    assert len(report.context) == 400


def test_it_is_not_told_again_by_the_next_scan_and_a_new_port_is(home: Workspace) -> None:
    memory = Memory()
    scan(home, scanners(range(20)), memory)
    later = scan(home, scanners((20, 21)), Memory(past_of(memory)))
    assert later.findings == []
    opened = scan(home, {**scanners((22,)), 23: [reached("198.51.100.9", 8888)]}, Memory(past_of(memory)))
    assert [finding.subject.id for finding in opened.findings] == ["198.51.100.9"]


def past_of(memory: Memory) -> Past:
    """Return what a store would give back."""
    return Past(memory.past.facts())


def test_who_came_among_them_and_went_on_is_one_incident(home: Workspace) -> None:
    thief = "203.0.113.66"
    days = scanners(range(20))
    days[15] += [reached(thief), {**sshd("ada", thief), "pause": 60}]
    report = scan(home, days)
    assert rules(report) == {"ml_remote_service": 1, "ml_host_login_outside": 1}
    joined = correlate(report.findings, report.context, [], home, settings_of(home), START + timedelta(days=21))
    mine = [one for one in joined.incidents if "account:ada" in one.actors]
    assert len(mine) == 1
    assert not [one for one in joined.incidents if "address:198.3.3.9" in one.actors]
    # What came before is context, and is there.
    assert any(not step.finding_id and "reached from outside" in step.summary for step in mine[0].steps)


def test_strangers_on_a_few_days_are_told_one_by_one(home: Workspace) -> None:
    assert rules(scan(home, scanners(range(2)))) == {"ml_remote_service": 40}


def test_a_backup_that_encrypts_every_night_is_one_finding_and_not_thirty(home: Workspace) -> None:
    customer = "x-amz-server-side-encryption-customer-algorithm"
    night = [
        aws("role svc-backup/x", "10.0.0.9", "s3", "PutObject",
            {"bucketName": "ml-models", "key": f"m{number}.pt", customer: "AES256"})
        for number in range(60)
    ]  # fmt: skip
    report = scan(home, dict.fromkeys(range(30), night))
    (finding,) = report.findings
    assert finding.detector == "sigma:model_store_encrypted"
    assert finding.last_time - finding.first_time > timedelta(days=28)
    assert rules(scan(home, {0: night, 20: night})) == {"model_store_encrypted": 2}


def work(who: str, address: str) -> list[dict[str, Any]]:
    return [
        sshd(who, address), kubernetes(who, address, "create", "pods", name="serve-0", subresource="exec"),
        requested(address, "POST", "/api/kernels", 201) | {"user": who},
    ]  # fmt: skip


def test_a_journey_is_one_piece_of_news_whatever_is_done_from_there(home: Workspace) -> None:
    days = {day: work("ada", "81.1.1.7") for day in range(25)}
    days |= {20: work("ada", "176.9.9.7"), 21: work("ada", "176.9.9.8")}
    report = scan(home, days)
    mine = [finding for finding in report.findings if finding.subject.id == "ada"]
    assert [finding.detector for finding in mine] == ["sigma:ml_host_login_outside"]
    assert any(event.rule == "sigma:workload_exec" and event.address == "176.9.9.7" for event in report.context)


def test_what_is_done_from_there_for_the_first_time_is_told(home: Workspace) -> None:
    days = {day: work("ada", "81.1.1.7") for day in range(25)} | {20: work("ada", "176.9.9.7")}
    days[20] += [kubernetes("ada", "176.9.9.7", "delete", "inferenceservices", apiGroup="serving.kserve.io")]
    assert "inference_service_deleted" in rules(scan(home, days))


def test_a_known_colleague_without_a_name_in_the_log_is_context_and_a_stranger_is_not(home: Workspace) -> None:
    calm = {"debugContext": {"debugData": {"risk": "{level=LOW}"}}}
    usual = [sshd("ada", "81.1.1.7"), okta("ada", "81.1.1.7", "user.session.start") | calm]
    days: Days = {day: list(usual) for day in range(20)}
    days[18] += [requested("81.1.1.7", "POST", "/api/2.0/mlflow/users/create")]
    days[19] += [requested("203.0.113.66", "POST", "/api/2.0/mlflow/users/create")]
    report = scan(home, days)
    told = [finding.subject.id for finding in report.findings if finding.detector == "sigma:mlflow_rights_changed"]
    assert told == ["203.0.113.66"]
    assert any(event.rule == "sigma:mlflow_rights_changed" for event in report.context)


def asked(address: str, path: str, method: str = "POST") -> dict[str, Any]:
    return {"time": None, "category": "webserver", "host": "gpu-01", "c-ip": address, "cs-method": method,
            "cs-uri-stem": f"/api/2.0/mlflow/{path}", "sc-status": 200}  # fmt: skip


@pytest.mark.parametrize(
    ("address", "found"),
    [("10.8.0.9", 0), ("10.9.0.9", 1), ("203.0.113.66", 1), ("127.0.0.1", 1)],
    ids=["from where it is used", "from elsewhere inside", "from where strangers use it", "through a proxy beside it"],
)
def test_a_server_without_names_knows_from_where_it_is_used(home: Workspace, address: str, found: int) -> None:
    users = ("10.8.0.9", "203.0.113.66", "127.0.0.1")
    days: Days = {day: [asked(one, "runs/get") for one in users] for day in range(20)}
    days[18] += [asked(address, "users/create")]
    report = scan(home, days)
    assert rules(report)["mlflow_rights_changed"] == found
    told = [*report.findings, *report.context]
    assert len([one for one in told if "MLflow" in one.summary]) == 1, "it is kept, as a finding or as context"


@pytest.mark.parametrize(("many", "found"), [(4, 0), (12, 1)], ids=["all usual", "more than are kept, one new"])
def test_nobody_hides_a_new_host_behind_many_usual_ones(home: Workspace, many: int, found: int) -> None:
    def came(number: int, door: str) -> dict[str, Any]:
        return {"time": None, "product": "shop", "service": "door", "src_ip": "10.8.0.9", "host": f"gpu-{number:02}",
                "door": door}  # fmt: skip

    home = home.model_copy(update={"systems": (SYSTEM.model_copy(update={"hosts": ("gpu-*",)}),)})
    doors = sigma.joint("doors", "event_count", ["back"], "1h", condition={"gte": 4}, **{"group-by": ["src_ip"]})
    sigma.write(home.root / "rules", "doors.yml", sigma.plain("back", {"door": "back"}, level="informational"),
                doors | {"level": "medium"})  # fmt: skip
    days: Days = {day: [came(number, "front") for number in range(11)] for day in range(20)}
    days[18] += [came(number, "back") for number in range(many)]
    file = home.root / "log.jsonl"
    rows = [row for day, made in days.items() for row in timed(made, START + timedelta(days=day))]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = scan_logs([file], workspace=home, rules=[home.root / "rules"], own_rules=False)
    assert rules(report)["doors"] == found


def test_a_server_that_was_used_for_some_days_knows_nobody(home: Workspace) -> None:
    days: Days = {day: [asked("10.8.0.9", "runs/get")] for day in range(10)}
    days[9] += [asked("10.8.0.9", "users/create")]
    assert rules(scan(home, days)) == {"mlflow_rights_changed": 1}


def test_rights_that_somebody_gives_now_and_then_are_usual_and_in_a_window_at_once(home: Workspace) -> None:
    days: Days = {day: [asked("10.8.0.9", "users/create")] for day in (0, 30, 60, 90)}
    assert rules(scan(home, days)) == {}
    window = InsideSettings(changes=(ChangeWindow(days=("mon",), begin=time(7), until=time(9)),))
    planned = home.model_copy(update={"inside": window})
    assert rules(scan(planned, {0: [asked("10.8.0.9", "users/create")]})) == {}
    assert rules(scan(planned, {1: [asked("10.8.0.9", "users/create")]})) == {"mlflow_rights_changed": 1}
    assert rules(scan(planned, {0: [asked("203.0.113.66", "users/create")]})) == {"mlflow_rights_changed": 1}


def test_an_address_of_a_pool_is_its_neighbourhood(home: Workspace) -> None:
    days = {day: [requested(f"10.8.0.{day + 2}", "POST", "/api/2.0/mlflow/users/create")] for day in range(0, 28, 4)}
    assert rules(scan(home, days)) == {}
    assert rules(scan(home, dict(list(days.items())[:2]))) == {"mlflow_rights_changed": 2}
