"""Whoever names more of his own in `[inside]` is never told more for it."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from caponier.app.scan import logs as module
from caponier.app.scan.logs import scan_logs
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.detect.sigma.sigma import Sigma
from caponier.records.inside import InsideSettings
from caponier.records.inventory import System, Workspace

OFFICE, HOME = "198.51.100.7", "84.112.9.31"
SYSTEM = System(
    name="fraud", hosts=("models.example.org",), buckets=("ml-models",), instances=("i-0gpu",), namespaces=("ml",)
)
BOTS = ("deploy", "rotate", "sync")
DAYS = range(1, 29)


def call(day: int, who: str, service: str, name: str, address: str, minute: int = 0, **asked: Any) -> dict[str, Any]:
    """A call as CloudTrail writes it."""
    kind = {"type": "AssumedRole", "arn": f"arn:aws:sts::1:assumed-role/{who}/{day}"}
    return {
        "eventVersion": "1.10", "eventTime": f"2026-03-{day:02d}T{9 + minute // 60:02d}:{minute % 60:02d}:00Z",
        "eventSource": f"{service}.amazonaws.com", "eventName": name, "awsRegion": "eu-west-1",
        "sourceIPAddress": address, "userIdentity": kind if who in BOTS else {"type": "IAMUser", "userName": who},
        "requestParameters": asked, "eventID": f"{day}-{who}-{name}-{minute}",
    }  # fmt: skip


def login(day: int, who: str, address: str) -> dict[str, Any]:
    """A login without risk, as Okta writes it."""
    told = {"risk": {"level": "LOW"}}
    return {
        "eventType": "user.session.start", "published": f"2026-03-{day:02d}T08:00:00.000Z", "uuid": f"{day}{who}",
        "actor": {"id": "00u", "alternateId": f"{who}@example.org"}, "client": {"ipAddress": address},
        "outcome": {"result": "SUCCESS"}, "debugContext": {"debugData": {"logOnlySecurityData": json.dumps(told)}},
    }  # fmt: skip


def policies(machine_address: str, person: str = "ada") -> list[dict[str, Any]]:
    """Machines write the policy of a bucket each day, and a person does it once."""
    daily = [
        call(day, bot, "s3", "PutBucketPolicy", machine_address, bucketName="ml-models") for day in DAYS for bot in BOTS
    ]
    work = [call(day, person, "s3", "ListBuckets", OFFICE, minute=3) for day in DAYS]
    return [*daily, *work, call(27, person, "s3", "PutBucketPolicy", OFFICE, minute=9, bucketName="ml-models")]


def deletions() -> list[dict[str, Any]]:
    """Machines clean a store up each day, and a person does it once."""
    gone = [
        call(day, who, "s3", "DeleteObject", "10.0.0.9", minute=n // 3, bucketName="ml-models", key=f"{day}/{n}")
        | {"eventID": f"{day}-{who}-{n}"}
        for day, who in [*((day, bot) for day in DAYS[::5] for bot in BOTS), (27, "ada")]
        for n in range(24)
    ]  # fmt: skip
    return [*gone, *(call(day, "ada", "s3", "ListBuckets", "10.0.0.8", minute=50) for day in DAYS)]


def unnamed() -> list[str]:
    """A server that does not write who asks, asked from the office where the identity provider knows everybody."""
    day = "27/Mar/2026:08:20:00 +0000"
    asked = f'models.example.org {OFFICE} - - [{day}] "POST /v2/repository/models/m/unload HTTP/1.1" 200 2 "-" "curl"'
    return [*(json.dumps(login(day, "ada", OFFICE)) for day in DAYS), asked]


ESTATES: dict[str, list[Any]] = {
    "policies": policies("10.0.0.9"), "policies from the office": policies(OFFICE),
    "deletions": deletions(), "unnamed": unnamed(),
}  # fmt: skip
NAMED: dict[str, dict[str, Any]] = {
    "accounts": {"accounts": list(BOTS)}, "one of them": {"accounts": ["deploy"]}, "addresses": {"addresses": [OFFICE]},
    "partners": {"partners": [OFFICE]}, "networks": {"networks": ["198.51.100.0/24"]},
    "changes": {"changes": [{"days": ["mon", "tue", "wed", "thu", "fri"], "begin": "08:30:00", "until": "09:02:00"}]},
    "all": {"accounts": list(BOTS), "addresses": [OFFICE, HOME], "partners": ["203.0.113.0/24"]},
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _rules() -> Iterator[None]:
    """Compile the rules once: they take longer than all the scans."""
    compiled = Sigma()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Sigma", lambda *_, **__: compiled)
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("estates")
    create_workspace(folder)
    found = load_workspace(folder)
    assert found is not None
    for estate, rows in ESTATES.items():
        lines = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in rows)
        (folder / f"{estate}.log").write_text(lines)
    return found.model_copy(update={"systems": (SYSTEM,)})


def told(home: Workspace, estate: str, **inside: Any) -> list[tuple[str, str]]:
    """Scan an estate, and return which rule accused whom."""
    named = home.model_copy(update={"inside": InsideSettings.model_validate(inside)})
    report = scan_logs([home.root / f"{estate}.log"], workspace=named)
    return [(one.detector, one.subject.id) for one in report.findings]


@pytest.mark.parametrize("estate", ESTATES)
def test_nothing_that_is_named_makes_more_noise(home: Workspace, estate: str) -> None:
    bare = Counter(told(home, estate))
    louder = {name: Counter(told(home, estate, **named)) - bare for name, named in NAMED.items()}
    assert not any(louder.values()), louder


def test_what_machines_do_each_day_stays_usual_when_they_are_named(home: Workspace) -> None:
    assert told(home, "policies") == told(home, "policies", accounts=list(BOTS)) == []


def test_what_nobody_does_is_told_whoever_is_named(home: Workspace) -> None:
    rows = [*policies("10.0.0.9", "ada"), call(27, "eve", "s3", "PutBucketPolicy", HOME, bucketName="ml-models")]
    (home.root / "eve.log").write_text("\n".join(map(json.dumps, rows)))
    for named in ({}, *NAMED.values()):
        if HOME not in named.get("addresses", ()):
            assert ("sigma:ml_account_manipulation", "eve") in told(home, "eve", **named)
