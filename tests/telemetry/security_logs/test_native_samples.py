"""A sample of every native format, in the form that its publisher documents, read without any option.

`tests/cases/logs` holds one file a format and envelope. The lines are ours, in the forms of: the CloudTrail user guide
and CLI reference; the audit reference of Kubernetes and the log formats of EKS, AKS and GKE; Okta's System Log API;
Microsoft Graph and Azure Monitor's table reference; Google's "Understanding audit logs"; the Linux Audit message
dictionary; RFC 3164 and 5424; Apache's mod_log_config and nginx's log module; the log modules of Jupyter Server,
MLflow, gunicorn, uvicorn, Ray and TorchServe; SigmaHQ's regression data and Winlogbeat; Falco's outputs; ECS and
Elastic's integrations; the VPC user guide; the Zeek manual; and OCSF 1.1.
"""

from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import LogEvent, moment, read_logs

CASES = Path(__file__).parents[2] / "cases" / "logs"
ATTACKER = "203.0.113.66"

# Of one event of each file: what a rule or the inventory asks for.
EXPECTED: dict[str, tuple[str, dict[str, Any]]] = {
    "apache_common.log": ("-/webserver/-", {"c-ip": ATTACKER, "cs-username": "frank", "sc-status": 200}),
    "apache_error.log": ("apache/-/apache", {"c-ip": ATTACKER, "level": "core:error"}),
    "apache_vhost_access.log": ("-/webserver/-", {"cs-host": "mlflow.example.org", "cs-method": "PATCH"}),
    "auditd_enriched.log": (
        "linux/file_event/auditd",
        {"targetfilename": "/srv/models/a.safetensors.locked", "user": "ada", "image": "/usr/bin/python3.11"},
    ),
    "auditd_raw.log": (
        "linux/process_creation/auditd",
        {"commandline": "systemctl stop tritonserver", "image": "/usr/bin/systemctl", "auid": "1001"},
    ),
    "auth.log": ("linux/authentication/sshd", {"user": "ada", "src_ip": ATTACKER, "outcome": "success"}),
    "azure_activity.jsonl": ("azure/-/activitylogs", {"user": "mallory", "src_ip": ATTACKER, "outcome": "success"}),
    "cloudtrail_cloudwatch_export.log": ("aws/-/cloudtrail", {"requestparameters.username": "svc-model-sync"}),
    "cloudtrail_cloudwatch_filter.json": ("aws/-/cloudtrail", {"requestparameters.bucketname": "ml-models"}),
    "cloudtrail_cloudwatch_subscription.json": ("aws/-/cloudtrail", {"eventname": "CreateAccessKey"}),
    "cloudtrail_eventbridge.jsonl": ("aws/-/cloudtrail", {"eventname": "CreateAccessKey"}),
    "cloudtrail_lookup_events.json": ("aws/authentication/cloudtrail", {"outcome": "success", "src_ip": ATTACKER}),
    "cloudtrail_pretty.json": ("aws/-/cloudtrail", {"requestparameters.key": "digits/a.safetensors"}),
    "cloudtrail_s3.json": ("aws/-/cloudtrail", {"eventname": "PutBucketPolicy", "access": "public"}),
    "cri_container.log": ("uvicorn/webserver/server", {"c-ip": ATTACKER, "cs-uri-stem": "/api/2.0/mlflow/users/get"}),
    "docker_container.jsonl": ("jupyter/webserver/server", {"user": "ada", "cs-uri-stem": "/api/kernels"}),
    "ecs.ndjson": ("linux/authentication/system.auth", {"src_country": "XK", "outcome": "success", "host": "gpu-01"}),
    "elastic_cloudtrail.ndjson": ("aws/-/cloudtrail", {"requestparameters.username": "svc-model-sync"}),
    "elastic_kubernetes.ndjson": ("kubernetes/application/audit", {"image": "evil.example.net/serve:1"}),
    "elasticsearch_hits.json": ("linux/process_creation/endpoint.events.process", {"image": "/usr/bin/wget"}),
    "entra_diagnostic.jsonl": ("azure/authentication/signinlogs", {"risk": "high", "user": "alice@example.org"}),
    "entra_event_hub.json": ("azure/authentication/signinlogs", {"outcome": "failure", "src_country": "XK"}),
    "entra_graph_audits.json": (
        "azure/-/auditlogs",
        {"properties.message": "Add member to role", "user": "mallory@example.org", "outcome": "success"},
    ),
    "entra_graph_signins.json": ("azure/authentication/signinlogs", {"src_country": "XK", "outcome": "success"}),
    "falco.jsonl": ("linux/process_creation/falco", {"commandline": "bash -i", "host": "gpu-01", "pod": "serve-0"}),
    "fluent_bit.jsonl": ("torchserve/webserver/access", {"cs-method": "DELETE", "kubernetes.namespace_name": "ml"}),
    "gcp_audit.json": ("gcp/-/gcp.audit", {"bucket": "ml-models", "access": "public"}),
    "gcp_audit_pubsub.jsonl": ("gcp/-/gcp.audit", {"object": "digits/a.safetensors", "user": "mallory@example.org"}),
    "istio_envoy.jsonl": ("-/webserver/-", {"c-ip": ATTACKER, "cs-host": "models.example.org", "sc-status": 200}),
    "journald.jsonl": ("linux/authentication/sshd", {"user": "ada", "src_ip": ATTACKER, "host": "gpu-01"}),
    "jupyter_server.log": ("jupyter/webserver/server", {"cs-uri-stem": "/api/terminals", "user": "ada"}),
    "kubernetes_aks.jsonl": ("kubernetes/application/audit", {"objectref.subresource": "exec"}),
    "kubernetes_audit.log": ("kubernetes/application/audit", {"src_ip": ATTACKER, "outcome": "success"}),
    "kubernetes_eks.json": ("kubernetes/application/audit", {"verb": "patch", "namespace": "ml"}),
    "kubernetes_event_list.json": ("kubernetes/application/audit", {"image": "evil.example.net/serve:1"}),
    "log_analytics_deviceprocess.jsonl": ("linux/process_creation/deviceprocessevents", {"image": "/usr/bin/wget"}),
    "mlflow_server.log": ("mlflow/webserver/server", {"cs-uri-stem": "/ajax-api/2.0/mlflow/get-artifact"}),
    "nginx_access.json": ("-/webserver/-", {"cs-uri-stem": "/api/terminals", "sc-status": 200, "c-ip": ATTACKER}),
    "nginx_access.log": ("-/webserver/-", {"cs-uri-query": "path=../../etc/passwd&name=m", "cs-method": "GET"}),
    "nginx_error.log": ("nginx/-/nginx", {"c-ip": ATTACKER, "cs-uri-stem": "/api/jobs/"}),
    "ocsf_authentication.jsonl": ("-/authentication/-", {"src_country": "XK", "outcome": "success"}),
    "ocsf_cloudtrail.jsonl": ("aws/-/cloudtrail", {"eventname": "CreateAccessKey"}),
    "okta_system_log.json": ("okta/authentication/okta", {"risk": "high", "src_country": "Kosovo"}),
    "okta_system_log.jsonl": ("okta/authentication/okta", {"outcome": "failure", "user": "alice@example.org"}),
    "ray_dashboard.log": ("ray/webserver/dashboard", {"cs-uri-stem": "/api/jobs/", "c-ip": ATTACKER}),
    "ray_events.jsonl": ("ray/-/events", {"host": "gpu-01", "job": "raysubmit_1"}),
    "sentinel_awscloudtrail.csv": ("aws/-/cloudtrail", {"requestparameters.bucketname": "ml-models"}),
    "sentinel_signinlogs.csv": ("azure/authentication/signinlogs", {"risk": "high", "outcome": "success"}),
    "splunk_export.jsonl": ("linux/authentication/sshd", {"user": "ada", "host": "gpu-01"}),
    "syslog_rfc5424.log": ("linux/authentication/sshd", {"host": "gpu-01.ml.example.org", "outcome": "success"}),
    "syslog_rsyslog_iso.log": ("linux/authentication/sshd", {"src_ip": ATTACKER, "method": "publickey"}),
    "torchserve_access.log": (
        "torchserve/webserver/access",
        {"cs-uri-query": "url=https://files.example.net/evil.mar"},
    ),
    "torchserve_sagemaker.json": ("torchserve/webserver/access", {"cs-uri-stem": "/ping", "sc-status": 500}),
    "torchserve_ts.log": ("torchserve/-/server", {"logger": "org.pytorch.serve.ModelServer"}),
    "vpc_flow.log": ("aws/firewall/vpcflow", {"src_ip": ATTACKER, "dst_port": 22, "action": "accept"}),
    "vpc_flow_custom.log": ("aws/firewall/vpcflow", {"instance-id": "i-0abc", "dst_port": 8265}),
    "windows_evtx_dump.json": ("windows/registry_set/sysmon", {"targetobject": "HKLM\\Software\\x", "eventid": 13}),
    "windows_nxlog.jsonl": ("windows/file_event/sysmon", {"host": "gpu-01"}),
    "windows_xml2json.jsonl": ("windows/process_creation/security", {"commandline": "shutdown /s /t 0", "user": "ada"}),
    "winlogbeat.jsonl": ("windows/process_creation/sysmon", {"image": "C:\\Python\\python.exe", "host": "gpu-01"}),
    "zeek_conn.log": ("zeek/firewall/conn", {"src_ip": ATTACKER, "dst_port": 8265, "action": "accept"}),
    "zeek_http.jsonl": ("zeek/webserver/http", {"cs-uri-stem": "/api/terminals", "c-ip": ATTACKER}),
    "zeek_ssh.jsonl": ("zeek/authentication/ssh", {"outcome": "success", "dst_host": "10.0.0.5"}),
}


def read(path: Path) -> tuple[list[LogEvent], RejectedRows]:
    with RejectedRows() as rejected:
        return [event for part in read_logs([path], rejected) for event in part.events], rejected


def test_every_sample_is_expected() -> None:
    assert sorted(path.name for path in CASES.iterdir()) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_native_log_is_read_without_options(name: str) -> None:
    events, rejected = read(CASES / name)
    assert rejected.count == 0, rejected.first
    origin, fields = EXPECTED[name]
    seen = [("/".join(word or "-" for word in event.origin), event.fields) for event in events]
    assert any(
        said == origin and fields.items() <= {key: has[key] for key in fields if key in has}.items()
        for said, has in seen
    ), seen
    # auth.log has no year; every other time is that of the sample.
    if name != "auth.log":
        assert {moment(event.time).date().isoformat() for event in events} <= {"2026-03-02", "2018-10-15"}


@pytest.mark.parametrize("name", EXPECTED)
def test_it_is_known_by_what_it_holds_and_not_by_its_name(name: str, tmp_path: Path) -> None:
    plain = tmp_path / "x.log"
    plain.write_bytes((CASES / name).read_bytes())
    assert [event._replace(file="") for event in read(plain)[0]] == [
        event._replace(file="") for event in read(CASES / name)[0]
    ]
