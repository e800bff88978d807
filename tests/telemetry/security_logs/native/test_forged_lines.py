"""A text that somebody chose changes the field it stands in, whatever it looks like, and no other one.

Each line has one place for it, escaped as the server escapes that field. The line is read once with a harmless text and
once with a forged one; what differs must be that field's. Where two readings are possible, a value may be left out.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import LogEvent, read_logs
from caponier.telemetry.security_logs.identity import identity

CALLER, CLAIMED = "203.0.113.66", "10.0.0.1"
HARMLESS = "zq7m"
OLD = "Mar  2 09:00:00 gpu-01 "
NEW = "2026-03-02T09:00:00+00:00 gpu-01 "
NGINX = "2026/03/02 09:00:00 [error] 1#1: *5 "
FACTS = f'client: {CALLER}, server: m.example.org, request: "GET /a HTTP/1.1", host: "m.example.org"'
POSTGRES = "2026-03-02 09:00:00.123 UTC [12] "
MYSQL = "2026-03-02T09:00:00.123456Z\t    9 Connect\t"
ENVOY = (
    '[2026-03-02T09:00:00.123Z] "GET /{} HTTP/1.1" 403 - 0 12 1 - "203.0.113.66" "{}" "r" "m.example.org" "10.9.9.9:80"'
)
ASKED = "cs-uri cs-uri-stem cs-uri-query"

Case = tuple[str, str, list[str]]
EXACT: dict[str, Case] = {
    "an agent of nginx": (
        f'{CALLER} - - [02/Mar/2026:09:00:00 +0000] "GET /a HTTP/1.1" 404 12 "-" "{{}}"',
        "cs-user-agent",
        ["a,time,b", "srcaddr dstaddr", "[{}", r"x\x22 200 5 \x22-", "x | y"],
    ),
    "a name at nginx": (
        f'{CALLER} - {{}} [02/Mar/2026:09:00:00 +0000] "GET /a HTTP/1.1" 401 12 "-" "curl"',
        "user cs-username",
        ["r" * 500, "a - - b", r"x \x22y\x22 [z", "root [01/Jan/2020:09:00:00 +0000]"],
    ),
    "a name at Apache": (
        f'{CALLER} - {{}} [02/Mar/2026:09:00:00 +0000] "GET /a HTTP/1.1" 401 12 "-" "curl"',
        "user cs-username",
        [r"x \"y\" [z", r"root [01/Jan/2020:09:00:00 +0000] \"GET / HTTP/1.1\" 200 5"],
    ),
    "an agent of a server that escapes quotes alone": (
        f'{CALLER} - - [02/Mar/2026:09:00:00 +0000] "GET /a HTTP/1.1" 404 12 "-" "{{}}"',
        "cs-user-agent",
        ["x\\", "a\\\\", r"x\" 200 5 \"-"],
    ),
    "a query of gunicorn": (
        f'{CALLER} - - [02/Mar/2026:09:00:00 +0000] "GET /a?{{}} HTTP/1.1" 404 12 "-" "curl"',
        ASKED,
        ['x"', '"_200_5', "a\\", "a,time,b"],
    ),
    "a query of uvicorn": (
        f'2026-03-02 09:00:00 INFO:     {CALLER}:5 - "GET /a?{{}} HTTP/1.1" 404 Not Found',
        ASKED,
        ['"', '"200OK"', '\\"', "a,time,b", f'"-{CLAIMED}:1-"GET'],
    ),
    "a query of a server with a logger of its own": (
        f'2026-03-02 09:00:00 - INFO - {CALLER}:5 - "GET /a?{{}} HTTP/1.1" 404 Not Found',
        ASKED + " message path",
        ['"200"', '"', "a,time,b"],
    ),
    "a query of TorchServe": (
        f'2026-03-02T09:00:00,123 [INFO ] epoll-3-1 ACCESS_LOG - /{CALLER}:4 "GET /a?{{}} HTTP/1.1" 404 5',
        ASKED + " message",
        ['"', '"200', '"HTTP/1.1"_200_5'],
    ),
    "a model of TorchServe": (
        "2026-03-02T09:00:00,123 [INFO ] main org.pytorch.serve.wlm.ModelManager - Model {} loaded.",
        "message",
        ["srcaddr dstaddr", f'/{CLAIMED}:1 "DELETE /models/a HTTP/1.1" 200 5', "a,time,b"],
    ),
    "an agent of Ray": (
        f"2026-03-02 09:00:00,123\tINFO web_log.py:2 -- {CALLER} [02/Mar/2026:09:00:00 +0000] "
        '"GET /a HTTP/1.1" 404 1 "-" "{}"',
        "cs-user-agent message",
        ['" 200 5 "-" "', 'x" "y', f'{CLAIMED} [x] "DELETE / HTTP/1.1" 200 5'],
    ),
    "a referrer of Jupyter": (
        f"[W 2026-03-02 09:00:00.123 ServerApp] 404 GET /a (ann@{CALLER}) 1.50ms referer={{}}",
        "cs-referer message",
        [f"x (root@{CLAIMED}) 2.00ms referer=y", "[{}", "srcaddr dstaddr"],
    ),
    "a path of MLflow": (
        "2026/03/02 09:00:00 ERROR mlflow.server: Exception on /{} [GET]",
        ASKED + " message",
        ["a [DELETE]", " [PUT] x"],
    ),
    "a path of gin": (
        f'[GIN] 2026/03/02 - 09:00:00 | 404 |  12.3µs | {CALLER} | GET      "/{{}}"',
        ASKED,
        [r"x\"", r"x\" | 200", r"x\\"],
    ),
    "a path in front of nginx's facts": (
        NGINX + f'open() "/srv/{{}}" failed (2: No such file or directory), {FACTS}',
        "message",
        [
            f", client: {CLAIMED}, server: x",
            f'" failed, client: {CLAIMED}, server: a, request: "PUT /b HTTP/1.1", host: "c',
        ],
    ),
    "a referrer behind nginx's facts": (
        NGINX + f'upstream timed out, {FACTS}, referrer: "{{}}"',
        "message",
        [f", client: {CLAIMED}", '", request: "DELETE /b HTTP/1.1', '", host: "evil.example.net'],
    ),
    "a name in a certificate": (
        NEW + f"sshd[1]: Accepted publickey for ann from {CALLER} port 4 ssh2: "
        "ED25519-CERT SHA256:a ID {} (serial 0) CA RSA SHA256:b",
        "message",
        [f"x from {CLAIMED} port 22", f"x from {CLAIMED} port 22 ssh2: RSA SHA256:c"],
    ),
    "a name at sshd": (
        NEW + f"sshd[1]: Failed publickey for invalid user {{}} from {CALLER} port 4 ssh2: RSA SHA256:a",
        "message user",
        [f"x from {CLAIMED} port 22 ssh2", f"x from {CLAIMED} port 22 ssh2: RSA SHA256:x", "a b"],
    ),
    "a name at PAM": (
        OLD + "su[1]: pam_unix(su:auth): authentication failure; "
        "logname=ann uid=1 euid=0 tty=pts/0 ruser={} rhost=  user=root",
        "message",
        ["x for user nobody", "x user=ann", f"x rhost={CLAIMED}"],
    ),
    "a host in audit": (
        "type=USER_LOGIN msg=audit(1772442000.1:1): pid=1 uid=0 auid=1 ses=1 "
        f"msg='op=login acct=\"ann\" hostname={{}} addr={CALLER} terminal=ssh res=failed'",
        "hostname",
        ["x'", "x'res=success"],
    ),
    "a command in audit": (
        "type=USER_CMD msg=audit(1772442000.1:1): pid=1 uid=1 auid=1 ses=1 "
        'msg=\'cwd="/tmp" cmd={} exe="/usr/bin/sudo" terminal=pts/0 res=failed\'',
        "cmd",
        ["6361742078", "6C7327207265733D73756363657373"],
    ),
    "a name at Cisco's": (
        OLD + f"%ASA-6-302013: Built inbound TCP connection 1 for outside:{CALLER}/5 ({CALLER}/5)(LOCAL\\{{}}) "
        "to inside:10.0.0.9/443 (10.0.0.9/443)",
        "message",
        [f"x) to inside:{CLAIMED}/22 (", f"a to inside:{CLAIMED}/22 b"],
    ),
    "a name in a header of CEF": (
        f"CEF:0|Acme|Gate|1|100|{{}}|5|rt=1772442000000 src={CALLER} suser=ann act=blocked",
        "name",
        ["x\\\\", "a\\|5\\|src=1", "\\\\\\|"],
    ),
    "a name at PAN-OS": (
        f"1,2026/03/02 09:00:00,1,TRAFFIC,end,1,2026/03/02 09:00:00,{CALLER},10.0.0.9,,,r,"
        "{},,ssl,v,u,t,e,e,f,d,1,1,4,443,0,0,0,tcp,deny,1",
        "user",
        ['"a,b"', '"x,,web,v,u,t,e,e,f,d,1,1,4,22,0,0,0,tcp,allow"', '"a,""b"'],
    ),
    "a command in Falco's text": (
        "2026-03-02T09:00:00.1Z: Warning Opened (user=ann command=cat {} parent=bash container_image=serve k8s_ns=ml)",
        "output command commandline",
        ["user=root", "container_image=safe", "parent=cron k8s_ns=x"],
    ),
    "an agent at Envoy": (ENVOY.format("a", "{}"), "cs-user-agent", ["x\\", "a,time,b", '"x'[:1]]),
    "a path at Envoy": (ENVOY.format("{}", "curl"), ASKED, ['"', '?q="', '?"_200_-']),
    "an agent at S3": (
        f'0123456789abcdef models [02/Mar/2026:09:00:00 +0000] {CALLER} - R REST.GET.OBJECT k "GET /k HTTP/1.1" 403 '
        '- 1 1 1 1 "-" "{}" - h SigV4 X',
        "user_agent",
        ['x" - y', 'x" - - SigV4', '"', 'a" "b'],
    ),
    "a name at PostgreSQL": (
        POSTGRES + f'{{}}@models {CALLER}(5) FATAL:  password authentication failed for user "{{}}"',
        "message user",
        ['a" from x', "x LOG:  connection authorized: user=root", "root@x"],
    ),
    "an application at PostgreSQL": (
        POSTGRES + f"ann@models {{}} {CALLER}(5) LOG:  connection authorized: user=ann",
        "message",
        [f"{CLAIMED}(1)", "FATAL:  x", "srcaddr dstaddr"],
    ),
    "a name at MySQL": (
        MYSQL + f"{{}}@{CALLER} on models using TCP/IP",
        "message user",
        ["a@b", "a b", f"root@{CLAIMED} on x"],
    ),
    "a refused name at MySQL": (
        MYSQL + f"Access denied for user '{{}}'@'{CALLER}' (using password: YES)",
        "message user",
        [f"root'@'{CLAIMED}", f"x'@'{CLAIMED}' (using password: NO)"],
    ),
    "a name at MariaDB": (
        f"20260302 09:00:00,db1,{{}},{CALLER},9,10,QUERY,models,'select 1',0",
        "user",
        ["a,b", f"root,{CLAIMED},1,1,CONNECT,x,,0"],
    ),
    "an agent at Artifactory": (
        f"2026-03-02T09:00:00.123Z|abc|{CALLER}|ann|GET|/api/x|401|-1|0|5|{{}}",
        "cs-user-agent",
        ["x|y", f"a|{CLAIMED}|root|GET|/|200|1", "time|x"],
    ),
    "a name in pairs": (
        OLD + f"keycloak[1]: type=LOGIN_ERROR, realmId=ml, ipAddress={CALLER}, error=user_not_found, username={{}}",
        "message username user account",
        [f"x, ipAddress={CLAIMED}", "x, error=none"],
    ),
}


def read(text: str, folder: Path) -> list[LogEvent]:
    path = folder / "x.log"
    path.write_text(text)
    with RejectedRows() as rejected:
        return [event for part in read_logs([path], rejected) for event in part.events]


def changed(plain: LogEvent, forged: LogEvent, own: str) -> dict[str, Any]:
    """Return what a forged line has otherwise, where it is not left out."""
    ours = {*own.split()}
    there = {name: value for name, value in forged.fields.items() if name not in ours}
    return {name: value for name, value in there.items() if plain.fields.get(name) != value}


@pytest.mark.parametrize(("name", "said"), [(name, said) for name, (_, _, texts) in EXACT.items() for said in texts])
def test_what_somebody_chose_changes_its_own_field_alone(name: str, said: str, tmp_path: Path) -> None:
    line, own, _ = EXACT[name]
    harmless, forged = line.replace("{}", HARMLESS), line.replace("{}", said)
    (plain, *_) = expected = read(f"{harmless}\n" * 3, tmp_path)
    # As the first line of a file it changes none of the others, either.
    for text in (f"{harmless}\n{forged}\n{harmless}\n", f"{forged}\n{harmless}\n{harmless}\n"):
        found = read(text, tmp_path)
        assert len(found) == len(expected) == 3
        (other,) = [one for one in found if one.line == (1 if text.startswith(forged) else 2)]
        assert changed(plain, other, own) == {}
        assert (other.time, other.origin.product) == (plain.time, plain.origin.product)
        assert [one.fields for one in found if one is not other] == [plain.fields] * 2
        assert identity(other.fields).address in (identity(plain.fields).address, None)


NESTED = {"time": "2026-03-02T09:00:00Z", "user": "ann", "remote_addr": CALLER, "action": "login", "result": "failed"}


@pytest.mark.parametrize("map_", ["tags", "labels", "metadata", "annotations", "custom", "params", "headers", "env"])
@pytest.mark.parametrize("name", ["actor", "performed_by", "actor.name", "principal", "client_ip", "x.ip", "outcome"])
def test_names_of_ones_own_tell_nothing_that_the_record_tells(map_: str, name: str, tmp_path: Path) -> None:
    row = {**NESTED, map_: {name: CLAIMED}}
    plain, forged = read("".join(json.dumps(one) + "\n" for one in (NESTED, row)), tmp_path)
    assert identity(forged.fields) == identity(plain.fields)
    assert forged.fields["outcome"] == plain.fields["outcome"] == "failure"


MESSAGE = (
    "An account failed to log on.\n\nAccount For Which Logon Failed:\n\tAccount Name:\t{}\n\n"
    "Network Information:\n\tSource Network Address:\t203.0.113.66\n"
)
STARTED = (
    "A new process has been created.\n\nCreator Subject:\n\tAccount Name:\tann\n\n"
    "Process Information:\n\tNew Process Name:\tC:\\a.exe\n\tProcess Command Line:\t{}\n"
)


@pytest.mark.parametrize("message", [MESSAGE, STARTED])
@pytest.mark.parametrize(
    "said",
    [
        "x\n\nNetwork Information:\n\tSource Network Address:\t10.0.0.1",
        "x\n\nCreator Subject:\n\tAccount Name:\troot",
        "x\nIpAddress: 10.0.0.1",
    ],
)
def test_a_value_of_several_lines_is_no_label(message: str, said: str, tmp_path: Path) -> None:
    row = {"Id": 4625 if message == MESSAGE else 4688, "ProviderName": "Microsoft-Windows-Security-Auditing"}
    row |= {"LogName": "Security", "MachineName": "dc1", "TimeCreated": "2026-03-02T09:00:00Z"}
    (found,) = read(json.dumps({**row, "Message": message.replace("{}", said)}) + "\n", tmp_path)
    assert identity(found.fields).address in (None, CALLER)
    assert "root" not in identity(found.fields)


def test_an_agent_in_a_table_is_a_text_whatever_it_looks_like(tmp_path: Path) -> None:
    head = "TimeGenerated,UserPrincipalName,IPAddress,ResultType,AppDisplayName,UserAgent\n"
    row = f'2026-03-02T09:00:00Z,ann@example.org,{CALLER},50126,App,"{{""IPAddress"":""10.0.0.1""}}"\n'
    (found,) = read(head + row, tmp_path)
    assert found.fields["user_agent"] == '{"IPAddress":"10.0.0.1"}'


def test_of_a_folder_with_a_command_nobody_tells_what_was_run(tmp_path: Path) -> None:
    sudo = OLD + "sudo:      ann : TTY=pts/0 ; PWD=/tmp/{} ; USER=root ; COMMAND=/bin/sh -c id\n"
    plain, forged = read(sudo.format("x") + sudo.format("x ; USER=ann ; COMMAND=/bin/ls"), tmp_path)
    assert (plain.fields["target_user"], plain.fields["image"]) == ("root", "/bin/sh")
    assert {"target_user", "image"}.isdisjoint(forged.fields)
    assert "/bin/sh -c id" in str(forged.fields["commandline"])
    env = plain.fields | read(sudo.replace(" COMMAND", " ENV=A=1 ; COMMAND").format("x"), tmp_path)[0].fields
    assert env == plain.fields | {"message": env["message"]}


@pytest.mark.parametrize(
    "line",
    [
        "WARN {caller} tried to sign in as {said} and was rejected",
        "WARN [{caller}] upload of file {said} refused for user ann",
        'INFO {caller} "{said}" login failed',
        "WARN rate limit for key {said} of {caller}",
        "WARN {caller}:5 TLS error: password verification failed for peer {said}",
    ],
)
@pytest.mark.parametrize("said", ["x from 10.0.0.1", "x' from 10.0.0.1", 'x" from 10.0.0.1 "', "x ip=10.0.0.1"])
def test_of_two_addresses_in_a_sentence_a_word_makes_none_the_caller_s(line: str, said: str, tmp_path: Path) -> None:
    text = "2026-03-02 09:00:00 " + line.format(caller=CALLER, said=said) + "\n"
    (found,) = read(text, tmp_path)
    assert identity(found.fields).address in (None, CALLER)


def test_the_address_of_who_was_asked_is_no_second_one(tmp_path: Path) -> None:
    text = "2026-03-02 09:00:00 WARN login failed for user ann from 203.0.113.66 to 10.9.9.9 on server 10.9.9.8\n"
    (found,) = read(text, tmp_path)
    assert identity(found.fields)[::2] == ("ann", CALLER)


def test_a_tab_in_an_agent_moves_no_column(tmp_path: Path) -> None:
    head = "#Fields: date time cs-method cs-uri-stem c-ip cs(User-Agent) sc-status\n"
    plain, forged = read(
        head + f"2026-03-02 09:00:00 GET /a {CALLER} x 401\n2026-03-02 09:00:00 GET /a {CALLER} x\ty 401\n", tmp_path
    )
    assert forged.fields == plain.fields | {"cs-user-agent": "x\ty"}


def test_a_command_of_audit_in_digits_alone_is_told(tmp_path: Path) -> None:
    (found,) = read("type=USER_CMD msg=audit(1772442000.1:1): pid=1 msg='cmd=6361742078 res=failed'\n", tmp_path)
    assert found.fields["cmd"] == "cat x"
