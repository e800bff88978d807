"""What an account does every day is told once; a named machine and an announced change need no weeks to be believed."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.emulate.attack_steps.attack_step import aws, kubernetes, timed
from caponier.records.inside import ChangeWindow, InsideSettings
from caponier.records.inventory import System, Workspace

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
SYSTEM = System(name="digits", buckets=("ml-models",), namespaces=("ml",), images=("registry.example.org/digits",))
STRANGE = "91.92.7.14"
Days = dict[int, list[dict[str, Any]]]


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    made = require_workspace(create_workspace(tmp_path / "home"))
    return made.model_copy(update={"systems": (SYSTEM,)})


def scan(home: Workspace, days: Days) -> LogScanReport:
    file = home.root / "log.jsonl"
    rows = [row for day, made in sorted(days.items()) for row in timed(made, START + timedelta(days=day))]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return scan_logs([file], workspace=home)


def rules(report: LogScanReport) -> Counter[str]:
    return Counter(finding.detector.removeprefix("sigma:") for finding in report.findings)


def hosted(day: int) -> str:
    return f"20.{day + 30}.{day}.9"


def published(day: int, role: str = "publish", address: str | None = None) -> dict[str, Any]:
    """A build writes a model to its store, from another address and under another session each time."""
    asked = {"bucketName": "ml-models", "key": f"digits/{day}/model.onnx"}
    return aws(f"role {role}/run-{day}", address or hosted(day), "s3", "PutObject", asked)


def builds(days: Iterable[int]) -> Days:
    return {day: [published(day)] for day in days}


def image_set(who: str, address: str) -> dict[str, Any]:
    image = {"spec": {"template": {"spec": {"containers": [{"image": "registry.example.org/digits:2"}]}}}}
    return kubernetes(who, address, "patch", "deployments", image, apiGroup="apps")


def naming(home: Workspace, **inside: Any) -> Workspace:
    return home.model_copy(update={"inside": InsideSettings.model_validate(inside)})


def test_builds_of_a_week_that_nobody_named_are_one_finding_with_all_of_them(home: Workspace) -> None:
    report = scan(home, builds(range(7)))
    (finding,) = report.findings
    facts = finding.evidence.facts
    assert (facts["matches"], len(facts["account"]), len(facts["address"])) == (7, 7, 7)
    assert len(finding.event_ids) == 7


def test_what_is_done_on_few_days_stays_apart(home: Workspace) -> None:
    assert len(scan(home, builds(range(3))).findings) == 3


def test_a_named_machine_that_is_always_elsewhere_is_known_by_what_it_does_every_day(home: Workspace) -> None:
    report = scan(naming(home, accounts=["publish"]), builds(range(7)))
    assert report.findings == []
    assert len(report.usual) == 7, "and still listed"


def test_the_stolen_name_of_that_machine_is_told_by_what_else_it_does(home: Workspace) -> None:
    days = builds(range(7))
    days[5] += [aws("role publish/x", STRANGE, "s3", "PutBucketPolicy", {"bucketName": "ml-models"})]
    report = scan(naming(home, accounts=["publish"]), days)
    assert [finding.evidence.facts["address"] for finding in report.findings] == [[STRANGE]]


def test_a_named_machine_that_has_a_place_is_told_elsewhere(home: Workspace) -> None:
    days: Days = {day: [published(day, address="198.18.4.4")] for day in range(7)}
    days[5] += [published(50, address=STRANGE)]
    (finding,) = scan(naming(home, accounts=["publish"]), days).findings
    assert STRANGE in finding.evidence.facts["address"]


def test_a_machine_that_roams_for_weeks_is_told_when_it_reads_what_it_never_read(home: Workspace) -> None:
    days = builds(range(28))
    days[20] += [
        aws("role publish/x", STRANGE, "s3", "GetObject", {"bucketName": "ml-models", "key": f"old/{number}.onnx"})
        for number in range(40)
    ]
    assert rules(scan(home, days)) == {"model_bulk_read": 1}


CHANGE = ChangeWindow(
    start=START + timedelta(days=20), end=START + timedelta(days=20, hours=8), accounts=("ada@example.org",)
)
OWN = "198.18.9.9"


def month(day: int, who: str, address: str) -> Days:
    """A person works from home every day, and sets an image once."""
    days: Days = {
        day: [kubernetes(person, OWN, "get", "pods") for person in ("ada@example.org", "bob@example.org")]
        for day in range(28)
    }
    days[day] += [image_set(who, address)]
    return days


@pytest.mark.parametrize(
    ("day", "who", "address", "told"),
    [
        (20, "ada@example.org", OWN, 0),
        (20, "ada@example.org", STRANGE, 1),
        (20, "bob@example.org", OWN, 1),
        (21, "ada@example.org", OWN, 1),
    ],
)
def test_an_announced_change_is_that_of_its_accounts_in_its_time_from_their_place(
    home: Workspace, day: int, who: str, address: str, told: int
) -> None:
    place = home.model_copy(update={"inside": InsideSettings(changes=(CHANGE,))})
    assert rules(scan(place, month(day, who, address)))["workload_image_set"] == told
    assert rules(scan(home, month(day, who, address)))["workload_image_set"] == 1, "without the announcement"
