"""Alerts to one receiver: what it took is told; what it did not take is tried again by whoever asks."""

import hashlib
import hmac
import http.client
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Timer
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from caponier.app.alerts import forms
from caponier.app.workspace.alert_routes import AlertRoute
from caponier.errors import CaponierError
from caponier.formats.append_file import append_whole
from caponier.records.finding import Finding

SIGNATURE: Final = "X-Caponier-Signature"
"""`t=SECONDS,v1=HEX`: HMAC-SHA-256 over the seconds, a full stop and the body."""
MOST_TOGETHER: Final = 200
"""Findings in one request, where a receiver takes several."""
_LONGEST: Final = 2**20
_MODE: Final = 0o600


class UndeliveredError(CaponierError):
    """A receiver did not take an alert; it is tried again."""

    exit_code = 3


class UnwantedError(UndeliveredError):
    """A receiver does not take this alert, and may take others."""


_UNWANTED: Final = (400, 413, 422)
"""HTTP statuses that speak of what was sent, and not of who sent it or when."""


def deliver(
    route: AlertRoute, found: Sequence[Finding], root: Path, workspace: str, done: Callable[[Finding], None]
) -> None:
    """Send findings one way, in their order.

    Args:
        route: Which way.
        found: What is sent.
        root: The folder of the workspace, for files.
        workspace: Its name.
        done: Told of each finding that has arrived, at once.

    Raises:
        UndeliveredError: If the receiver did not take one; those after it were not sent. Nothing of what it said, or of
            a secret, is repeated.
        InputError: If the route's secret cannot be read.
    """
    send = {"webhook": _webhook, "splunk": _splunk, "elastic": _elastic, "ocsf": _ocsf, "syslog": _syslog}[route.kind]
    try:
        send(route, found, root, workspace, done)
    except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as failed:
        raise UndeliveredError(f"the receiver cannot be reached: {type(failed).__name__}", where=route.name) from None


Done = Callable[[Finding], None]


def _webhook(route: AlertRoute, found: Sequence[Finding], root: Path, workspace: str, done: Done) -> None:
    secret = route.secret(root)
    for finding in found:
        body = orjson.dumps(forms.alert(finding, workspace))
        headers = {"Idempotency-Key": finding.finding_id}
        if secret:
            headers[SIGNATURE] = signature(secret, body, int(time.time()))
        _post(route, body, headers)
        done(finding)


def signature(secret: str, body: bytes, seconds: int) -> str:
    """Sign a body, with the time so that it cannot be sent again by somebody else later."""
    signed = hmac.digest(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hex()
    return f"t={seconds},v1={signed}"


def _splunk(route: AlertRoute, found: Sequence[Finding], root: Path, workspace: str, done: Done) -> None:
    headers = {"Authorization": f"Splunk {route.secret(root)}"}
    for finding in found:
        event = {
            "time": round(finding.last_time.timestamp(), 3),
            "source": "caponier",
            "sourcetype": "caponier:finding",
            "event": forms.alert(finding, workspace),
        }
        _post(route, orjson.dumps(event), headers, "/services/collector/event")
        done(finding)


def _elastic(route: AlertRoute, found: Sequence[Finding], root: Path, workspace: str, done: Done) -> None:
    headers = {"Authorization": f"ApiKey {route.secret(root)}"}
    for at in range(0, len(found), MOST_TOGETHER):
        part = found[at : at + MOST_TOGETHER]
        lines: list[Any] = []
        for finding in part:
            stamped = forms.alert(finding, workspace)
            # Made once: what is sent again finds itself there.
            lines += [{"create": {"_index": route.index, "_id": finding.finding_id}}]
            lines += [stamped | {"@timestamp": stamped["last_time"]}]
        body = b"".join(orjson.dumps(line) + b"\n" for line in lines)
        reply = _post(route, body, headers, "/_bulk", kind="application/x-ndjson")
        try:
            statuses = [int(item["create"]["status"]) for item in orjson.loads(reply)["items"]]
        except (ValueError, KeyError, TypeError):
            raise UndeliveredError("the receiver's answer is none of a bulk request", where=route.name) from None
        for finding, status in zip(part, statuses, strict=False):
            if status // 100 == 2 or status == 409:
                done(finding)
        if len(statuses) < len(part) or not all(status // 100 == 2 or status == 409 for status in statuses):
            raise UndeliveredError("the receiver did not take every finding", where=route.name)


def _ocsf(route: AlertRoute, found: Sequence[Finding], root: Path, workspace: str, done: Done) -> None:
    if urlsplit(route.to).scheme != "file":
        for finding in found:
            _post(route, orjson.dumps(forms.ocsf(finding, workspace)), {"Idempotency-Key": finding.finding_id})
            done(finding)
        return
    path = root / route.to.removeprefix("file:").removeprefix("//")
    path.parent.mkdir(parents=True, exist_ok=True)
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _MODE)
    try:
        for finding in found:
            append_whole(opened, orjson.dumps(forms.ocsf(finding, workspace)) + b"\n")
            done(finding)
    finally:
        os.close(opened)


def _syslog(route: AlertRoute, found: Sequence[Finding], root: Path, workspace: str, done: Done) -> None:
    parts = urlsplit(route.to)
    host, port = parts.hostname or "", parts.port or {"syslog": 514, "syslog+tcp": 601}.get(parts.scheme, 6514)
    if parts.scheme == "syslog":
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as sending:
            for finding in found:
                sending.sendto(forms.syslog(finding, workspace), address)
                done(finding)
        return
    with socket.create_connection((host, port), route.timeout) as plain:
        stream = plain
        if parts.scheme == "syslog+tls":
            stream = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        for finding in found:
            message = forms.syslog(finding, workspace)
            # Counted octets (RFC 6587, section 3.4.1): a line may hold anything.
            stream.sendall(f"{len(message)} ".encode() + message)
            done(finding)


def _post(
    route: AlertRoute, body: bytes, headers: Mapping[str, str], path: str = "", kind: str = "application/json"
) -> bytes:
    parts = urlsplit(route.to)
    made = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    # Silence alone is no measure: whoever says a letter now and then is never silent.
    until = time.monotonic() + route.timeout
    connection = made(parts.hostname or "", parts.port, timeout=route.timeout)
    query = f"?{parts.query}" if parts.query else ""
    target = (parts.path.rstrip("/") + path or "/") + query if path else (parts.path or "/") + query
    try:
        connection.connect()
        with _hung_up(connection.sock, until):
            connection.request("POST", target, body, {"Content-Type": kind, "User-Agent": "caponier", **headers})
            reply = connection.getresponse()
            said = reply.read(_LONGEST)
    finally:
        connection.close()
    # A redirect is followed nowhere: it could lead a secret to somebody else.
    if reply.status // 100 != 2:
        error = UnwantedError if reply.status in _UNWANTED else UndeliveredError
        raise error(f"the receiver answered {reply.status}", where=route.name)
    return said


@contextmanager
def _hung_up(connection: socket.socket, until: float) -> Iterator[None]:
    """Hang up at a moment of `time.monotonic`, whatever the other side is saying.

    Raises:
        TimeoutError: If that was necessary: what was said until then may look whole.
    """
    hung_up = Event()

    def hang_up() -> None:
        hung_up.set()
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    timer = Timer(max(0.0, until - time.monotonic()), hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if hung_up.is_set():
        raise TimeoutError("not within the time of the route")
