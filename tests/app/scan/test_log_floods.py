"""Logs that try to drown an analyst, or to point at somebody else: how many findings there are, and about whom."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.incidents import list_incidents, show_incident
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.records.inventory import System, Workspace
from detect.sigma.events import joint, plain, write

DAY = datetime(2026, 1, 5, tzinfo=UTC)
SYSTEM = System(name="digits", hosts=("gpu-01",))
HOUR = 3600
AUTH = {"category": "authentication"}
FAILED = plain("failed", {"outcome": "failure"}, logsource=AUTH, level="informational")
SPRAY = joint("spray", "value_count", ["failed"], "10m", condition={"gte": 5, "field": "user"}) | {"level": "high"}
SPRAY["correlation"]["group-by"] = ["caponier.address"]
GUESSING = joint("guessing", "event_count", ["failed"], "10m", condition={"gte": 5}) | {"level": "high"}
GUESSING["correlation"]["group-by"] = ["caponier.account"]
ON_HOST = joint("on_host", "event_count", ["failed"], "10m", condition={"gte": 5}) | {"level": "high"}
ON_HOST["correlation"]["group-by"] = ["caponier.host"]


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = require_workspace(create_workspace(tmp_path / "home"))
    return made.model_copy(update={"systems": (SYSTEM,)})


def login(second: float, user: str, host: str = "gpu-01", address: str = "203.0.113.7", **more: Any) -> dict[str, Any]:
    stamp = (DAY + timedelta(seconds=second)).isoformat()
    return {"time": stamp, **AUTH, "user": user, "host": host, "src_ip": address, "outcome": "failure", **more}


def scan(home: Workspace, rows: Iterable[dict[str, Any]], *rules: dict[str, Any], **how: Any) -> LogScanReport:
    file = home.root / "log.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    folder = write(home.root / "rules", "mine.yml", *rules)
    return scan_logs([file], workspace=home, rules=[folder], own_rules=False, lateness=1e9, **how)


def test_a_spray_over_many_accounts_is_one_finding_about_its_address(home: Workspace) -> None:
    report = scan(home, [login(n, f"user{n}") for n in range(300)], FAILED, SPRAY)
    (finding,) = report.findings
    assert (finding.subject.kind, finding.subject.id) == ("address", "203.0.113.7")
    assert finding.unique_queries == 5
    assert report.matches == 296


def test_a_spray_from_two_addresses_is_two(home: Workspace) -> None:
    rows = [login(n, f"user{n}", address=f"203.0.113.{7 + n % 2}") for n in range(100)]
    report = scan(home, rows, FAILED, SPRAY)
    assert sorted(finding.subject.id for finding in report.findings) == ["203.0.113.7", "203.0.113.8"]


def test_the_victims_of_a_spray_are_no_actors(home: Workspace) -> None:
    report = scan(home, [login(n, f"user{n}") for n in range(8)], FAILED, SPRAY)
    keep_findings(home, report.findings, report.context)
    (incident,) = list_incidents(home)
    assert incident.actors == ("address:203.0.113.7",)


@pytest.mark.parametrize("spelling", ["ann", "CORP\\Ann", "ANN"])
def test_a_correlation_by_account_is_about_the_account(home: Workspace, spelling: str) -> None:
    rows = [login(n, spelling, address=f"203.0.113.{n % 200}") for n in range(50)]
    (finding,) = scan(home, rows, FAILED, GUESSING).findings
    assert (finding.subject.kind, finding.subject.id) == ("account", "ann")


def test_a_correlation_by_host_is_about_who_acts_there(home: Workspace) -> None:
    report = scan(home, [login(n, "ann") for n in range(20)], FAILED, ON_HOST)
    assert [(finding.subject.kind, finding.subject.id) for finding in report.findings] == [("account", "ann")]


def test_a_flood_elsewhere_does_not_hide_a_finding(home: Workspace) -> None:
    rows = [login(n / 100, f"user{n}", host=f"desk-{n}", address=f"10.0.{n % 250}.{n % 199}") for n in range(3000)]
    rows += [login(15 + n, "ann") for n in range(5)]
    report = scan(home, sorted(rows, key=lambda row: row["time"]), FAILED, GUESSING)
    assert [finding.subject.id for finding in report.findings] == ["ann"]
    assert report.context == []


def expected_episodes(rows: list[tuple[int, str]], quiet: float) -> list[tuple[int, str]]:
    """The first match of each subject, and each one after more than an hour without any."""
    last: dict[str, int] = {}
    found = []
    for second, user in sorted(rows):
        if user not in last or second - last[user] > quiet:
            found.append((second, user))
        last[user] = second
    return found


HALF_HOURS = st.integers(0, 12).map(lambda n: n * HOUR // 2)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.tuples(HALF_HOURS, st.sampled_from(["ann", "bob"])), min_size=1, max_size=20),
    batch=st.integers(1, 7),
)
def test_findings_are_the_beginnings_of_episodes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str]], batch: int
) -> None:
    made = require_workspace(create_workspace(tmp_path_factory.mktemp("episodes")))
    place = made.model_copy(update={"systems": (SYSTEM,)})
    log = [login(second, user, outcome="success", n=n) for n, (second, user) in enumerate(rows)]
    rule = plain("in", {"outcome": "success"}, logsource=AUTH)
    report = scan(place, log, rule, batch_rows=batch)
    found = [((finding.first_time - DAY).total_seconds(), finding.subject.id) for finding in report.findings]
    # Two accounts at one moment have no order.
    assert sorted(found) == sorted(expected_episodes(rows, HOUR))
    assert len({finding.finding_id for finding in report.findings}) == len(found)


def test_an_episode_ends_with_the_timespan_of_a_longer_rule(home: Workspace) -> None:
    slow = joint("slow", "event_count", ["failed"], "3h", condition={"gte": 2})
    slow["correlation"]["group-by"] = ["user"]
    report = scan(home, [login(hour * HOUR, "ann") for hour in (0, 1, 3.5, 6, 9.5, 10)], FAILED, slow)
    spans = [
        tuple((time - DAY).total_seconds() / HOUR for time in (finding.first_time, finding.last_time))
        for finding in report.findings
    ]
    assert spans == [(0, 6), (9.5, 10)]


PHISHED = plain("phished", {"outcome": "phished"}, logsource=AUTH, tags=["attack.t1566"])
LOGGED_IN = plain("in", {"outcome": "success"}, logsource=AUTH, tags=["attack.t1078"])


def stories(home: Workspace, *rows: dict[str, Any]) -> None:
    report = scan(home, rows, PHISHED, LOGGED_IN)
    keep_findings(home, report.findings, report.context)


@pytest.mark.parametrize(("days", "joined"), [(0.5, True), (6.999, True), (7.001, False), (30, False)])
@pytest.mark.parametrize("context_first", [True, False])
def test_context_joins_within_the_gap_before_and_after(
    home: Workspace, days: float, joined: bool, context_first: bool
) -> None:
    early, late = 0.0, days * 24 * HOUR
    outside = login(early if context_first else late, "ann", "desk", outcome="phished")
    inside = login(late if context_first else early, "ANN", address="198.51.100.9", outcome="success")
    stories(home, *sorted([outside, inside], key=lambda row: row["time"]))
    (incident,) = list_incidents(home)
    assert sum(step.finding_id is None for step in incident.steps) == int(joined)
    assert len(incident.finding_ids) == 1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_context_and_login_in_two_scans_in_either_order(home: Workspace, order: tuple[int, int]) -> None:
    rows = [login(0, "ann", "desk", outcome="phished"), login(HOUR, "ann", outcome="success")]
    stories(home, rows[order[0]])
    assert len(list_incidents(home)) == order[0]
    stories(home, rows[order[1]])
    (incident,) = list_incidents(home)
    assert [step.tactic for step in incident.steps] == ["Initial Access"] * 2
    assert [step.finding_id is None for step in incident.steps] == [True, False]
    assert incident.first_time == DAY


def test_context_of_somebody_else_stays_silent_for_ever(home: Workspace) -> None:
    stories(home, login(0, "bob", "desk", address="10.1.1.1", outcome="phished"), login(1, "ann", outcome="success"))
    (incident,) = list_incidents(home)
    assert {step.finding_id for step in incident.steps} == set(incident.finding_ids)
    assert correlate_findings(home).changed == ()


def test_nobody_is_joined_by_a_session_name_that_he_chose(home: Workspace) -> None:
    arn = "arn:aws:sts::1:assumed-role/intern/ann"
    forged = login(0, "x", "desk", address="10.1.1.1", outcome="phished") | {"user": None, "userIdentity": {"arn": arn}}
    stories(home, forged, login(1, "ann", outcome="success"))
    (incident,) = list_incidents(home)
    assert len(incident.steps) == 1
    assert "account:ann" in incident.actors


def test_a_flood_of_context_makes_one_incident_that_can_be_read(home: Workspace) -> None:
    rows = [login(n, "ann", f"desk-{n}", outcome="phished") for n in range(1500)]
    stories(home, *rows, login(1501, "ann", outcome="success"))
    (incident,) = list_incidents(home)
    case = show_incident(home, incident.incident_id)
    assert len(case.incident.steps) == 1501
    assert [step.time for step in case.incident.steps] == sorted(step.time for step in case.incident.steps)
