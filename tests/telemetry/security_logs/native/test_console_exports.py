"""What consoles, queries and journals make of a product's log: the same events under other names."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.log_files import LogFile
from caponier.telemetry.security_logs.events import LogEvent, read_log
from caponier.telemetry.security_logs.identity import identity

BAD = "203.0.113.66"
AT = "2026-03-02T09:00:00Z"
CALL = {"eventVersion": "1.09", "eventTime": AT, "eventSource": "s3.amazonaws.com", "eventName": "DeleteBucket",
        "sourceIPAddress": BAD, "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::1:user/eve"},
        "requestParameters": {"bucketName": "ml-models"}}  # fmt: skip
WHO = "{type=IAMUser, principalid=AIDA, arn=arn:aws:iam::1:user/eve, accountid=1, sessioncontext=null}"
AUDIT = {"apiVersion": "audit.k8s.io/v1", "verb": "delete", "user": {"username": "eve"}, "sourceIPs": [BAD],
         "objectRef": {"resource": "pods", "namespace": "ml", "name": "serve"}, "requestReceivedTimestamp": AT,
         "stage": "ResponseComplete"}  # fmt: skip
LOGON = (
    "An account was successfully logged on.\n\nSubject:\n\tSecurity ID:\t\tS-1-5-18\n\tAccount Name:\t\tW1$\n\n"
    f"New Logon:\n\tAccount Name:\t\teve\n\nNetwork Information:\n\tSource Network Address:\t{BAD}\n"
)


def table(row: Mapping[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerows([list(row), [json.dumps(cell) if isinstance(cell, dict) else cell for cell in row.values()]])
    return text.getvalue()


def lines(*rows: Mapping[str, Any]) -> str:
    return "\n".join(map(json.dumps, rows))


def read(tmp_path: Path, text: str) -> list[LogEvent]:
    (tmp_path / "x.log").write_text(text)
    parts = list(read_log(LogFile(tmp_path / "x.log")))
    assert [fault for part in parts for fault in part.rejections] == []
    return [event for part in parts for event in part.events]


EXPORTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "CloudTrail Lake": (
        table({"eventTime": "2026-03-02 09:00:00.000", "eventName": "DeleteBucket", "eventSource": "s3.amazonaws.com",
               "userIdentity": WHO, "sourceIPAddress": BAD, "awsRegion": "eu",
               "requestParameters": "{bucketName=ml-models, policy=}"}),
        "aws/-/cloudtrail", {"requestparameters.bucketname": "ml-models", "useridentity.type": "IAMUser"},
    ),
    "a query of CloudWatch": (
        table({"@timestamp": "2026-03-02 09:00:00.000", "@message": CALL, "@logStream": "s"}),
        "aws/-/cloudtrail", {"eventname": "DeleteBucket"},
    ),
    "AzureDiagnostics": (
        table({"TimeGenerated [UTC]": "3/2/2026, 9:00:00.000 AM", "Category": "kube-audit", "log_s": AUDIT,
               "Type": "AzureDiagnostics"}),
        "kubernetes/application/audit", {"objectref.name": "serve"},
    ),
    "AKSAudit": (
        table({"TimeGenerated [UTC]": "3/2/2026, 9:00:00.000 AM", "Verb": "delete", "User": {"username": "eve"},
               "SourceIps": f'["{BAD}"]', "ObjectRef": AUDIT["objectRef"], "Stage": "ResponseComplete",
               "RequestUri": "/api", "AuditId": "a", "Type": "AKSAudit"}),
        "kubernetes/application/audit", {"objectref.name": "serve"},
    ),
    "Okta's console": (
        table({"timestamp": AT, "actor.alternate_id": "eve", "client.ip_address": BAD, "outcome.result": "SUCCESS",
               "event_type": "user.account.privilege.grant", "target0.alternate_id": "ada"}),
        "okta/-/okta", {"eventtype": "user.account.privilege.grant", "target_user": "ada", "outcome": "success"},
    ),
    "PowerShell": (
        table({"Message": LOGON, "Id": "4624", "ProviderName": "Microsoft-Windows-Security-Auditing",
               "LogName": "Security", "MachineName": "w1", "TimeCreated": "3/2/2026 9:00:00 AM"}),
        "windows/authentication/security", {"subjectusername": "W1$", "computer": "w1", "eventid": 4624},
    ),
    "Artifactory's requests": (
        f"2026-03-02T09:00:00.000Z|5f1e|{BAD}|eve|PUT|/api/docker/ml/v2/serve/manifests/4|201|10|0|12|docker/24",
        "artifactory/webserver/access", {"repository": "serve", "sc-status": 201, "cs-method": "PUT"},
    ),
    "Artifactory's accesses": (
        f"2026-03-02T09:00:00.000Z [5f1e] [DENIED DELETE] ml-local:digits.pt for client : eve / {BAD} [basic]",
        "artifactory/management/audit", {"bucket": "ml-local", "object": "digits.pt", "outcome": "failure"},
    ),
    "Artifactory's logins": (
        f"2026-03-02T09:00:00.000Z [5f1e] [ACCEPTED LOGIN] for client : eve / {BAD} [token]",
        "artifactory/authentication/audit", {"outcome": "success"},
    ),
    "an answer with pages": (
        json.dumps({"logs": [{"kind": "delete_tag", "performer": {"name": "eve"}, "ip": BAD,
                              "datetime": "Mon, 02 Mar 2026 09:00:00 -0000", "metadata": {"repo": "serve"}}]}),
        "-/management/audit", {"eventname": "delete_tag", "repository": "serve"},
    ),
    "Nexus": (
        lines({"timestamp": "2026-03-02 09:00:00,000+0000", "initiator": f"eve/{BAD}", "type": "deleted",
               "context": "ml/serve", "domain": "repository.component"}),
        "-/management/audit", {"object": "ml/serve"},
    ),
    "Nexus with the repository": (
        lines({"timestamp": "2026-03-02 09:00:00,000+0000", "initiator": f"eve/{BAD}", "type": "deleted",
               "context": "ml/serve", "domain": "repository.component",
               "attributes": {"repository.name": "docker-hosted", "name": "ml/serve"}}),
        "-/management/audit", {"repository": "docker-hosted", "target.repository": "ml/serve"},
    ),
    "ActionTrail": (
        json.dumps([{"eventVersion": "1", "eventTime": AT, "eventSource": "oss-eu.aliyuncs.com", "serviceName": "Oss",
                     "eventName": "DeleteBucket", "sourceIpAddress": BAD, "acsRegion": "eu-central-1",
                     "userIdentity": {"type": "ram-user", "principalId": "1", "userName": "eve"},
                     "requestParameters": {"BucketName": "ml-models"}}]),
        "alibaba/management/actiontrail", {"bucket": "ml-models", "outcome": "success"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_read_like_the_log_itself(name: str, tmp_path: Path) -> None:
    text, origin, said = EXPORTS[name]
    (event,) = read(tmp_path, text)
    assert "/".join(word or "-" for word in event.origin) == origin
    assert identity(event.fields)[::2] == ("eve", BAD)
    assert event.time == 1_772_442_000_000_000
    assert said.items() <= event.fields.items()


def test_an_insight_of_cloudtrail_is_no_call(tmp_path: Path) -> None:
    who = [{"attribute": "userIdentityArn", "insight": [{"value": "arn:aws:iam::1:user/eve"}]}]
    call = {"eventName": "CreateEndpoint", "eventSource": "sagemaker.amazonaws.com"}
    detail = {**call, "insightContext": {"attributions": who}}
    record = {"eventTime": AT, "eventType": "AwsCloudTrailInsight", "insightDetails": detail}
    (event,) = read(tmp_path, json.dumps({"Records": [record]}))
    assert event.origin == ("aws", None, "cloudtrail_insight")
    assert "eventname" not in event.fields
    assert identity(event.fields).account == "eve"


def test_the_journal_keeps_what_auditd_would_have_written(tmp_path: Path) -> None:
    def entry(kind: str, message: str) -> dict[str, str]:
        return {"__REALTIME_TIMESTAMP": "1772442000000000", "_HOSTNAME": "gpu-1", "_AUDIT_TYPE_NAME": kind,
                "_AUDIT_ID": "7", "MESSAGE": message}  # fmt: skip

    call, started = read(
        tmp_path,
        lines(
            entry("SYSCALL", 'SYSCALL arch=c000003e syscall=59 success=yes uid=0 auid=1001 comm="cp" exe="/bin/cp"'),
            entry("EXECVE", 'EXECVE argc=3 a0="cp" a1="/tmp/x" a2="/srv/m"'),
        ),
    )
    assert call.origin == ("linux", None, "auditd")
    assert started.origin == ("linux", "process_creation", "auditd")
    assert (started.fields["commandline"], started.fields["host"]) == ("cp /tmp/x /srv/m", "gpu-1")
    assert started.fields["auid"] == "1001"


def test_an_entry_of_the_journal_without_a_number_stays_one(tmp_path: Path) -> None:
    odd = {"__REALTIME_TIMESTAMP": "1772442000000000", "_AUDIT_TYPE_NAME": "SYSCALL", "_AUDIT_ID": "x", "MESSAGE": "m"}
    (event,) = read(tmp_path, lines(odd))
    assert event.origin.product == "linux"
    assert event.fields["message"] == "m"


ALARM = (
    "Notice A shell was spawned in a container (user=root parent=runc command=sh container_image=ml/serve k8s_ns=ml)"
)


@pytest.mark.parametrize(
    "line",
    [f"2026-03-02T09:00:00.000000000+0000: {ALARM}", f"2026-03-02T09:00:00.0Z stdout F 09:00:00.000000000: {ALARM}"],
)
def test_a_line_of_falco_has_its_day_from_itself_or_from_what_carries_it(line: str, tmp_path: Path) -> None:
    (event,) = read(tmp_path, line)
    assert event.origin == ("falco", "alarm", "falco")
    assert event.time == 1_772_442_000_000_000
    said = {"priority": "Notice", "user": "root", "commandline": "sh", "container.image": "ml/serve", "namespace": "ml"}
    assert said.items() <= event.fields.items()
