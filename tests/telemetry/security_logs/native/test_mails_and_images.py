"""Verdicts of mails in tables, and the images of workloads wherever a request names them."""

import json
from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import LogEvent, read_logs


@pytest.mark.parametrize(
    ("threats", "action", "verdict"),
    [
        ("Phish", "Delivered", "phishing"),
        ("Malware, Phish", "Delivered", "phishing"),
        ("Malware", "Blocked", "malicious"),
        ("Spam", "Junked", "spam"),
        ("", "Delivered", None),
    ],
)
def test_mails_of_a_table_have_verdict_and_action(
    threats: str, action: str, verdict: str | None, tmp_path: Path
) -> None:
    row = {"TimeGenerated": "2026-03-02T09:00:00Z", "Type": "EmailEvents", "ThreatTypes": threats,
           "DeliveryAction": action, "RecipientEmailAddress": "ada@example.org"}  # fmt: skip
    log = tmp_path / "mail.jsonl"
    log.write_text(json.dumps(row) + "\n")
    (event,) = [event for part in read_logs([log], RejectedRows()) for event in part.events]
    assert (event.origin.category, event.fields["user"]) == ("email", "ada@example.org")
    assert (event.fields.get("verdict"), event.fields["action"]) == (verdict, action.lower())


@pytest.mark.parametrize(
    "body",
    [
        {"spec": {"template": {"spec": {"containers": [{"image": "evil/x:1"}]}}}},
        {"spec": {"template": {"spec": {"initContainers": [{"image": "evil/x:1"}]}}}},
        {"spec": {"initContainers": [{"image": "evil/x:1"}]}},
        {"spec": {"predictor": {"model": {"image": "evil/x:1"}}}},
        {"spec": {"jobTemplate": {"spec": {"template": {"spec": {"initContainers": [{"image": "evil/x:1"}]}}}}}},
    ],
)
def test_an_image_is_found_wherever_a_workload_names_it(body: dict[str, Any], tmp_path: Path) -> None:
    for row in asked(body):
        assert only(row, tmp_path).fields["image"] == "evil/x:1"


@pytest.mark.parametrize("place", [(), ("template",), ("jobTemplate", "spec", "template")])
def test_what_keeps_a_pod_from_its_host_is_told_whatever_makes_it(place: tuple[str, ...], tmp_path: Path) -> None:
    body: dict[str, Any] = {
        "spec": {
            "hostPID": True,
            "containers": [{"securityContext": {"privileged": False}}],
            "initContainers": [{"securityContext": {"privileged": True}}],
            "volumes": [{"name": "a"}, {"hostPath": {"path": "/etc"}}],
        }
    }
    for name in reversed(place):
        body = {name: body}
    for row in asked({"spec": body} if place else body):
        fields = only(row, tmp_path).fields
        assert fields["pod.privileged"] == "false, true"
        assert (fields["pod.host_processes"], fields["pod.host_paths"]) == ("true", "/etc")


def asked(body: dict[str, Any]) -> list[dict[str, Any]]:
    """One request as a cluster writes it, and as Google's does."""
    cluster = {
        "apiVersion": "audit.k8s.io/v1", "verb": "patch", "requestReceivedTimestamp": "2026-03-02T09:00:00Z",
        "user": {"username": "eve"}, "objectRef": {"resource": "x"}, "requestObject": body,
    }  # fmt: skip
    payload = {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": "k8s.io",
        "methodName": "io.k8s.apps.v1.deployments.patch", "request": body,
        "resourceName": "apps/v1/namespaces/ml/deployments/digits",
    }  # fmt: skip
    return [cluster, {"timestamp": "2026-03-02T09:00:00Z", "protoPayload": payload}]


def only(row: dict[str, Any], folder: Path) -> LogEvent:
    (folder / "audit.log").write_text(json.dumps(row) + "\n")
    (event,) = [event for part in read_logs([folder / "audit.log"], RejectedRows()) for event in part.events]
    return event
