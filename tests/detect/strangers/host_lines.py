"""Native lines of hosts, servers, warehouses and networks."""

import datetime as dt
import json

from detect.strangers.lines import ACC, LAN, OUT, T0, R, ms, uid

SER = [4000]


def auditd(
    exe, argv, host="gpu-01", t=None, uid_=1001, auid=1001, comm=None, key="exec", cwd="/", tty="pts0", ppid=900
):
    SER[0] += 1
    s = f"{(t or T0).timestamp():.3f}:{SER[0]}"
    n = f"node={host} "
    a = " ".join(
        f'a{i}="{v}"' if all(c not in v for c in ' "&|') else f"a{i}={v.encode().hex().upper()}"
        for i, v in enumerate(argv)
    )
    return (
        "\n".join(
            [
                f'{n}type=SYSCALL msg=audit({s}): arch=c000003e syscall=59 success=yes exit=0 a0=55 a1=55 a2=55 a3=8 items=2 ppid={ppid} pid={SER[0]} auid={auid} uid={uid_} gid={uid_} euid={uid_} suid={uid_} fsuid={uid_} egid={uid_} sgid={uid_} fsgid={uid_} tty={tty} ses=3 comm="{comm or exe.split("/")[-1]}" exe="{exe}" subj=unconfined key="{key}"',  # noqa: E501
                f"{n}type=EXECVE msg=audit({s}): argc={len(argv)} {a}",
                f'{n}type=CWD msg=audit({s}): cwd="{cwd}"',
                f'{n}type=PATH msg=audit({s}): item=0 name="{exe}" inode=1 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL',  # noqa: E501
            ]
        )
        + "\n"
    )


def auditd_open(
    path, exe="/usr/bin/vim", host="gpu-01", t=None, uid_=1001, nametype="NORMAL", syscall=257, key="models"
):
    SER[0] += 1
    s = f"{(t or T0).timestamp():.3f}:{SER[0]}"
    n = f"node={host} "
    return f'{n}type=SYSCALL msg=audit({s}): arch=c000003e syscall={syscall} success=yes exit=3 a0=ffffff9c a1=7f a2=241 a3=1b6 items=2 ppid=1 pid=77 auid={uid_} uid={uid_} gid={uid_} euid={uid_} suid={uid_} fsuid={uid_} egid={uid_} sgid={uid_} fsgid={uid_} tty=pts0 ses=3 comm="{exe.split("/")[-1]}" exe="{exe}" subj=unconfined key="{key}"\n{n}type=PATH msg=audit({s}): item=1 name="{path}" inode=9 dev=08:01 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype={nametype}\n'  # noqa: E501


def sysl(host, prog, msg, t=None, pid=2211):
    return (t or T0).strftime("%b %e %H:%M:%S") + f" {host} {prog}[{pid}]: {msg}\n"


def win(eid, data, host="gpu-win-01.acme.io", t=None, ch="Security", prov="Microsoft-Windows-Security-Auditing"):
    return {
        "Event": {
            "#attributes": {"xmlns": "http://schemas.microsoft.com/win/2004/08/events/event"},
            "System": {
                "Provider": {"#attributes": {"Name": prov, "Guid": "54849625-5478-4994-A5BA-3E3B0328C30D"}},
                "EventID": eid,
                "Version": 0,
                "Level": 0,
                "Task": 13826,
                "Opcode": 0,
                "Keywords": "0x8020000000000000",
                "TimeCreated": {"#attributes": {"SystemTime": ms(t or T0)}},
                "EventRecordID": R.randrange(10**6),
                "Correlation": None,
                "Execution": {"#attributes": {"ProcessID": 700, "ThreadID": 712}},
                "Channel": ch,
                "Computer": host,
                "Security": None,
            },
            "EventData": data,
        }
    }


SYSMON = {"ch": "Microsoft-Windows-Sysmon/Operational", "prov": "Microsoft-Windows-Sysmon"}


def proc(image, cmd, parent="C:\\Windows\\System32\\cmd.exe", pcmd="cmd.exe", usr="ACME\\mallory", **k):
    return win(
        1,
        {
            "RuleName": "-",
            "UtcTime": ms(k.get("t") or T0)[:-1].replace("T", " "),
            "ProcessGuid": "{" + uid() + "}",
            "ProcessId": 4321,
            "Image": image,
            "FileVersion": "10.0",
            "Description": "-",
            "OriginalFileName": image.split("\\")[-1],
            "CommandLine": cmd,
            "CurrentDirectory": "C:\\",
            "User": usr,
            "LogonId": "0x3e7",
            "IntegrityLevel": "High",
            "Hashes": "SHA256=" + "A" * 64,
            "ParentProcessId": 1,
            "ParentImage": parent,
            "ParentCommandLine": pcmd,
        },
        **SYSMON,
        **k,
    )


def clf(ip, req, code=200, size=512, ua="python-requests/2.31", t=None, usr="-", host=None, ref="-"):
    return (
        host + " " if host else ""
    ) + f'{ip} - {usr} [{(t or T0).strftime("%d/%b/%Y:%H:%M:%S +0000")}] "{req}" {code} {size} "{ref}" "{ua}"\n'


def alb(ip, method, url, code=200, ua="curl/8.4", t=None):
    t = t or T0
    return f'https {ms(t)[:-1]}123Z app/ml-alb/50dc6c495c0c9188 {ip}:41234 10.20.0.15:8081 0.001 0.048 0.000 {code} {code} 210 512 "{method} {url} HTTP/1.1" "{ua}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:{ACC}:targetgroup/ts/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "{url.split("/")[2].split(":")[0]}" "session-reused" 0 {ms(t)[:-1]}000Z "forward" "-" "-" "10.20.0.15:8081" "{code}" "-" "-"\n'  # noqa: E501


def envoy(ip, method, path, auth, code=200, ua="curl/8.4", t=None):
    return (
        json.dumps(
            {
                "start_time": ms(t or T0),
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "response_code": code,
                "response_flags": "-",
                "bytes_received": 88,
                "bytes_sent": 120,
                "duration": 12,
                "upstream_service_time": "11",
                "x_forwarded_for": ip,
                "user_agent": ua,
                "request_id": uid(),
                "authority": auth,
                "upstream_host": "10.20.0.15:8000",
                "downstream_remote_address": ip + ":50122",
                "upstream_cluster": "outbound|8000||triton",
            }
        )
        + "\n"
    )


CFH = "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken\n"  # noqa: E501


def cf(ip, path, code=200, ua="Mozilla/5.0", q="-", t=None, host="infer.acme.io", m="GET"):
    t = t or T0
    return (
        "\t".join(
            [
                t.strftime("%Y-%m-%d"),
                t.strftime("%H:%M:%S"),
                "AMS54-C1",
                "812",
                ip,
                m,
                "d111.cloudfront.net",
                path,
                str(code),
                "-",
                ua.replace(" ", "%20"),
                q,
                "-",
                "Miss",
                uid()[:12],
                host,
                "https",
                "88",
                "0.012",
            ]
        )
        + "\n"
    )


def jup(msg, t=None, lvl="I"):
    return f"[{lvl} {(t or T0).strftime('%Y-%m-%d %H:%M:%S')}.311 ServerApp] {msg}\n"


def uvi(ip, req, code=200, t=None):
    return (t or T0).strftime("%Y/%m/%d %H:%M:%S ") + f'INFO:     {ip}:51522 - "{req} HTTP/1.1" {code} OK\n'


def dockerev(action, image="harbor.acme.io/ml/serve:1.4", name="fraud-serve", t=None, typ="container", **a):
    t = t or T0
    return (
        json.dumps(
            {
                "status": action,
                "id": "ab" * 32,
                "from": image,
                "Type": typ,
                "Action": action,
                "Actor": {"ID": "ab" * 32, "Attributes": {"image": image, "name": name, **a}},
                "scope": "local",
                "time": int(t.timestamp()),
                "timeNano": int(t.timestamp()) * 10**9,
            }
        )
        + "\n"
    )


def harbor(op, res, who, t=None, rtype="artifact", **k):
    return (
        json.dumps(
            {
                "id": R.randrange(9999),
                "username": who,
                "resource": res,
                "resource_type": rtype,
                "operation": op,
                "op_time": ms(t or T0),
                **k,
            }
        )
        + "\n"
    )


def snow(text, who="MALLORY", t=None, role="SYSADMIN", typ=None, db="ML_FEATURES"):
    return {
        "QUERY_ID": uid(),
        "QUERY_TEXT": text,
        "DATABASE_NAME": db,
        "SCHEMA_NAME": "PUBLIC",
        "QUERY_TYPE": typ or text.split()[0],
        "SESSION_ID": 77,
        "USER_NAME": who,
        "ROLE_NAME": role,
        "WAREHOUSE_NAME": "ML_WH",
        "EXECUTION_STATUS": "SUCCESS",
        "START_TIME": ms(t or T0),
        "END_TIME": ms((t or T0) + dt.timedelta(seconds=4)),
        "ROWS_PRODUCED": 91000000,
    }


def dbx(svc, action, who, ip=OUT, t=None, **p):
    return {
        "version": "2.0",
        "timestamp": int((t or T0).timestamp() * 1000),
        "workspaceId": "5551",
        "sourceIPAddress": ip,
        "userAgent": "Mozilla/5.0",
        "sessionId": None,
        "userIdentity": {"email": who, "subjectName": None},
        "serviceName": svc,
        "actionName": action,
        "requestId": uid(),
        "requestParams": p,
        "response": {"statusCode": 200, "errorMessage": None, "result": None},
        "auditLevel": "WORKSPACE_LEVEL",
        "accountId": uid(),
    }


def pg(msg, usr="mallory", db="mlflow", ip=LAN, t=None, host="db-ml-01", kind="LOG:  statement: "):
    return f"{(t or T0).strftime('%b %e %H:%M:%S')} {host} postgres[4411]: [5-1] {(t or T0).strftime('%Y-%m-%d %H:%M:%S')} UTC [4411] {usr}@{db} {ip} {kind}{msg}\n"  # noqa: E501


def zconn(src, dst, port, ob, rb, t=None, dur=600.0, svc="ssl", proto="tcp"):
    return (
        json.dumps(
            {
                "_path": "conn",
                "ts": (t or T0).timestamp(),
                "uid": "C" + uid()[:16],
                "id.orig_h": src,
                "id.orig_p": 51000 + R.randrange(999),
                "id.resp_h": dst,
                "id.resp_p": port,
                "proto": proto,
                "service": svc,
                "duration": dur,
                "orig_bytes": ob,
                "resp_bytes": rb,
                "conn_state": "SF",
                "local_orig": True,
                "local_resp": False,
                "missed_bytes": 0,
                "history": "ShADadFf",
                "orig_pkts": ob // 1400 + 1,
                "orig_ip_bytes": ob,
                "resp_pkts": rb // 1400 + 1,
                "resp_ip_bytes": rb,
            }
        )
        + "\n"
    )


def zdns(src, q, t=None, typ="TXT"):
    return (
        json.dumps(
            {
                "_path": "dns",
                "ts": (t or T0).timestamp(),
                "uid": "C" + uid()[:16],
                "id.orig_h": src,
                "id.orig_p": 40111,
                "id.resp_h": "10.20.0.2",
                "id.resp_p": 53,
                "proto": "udp",
                "trans_id": 9,
                "query": q,
                "qclass": 1,
                "qclass_name": "C_INTERNET",
                "qtype_name": typ,
                "rcode": 0,
                "rcode_name": "NOERROR",
                "AA": False,
                "TC": False,
                "RD": True,
                "RA": True,
                "Z": 0,
                "answers": ["x"],
                "rejected": False,
            }
        )
        + "\n"
    )


def squid(src, method, url, code=200, size=3811, t=None, usr="-"):
    return f"{(t or T0).timestamp():.3f}    812 {src} TCP_TUNNEL/{code} {size} {method} {url} {usr} HIER_DIRECT/45.9.148.3 -\n"  # noqa: E501
