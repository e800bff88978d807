"""Lines of web servers, proxies and firewalls: who asked whom, when, and what became of it; and that none can lie."""

import bz2
import json
import lzma
from pathlib import Path

import pytest

from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import LogEvent, moment, read_logs
from caponier.telemetry.security_logs.identity import identity
from caponier.telemetry.security_logs.sources import LogSource

BAD = "203.0.113.66"
DAY = "2026-03-02T09:00:00"


def read(path: Path, text: str) -> list[LogEvent]:
    path.write_text(text + "\n")
    with RejectedRows() as rejected:
        events = [event for part in read_logs([path], rejected) for event in part.events]
    assert rejected.count == 0, rejected.first
    return events


def told(event: LogEvent) -> str:
    return "/".join(word or "-" for word in event.origin)


IIS = """#Software: Microsoft Internet Information Services 10.0
#Date: 2026-03-02 09:00:00
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query cs-username c-ip cs(User-Agent) sc-status
2026-03-02 09:00:00 10.0.0.4 POST /api/kernels a=1 LAB\\eve 203.0.113.66 Mozilla/5.0+(X11) 201"""
TIME_ONLY = """#Date: 2026-03-02 08:59:59
#Fields: time c-ip cs-method cs-uri-stem sc-status
09:00:00 203.0.113.66 POST /api/kernels 201"""
CLOUDFRONT = """#Version: 1.0
#Fields: date time x-edge-location c-ip cs-method cs(Host) cs-uri-stem sc-status cs(User-Agent)
2026-03-02\t09:00:00\tFRA2\t203.0.113.66\tPOST\tml\t/api/kernels\t201\tcurl%20x"""
ENVOY = (
    '[2026-03-02T09:00:00.123Z] "POST /api/kernels?a=1 HTTP/1.1" 201 - via_upstream - "-" 120 12 5 4 '
    '"{forwarded}" "{agent}" "r-1" "ml:8443" "10.0.0.4:8080" inbound|8080|| 127.0.0.6:1 10.0.0.4:8080 {peer}:0 - x'
)
PLAIN_ENVOY = (
    '[2026-03-02T09:00:00.123Z] "POST /api/kernels HTTP/1.1" 201 - 120 12 5 4 '
    '"10.9.9.9,203.0.113.66" "curl" "r-1" "ml" "10.0.0.4:8080"'
)
HAPROXY = (
    (
        "Mar  2 09:00:00 lb1 haproxy[9]: 203.0.113.66:51000 [02/Mar/2026:09:00:00.123] https-in~ models/node1 "
        '0/0/1/15/16 201 523 - - ---- 1/1/0/0/0 0/0 {{x|y}} "POST /api/kernels HTTP/1.1"'
    )
    .replace("{{", "{")
    .replace("}}", "}")
)
GIN = '[GIN] 2026/03/02 - 09:00:00 | 201 |   21.3ms |   203.0.113.66 | POST     "/api/kernels"'
CLASSIC = (
    "2026-03-02T09:00:00.123456Z my-lb 203.0.113.66:51000 10.0.0.4:80 0.00008 0.001 0.0013 201 201 0 57 "
    '"POST http://ml:80/api/kernels HTTP/1.1" "curl" - -'
)
GATEWAY = (
    '{"timeStamp": "2026-03-02T09:00:00+00:00", "resourceId": "/SUBSCRIPTIONS/X", "category": '
    '"ApplicationGatewayAccessLog", "operationName": "ApplicationGatewayAccess", "properties": {"clientIP": '
    '"203.0.113.66", "httpMethod": "POST", "requestUri": "/api/kernels", "httpStatus": 201, "host": "ml"}}'
)
REQUESTS = {
    "IIS": (IIS, "windows/webserver/iis"),
    "IIS without dates": (TIME_ONLY, "windows/webserver/iis"),
    "CloudFront": (CLOUDFRONT, "aws/webserver/cloudfront"),
    "Istio": (ENVOY.format(forwarded=f"10.9.9.9, {BAD}", agent="curl", peer="10.0.0.9"), "-/webserver/-"),
    "Istio without proxies": (ENVOY.format(forwarded="-", agent="curl", peer=BAD), "-/webserver/-"),
    "Envoy": (PLAIN_ENVOY, "-/webserver/-"),
    "HAProxy": (HAPROXY, "-/webserver/-"),
    "HAProxy without syslog": (HAPROXY.split("]: ", 1)[1], "-/webserver/-"),
    "gin": (GIN, "gin/webserver/server"),
    "gin in colours": (GIN.replace(" 201 ", "\x1b[97;42m 201 \x1b[0m"), "gin/webserver/server"),
    "a classic balancer": (CLASSIC, "aws/webserver/elb"),
    "an application gateway": (GATEWAY, "azure/webserver/applicationgatewayaccesslog"),
    "nginx in syslog": (
        'Mar  2 09:00:00 lb1 nginx: 203.0.113.66 - - [02/Mar/2026:09:00:00 +0000] "POST /api/kernels HTTP/1.1" 201 9',
        "-/webserver/-",
    ),
    "JSON in syslog": (
        '<13>1 2026-03-02T09:00:00Z lb1 traefik 1 - - {"ClientHost": "203.0.113.66", "RequestMethod": "POST", '
        '"RequestPath": "/api/kernels", "DownstreamStatus": 201, "StartUTC": "2026-03-02T09:00:00Z"}',
        "traefik/webserver/access",
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_who_asked_for_what_and_how_it_ended(name: str, tmp_path: Path) -> None:
    text, origin = REQUESTS[name]
    (event,) = read(tmp_path / "x.log", text)
    assert told(event) == origin
    assert identity(event.fields).address == BAD
    wanted = {"cs-method": "POST", "cs-uri-stem": "/api/kernels", "sc-status": 201}
    assert wanted.items() <= event.fields.items()
    assert moment(event.time).isoformat()[:19] == DAY


FIREWALL = """#Version: 1.5
#Software: Microsoft Windows Firewall
#Time Format: Local
#Fields: date time action protocol src-ip dst-ip src-port dst-port size

2026-03-02 09:00:00 {action} TCP 203.0.113.66 10.0.0.4 51000 22 52"""
KERNEL = (
    "Mar  2 09:00:00 gpu-01 kernel: [12.3] [UFW {action}] IN=eth0 OUT= MAC=00 SRC=203.0.113.66 DST=10.0.0.4 LEN=60 "
    "TTL=50 PROTO=TCP SPT=51000 DPT=22 WINDOW=64240 SYN"
)
ASA = "Mar  2 2026 09:00:00 fw1 : %ASA-6-302013: Built {way} TCP connection 1 for {ends}"
PALO = (
    "Mar  2 09:00:00 fw1 1,2026/03/02 09:00:00,001,TRAFFIC,end,2049,2026/03/02 09:00:00,203.0.113.66,10.0.0.4,0.0.0.0,"
    "0.0.0.0,rule1,lab\\eve,,ssh,vsys1,outside,inside,eth1,eth2,fwd,2026/03/02 09:00:00,1,1,51000,22,0,0,0x0,tcp,"
    "{action},"
    "123,60,63"
)
FORTINET = (
    '<189>date=2026-03-02 time=09:00:00 devname="fw1" logid="0000000013" type="traffic" srcip=203.0.113.66 '
    'dstip=10.0.0.4 dstport=22 action="{action}" msg="srcip=10.0.0.1"'
)
CEF = (
    "<13>Mar  2 09:00:00 fw1 CEF:0|Acme\\|Co|Wall|1.0|100|a name|3|rt=Mar 02 2026 09:00:00 src=203.0.113.66 "
    "dst=10.0.0.4 dpt=22 act={action} cs1=inner lab cs1Label=Zone request=http://x/?q\\=1 src=10.0.0.1"
)
LEEF = (
    "LEEF:2.0|Acme|Wall|1.0|7|^|devTime=Mar 02 2026 09:00:00^src=203.0.113.66^dst=10.0.0.4^dstPort=22^action={action}"
)
CONNECTIONS = {
    "Windows": (FIREWALL, "ALLOW", "DROP"),
    "netfilter": (KERNEL, "ALLOW", "BLOCK"),
    "Palo Alto": (PALO, "allow", "deny"),
    "Fortinet": (FORTINET, "accept", "deny"),
    "CEF": (CEF, "allow", "deny"),
    "LEEF": (LEEF, "Allowed", "Denied"),
}


@pytest.mark.parametrize("name", CONNECTIONS)
def test_a_connection_is_from_where_to_where_and_whether_it_came_about(name: str, tmp_path: Path) -> None:
    text, *actions = CONNECTIONS[name]
    for said, meant in zip(actions, ("accept", "deny"), strict=True):
        (event,) = read(tmp_path / "x.log", text.format(action=said))
        assert event.origin.category == "firewall"
        assert identity(event.fields).address == BAD
        assert {"dst_ip": "10.0.0.4", "dst_port": 22, "action": meant}.items() <= event.fields.items()
        assert moment(event.time).isoformat()[:19] == DAY


@pytest.mark.parametrize(
    ("way", "ends"),
    [
        ("inbound", "outside:203.0.113.66/51000 (203.0.113.66/51000) to inside:10.0.0.4/22 (10.0.0.4/22)"),
        ("outbound", "outside:10.0.0.4/22 (10.0.0.4/22) to inside:203.0.113.66/51000 (1.1.1.1/51000)"),
    ],
)
def test_whoever_began_a_connection_through_cisco_is_its_source(way: str, ends: str, tmp_path: Path) -> None:
    (event,) = read(tmp_path / "x.log", ASA.format(way=way, ends=ends))
    assert told(event) == "cisco/firewall/asa"
    assert {"src_ip": BAD, "dst_ip": "10.0.0.4", "dst_port": 22, "action": "accept"}.items() <= event.fields.items()


def test_a_packet_that_is_logged_before_anything_is_decided_is_neither_let_in_nor_kept_out(tmp_path: Path) -> None:
    (event,) = read(tmp_path / "x.log", KERNEL.format(action="AUDIT"))
    assert "action" not in event.fields


def test_quotes_that_a_caller_sends_through_envoy_move_no_address_to_it(tmp_path: Path) -> None:
    line = ENVOY.format(forwarded=BAD, agent='x" "1.2.3.4', peer="10.0.0.9")
    (event,) = read(tmp_path / "x.log", line)
    assert identity(event.fields).address == "10.0.0.9"


def test_what_only_begins_like_a_record_in_syslog_stays_the_line(tmp_path: Path) -> None:
    (event,) = read(tmp_path / "x.log", "Mar  2 09:00:00 gpu-01 app[1]: {not json")
    assert told(event) == "linux/-/syslog"
    assert event.fields["message"] == "{not json"


LOGIN = "Accepted password for eve from 203.0.113.66 port 51000 ssh2"
HEADS = {
    "a year": "Mar  2 2026 09:00:00 gpu-01 sshd[1]: ",
    "journalctl's full form": "Mon 2026-03-02 09:00:00 UTC gpu-01 sshd[1]: ",
    "a count of bytes": "99 <86>1 2026-03-02T09:00:00.123Z gpu-01 sshd 1 - - ",
    "a level in the place of the host": "2026-03-02T09:00:00.1+00:00 INFO sshd[1]: ",
}


@pytest.mark.parametrize("head", HEADS)
def test_the_same_login_under_other_heads(head: str, tmp_path: Path) -> None:
    (event,) = read(tmp_path / "x.log", HEADS[head] + LOGIN)
    who = identity(event.fields)
    assert (who.account, who.address, event.fields["outcome"]) == ("eve", BAD, "success")
    assert who.host == (None if "INFO" in HEADS[head] else "gpu-01")
    assert moment(event.time).isoformat()[:19] == DAY


def test_the_log_of_another_server_is_no_syslog(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("2026-03-02 09:00:00.526 UTC [7755] LOG:  starting\n")
    with RejectedRows() as rejected:
        (event,) = [event for part in read_logs([tmp_path / "x.log"], rejected) for event in part.events]
    assert event.origin == LogSource("postgresql", "database", "server")


CARRIERS = {
    "Wazuh": '{"timestamp": "2026-03-02T09:00:01.1+0000", "rule": {"id": "1", "level": 3}, "agent": {"name": '
    '"gpu-01"}, "full_log": "Mar  2 09:00:00 gpu-01 sshd[1]: LOGIN"}',
    "Graylog": '{"version": "1.1", "host": "gpu-01", "short_message": "LOGIN", "timestamp": 1772442000.5, '
    '"_facility": "sshd"}',
    "OpenTelemetry": '{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "1772442000000000000", '
    '"body": {"stringValue": "Mar  2 09:00:00 gpu-01 sshd[1]: LOGIN"}}]}]}]}',
}


@pytest.mark.parametrize("name", CARRIERS)
def test_the_same_login_in_what_carried_it(name: str, tmp_path: Path) -> None:
    (event,) = read(tmp_path / "x.json", CARRIERS[name].replace("LOGIN", LOGIN))
    assert identity(event.fields) == ("eve", "gpu-01", BAD)
    assert moment(event.time).isoformat()[:19] == DAY


def test_sysmon_of_linux_is_a_process_in_syslog(tmp_path: Path) -> None:
    xml = (
        '<Event><System><Provider Name="Linux-Sysmon"/><EventID>1</EventID><TimeCreated '
        'SystemTime="2026-03-02T09:00:00.1Z"/><Channel>Linux-Sysmon/Operational</Channel><Computer>gpu-01</Computer>'
        '</System><EventData><Data Name="Image">/bin/sh</Data><Data Name="User">eve</Data></EventData></Event>'
    )
    (event,) = read(tmp_path / "x.log", f"Mar  2 09:00:00 gpu-01 sysmon: {xml}")
    assert told(event) == "linux/process_creation/sysmon"
    assert event.fields["image"] == "/bin/sh"


def test_a_server_that_leaves_times_out_has_those_of_vllm_around_it(tmp_path: Path) -> None:
    lines = (
        "(APIServer pid=1) INFO 03-02 09:00:00 [api_server.py:41] started\n"
        '(APIServer pid=1) INFO:     203.0.113.66:51000 - "POST /v1/load_lora_adapter HTTP/1.1" 200 OK'
    )
    _, asked = read(tmp_path / "x.log", lines)
    assert (told(asked), identity(asked.fields).address) == ("uvicorn/webserver/server", BAD)
    assert moment(asked.time).isoformat()[:19] == DAY


def test_activity_as_the_azure_command_prints_it(tmp_path: Path) -> None:
    row = (
        '{"caller": "eve@example.org", "claims": {"ipaddr": "203.0.113.66"}, "category": {"value": "Administrative"}, '
        '"eventTimestamp": "2026-03-02T09:00:00Z", "operationName": {"value": "Microsoft.X/onlineEndpoints/delete"}, '
        '"resourceId": "/subscriptions/1/onlineEndpoints/fraud", "status": {"value": "Succeeded"}}'
    )
    (event,) = read(tmp_path / "x.json", row)
    assert told(event) == "azure/-/activitylogs"
    assert identity(event.fields) == ("eve@example.org", None, BAD)
    assert {"outcome": "success", "endpoint": "fraud"}.items() <= event.fields.items()


@pytest.mark.parametrize(
    ("row", "origin", "fields"),
    [
        ("Timestamp,DeviceId,DeviceName,ActionType,RemoteIP,RemotePort,InitiatingProcessFileName\n"
         f"{DAY}Z,d,gpu-01,ConnectionSuccess,{BAD},443,curl", "windows/network_connection/devicenetworkevents",
         {"dst_ip": BAD}),
        ("Timestamp,DeviceId,DeviceName,ActionType,LogonType,AccountName,RemoteIP\n"
         f"{DAY}Z,d,gpu-01,LogonFailed,Network,eve,{BAD}", "windows/authentication/devicelogonevents",
         {"outcome": "failure", "src_ip": BAD, "user": "eve"}),
    ],
)  # fmt: skip
def test_tables_as_defender_itself_exports_them(row: str, origin: str, fields: dict[str, str], tmp_path: Path) -> None:
    (event,) = read(tmp_path / "x.csv", row)
    assert told(event) == origin
    assert fields.items() <= event.fields.items()


def test_a_record_of_zeek_that_does_not_say_of_what_log_it_is_makes_no_connection(tmp_path: Path) -> None:
    (event,) = read(tmp_path / "x.log", '{"ts": 1772442000.5, "id.orig_h": "10.0.0.1", "func": "READ_COILS"}')
    assert told(event) == "zeek/-/-"


def test_folders_give_what_is_packed_in_any_way_and_xml(tmp_path: Path) -> None:
    line = f"{DAY}Z gpu-01 sshd[1]: {LOGIN}\n".encode()
    (tmp_path / "a.log.bz2").write_bytes(bz2.compress(line))
    (tmp_path / "auth.log.1.xz").write_bytes(lzma.compress(line))
    (tmp_path / "c.xml").write_text(
        '<Events><Event><System><EventID>1</EventID><TimeCreated SystemTime="2026-03-02T09:00:00Z"/>'
        "<Channel>Security</Channel></System></Event></Events>"
    )
    with RejectedRows() as rejected:
        events = [event for part in read_logs([tmp_path], rejected) for event in part.events]
    assert (len(events), rejected.count) == (3, 0)


def test_a_table_of_syslog_holds_messages_that_are_records(tmp_path: Path) -> None:
    xml = (
        "<Event><System><EventID>1</EventID><TimeCreated SystemTime='2026-03-02T09:00:00Z'/><Channel>"
        "Linux-Sysmon/Operational</Channel><Computer>gpu-01</Computer></System><EventData>"
        "<Data Name='Image'>/bin/sh</Data></EventData></Event>"
    )
    row = {"TimeGenerated": f"{DAY}Z", "HostName": "gpu-01", "ProcessName": "sysmon", "SyslogMessage": xml}
    (event,) = read(tmp_path / "x.json", json.dumps(row))
    assert told(event) == "linux/process_creation/sysmon"
    assert identity(event.fields).host == "gpu-01"
    (plain,) = read(tmp_path / "x.json", json.dumps({**row, "SyslogMessage": "{nothing"}))
    assert told(plain) == "linux/-/syslog"


@pytest.mark.parametrize("head", ["CEF:0|a|b|1|2|c|3|", "date=2026-03-02 time=09:00:00 logid=1 "])
def test_a_line_has_no_more_fields_than_a_row_of_json(head: str, tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text(head + " ".join(f"a{n}=1" for n in range(2_000)) + "\n")
    with RejectedRows() as rejected:
        assert not [event for part in read_logs([tmp_path / "x.log"], rejected) for event in part.events]
        assert "too many fields" in str(rejected.first)
