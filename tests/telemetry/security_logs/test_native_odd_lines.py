"""One odd line more of every native format: what its publisher's own servers write on a bad day."""

from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.security_logs.events import LogEvent
from telemetry.security_logs.test_native_samples import ATTACKER, CASES, read

ZEEK = (CASES / "zeek_conn.log").read_text()
ZEEK_FTP = (
    "#separator \\x09\n#set_separator\t|\n#empty_field\tEMPTY\n#unset_field\t?\n#path\tssh\n"
    "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tauth_success\tciphers\tcount\n"
    "#types\ttime\tstring\taddr\tport\taddr\tport\tbool\tset[string]\tcount\n"
    f"1772442000.5\tC9\t{ATTACKER}\t51234\t10.0.0.5\t22\tF\ta|b|c\t?\n"
    "#close\t2026-03-02-10-00-00\n"
)
FLOW = "2 123456789010 eni-1235b8ca123456789"

LINES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "nginx: a request that is none": (
        f'{ATTACKER} - - [02/Mar/2026:09:00:00 +0000] "\\x16\\x03\\x01\\x00" 400 157 "-" "-"\n',
        "-/webserver/-",
        {"c-ip": ATTACKER, "sc-status": 400, "cs-uri": "\\x16\\x03\\x01\\x00"},
    ),
    "nginx: quotes and brackets that a caller sent": (
        f'{ATTACKER} - - [02/Mar/2026:09:00:00 +0000] "GET /a\\"b] HTTP/1.1" 404 0 "-" "x \\"200\\" 1"\n',
        "-/webserver/-",
        {"c-ip": ATTACKER, "sc-status": 404, "cs-uri-stem": '/a\\"b]'},
    ),
    "Apache: a user of two words": (
        f'{ATTACKER} - ada lovelace [02/Mar/2026:10:00:00 +0100] "GET /m HTTP/1.1" 200 -\n',
        "-/webserver/-",
        {"c-ip": ATTACKER, "user": "ada lovelace", "cs-uri-stem": "/m", "sc-status": 200},
    ),
    "Apache: a user who claims to be an address": (
        f'{ATTACKER} - 10.0.0.1 - - [02/Mar/2026:10:00:00 +0100] "GET /m HTTP/1.1" 401 -\n',
        "-/webserver/-",
        {"c-ip": ATTACKER, "user": "10.0.0.1 - -", "sc-status": 401},
    ),
    "Apache: a virtual host, and a user of two words": (
        f'ml.example.org:443 {ATTACKER} - ada lovelace [02/Mar/2026:10:00:00 +0100] "GET /m HTTP/1.1" 200 -\n',
        "-/webserver/-",
        {"c-ip": ATTACKER, "cs-host": "ml.example.org", "user": "ada lovelace"},
    ),
    "Apache: an error of nobody": (
        "[Mon Mar 02 09:00:00.5 2026] [mpm_event:notice] [pid 1:tid 2] AH00489: resuming\n",
        "apache/-/apache",
        {"level": "mpm_event:notice", "message": "AH00489: resuming"},
    ),
    "nginx: an error without a connection": (
        "2026/03/02 09:00:00 [emerg] 1#1: bind() to 0.0.0.0:80 failed\n",
        "nginx/-/nginx",
        {"level": "emerg", "message": "bind() to 0.0.0.0:80 failed"},
    ),
    "VPC: no traffic at all": (
        f"{FLOW} - - - - - - - 1772442000 1772442060 - NODATA\n"
        f"{FLOW} {ATTACKER} 10.0.0.1 1 22 6 1 1 1772442000 1772442060 REJECT OK\n",
        "aws/firewall/vpcflow",
        {"log-status": "NODATA"},
    ),
    "VPC: a header of few fields, in an order of their own": (
        f"dstaddr action srcaddr start dstport\n10.0.0.1 REJECT {ATTACKER} 1772442000 22\n",
        "aws/firewall/vpcflow",
        {"src_ip": ATTACKER, "dst_ip": "10.0.0.1", "dst_port": 22, "action": "reject"},
    ),
    "Zeek: other separators than the usual": (
        ZEEK_FTP,
        "zeek/authentication/ssh",
        {"src_ip": ATTACKER, "outcome": "failure", "ciphers": "a, b, c", "dst_host": "10.0.0.5"},
    ),
    "TorchServe: a request over a socket": (
        "2026-03-02T09:00:00,123 [INFO ] nioEventLoopGroup-3-1 ACCESS_LOG - "
        f'/{ATTACKER}:51234 "DELETE /models/digits/1.0 HTTP/1.1" 403 7\n',
        "torchserve/webserver/access",
        {"c-ip": ATTACKER, "cs-method": "DELETE", "sc-status": 403},
    ),
    "TorchServe: an access log that holds no request": (
        "2026-03-02T09:00:00,123 [WARN ] main ACCESS_LOG - rotated\n",
        "torchserve/-/server",
        {"level": "WARN", "message": "rotated"},
    ),
    "MLflow: what a handler raised": (
        "2026/03/02 09:00:00 ERROR mlflow.server: Exception on /ajax-api/2.0/mlflow/artifacts [GET]\n",
        "mlflow/webserver/server",
        {"cs-method": "GET", "cs-uri-stem": "/ajax-api/2.0/mlflow/artifacts", "sc-status": 500},
    ),
    "gunicorn: a worker that was killed": (
        "[2026-03-02 09:00:00 +0000] [17] [CRITICAL] WORKER TIMEOUT (pid:23)\n",
        "gunicorn/-/server",
        {"pid": "17", "message": "WORKER TIMEOUT (pid:23)"},
    ),
    "Jupyter: a name that holds a bracket is no user": (
        f"[W 2026-03-02 09:00:00.123 ServerApp] 403 POST /api/kernels (::ffff:{ATTACKER}) 1.50ms\n",
        "jupyter/webserver/server",
        {"c-ip": ATTACKER, "sc-status": 403},
    ),
    "Jupyter: a message": (
        "[C 2026-03-02 09:00:00 ServerApp] To access the server, open this file\n",
        "jupyter/-/server",
        {"level": "C", "application": "ServerApp"},
    ),
    "Ray: a message that looks like a request": (
        '2026-03-02 09:00:00,123\tINFO web_log.py:206 -- "GET /api/jobs/" 200\n',
        "ray/-/server",
        {"place": "web_log.py:206"},
    ),
    "Falco: a rule without a process": (
        '{"time":"2026-03-02T09:00:00Z","rule":"r","priority":"Notice","output":"o","output_fields":{}}\n',
        "falco/alarm/falco",
        {"rule": "r"},
    ),
    "Okta: an event that is no login": (
        '{"eventType":"user.mfa.factor.deactivate","published":"2026-03-02T09:00:00Z","actor":{"id":"u",'
        '"alternateId":"ada@example.org"},"client":{"ipAddress":"203.0.113.66"},"outcome":{"result":"DENY"}}\n',
        "okta/-/okta",
        {"user": "ada@example.org", "src_ip": ATTACKER, "outcome": "failure"},
    ),
    "auditd: a command in hexadecimals": (
        "type=USER_CMD msg=audit(1772442000.123:9): pid=1 uid=1001 auid=1001 ses=1 "
        "msg='cwd=\"/srv\" cmd=726D202D7266202F737276 terminal=pts/0 res=success'\n",
        "linux/-/auditd",
        {"cmd": "rm -rf /srv"},
    ),
    "auditd: two nodes with the same serial are two events": (
        'node=a type=SYSCALL msg=audit(1772442000.1:7): syscall=59 success=yes exe="/bin/a" auid=1 key="k"\n'
        'node=b type=SYSCALL msg=audit(1772442000.1:7): syscall=59 success=yes exe="/bin/b" auid=2 key="k"\n',
        "linux/-/auditd",
        {"exe": "/bin/b", "auid": "2"},
    ),
}


def said(text: str, folder: Path) -> list[LogEvent]:
    (folder / "x.log").write_text(text)
    events, rejected = read(folder / "x.log")
    assert rejected.count == 0, rejected.first
    return events


@pytest.mark.parametrize("name", LINES)
def test_an_odd_line_is_an_event_of_its_own_format(name: str, tmp_path: Path) -> None:
    text, origin, fields = LINES[name]
    events = said(text, tmp_path)
    seen = [("/".join(word or "-" for word in event.origin), event.fields) for event in events]
    assert any(where == origin and fields.items() <= has.items() for where, has in seen), seen


def test_a_log_of_another_layout_begins_anew(tmp_path: Path) -> None:
    """Two logs of Zeek, one behind the other: the header in the middle counts from there on."""
    conn, ssh = said(ZEEK, tmp_path), said(ZEEK_FTP, tmp_path)
    both = said(ZEEK + ZEEK_FTP, tmp_path)
    assert [event.fields for event in both] == [event.fields for event in conn + ssh]


@pytest.mark.parametrize("name", ["vpc_flow.log", "nginx_access.log", "torchserve_access.log"])
def test_a_line_that_was_cut_off_costs_itself_and_no_other(name: str, tmp_path: Path) -> None:
    whole = (CASES / name).read_text()
    last = whole.rstrip("\n").splitlines()[-1]
    (tmp_path / "x.log").write_text(whole * 3 + last[: len(last) // 3] + "\n")
    events, rejected = read(tmp_path / "x.log")
    assert len(events) == 3 * len(read(CASES / name)[0])
    assert rejected.count == 1
