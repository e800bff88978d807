"""Security logs in their native forms against three hundred rules: events a second with reading counted, and memory.

Six sources (CloudTrail, Kubernetes audit, Okta, Sysmon, syslog, access logs) with as many events each, none of them an
attack; the rules that ship with it, and beside them as many made in the manner of public ones as make three hundred.
"""

import json
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from bench.machinery.measured import Cost, caponier, say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.detect.sigma.sigma import Sigma

EVENTS, QUICK = 1_000_000, 120_000
RULES: Final = 300
SEED: Final = 7
CALLS: Final = ("GetObject", "PutObject", "DescribeInstances", "AssumeRole", "ListBuckets", "Decrypt", "GetRole")


def run(quick: bool) -> Scorecard:
    """Scan a million events of six sources and a quarter of them; quick: 120,000 and a quarter."""
    most = QUICK if quick else EVENTS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rules = _rules(folder / "rules")
        costs = {events: _scan(folder, events, folder / "rules") for events in (most // 4, most)}
    less, whole = costs[most // 4], costs[most]
    told = json.loads(whole.output)
    figures = {
        "events": told["events"],
        "rules": rules,
        "seconds": round(whole.seconds, 1),
        "events_per_second": round(told["events"] / whole.seconds),
        "cpu_seconds": round(whole.cpu_seconds, 1),
        "events_per_cpu_second": round(told["events"] / whole.cpu_seconds),
        "peak_mb": round(whole.peak_mb),
        "peak_mb_to_that_of_a_quarter": round(whole.peak_mb / less.peak_mb, 2),
        "rows_not_read": told["rejected"]["rows"],
    }
    goals = (
        Goal("events_per_second", EVENTS / 20, True),
        Goal("peak_mb_to_that_of_a_quarter", 1.1, False),
        Goal("rows_not_read", 0, False),
    )
    about = f"`scan logs`: {told['events']:,} events in six native formats, {rules} rules, a process a core."
    causes = {
        "events_per_second": "Reading and naming each event is Python's; a busy machine counts against it.",
        "peak_mb_to_that_of_a_quarter": "The page cache of what matched fills up to its fixed size, and is no more.",
    }
    return Scorecard("logs", about, figures, goals, (SEED,), _formats(told), causes)


def _scan(folder: Path, events: int, rules: Path) -> Cost:
    logs = folder / str(events)
    logs.mkdir()
    for name, made in SOURCES.items():
        rng = random.Random(SEED)
        with (logs / name).open("w", encoding="utf-8") as file:
            file.writelines(row + "\n" for row in made(rng, events // len(SOURCES)))
    say(f"{events:,} events")
    return caponier("scan", "logs", str(logs), "--rules", str(rules), "--format", "json", "--quiet")


def _formats(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"log": Path(file["file"]).name, "read as": ", ".join(file["formats"]), "events": file["events"]}
        for file in told["files"]
    ]


def _clock(number: int) -> str:
    return f"2026-03-02T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"


def _cloudtrail(rng: random.Random, count: int) -> Iterator[str]:
    for number in range(count):
        who = f"svc-{number % 40}"
        yield json.dumps(
            {
                "eventVersion": "1.09",
                "userIdentity": {
                    "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": f"arn:aws:iam::111122223333:user/{who}",
                    "accountId": "111122223333", "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": who,
                },
                "eventTime": f"{_clock(number)}Z",
                "eventSource": "s3.amazonaws.com",
                "eventName": rng.choice(CALLS),
                "awsRegion": "eu-central-1",
                "sourceIPAddress": f"10.0.{number % 200}.{number % 250}",
                "userAgent": "aws-sdk-go/1.44",
                "requestParameters": {"bucketName": f"lake-{number % 30}", "key": f"raw/{number}.parquet"},
                "responseElements": None,
                "requestID": f"r{number}",
                "eventID": f"e{number}",
                "readOnly": True,
                "eventType": "AwsApiCall",
                "managementEvent": False,
                "recipientAccountId": "111122223333",
            }
        )  # fmt: skip


def _kubernetes(rng: random.Random, count: int) -> Iterator[str]:
    for number in range(count):
        yield json.dumps(
            {
                "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": f"a{number}",
                "stage": "ResponseComplete", "requestURI": f"/api/v1/namespaces/ns{number % 20}/pods/p{number}",
                "verb": rng.choice(("get", "list", "watch", "patch", "update")),
                "user": {"username": f"system:serviceaccount:ns:sa{number % 50}", "groups": ["system:serviceaccounts"]},
                "sourceIPs": [f"10.2.{number % 200}.{number % 250}"], "userAgent": "kubelet/v1.30",
                "objectRef": {"resource": "pods", "namespace": f"ns{number % 20}", "name": f"p{number}"},
                "responseStatus": {"metadata": {}, "code": 200},
                "requestReceivedTimestamp": f"{_clock(number)}.000000Z", "stageTimestamp": f"{_clock(number)}.004000Z",
                "annotations": {"authorization.k8s.io/decision": "allow"},
            }
        )  # fmt: skip


def _okta(rng: random.Random, count: int) -> Iterator[str]:
    for number in range(count):
        yield json.dumps(
            {
                "uuid": f"u{number}", "published": f"{_clock(number)}.000Z", "version": "0", "severity": "INFO",
                "eventType": rng.choice(("user.authentication.sso", "policy.evaluate_sign_on")),
                "displayMessage": "x", "legacyEventType": "core.x",
                "actor": {"id": f"00u{number % 200}", "type": "User", "alternateId": f"user{number % 200}@example.org"},
                "client": {
                    "ipAddress": f"10.3.{number % 200}.{number % 250}", "zone": "office", "device": "Computer",
                    "userAgent": {"rawUserAgent": "Mozilla/5.0", "os": "Linux", "browser": "FIREFOX"},
                    "geographicalContext": {"country": "Poland", "city": "Gdynia"},
                },
                "outcome": {"result": "SUCCESS"},
                "target": [{"id": f"app{number % 9}", "type": "AppInstance", "displayName": f"app {number % 9}"}],
                "debugContext": {"debugData": {"requestUri": "/app", "risk": "{level=LOW}"}},
            }
        )  # fmt: skip


def _sysmon(rng: random.Random, count: int) -> Iterator[str]:
    for number in range(count):
        program = f"C:\\Program Files\\App{rng.randrange(100)}\\app.exe"
        yield json.dumps(
            {
                "@timestamp": f"{_clock(number)}.000Z", "Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1,
                "Hostname": f"ws-{number % 200}", "Image": program, "CommandLine": f'"{program}" /job {number}',
                "ParentImage": "C:\\Windows\\explorer.exe", "ParentCommandLine": "explorer.exe", "User": "CORP\\ada",
                "OriginalFileName": "app.exe", "CurrentDirectory": "C:\\", "IntegrityLevel": "Medium",
                "Hashes": f"SHA256={number:064X}", "ProcessId": number, "SourceName": "Microsoft-Windows-Sysmon",
            }
        )  # fmt: skip


def _syslog(rng: random.Random, count: int) -> Iterator[str]:
    for number in range(count):
        who, port = f"u{rng.randrange(200)}", 40_000 + number % 20_000
        yield (
            f"{_clock(number)}.000001+00:00 h{number % 40} sshd[{number}]: Accepted publickey for {who} "
            f"from 10.4.{number % 200}.7 port {port} ssh2: ED25519 SHA256:x"
        )


def _access(rng: random.Random, count: int) -> Iterator[str]:
    for number in range(count):
        clock = _clock(number)[11:]
        yield (
            f'10.5.{number % 200}.{number % 250} - - [02/Mar/2026:{clock} +0000] "GET /v2/models/m{rng.randrange(9)}'
            f'/ready?n={number} HTTP/1.1" 200 {number % 5_000} "-" "python-requests/2.31"'
        )


SOURCES: Final[dict[str, Callable[[random.Random, int], Iterator[str]]]] = {
    "cloudtrail.jsonl": _cloudtrail,
    "kubernetes.log": _kubernetes,
    "okta.jsonl": _okta,
    "sysmon.jsonl": _sysmon,
    "auth.log": _syslog,
    "access.log": _access,
}


def _rules(folder: Path) -> int:
    """Write rules beside those that ship, so that there are three hundred; return how many run."""
    folder.mkdir()
    missing = RULES - len(Sigma().rules)
    shapes = (
        ({"product": "aws", "service": "cloudtrail"}, lambda n: {"eventName": f"Do{n}", "readOnly": "false"}),
        ({"product": "windows", "category": "process_creation"},
         lambda n: {"Image|endswith": f"\\tool{n}.exe", "CommandLine|contains": [f" /x{n} ", f"--y{n}", f"z{n}="]}),
        ({"category": "webserver"}, lambda n: {"cs-uri-query|contains": [f"../{n}", f"%2e{n}", f"cmd{n}="]}),
        ({"product": "kubernetes", "service": "audit"}, lambda n: {"verb": "create", "objectRef.resource": f"t{n}"}),
        ({"product": "okta", "service": "okta"}, lambda n: {"eventType": [f"system.a{n}", f"user.b{n}"]}),
        ({"product": "linux", "service": "sshd"}, lambda n: {"message|contains": [f"bad {n}", f"fatal {n}"]}),
    )  # fmt: skip
    # As in the public collections: two in five over processes, one in five each over the cloud and the web.
    order = (1, 0, 2, 1, 3, 1, 0, 4, 1, 2)
    for number in range(missing):
        source, selection = shapes[5 if number % 30 == 29 else order[number % len(order)]]
        rule = {
            "title": f"Made {number}", "name": f"made_{number}", "logsource": source,
            "detection": {"selection": selection(number), "condition": "selection"}, "level": "low",
        }  # fmt: skip
        (folder / f"made_{number}.yml").write_text(yaml.safe_dump(rule), encoding="utf-8")
    return len(Sigma([folder]).rules)
