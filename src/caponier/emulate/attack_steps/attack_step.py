"""A step with traditional means in several variants, and what only looks like it, each as native log records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from caponier.emulate.office import HOST, stamp

Row = dict[str, Any]
Rows = Sequence[Row]

THIEF: Final = "203.0.113.66"
"""Where the attacker acts from."""
DESK: Final = "10.8.0.21"
"""Where people work."""
REFUSED: Final[dict[str, Any]] = {"errorCode": "AccessDenied"}
"""How AWS says that a call was not let through."""
_STAMPS: Final = {
    "<stamp>": "%Y-%m-%d %H:%M:%S.000",
    "<clock>": "%d/%b/%Y:%H:%M:%S +0000",
    "<iso>": "%Y-%m-%dT%H:%M:%S+00:00",
}
"""What a line has in the place of its time."""
PAUSE: Final = "pause"
"""Seconds before a row, where it does not follow at once; never written into a log."""


@dataclass(frozen=True)
class AttackStep:
    """One step.

    Args:
        name: Of the step, in words.
        variants: Ways to do it, each a sequence of records without times.
        lookalikes: What benign people do that looks like it.
    """

    name: str
    variants: Sequence[Rows]
    lookalikes: Sequence[Rows]


def timed(rows: Rows, start: datetime) -> Iterator[Row]:
    """Give records their times: one a second, or after their pauses; a None is a time, too."""
    moment = start
    for row in rows:
        moment += lasting([row])
        told = {name: stamp(moment) if value is None else value for name, value in row.items() if name != PAUSE}
        for name in ("log", "event"):
            if isinstance(text := told.get(name), str):
                for mark, form in _STAMPS.items():
                    text = text.replace(mark, f"{moment:{form}}")
                told[name] = text
        yield {"time": stamp(moment), **told}


def lasting(rows: Rows) -> timedelta:
    """Return how long records take that have no times yet, pauses included."""
    return timedelta(seconds=sum(float(row.get(PAUSE, 1.0)) for row in rows))


def aws(who: str, address: str, service: str, name: str, parameters: Row | None = None, **more: Any) -> Row:
    """Return a call to AWS; `who` is `user NAME` or `role NAME/SESSION`."""
    kind, _, of = who.partition(" ")
    identity = {
        "user": {"type": "IAMUser", "arn": f"arn:aws:iam::111122223333:user/{of}", "userName": of},
        "role": {"type": "AssumedRole", "arn": f"arn:aws:sts::111122223333:assumed-role/{of}"},
        "root": {"type": "Root", "arn": "arn:aws:iam::111122223333:root"},
        "nobody": {"type": "AWSAccount", "accountId": "anonymous", "principalId": ""},
    }[kind]
    return {
        "eventVersion": "1.11", "awsRegion": "eu-central-1", "eventSource": f"{service}.amazonaws.com",
        "eventName": name, "sourceIPAddress": address, "userIdentity": identity,
        "requestParameters": parameters or {}, **more,
    }  # fmt: skip


def kubernetes(who: str, address: str, verb: str, resource: str, body: Row | None = None, **about: Any) -> Row:
    """Return a request to a Kubernetes API server; `about` is more of its object, or `code`."""
    code = about.pop("code", 200)
    row: Row = {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Request", "stage": "ResponseComplete",
        "verb": verb, "user": {"username": who, "groups": ["system:authenticated"]}, "sourceIPs": [address],
        "objectRef": {"resource": resource, "namespace": "ml", "name": "digits", **about},
        "responseStatus": {"code": code},
    }  # fmt: skip
    return {**row, "requestObject": body} if body else row


def google(who: str | None, address: str, service: str, method: str, resource: str, **more: Any) -> Row:
    """Return an audit log entry of Google Cloud."""
    return {
        "logName": "projects/ml/logs/cloudaudit.googleapis.com%2Factivity",
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog", "serviceName": f"{service}.googleapis.com",
            "methodName": method, "resourceName": resource, "requestMetadata": {"callerIp": address},
            "authenticationInfo": {"principalEmail": who} if who else {}, "status": {}, **more,
        },
    }  # fmt: skip


def line(text: str, namespace: str = "ml") -> Row:
    """Return a line that a server in a container wrote, as Fluent Bit ships it."""
    return {"log": f"{text}\n", "stream": "stdout", "kubernetes": {"namespace_name": namespace, "pod_name": "server-0"}}


def requested(address: str, method: str, target: str, status: int = 200, namespace: str = "ml") -> Row:
    """Return a request in the access log of a server in a container."""
    return line(f'{address} - - [<clock>] "{method} {target} HTTP/1.1" {status} 17 "-" "python/2.31"', namespace)


def process(command: str, image: str = "/usr/bin/bash", user: str = "bob", host: str = HOST) -> Row:
    """Return the start of a process on a host, as Falco tells it."""
    return {
        "rule": "Process started", "priority": "Notice", "output": command, "hostname": host,
        "output_fields": {
            "evt.type": "execve", "proc.cmdline": command, "proc.exepath": image, "user.name": user,
        },
    }  # fmt: skip


def written(path: str, host: str = HOST, user: str = "CORP\\bob") -> Row:
    """Return the creation of a file on a host, as Sysmon tells it."""
    return {
        "Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 11, "Computer": host, "TargetFilename": path,
        "Image": "C:\\Python\\python.exe", "User": user,
    }  # fmt: skip


def sshd(who: str, address: str, *, good: bool = True, host: str = "gpu-01") -> Row:
    """Return a login by SSH, as a forwarder ships a line of syslog."""
    said = "Accepted publickey" if good else "Failed password"
    text = f"<iso> {host} sshd[7]: {said} for {who} from {address} port 51514 ssh2"
    return {"sourcetype": "linux_secure", "event": text}


def okta(who: str, address: str, kind: str, result: str = "SUCCESS", target: str = "eve@example.org") -> Row:
    """Return an event of Okta."""
    return {
        "published": None, "eventType": kind, "actor": {"id": "00u1", "alternateId": who},
        "client": {"ipAddress": address},
        "outcome": {"result": result}, "target": [{"id": "00u2", "type": "User", "alternateId": target}],
    }  # fmt: skip


def entra(who: str, address: str, activity: str, result: str = "success") -> Row:
    """Return a change in a directory of Entra."""
    return {
        "activityDateTime": None, "activityDisplayName": activity, "result": result,
        "initiatedBy": {"user": {"userPrincipalName": who, "ipAddress": address}},
        "targetResources": [{"type": "ServicePrincipal", "displayName": "svc-model-sync"}],
    }  # fmt: skip
