"""Every product that is known by data alone, by a record in the form that its documentation gives."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.telemetry.security_logs.native.network import products as network

from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import LogEvent, moment, read_logs
from caponier.telemetry.security_logs.identity import EventIdentity, identity
from caponier.telemetry.security_logs.native.products import PRODUCTS

DAY = "2026-03-02"
AT = f"{DAY}T09:00:00Z"
MS = 1_772_442_000_000
BAD = "203.0.113.66"

# Record, log source, who did it, and some of what rules ask for.
SAMPLES: dict[str, tuple[dict[str, Any], str, EventIdentity, dict[str, Any]]] = {
    "Hugging Face audit log": (
        {"type": "repo.update_settings", "createdAt": AT, "author": {"user": "eve"}, "repo": "lab/digits",
         "req": {"ip": BAD, "country": "XK"}},
        "huggingface/-/audit", EventIdentity("eve", None, BAD), {"repository": "lab/digits", "src_country": "XK"},
    ),
    "Weights & Biases audit log": (
        {"timestamp": AT, "action": "artifact:delete", "actor_email": "eve@example.org", "actor_ip": BAD,
         "entity_name": "lab", "project_name": "digits", "artifact_sequence_asset": "digits-mlp"},
        "wandb/-/audit", EventIdentity("eve@example.org", None, BAD), {"model": "digits-mlp", "endpoint": "digits"},
    ),
    "Harbor audit log": (
        {"id": 7, "username": "eve", "resource": "ml/serve:4", "resource_type": "artifact", "operation": "create",
         "op_time": AT},
        "harbor/-/audit", EventIdentity("eve", None, None), {"repository": "ml/serve:4"},
    ),
    "GitHub audit log": (
        {"@timestamp": MS, "action": "repo.add_member", "actor": "eve", "actor_ip": BAD, "org": "lab",
         "repo": "lab/train", "user": "mallory", "actor_location": {"country_code": "XK"}},
        "github/-/audit", EventIdentity("eve", None, BAD), {"target_user": "mallory", "src_country": "XK"},
    ),
    "GitLab audit log": (
        {"time": AT, "author_id": 7, "author_name": "eve", "entity_type": "Project", "entity_path": "ml/train",
         "ip_address": BAD, "target_details": "deploy key"},
        "gitlab/-/audit", EventIdentity("eve", None, BAD), {"repository": "ml/train"},
    ),
    "Alibaba Cloud ActionTrail": (
        {"eventVersion": "1", "eventTime": AT, "eventSource": "oss-eu.aliyuncs.com", "eventName": "DeleteBucket",
         "acsRegion": "eu-central-1", "sourceIpAddress": BAD, "errorCode": "Forbidden.RAM",
         "userIdentity": {"type": "ram-user", "userName": "eve"}, "requestParameters": {"BucketName": "ml-models"}},
        "alibaba/management/actiontrail", EventIdentity("eve", None, BAD),
        {"bucket": "ml-models", "outcome": "failure"},
    ),
    "Amazon GuardDuty": (
        {"schemaVersion": "2.0", "accountId": "1", "type": "Exfiltration:S3/AnomalousBehavior", "updatedAt": AT,
         "resource": {"accessKeyDetails": {"userName": "svc-train"}, "s3BucketDetails": [{"name": "ml-models"}]},
         "service": {"detectorId": "d", "action": {"awsApiCallAction": {"remoteIpDetails": {"ipAddressV4": BAD}}}}},
        "aws/alarm/guardduty", EventIdentity("svc-train", None, BAD), {"bucket": "ml-models"},
    ),
    "AWS Security Hub": (
        {"SchemaVersion": "2018-10-08", "ProductArn": "arn:aws:x", "AwsAccountId": "1", "Types": ["TTPs"],
         "UpdatedAt": AT, "Network": {"SourceIpV4": BAD}},
        "aws/-/securityhub", EventIdentity(None, None, BAD), {"types": "TTPs"},
    ),
    "AWS WAF": (
        {"timestamp": MS, "webaclId": "arn:aws:wafv2:x", "action": "BLOCK",
         "httpRequest": {"clientIp": BAD, "uri": "/api/kernels", "args": "a=1", "httpMethod": "POST", "country": "XK"}},
        "aws/webserver/waf", EventIdentity(None, None, BAD),
        {"cs-uri-stem": "/api/kernels", "cs-method": "POST", "outcome": "failure"},
    ),
    "Amazon Bedrock model invocation": (
        {"schemaType": "ModelInvocationLog", "timestamp": AT, "modelId": "anthropic.x", "operation": "InvokeModel",
         "identity": {"arn": "arn:aws:sts::1:assumed-role/trainer/eve"}},
        "aws/-/bedrock", EventIdentity("trainer/eve", None, None), {"model": "anthropic.x"},
    ),
    "Databricks audit log": (
        {"timestamp": MS, "serviceName": "mlflowModelRegistry", "actionName": "deleteModelVersion",
         "userIdentity": {"email": "eve@example.org"}, "sourceIPAddress": BAD, "response": {"statusCode": 200},
         "requestParams": {"model_name": "digits"}},
        "databricks/-/audit", EventIdentity("eve@example.org", None, BAD), {"model": "digits", "outcome": "success"},
    ),
    "Databricks audit table": (
        {"event_time": AT, "service_name": "accounts", "action_name": "tokenLogin", "source_ip_address": BAD,
         "user_identity": {"email": "eve@example.org"}, "response": {"status_code": 401}},
        "databricks/authentication/audit", EventIdentity("eve@example.org", None, BAD), {"outcome": "failure"},
    ),
    "Snowflake login history": (
        {"EVENT_TIMESTAMP": f"{DAY} 09:00:00.000 Z", "USER_NAME": "EVE", "IS_SUCCESS": "YES", "CLIENT_IP": BAD},
        "snowflake/authentication/login_history", EventIdentity("eve", None, BAD), {"outcome": "success"},
    ),
    "Snowflake query history": (
        {"START_TIME": f"{DAY} 09:00:00.123456789", "USER_NAME": "EVE", "QUERY_TYPE": "UNLOAD", "QUERY_TEXT": "copy",
         "EXECUTION_STATUS": "SUCCESS"},
        "snowflake/-/query_history", EventIdentity("eve", None, None), {"outcome": "success"},
    ),
    "Google Workspace": (
        {"kind": "admin#reports#activity", "id": {"time": AT, "applicationName": "login"}, "ipAddress": BAD,
         "actor": {"email": "eve@example.org"}, "events": [{"type": "login", "name": "login_success"}]},
        "gcp/authentication/google_workspace.login", EventIdentity("eve@example.org", None, BAD),
        {"eventname": "login_success"},
    ),
    "Microsoft 365 audit": (
        {"CreationTime": f"{DAY}T09:00:00", "Operation": "UserLoggedIn", "Workload": "AzureActiveDirectory",
         "RecordType": 15, "UserId": "eve@example.org", "ClientIP": f"{BAD}:50001", "ResultStatus": "Success"},
        "m365/authentication/audit", EventIdentity("eve@example.org", None, BAD), {"outcome": "success"},
    ),
    "Duo authentication": (
        {"isotimestamp": AT, "access_device": {"ip": BAD}, "factor": "duo_push", "result": "fraud",
         "user": {"name": "eve"}},
        "cisco/authentication/duo", EventIdentity("eve", None, BAD), {"outcome": "failure"},
    ),
    "OneLogin": (
        {"event_type_id": 5, "created_at": AT, "actor_user_name": "eve", "user_name": "eve", "ipaddr": BAD},
        "onelogin/authentication/onelogin.events", EventIdentity("eve", None, BAD), {},
    ),
    "Auth0 (stream)": (
        {"log_id": "1", "data": {"type": "s", "date": AT, "log_id": "1", "user_name": "eve", "ip": BAD}},
        "auth0/authentication/tenant", EventIdentity("eve", None, BAD), {},
    ),
    "Auth0": (
        {"log_id": "1", "type": "sapi", "date": AT, "user_name": "eve", "ip": BAD},
        "auth0/-/tenant", EventIdentity("eve", None, BAD), {},
    ),
    "Slack audit log": (
        {"action": "user_login", "date_create": MS // 1000, "actor": {"user": {"id": "U1", "email": "eve@example.org"}},
         "context": {"ip_address": BAD, "ua": "x"}},
        "slack/authentication/audit", EventIdentity("eve@example.org", None, BAD), {},
    ),
    "Teleport audit log": (
        {"event": "session.start", "code": "T2000I", "time": AT, "uid": "u", "ei": 0, "user": "eve",
         "addr.remote": f"{BAD}:51000", "server_hostname": "gpu-01"},
        "teleport/authentication/audit", EventIdentity("eve", "gpu-01", BAD), {"outcome": "success"},
    ),
    "Docker events": (
        {"status": "exec_start: sh", "id": "ab12", "from": "ml/serve:1", "Type": "container", "scope": "local",
         "Action": "exec_start: sh", "time": MS // 1000, "timeNano": MS * 10**6,
         "Actor": {"ID": "ab12", "Attributes": {"image": "ml/serve:1", "name": "triton"}}},
        "docker/-/events", EventIdentity(None, None, None), {"container.image": "ml/serve:1", "container": "triton"},
    ),
    "OpenAI audit log": (
        {"object": "organization.audit_log", "effective_at": MS // 1000, "type": "api_key.created",
         "actor": {"type": "session", "session": {"user": {"email": "eve@example.org"}, "ip_address": BAD}}},
        "openai/-/audit", EventIdentity("eve@example.org", None, BAD), {},
    ),
    "Anthropic activity": (
        {"id": "activity_1", "created_at": AT, "organization_id": "o", "type": "api_key_created",
         "actor": {"type": "user_actor", "email_address": "eve@example.org", "ip_address": BAD}},
        "anthropic/-/activity", EventIdentity("eve@example.org", None, BAD), {},
    ),
    "Google Cloud request log": (
        {"timestamp": AT, "insertId": "i", "logName": "projects/p/logs/requests",
         "httpRequest": {"requestUrl": "https://mlflow.example.org/api/2.0/mlflow/users/create?a=1", "status": 200,
                         "requestMethod": "POST", "remoteIp": BAD}},
        "gcp/webserver/requests", EventIdentity(None, "mlflow.example.org", BAD),
        {"cs-uri-stem": "/api/2.0/mlflow/users/create", "sc-status": 200},
    ),
    "Cloudflare HTTP requests": (
        {"EdgeStartTimestamp": AT, "ClientIP": BAD, "ClientRequestHost": "ray.example.org", "EdgeResponseStatus": 200,
         "ClientRequestMethod": "POST", "ClientRequestURI": "/api/jobs/?x=1"},
        "cloudflare/webserver/http_requests", EventIdentity(None, "ray.example.org", BAD),
        {"cs-uri-stem": "/api/jobs/", "cs-uri-query": "x=1"},
    ),
    "Vault audit log": (
        {"time": AT, "type": "request", "auth": {"display_name": "ldap-eve"},
         "request": {"operation": "read", "path": "secret/data/ml", "remote_address": BAD}},
        "vault/-/audit", EventIdentity("ldap-eve", None, BAD), {},
    ),
    "CrowdStrike process": (
        {"event_simpleName": "ProcessRollup2", "aid": "a", "timestamp": str(MS), "ComputerName": "GPU-01",
         "ImageFileName": "\\Device\\x\\python.exe", "CommandLine": "python x.py", "UserName": "eve"},
        "windows/process_creation/crowdstrike", EventIdentity("eve", "gpu-01", None),
        {"image": "\\Device\\x\\python.exe"},
    ),
    "CrowdStrike sensor": (
        {"event_simpleName": "NetworkConnectIP4", "aid": "a", "timestamp": str(MS), "ComputerName": "GPU-01",
         "RemoteAddressIP4": BAD, "RemotePort": "443"},
        "crowdstrike/-/sensor", EventIdentity(None, "gpu-01", None), {"dst_ip": BAD},
    ),
    "osquery": (
        {"name": "pack_x_crontab", "hostIdentifier": "gpu-01", "unixTime": MS // 1000, "action": "added",
         "columns": {"path": "/etc/crontab", "command": "curl x"}},
        "osquery/-/results", EventIdentity(None, "gpu-01", None), {"columns.command": "curl x"},
    ),
    "osquery processes": (
        {"name": "pack_x_processes", "hostIdentifier": "gpu-01", "unixTime": MS // 1000, "action": "added",
         "columns": {"path": "/usr/bin/curl", "cmdline": "curl x", "username": "eve"}},
        "linux/process_creation/osquery", EventIdentity("eve", "gpu-01", None), {"commandline": "curl x"},
    ),
    "1Password": (
        {"uuid": "u", "session_uuid": "s", "timestamp": AT, "country": "XK", "user": {"email": "eve@example.org"},
         "client": {"ip_address": BAD}},
        "onepassword/-/events", EventIdentity("eve@example.org", None, BAD), {"src_country": "XK"},
    ),
}  # fmt: skip
SAMPLES["Microsoft Entra sign-ins (portal)"] = (
    {"Date": AT, "Request ID": "r", "Username": "eve@example.org", "Application": "Portal", "IP address": BAD,
     "Status": "Failure"},
    "azure/authentication/signinlogs", EventIdentity("eve@example.org", None, BAD),
    {"outcome": "failure", "appdisplayname": "Portal"},
)  # fmt: skip
SAMPLES |= network.SAMPLES


def test_the_file_of_gitlab_says_the_same_as_its_stream(tmp_path: Path) -> None:
    row = {**SAMPLES["GitLab audit log"][0], "change": "visibility", "from": "Private", "to": "Public"}
    (event,) = read(tmp_path / "x.jsonl", json.dumps(row))
    assert (event.fields["details.change"], event.fields["details.to"]) == ("visibility", "Public")


S3 = (
    "79a59df900b949e55d96a1e698fbacedfd6e09d9 ml-models [02/Mar/2026:09:00:38 +0000] 203.0.113.66 {who} 3E57427F33A59F "
    '{operation} digits/a%2520b.safetensors "GET /ml-models/digits/a%20b.safetensors HTTP/1.1" {status} {error} 9 9 7 '
    '6 "-" "aws-cli/2.15 \\"x\\"" - s9lz= SigV4 ECDHE-RSA AuthHeader ml-models.s3.eu-west-1.amazonaws.com TLSv1.2 - -'
)
ALB = (
    "https 2026-03-02T09:00:00.186641Z app/ml/50dc6c495c0c9188 203.0.113.66:2817 10.0.0.1:8888 0.086 0.048 0.037 200 "
    '200 0 57 "POST https://jupyter.example.org:443/api/kernels?x=1 HTTP/1.1" "curl/7.46.0" ECDHE TLSv1.2 arn:x "R=1" '
    '"-" "-" 0 2026-03-02T09:00:00.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"'
)


def read(path: Path, *rows: str) -> list[LogEvent]:
    path.write_text("\n".join(rows) + "\n")
    with RejectedRows() as rejected:
        events = [event for part in read_logs([path], rejected) for event in part.events]
    assert rejected.count == 0, rejected.first
    return events


def test_every_product_has_a_sample_and_every_name_is_one() -> None:
    assert sorted(SAMPLES) == sorted(product.name for product in PRODUCTS)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_record_is_known(name: str, tmp_path: Path) -> None:
    row, origin, who, fields = SAMPLES[name]
    (event,) = read(tmp_path / "x.jsonl", json.dumps(row))
    assert "/".join(word or "-" for word in event.origin) == origin
    assert identity(event.fields) == who
    assert fields.items() <= event.fields.items()
    assert moment(event.time).date().isoformat() == DAY


@pytest.mark.parametrize("name", SAMPLES)
def test_it_is_no_other_product(name: str) -> None:
    row = json.loads(json.dumps(SAMPLES[name][0]).lower())
    flat = {**row, **{f"{key}.{inner}": value for key, below in row.items() if isinstance(below, dict)
                      for inner, value in below.items()}}  # fmt: skip
    fitting = {product.name for product in PRODUCTS if product.fits(flat)}
    # Of the two of one vendor the more particular one stands first.
    assert len({known.split()[0] for known in fitting}) <= 1


def test_a_request_to_s3_is_the_call_that_cloudtrail_tells_of(tmp_path: Path) -> None:
    who = "arn:aws:iam::1:user/eve"
    good, refused, nobody = read(
        tmp_path / "s3.log",
        S3.format(who=who, operation="REST.GET.OBJECT", status=200, error="-"),
        S3.format(who=who, operation="REST.DELETE.OBJECT", status=403, error="AccessDenied"),
        S3.format(who="-", operation="REST.GET.OBJECT", status=206, error="-"),
    )
    assert good.origin == ("aws", None, "cloudtrail")
    assert identity(good.fields) == ("eve", None, BAD)
    wanted = {
        "eventname": "GetObject", "requestparameters.bucketname": "ml-models", "outcome": "success",
        "requestparameters.key": "digits/a b.safetensors",
    }  # fmt: skip
    assert wanted.items() <= good.fields.items()
    assert "access" not in good.fields
    assert (refused.fields["eventname"], refused.fields["errorcode"]) == ("DeleteObject", "AccessDenied")
    assert nobody.fields["access"] == "anonymous"


def test_a_request_through_a_load_balancer_is_one_to_the_server_behind_it(tmp_path: Path) -> None:
    (event,) = read(tmp_path / "alb.log", ALB)
    assert event.origin == ("aws", "webserver", "elb")
    assert identity(event.fields) == (None, "jupyter.example.org", BAD)
    assert {"cs-method": "POST", "cs-uri-stem": "/api/kernels", "sc-status": 200}.items() <= event.fields.items()


def test_an_event_that_names_its_log_source_is_taken_at_its_word(tmp_path: Path) -> None:
    row = {"time": AT, "category": "authentication", "action": "login", "actor": "eve", "org": "x"}
    (event,) = read(tmp_path / "x.jsonl", json.dumps(row))
    assert event.origin == (None, "authentication", None)


def test_calls_without_a_version_or_a_service_are_calls_all_the_same(tmp_path: Path) -> None:
    endpoint = {"eventCategory": "NetworkActivity", "eventSource": "s3.amazonaws.com", "eventName": "GetObject",
                "eventTime": AT, "sourceIPAddress": BAD}  # fmt: skip
    google = {"timestamp": AT, "logName": "projects/p/logs/cloudaudit.googleapis.com%2Factivity",
              "protoPayload": {"methodName": "SetIamPolicy"}}  # fmt: skip
    blob = {"time": AT, "category": "StorageRead", "operationName": "GetBlob", "callerIpAddress": f"{BAD}:4512",
            "properties": {"accountName": "mlmodels", "metricResponseType": "Success"}}  # fmt: skip
    events = read(tmp_path / "x.jsonl", *map(json.dumps, (endpoint, google, blob)))
    assert [(event.origin.product, event.origin.service) for event in events] == [
        ("aws", "cloudtrail"), ("gcp", "gcp.audit"), ("azure", "storagebloblogs"),
    ]  # fmt: skip
