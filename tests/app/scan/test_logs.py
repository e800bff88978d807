import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from caponier.app.scan import log_episodes
from caponier.app.scan import log_findings as module
from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.emulate.registry import stories
from caponier.errors import InputError
from caponier.records.finding import Finding, Severity
from caponier.records.inside import InsideSettings
from caponier.records.inventory import Criticality, System, Workspace
from caponier.telemetry.security_logs.sources import LogSource
from detect.sigma.events import joint, plain, write

CASES = Path(__file__).parents[2] / "cases" / "logs"

INSIDE = System(name="digits", criticality=Criticality.HIGH, hosts=("gpu-01",), buckets=("ml-models",))
SMALL = System(name="small", criticality=Criticality.LOW, hosts=("gpu-01",))


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    found = load_workspace(tmp_path)
    assert found is not None
    return found.model_copy(update={"systems": (INSIDE,)})


def login(minute: int, host: str, user: str = "ann", **more: Any) -> dict[str, Any]:
    stamp = f"2026-01-05T{9 + minute // 60:02}:{minute % 60:02}:00Z"
    return {"time": stamp, "category": "authentication", "user": user, "host": host,
            "src_ip": "203.0.113.7", "outcome": "success", **more}  # fmt: skip


def call(name: str, minute: int, **parameters: str) -> dict[str, Any]:
    return {
        "eventVersion": "1.09", "eventTime": f"2026-01-05T09:{minute:02}:00Z", "eventName": name,
        "eventSource": "s3.amazonaws.com" if "Bucket" in name else "iam.amazonaws.com",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/ann"}, "sourceIPAddress": "203.0.113.7",
        "requestParameters": parameters,
    }  # fmt: skip


def scan(home: Workspace | None, *rows: dict[str, Any], **how: Any) -> LogScanReport:
    folder = home.root if home else how.pop("folder")
    file = folder / "log.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return scan_logs([file], workspace=home, **how)


def test_an_off_inventory_event_alone_is_no_finding(home: Workspace) -> None:
    report = scan(home, login(0, "desk-7"))
    assert report.findings == []
    (context,) = report.context
    assert (context.rule, context.account, context.host, context.address) == (
        "sigma:ml_host_login_outside",
        "ann",
        "desk-7",
        "203.0.113.7",
    )
    assert context.techniques[0].id == "T1078"
    assert report.skipped == []


def test_the_same_on_an_ml_host_is_one(home: Workspace) -> None:
    report = scan(home, login(0, "desk-7"), login(5, "GPU-01.example.org"))
    (finding,) = report.findings
    assert (finding.detector, finding.subject.kind, finding.subject.id) == (
        "sigma:ml_host_login_outside",
        "account",
        "ann",
    )
    assert (finding.system, finding.severity, finding.model) == ("digits", Severity.MEDIUM, None)
    assert [(ref.matrix, ref.id) for ref in finding.techniques][-1] == ("amltm-2020", "AMLTM.INIT.02")
    assert finding.harms == ("confidentiality", "integrity")
    assert finding.evidence.basis is None
    assert finding.evidence.facts["account"] == ["ann"]
    assert finding.evidence.facts["address"] == ["203.0.113.7"]
    assert finding.evidence.facts["assets"] == ["host gpu-01"]
    assert finding.event_ids == (finding.trigger_event_id,)
    assert Finding.from_dict(json.loads(json.dumps(finding.to_dict()))) == finding
    assert len(report.context) == 1


def test_without_an_inventory_it_says_what_to_write(tmp_path: Path) -> None:
    report = scan(None, login(0, "gpu-01"), folder=tmp_path)
    assert report.findings == []
    assert len(report.context) == 1
    assert "[[system]]" in report.skipped[0].reason


def test_repeated_matches_are_one_finding_until_it_was_quiet(home: Workspace) -> None:
    report = scan(home, *[login(minute, "gpu-01") for minute in (0, 30, 60, 110, 180)])
    spans = [
        tuple(time.hour * 60 + time.minute - 540 for time in (finding.first_time, finding.last_time))
        for finding in report.findings
    ]
    assert spans == [(0, 110), (180, 180)]
    assert [finding.evidence.facts["matches"] for finding in report.findings] == [4, 1]
    assert report.matches == sum(len(finding.event_ids) for finding in report.findings) == 5


def test_each_target_has_a_finding_of_its_own(home: Workspace) -> None:
    """Keys for three service accounts and a bucket made public once were one finding that named one account."""
    place = home.model_copy(update={"systems": (System(name="d", accounts=("svc-*",), buckets=("ml-models",)),)})
    report = scan(
        place,
        *[call("CreateAccessKey", minute, userName=f"svc-{minute}") for minute in range(3)],
        call("CreateAccessKey", 4, userName="svc-0"),
        call("PutBucketPolicy", 5, bucketName="ml-models"),
    )
    told = {tuple(finding.evidence.facts["targets"]): finding.evidence.facts["matches"] for finding in report.findings}
    assert told == {("account svc-0",): 2, ("account svc-1",): 1, ("account svc-2",): 1, ("bucket ml-models",): 1}
    assert len({finding.finding_id for finding in report.findings}) == 4


def test_what_the_inventory_calls_inside_is_no_finding(home: Workspace) -> None:
    office = InsideSettings.model_validate({"addresses": ["203.0.113.0/24"], "accounts": ["ci-deploy"]})
    place = home.model_copy(update={"inside": office})
    assert scan(place, login(0, "gpu-01")).findings == []
    rights = {**call("PutBucketPolicy", 1, bucketName="ml-models"), "userIdentity": {"userName": "ci-deploy"}}
    assert scan(place, rights).findings == []
    assert len(scan(home, rights).findings) == 1


def test_no_event_that_matched_is_lost_however_many_targets_there_are(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_episodes, "MOST_TARGETS", 3)
    place = home.model_copy(update={"systems": (System(name="d", hosts=("node-*",)),)})
    report = scan(place, *[login(number % 50, f"node-{number}") for number in range(20)])
    assert [len(finding.evidence.facts["targets"]) for finding in report.findings] == [1, 1, 1, 17]
    assert sum(len(finding.event_ids) for finding in report.findings) == 20


def test_context_that_is_repeated_tells_all_its_events(home: Workspace) -> None:
    report = scan(home, *[login(minute, "desk-7") for minute in range(3)])
    (context,) = report.context
    assert len(context.event_ids) == 3
    assert context.last_time is not None
    assert (context.last_time - context.time).seconds == 120


def test_other_subjects_have_findings_of_their_own(home: Workspace) -> None:
    report = scan(home, login(0, "gpu-01"), login(1, "gpu-01", "bob"), login(2, "gpu-01", ""))
    assert {(finding.subject.kind, finding.subject.id) for finding in report.findings} == {
        ("account", "ann"),
        ("account", "bob"),
        ("address", "203.0.113.7"),
    }


def test_of_two_systems_the_more_critical_has_the_finding(home: Workspace) -> None:
    both = home.model_copy(update={"systems": (SMALL, INSIDE)})
    (finding,) = scan(both, login(0, "gpu-01")).findings
    assert (finding.system, finding.evidence.facts["systems"]) == ("digits", ["digits", "small"])


def test_a_scan_again_finds_the_same_ids(home: Workspace) -> None:
    rows = [login(minute, "gpu-01") for minute in range(3)]
    first = [finding.finding_id for finding in scan(home, *rows).findings]
    again = [finding.finding_id for finding in scan(home, *reversed(rows), batch_rows=1).findings]
    assert first == again


def test_the_story_is_told_and_its_control_is_silent(home: Workspace) -> None:
    theft = stories.one("stolen_account")
    place = home.model_copy(update={"systems": (theft.system,)})
    for seed in range(3):
        attack, control = theft.attack(seed), theft.control(seed)
        assert attack.success
        report = scan(place, *attack.rows)
        found = {finding.detector for finding in report.findings}
        assert {"sigma:ml_host_login_outside", "sigma:model_bulk_read", "sigma:login_then_export"} <= found
        assert {finding.subject.id for finding in report.findings} == {attack.actor}
        before = [one.rule for one in report.context if one.account == attack.actor]
        assert {"sigma:mail_phishing_delivered", "sigma:idp_login_risky"} <= set(before)
        assert scan(place, *control.rows).findings == []


def test_the_first_of_many_reads_begins_the_finding(home: Workspace) -> None:
    theft = stories.one("stolen_account")
    place = home.model_copy(update={"systems": (theft.system,)})
    report = scan(place, *theft.attack(0).rows)
    (bulk,) = [finding for finding in report.findings if finding.detector == "sigma:model_bulk_read"]
    assert (bulk.evidence.statistic, bulk.evidence.value, bulk.evidence.threshold) == ("value_count", 20.0, 20.0)
    assert len(bulk.event_ids) >= bulk.unique_queries == 20
    assert timedelta(0) < bulk.last_time - bulk.first_time


def test_rules_of_the_user_and_bad_ones(home: Workspace, tmp_path: Path) -> None:
    rule = plain("mine", {"user": "ann"}, logsource={"category": "authentication"}, level="critical")
    write(tmp_path / "rules", "mine.yml", rule, joint("bad", "event_count", ["nobody"], condition={"gte": 2}))
    report = scan(home, login(0, "gpu-01", outcome="failure"), rules=[tmp_path / "rules"])
    (finding,) = report.findings
    assert (finding.detector, finding.severity, finding.confidence) == ("sigma:mine", Severity.CRITICAL, 0.9)
    assert [Path(skip.what).name for skip in report.skipped] == ["mine.yml"]
    assert "nobody" in report.skipped[0].reason


def test_our_own_rules_may_be_left_out(home: Workspace) -> None:
    report = scan(home, login(0, "gpu-01"), own_rules=False)
    assert (report.findings, report.context, report.rules) == ([], [], 0)


def test_context_is_bounded_and_told(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONTEXT_LIMIT", 3)
    report = scan(home, *[login(0, "desk", f"user{n}") for n in range(10)])
    assert len(report.context) == 3
    assert "7 context matches" in report.notes[-1]


def test_values_that_were_cut_are_told(home: Workspace) -> None:
    assert "only their beginning" in scan(home, login(0, "gpu-01", agent="x" * 70_000)).notes[-1]


def test_a_log_without_any_event_is_refused(home: Workspace) -> None:
    with pytest.raises(InputError, match="no log source"):
        scan(home, {"time": "2026-01-05T09:00:00Z"})


def test_it_tells_what_it_took_each_file_for(home: Workspace) -> None:
    report = scan_logs([CASES / "cloudtrail_s3.json", CASES / "auth.log"], workspace=home)
    told = {Path(file.file).name: file for file in report.files}
    assert told["cloudtrail_s3.json"].formats == {"AWS CloudTrail": 4}
    assert told["cloudtrail_s3.json"].asked == 4
    # Accounts are planted in whatever a Linux host logs, what cron says as well.
    assert (told["auth.log"].events, told["auth.log"].asked) == (5, 5)
    assert json.dumps(told["auth.log"].to_dict())


def test_a_file_of_which_nothing_can_be_found_is_told(home: Workspace) -> None:
    report = scan_logs([CASES / "torchserve_ts.log"], workspace=home)
    assert report.findings == []
    (skip,) = report.skipped
    assert "no rule asks for what it holds (product=torchserve,service=server)" in skip.reason


def test_a_category_of_the_source_never_becomes_one_of_sigma(home: Workspace) -> None:
    """Azure's `SignInLogs` once was a log source that no rule asks for: nothing was found, and nothing was said."""
    report = scan_logs([CASES / "entra_diagnostic.jsonl"], workspace=home)
    assert report.files[0].sources[LogSource("azure", "authentication", "signinlogs")] == 1
    assert {event.rule for event in report.context} >= {"sigma:idp_login_risky"}


def test_a_server_that_does_not_say_where_it_runs_can_be_placed(home: Workspace) -> None:
    log = [CASES / "jupyter_server.log"]
    assert scan_logs(log, workspace=home).findings == []
    found = {finding.detector for finding in scan_logs(log, workspace=home, host="gpu-01").findings}
    assert found == {"sigma:ml_console_code"}
    (named,) = scan_logs([CASES / "journald.jsonl"], workspace=home, host="elsewhere").findings
    assert named.evidence.facts["host"] == ["gpu-01"]


def test_what_happens_at_a_service_of_a_cloud_is_placed_on_no_host(home: Workspace, tmp_path: Path) -> None:
    """A mixed folder with `--host` once put every call to the cloud onto that host."""
    called = {
        "eventVersion": "1.11", "eventTime": "2026-01-06T02:00:00Z", "eventSource": "iam.amazonaws.com",
        "eventName": "CreateAccessKey", "sourceIPAddress": "203.0.113.66", "awsRegion": "eu-central-1",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/eve"}, "requestParameters": {"userName": "bob"},
    }  # fmt: skip
    log = tmp_path / "trail.json"
    log.write_text(json.dumps(called))
    assert scan_logs([log], workspace=home, host="gpu-01").findings == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.json", b'{"Records":[{"eventName":"GetO', ("x.json:1: bad JSON: ", 'begins {"Records"', "Fetch the file")),
        ("x.jsonl", b'{"a":1,"b":2}\n', ("x.jsonl:1: no time: its fields are a, b", "Give each row a time")),
        ("x.jsonl", b'{"time":"2026-01-01T00:00:00Z","label":"3"}\n', ("its fields are time, label", "scan inference")),
        ("x.log", b"\x7fELF\x02\x01\0\0\n", ("x.log:1: ", "it begins with bytes that are not text")),
        ("x.log", b"Dear Sir,\n", ("x.log:1: no known format, it begins Dear Sir,", "docs/how-to/logs.md")),
        ("x.log", b"PK\x03\x04 ", ("ZIP archive", "Then give what comes of that")),
        ("x.log", b"", ("there is nothing in it",)),
        ("x.json", b"{}", ("it has no fields",)),
        ("x.json.gz", b"{}", ("the file is broken from here on", "call it without")),
    ],
)
def test_a_log_without_events_says_what_was_seen_where_and_what_to_do(
    home: Workspace, tmp_path: Path, name: str, content: bytes, said: tuple[str, ...]
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as wrong:
        scan_logs([tmp_path / name], workspace=home)
    for words in said:
        assert words in str(wrong.value)


def test_a_file_with_nothing_in_it_is_named(home: Workspace) -> None:
    folder = home.root / "logs"
    folder.mkdir()
    (folder / "full.jsonl").write_text(json.dumps(login(0, "desk-7")))
    (folder / "rubbish.log").write_text("rubbish\n")
    for name in ("a.log", "b.json", "c.csv", "d.txt"):
        (folder / name).touch()
    (note,) = [note for note in scan_logs([folder], workspace=home).notes if "nothing" in note]
    assert note == f"nothing is in {folder}/a.log, {folder}/b.json, {folder}/c.csv and 1 more"


def test_a_log_that_says_not_from_where_is_told_of(home: Workspace) -> None:
    def notes(**more: str) -> list[str]:
        row = {"time": "2026-01-05T09:00:00Z", "actor": "eve", "action": "model.delete", "target": "digits", **more}
        return [note for note in scan(home, row).notes if "no event says from which address" in note]

    (note,) = notes()
    assert "let the product log the caller's address" in note
    assert not notes(ip="203.0.113.9")


def test_a_log_that_needs_no_address_is_not_told_of(home: Workspace) -> None:
    row = {"time": "2026-01-05T09:00:00Z", "category": "process_creation", "CommandLine": "ls", "host": "gpu-01"}
    assert not [note for note in scan(home, row).notes if "from which address" in note]
