"""Records of proxies, sensors and services in the form that their documentation gives, for the test of all products."""

from typing import Any

from caponier.telemetry.security_logs.identity import EventIdentity

DAY = "2026-03-02"
AT = f"{DAY}T09:00:00Z"
MS = 1_772_442_000_000
BAD = "203.0.113.66"
EVE = "eve@example.org"

Sample = tuple[dict[str, Any], str, EventIdentity, dict[str, Any]]


def eve(kind: str, **more: Any) -> dict[str, Any]:
    head = {"timestamp": f"{DAY}T09:00:00.123456+0000", "flow_id": 7, "event_type": kind}
    return {**head, "src_ip": BAD, "dest_ip": "10.0.0.4", "dest_port": 8888, **more}


SAMPLES: dict[str, Sample] = {
    "Suricata (requests)": (
        eve("http", http={"url": "/api/kernels?x=1", "http_method": "POST", "hostname": "gpu-01", "status": 201}),
        "suricata/webserver/http", EventIdentity(None, "gpu-01", BAD),
        {"cs-method": "POST", "cs-uri-stem": "/api/kernels", "cs-uri-query": "x=1", "sc-status": 201},
    ),
    "Suricata (flows)": (
        eve("flow", flow={"state": "established", "start": f"{DAY}T09:00:00.1+0000"}),
        "suricata/firewall/flow", EventIdentity(None, None, BAD), {"action": "accept", "dst_port": 8888},
    ),
    "Suricata (DNS)": (
        eve("dns", dns={"type": "query", "rrname": "evil.example", "rrtype": "A"}),
        "suricata/dns/dns", EventIdentity(None, None, BAD), {"query": "evil.example"},
    ),
    "Suricata": (
        eve("anomaly", anomaly={"event": "x"}),
        "suricata/-/eve.anomaly", EventIdentity(None, None, BAD), {"anomaly.event": "x"},
    ),
    "Suricata (alerts)": (
        eve("alert", alert={"signature": "x", "action": "allowed"}),
        "suricata/alarm/eve.alert", EventIdentity(None, None, BAD), {"alert.signature": "x"},
    ),
    "Traefik access log (JSON)": (
        {"ClientHost": BAD, "ClientUsername": "-", "DownstreamStatus": 200, "RequestHost": "ml", "RequestMethod": "PUT",
         "RequestPath": "/models/m?max_worker=0", "StartUTC": AT, "time": AT},
        "traefik/webserver/access", EventIdentity(None, "ml", BAD),
        {"cs-uri-stem": "/models/m", "cs-uri-query": "max_worker=0", "sc-status": 200},
    ),
    "Caddy access log": (
        {"ts": MS / 1000, "request": {"remote_ip": "10.0.0.1", "client_ip": BAD, "method": "POST", "host": "ml",
         "uri": "/api/kernels"}, "user_id": "eve", "duration": 0.1, "status": 200},
        "caddy/webserver/access", EventIdentity("eve", "ml", BAD), {"cs-uri-stem": "/api/kernels", "sc-status": 200},
    ),
    "Kong": (
        {"request": {"method": "POST", "uri": "/v2/x", "headers": {"host": "ml"}}, "response": {"status": 403},
         "client_ip": BAD, "started_at": MS, "consumer": {"username": "eve"}},
        "kong/webserver/access", EventIdentity("eve", "ml", BAD), {"sc-status": 403},
    ),
    "MinIO audit log": (
        {"time": AT, "api": {"name": "GetObject", "bucket": "ml-models", "object": "a.pkl", "statusCode": 403},
         "remotehost": BAD, "requestID": "1", "accessKey": "eve"},
        "minio/-/audit", EventIdentity("eve", None, BAD), {"bucket": "ml-models", "key": "a.pkl", "outcome": "failure"},
    ),
    "Amazon Route 53 resolver": (
        {"query_timestamp": AT, "query_name": "evil.example.", "query_type": "A", "rcode": "NOERROR",
         "srcaddr": "10.0.0.4", "srcids": {"instance": "i-0abc"}},
        "aws/dns/route53", EventIdentity(None, None, "10.0.0.4"), {"query": "evil.example.", "instance_id": "i-0abc"},
    ),
    "Google Cloud flow and firewall log": (
        {"timestamp": AT, "jsonPayload": {"connection": {"src_ip": BAD, "dest_ip": "10.0.0.4", "dest_port": 22},
         "dest_instance": {"vm_name": "gpu-01"}}},
        "gcp/firewall/vpc", EventIdentity(None, "gpu-01", BAD), {"action": "accept", "dst_port": 22},
    ),
    "Tetragon process": (
        {"time": AT, "node_name": "n1", "process_exec": {"process": {"binary": "/bin/sh", "arguments": "-c id",
         "pod": {"namespace": "ml"}}, "parent": {"binary": "/usr/bin/python3"}}},
        "linux/process_creation/tetragon", EventIdentity(None, "n1", None), {"image": "/bin/sh", "namespace": "ml"},
    ),
    "Wazuh alert": (
        {"timestamp": f"{DAY}T09:00:00.123+0000", "rule": {"id": "5716", "level": 5}, "agent": {"name": "gpu-01"},
         "full_log": "a line of nobody's", "data": {"srcip": BAD, "dstuser": "eve"}},
        "wazuh/alarm/alerts", EventIdentity("eve", "gpu-01", BAD), {"rule.level": 5},
    ),
    "GitLab requests": (
        {"time": AT, "method": "POST", "path": "/users/sign_in", "controller": "SessionsController", "status": 302,
         "remote_ip": BAD, "username": "eve"},
        "gitlab/webserver/production", EventIdentity("eve", None, BAD), {"cs-uri-stem": "/users/sign_in"},
    ),
    "Duo administrator log": (
        {"isotimestamp": f"{DAY}T09:00:00+00:00", "action": "user_create", "object": "mallory", "username": "eve"},
        "cisco/-/duo.admin", EventIdentity("eve", None, None), {"target_user": "mallory"},
    ),
    "SentinelOne activity": (
        {"createdAt": AT, "activityType": 27, "accountId": "1", "primaryDescription": "x",
         "data": {"byUser": "eve", "ipAddress": BAD}},
        "sentinelone/-/activity", EventIdentity("eve", None, BAD), {"activitytype": 27},
    ),
    "Salesforce login": (
        {"EVENT_TYPE": "Login", "USER_NAME": EVE, "SOURCE_IP": BAD, "LOGIN_STATUS": "LOGIN_NO_ERROR",
         "TIMESTAMP_DERIVED": AT},
        "salesforce/authentication/login", EventIdentity(EVE, None, BAD), {"outcome": "success"},
    ),
    "Zoom operation log": (
        {"time": AT, "operator": EVE, "action": "Update", "category_type": "User", "operation_detail": "x"},
        "zoom/-/operation", EventIdentity(EVE, None, None), {"action": "Update"},
    ),
    "Box event": (
        {"event_id": "1", "event_type": "FAILED_LOGIN", "created_at": AT, "created_by": {"login": EVE},
         "ip_address": BAD},
        "box/authentication/events", EventIdentity(EVE, None, BAD), {},
    ),
    "MongoDB Atlas event": (
        {"created": AT, "eventTypeName": "API_KEY_CREATED", "orgId": "1", "username": EVE, "remoteAddress": BAD},
        "mongodb/-/atlas", EventIdentity(EVE, None, BAD), {},
    ),
    "Tailscale audit log": (
        {"event": {"action": "CREATE", "actor": {"loginName": EVE}, "eventTime": AT}},
        "tailscale/-/configuration", EventIdentity(EVE, None, None), {"eventname": "CREATE"},
    ),
    "Wiz audit log": (
        {"timestamp": AT, "action": "Login", "requestId": "r", "status": "FAILED", "userAgent": "x", "sourceIP": BAD,
         "user": {"name": EVE}},
        "wiz/-/audit", EventIdentity(EVE, None, BAD), {"outcome": "failure"},
    ),
    "Notion audit log": (
        {"event": {"type": "page.viewed", "timestamp": AT, "ip_address": BAD,
         "actor": {"type": "person", "person": {"email": EVE}}}},
        "notion/-/audit", EventIdentity(EVE, None, BAD), {"eventname": "page.viewed"},
    ),
}  # fmt: skip
