"""Receivers that hang, refuse, lead elsewhere or answer nonsense: nothing is lost, told twice or given away."""

import errno
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest

from app.alerts.receivers import SECRET, found, receiving, record, workspace_with
from caponier.app.alerts import alerts as module
from caponier.app.alerts import delivery
from caponier.app.alerts.alerts import Alerts, Sent
from caponier.app.alerts.delivery import UndeliveredError, deliver, signature
from caponier.app.workspace.alert_routes import AlertRoute, routes_of
from caponier.errors import InputError
from caponier.records.inventory import Workspace
from pace import HANG

WEBHOOK = {"name": "soc", "kind": "webhook", "secret_file": "secret", "timeout": HANG}
IMPATIENT = WEBHOOK | {"timeout": 0.3}
"""For receivers that are given up; whoever is to be waited for may be slow, as the machine may."""
ELASTIC = {"name": "soc", "kind": "elastic", "secret_file": "secret"}


@contextmanager
def saying(answer: bytes, *, hang: bool = False) -> Iterator[tuple[list[bytes], str]]:
    """Take one connection after the other, say something to each, and hang up or never do."""
    got: list[bytes] = []
    held: list[socket.socket] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def take() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                got.append(connection.recv(65_536))
                connection.sendall(answer)
                held.append(connection)
                if not hang:
                    connection.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield got, f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(HANG)
    for connection in held:
        connection.close()


def attempt(folder: Path, route: dict[str, Any], count: int = 1) -> tuple[Alerts, Sent]:
    """Return the sender and what became of its first look at some findings."""
    workspace = workspace_with(folder, route)
    alerts = Alerts(workspace)
    alerts.send()
    record(workspace, *(found(n) for n in range(count)))
    return alerts, alerts.send()


def delivered(folder: Path, route: dict[str, Any], count: int = 1) -> tuple[int, UndeliveredError | None]:
    """Return how many findings arrived, and why not all did."""
    (folder / "secret").write_text(SECRET)
    arrived: list[str] = []
    try:
        one = AlertRoute.model_validate(route)
        deliver(one, [found(n) for n in range(count)], folder, "w", lambda taken: arrived.append(taken.finding_id))
    except UndeliveredError as failed:
        return len(arrived), failed
    return len(arrived), None


@pytest.mark.parametrize(
    ("answer", "hang"),
    [
        (b"", True),
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab", True),
        (b"", False),
        (b"SSH-2.0-OpenSSH_9.6\r\n", False),
        (b"HTTP/1.1 abc\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"\r\n", False),
    ],
)
def test_what_a_broken_receiver_may_have_taken_waits(tmp_path: Path, answer: bytes, hang: bool) -> None:
    began = monotonic()
    with saying(answer, hang=hang) as (_, url):
        arrived, failed = delivered(tmp_path, IMPATIENT | {"to": url})
    assert monotonic() - began < HANG
    assert arrived == 0
    assert failed is not None
    assert failed.where == "soc"


@contextmanager
def dripping(*parts: bytes) -> Iterator[str]:
    """Say something at once, and then the last part again and again, a letter at a time and longer than a hang."""
    ended = threading.Event()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"".join(parts[:-1]))
                until = monotonic() + 2 * HANG
                while not ended.wait(0.02) and monotonic() < until:
                    try:
                        connection.sendall(parts[-1])
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        thread.join(HANG)


@pytest.mark.parametrize(
    "parts",
    [
        (b"H",),
        (b"HTTP/1.1 200 OK\r\nx: ", b"y"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", b"a"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    ],
)
def test_a_receiver_that_never_comes_to_an_end_is_given_up(tmp_path: Path, parts: tuple[bytes, ...]) -> None:
    began = monotonic()
    with dripping(*parts) as url:
        arrived, failed = delivered(tmp_path, IMPATIENT | {"to": url})
        assert monotonic() - began < HANG
    assert arrived == 0
    assert failed is not None


def test_whoever_says_success_and_hangs_up_has_it(tmp_path: Path) -> None:
    with saying(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab") as (_, url):
        assert delivered(tmp_path, WEBHOOK | {"to": url}) == (1, None)


def test_a_receiver_that_hangs_keeps_no_other_route_waiting_for_long(tmp_path: Path) -> None:
    with saying(b"", hang=True) as (_, dead), receiving() as (receiver, alive):
        workspace = workspace_with(tmp_path, IMPATIENT | {"to": dead}, WEBHOOK | {"to": alive, "name": "b"})
        alerts = Alerts(workspace)
        alerts.send()
        record(workspace, found(1))
        began = monotonic()
        done = alerts.send()
        assert monotonic() - began < HANG
        alerts.close()
    assert (done.sent, done.waiting) == (1, 1)
    assert len(receiver.taken) == 1


@pytest.mark.parametrize("status", [100, 301, 302, 303, 307, 308, 400, 401, 403, 404, 413, 429, 500, 502, 503])
def test_only_success_counts_and_no_redirect_is_followed(tmp_path: Path, status: int) -> None:
    with receiving() as (elsewhere, other):
        head = f"HTTP/1.1 {status} X\r\nlocation: {other}/steal\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"
        with saying(head.encode()) as (got, url):
            arrived, failed = delivered(tmp_path, WEBHOOK | {"to": url}, count=2)
    assert (arrived, len(got)) == (0, 1)
    assert failed is not None
    assert elsewhere.taken == []


def test_nothing_of_a_receivers_answer_or_of_a_secret_is_repeated(tmp_path: Path) -> None:
    said = f"HTTP/1.1 403 {SECRET}\r\nx: {SECRET}\r\ncontent-length: 23\r\n\r\n{SECRET}"
    for number, route in enumerate((WEBHOOK, ELASTIC, ELASTIC | {"kind": "splunk"})):
        with saying(said.encode()) as (got, url):
            alerts, done = attempt(tmp_path / str(number), route | {"to": url})
            alerts.close()
        told = f"{done.failures[0]} {done.failures[0]!r} {done.failures[0].__cause__}"
        assert SECRET not in told
        assert (SECRET.encode() in got[0]) == (route["kind"] != "webhook"), "a webhook's secret signs and stays"
        assert not [
            file for file in (tmp_path / str(number) / ".caponier").rglob("*.json") if SECRET in file.read_text()
        ]


def test_a_signature_holds_for_one_body_one_second_and_one_secret() -> None:
    signed = signature(SECRET, b"{}", 1_000)
    assert signed == signature(SECRET, b"{}", 1_000)
    others = {signature(SECRET, b"{ }", 1_000), signature(SECRET, b"{}", 1_001), signature(SECRET + "x", b"{}", 1_000)}
    assert signed not in others
    assert len(others) == 3
    # The seconds and the body cannot be shifted into each other.
    assert signature(SECRET, b"1.{}", 100).partition(",")[2] != signature(SECRET, b"{}", 1001).partition(",")[2]


def bulk(*statuses: Any) -> bytes:
    body = orjson.dumps({"errors": True, "items": [{"create": {"status": status}} for status in statuses]})
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


@pytest.mark.parametrize(
    ("statuses", "sent"),
    [
        ((201, 201, 201), 3),
        ((409, 200, 201), 3),
        ((201, 429, 201), 2),
        ((201,), 1),
        ((201, 201, 201, 201), 3),
        ((), 0),
        (("201", "201", "400"), 2),
        ((None, 201, 201), 0),
        (({}, 201, 201), 0),
        (("created", 201, 201), 0),
    ],
)
def test_what_a_bulk_request_took_is_told_finding_by_finding(tmp_path: Path, statuses: Any, sent: int) -> None:
    with saying(bulk(*statuses)) as (_, url):
        arrived, failed = delivered(tmp_path, ELASTIC | {"to": url}, count=3)
    assert arrived == sent
    assert (failed is None) == (sent == 3)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"items": null}', b'{"items": [[]]}', b"<html>", b'{"items": {}}']
)
def test_an_answer_that_is_none_of_a_bulk_request_takes_nothing(tmp_path: Path, body: bytes) -> None:
    with saying(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)) as (_, url):
        arrived, failed = delivered(tmp_path, ELASTIC | {"to": url})
    assert arrived == 0
    assert failed is not None


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:x/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/ü",
        "http://127.0.0.1/?team=ü",
        "http://[::1/",
        "http:///path",
        "http://user:pass@127.0.0.1/",
        "https://example.org/\x7f",
    ],
)
def test_an_address_that_nothing_can_be_sent_to_is_refused_at_the_start(address: str) -> None:
    route = {"name": "a", "kind": "webhook", "to": address}
    workspace = Workspace(file=Path("caponier.toml"), name="w", store="", lake="lake", routes=(route,))
    with pytest.raises(InputError) as refused:
        routes_of(workspace)
    assert "pass@" not in str(refused.value)


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".invalid", "-"])
def test_a_host_that_is_no_name_is_a_failure_of_its_route_alone(tmp_path: Path, host: str) -> None:
    for kind, address in (("webhook", f"https://{host}/"), ("syslog", f"syslog+tcp://{host}:1")):
        route = AlertRoute(name="a", kind=kind, to=address)  # type: ignore[arg-type]
        with pytest.raises(UndeliveredError, match="cannot be reached"):
            deliver(route, [found(1)], tmp_path, "w", lambda _: pytest.fail("it cannot have arrived"))


@pytest.mark.parametrize("kind", ["splunk", "elastic"])
def test_a_token_that_no_header_can_hold_is_told_at_once(tmp_path: Path, kind: str) -> None:
    (tmp_path / "secret").write_text("ein Schlüssel aus Köln", "utf-8")
    route = AlertRoute(name="a", kind=kind, to="https://127.0.0.1:9", secret_file=Path("secret"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="beyond ASCII") as told:
        route.secret(tmp_path)
    assert "Köln" not in str(told.value)
    webhook = AlertRoute(name="a", kind="webhook", to="https://127.0.0.1:9", secret_file=Path("secret"))
    assert signature(webhook.secret(tmp_path), b"", 1)


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 20, b"sixteen letters\0and more", b" " * 40])
def test_a_secret_that_can_be_guessed_or_not_read_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    route = AlertRoute(name="a", kind="webhook", to="https://127.0.0.1:9", secret_file=Path("secret"))
    with pytest.raises(InputError):
        route.secret(tmp_path)
    with pytest.raises(InputError):
        AlertRoute.model_validate(route.model_dump() | {"secret_file": Path("none")}).secret(tmp_path)


def lines_of(file: Path) -> list[str]:
    return [orjson.loads(line)["metadata"]["uid"] for line in file.read_bytes().splitlines()]


def test_a_line_of_which_half_fits_is_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_RETRY_S", 0.0)
    write, full = os.write, [2]

    def scarce(opened: int, data: bytes) -> int:
        if len(data) < 400 or not full[0]:
            return write(opened, data)
        full[0] -= 1
        if full[0]:
            return write(opened, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    alerts, done = attempt(tmp_path, {"name": "o", "kind": "ocsf", "to": "file:alerts.jsonl"})
    assert done.sent == 1
    monkeypatch.setattr(delivery.os, "write", scarce)
    record(workspace_with(tmp_path), found(7), found(8))
    # A part is written, and the disk is full within the same line.
    assert [alerts.send().sent for _ in range(4)] == [0, 2, 0, 0]
    alerts.close()
    assert lines_of(tmp_path / "alerts.jsonl") == [found(n).finding_id for n in (0, 7, 8)]


def test_a_file_that_somebody_rotates_away_is_begun_anew(tmp_path: Path) -> None:
    alerts, done = attempt(tmp_path, {"name": "o", "kind": "ocsf", "to": "file:alerts.jsonl"})
    file = tmp_path / "alerts.jsonl"
    file.rename(tmp_path / "alerts.jsonl.1")
    record(workspace_with(tmp_path), found(7))
    assert alerts.send().sent == 1
    alerts.close()
    assert done.sent == 1
    assert lines_of(file) == [found(7).finding_id]


@pytest.mark.parametrize("to", ["file:.", "file:", "file:secret/below.jsonl"])
def test_a_file_that_cannot_be_one_is_a_failure_and_nothing_is_lost(tmp_path: Path, to: str) -> None:
    alerts, done = attempt(tmp_path, {"name": "o", "kind": "ocsf", "to": to})
    alerts.close()
    assert (done.sent, done.waiting, len(done.failures)) == (0, 1, 1)
    assert isinstance(done.failures[0], UndeliveredError)


def test_whatever_is_in_a_finding_can_be_sent(tmp_path: Path) -> None:
    evil = "\0\x1b[2J\r\n\u2028\U0001f600" + "x" * 5_000
    with receiving() as (receiver, url):
        routes: list[dict[str, Any]] = [
            {"name": kind, "kind": kind, "to": url, "secret_file": "secret"}
            for kind in ("webhook", "splunk", "elastic")
        ]
        workspace: Workspace = workspace_with(tmp_path, *routes, {"name": "o", "kind": "ocsf", "to": "file:o.jsonl"})
        alerts = Alerts(workspace)
        alerts.send()
        record(workspace, found(1, summary=evil, system=None))
        done = alerts.send()
        alerts.close()
    assert (done.sent, done.failures) == (4, ())
    assert orjson.loads(receiver.taken[0][2].splitlines()[0])["summary"] == evil
    assert len((tmp_path / "o.jsonl").read_bytes().splitlines()) == 1


@pytest.mark.parametrize(("status", "goes_on"), [(400, True), (413, True), (503, False), (401, False)])
def test_an_alert_that_is_not_wanted_lets_others_go_before_it(tmp_path: Path, status: int, goes_on: bool) -> None:
    with receiving(status, 200) as (receiver, url):
        alerts, first = attempt(tmp_path, WEBHOOK | {"to": url}, 3)
        alerts._ways[0].again = 0.0
        second = alerts.send()
        alerts.close()
    assert (first.sent, second.sent, second.waiting) == (0, 3, 0)
    tried, *later = [body["finding_id"] for body in receiver.bodies]
    assert (later[-1] if goes_on else later[0]) == tried
    assert len(set(later)) == 3
