"""Alerts arrive once on every route that wants them, however often a receiver was away."""

import os
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from app.alerts.receivers import SECRET, found, listening, receiving, record, workspace_with
from caponier.app.alerts import alerts as module
from caponier.app.alerts.alerts import Alerts
from caponier.app.alerts.delivery import SIGNATURE, signature
from caponier.app.incidents.findings import list_findings
from caponier.app.workspace.alert_routes import routes_of, windows_of
from caponier.cli import app
from caponier.errors import InputError
from caponier.records.finding import Severity


def webhook(url: str, **changes: Any) -> dict[str, Any]:
    return {"name": "soc", "kind": "webhook", "to": f"{url}/hook?team=ml", "secret_file": "secret", **changes}


def killed(alerts: Alerts) -> None:
    """Do what the end of a process does: the lock goes, and nothing else."""
    os.close(alerts._lock)


class TestOnce:
    def test_what_is_recorded_arrives_once_signed_and_without_what_nobody_should_see(self, tmp_path: Path) -> None:
        with receiving() as (receiver, url):
            workspace = workspace_with(tmp_path, webhook(url))
            record(workspace, found(0))
            alerts = Alerts(workspace)
            assert alerts.send().sent == 0, "what was found before is no news"
            secret = {"input": [0.123456], "session": "x", "targets": ["input 0.123456"]}
            one = found(1)
            record(workspace, replace(one, evidence=replace(one.evidence, facts=secret)), found(2))
            assert alerts.send().sent == 2
            assert alerts.send().sent == 0
            record(workspace, found(1), found(3))
            assert alerts.send().sent == 1
            killed(alerts)
            assert Alerts(workspace).send().sent == 0
        assert [body["finding_id"] for body in receiver.bodies] == [found(n).finding_id for n in (1, 2, 3)]
        path, headers, body = receiver.taken[0]
        assert path == "/hook"
        assert headers["idempotency-key"] == found(1).finding_id
        seconds = int(headers[SIGNATURE.lower()].split(",")[0].removeprefix("t="))
        assert headers[SIGNATURE.lower()] == signature(SECRET, body, seconds)
        assert not [taken for taken in receiver.taken if SECRET.encode() in taken[2] or b"0.123456" in taken[2]]
        assert receiver.bodies[0]["schema"] == "caponier.alert/1"

    def test_a_receiver_that_was_away_gets_all_of_it_in_order(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "FIRST_RETRY_S", 0.0)
        with receiving(503, 200, 500, 302, 200) as (receiver, url):
            workspace = workspace_with(tmp_path, webhook(url))
            alerts = Alerts(workspace)
            alerts.send()
            record(workspace, *(found(n) for n in range(3)))
            looks = [alerts.send() for _ in range(5)]
            assert [look.sent for look in looks] == [0, 1, 0, 2, 0]
            assert [len(look.failures) for look in looks] == [1, 1, 1, 0, 0]
            killed(alerts)
        arrived = [body["finding_id"] for body in receiver.bodies]
        assert set(arrived) == {found(n).finding_id for n in range(3)}
        assert [arrived.count(id_) for id_ in dict.fromkeys(arrived)] == [2, 3, 1], "until it was taken, and not again"
        assert str(looks[0].failures[0]) == "soc: the receiver answered 503"

    def test_while_nobody_is_there_it_waits_longer_and_longer_and_survives_a_kill(self, tmp_path: Path) -> None:
        workspace = workspace_with(tmp_path, webhook("http://127.0.0.1:9"))
        alerts = Alerts(workspace)
        alerts.send()
        record(workspace, found(1))
        assert len(alerts.send().failures) == 1
        assert not alerts.send().failures, "not before a second is over"
        killed(alerts)
        with receiving() as (receiver, url):
            workspace = workspace_with(tmp_path, webhook(url))
            again = Alerts(workspace)
            assert again.send().sent == 1
            again.close()
        assert len(receiver.taken) == 1

    def test_of_two_processes_one_sends_and_the_other_takes_over(self, tmp_path: Path) -> None:
        with receiving() as (receiver, url):
            workspace = workspace_with(tmp_path, webhook(url))
            one, other = Alerts(workspace), Alerts(workspace)
            one.send()
            record(workspace, found(1))
            assert other.send().sent == 0
            one.close()
            assert other.send().sent == 1
            other.close()
        assert len(receiver.taken) == 1

    def test_a_storm_goes_out_at_the_rate_of_the_route(self, tmp_path: Path) -> None:
        with receiving() as (receiver, url):
            workspace = workspace_with(tmp_path, webhook(url, per_minute=5))
            alerts = Alerts(workspace)
            alerts.send()
            record(workspace, *(found(n) for n in range(12)))
            done = alerts.send()
            assert (done.sent, done.waiting) == (5, 7)
            assert alerts.send().sent == 0
            alerts._ways[0].minute -= 61
            assert alerts.send().sent == 5
            alerts.close()
        assert len({body["finding_id"] for body in receiver.bodies}) == len(receiver.taken) == 10


class TestWhich:
    def test_severity_system_and_budget_say_what_goes_out(self, tmp_path: Path) -> None:
        low, other = found(1, severity=Severity.LOW), found(2, system="other")
        beyond, good = replace(found(3), notify=False), found(4)
        with receiving() as (receiver, url):
            narrow = webhook(url, severity="high", systems=["lab"], name="a")
            workspace = workspace_with(tmp_path, narrow, webhook(url, everything=True, name="b", secret_file=None))
            alerts = Alerts(workspace)
            alerts.send()
            record(workspace, low, other, beyond, replace(good, system="lab", severity=Severity.HIGH))
            assert alerts.send().sent == 1 + 4
            alerts.close()
        signed = [headers for _, headers, _ in receiver.taken if SIGNATURE.lower() in headers]
        assert len(signed) == 1

    def test_a_maintenance_window_silences_routes_and_no_records(self, tmp_path: Path) -> None:
        inside, after = found(1), found(2)
        at = inside.last_time
        window = {"begins": at - timedelta(minutes=1), "ends": at + timedelta(minutes=1), "reason": "load test"}
        with receiving() as (receiver, url):
            workspace = workspace_with(tmp_path, webhook(url), maintenance=(window,))
            alerts = Alerts(workspace)
            alerts.send()
            record(workspace, inside, replace(after, last_time=at + timedelta(hours=1)))
            done = alerts.send()
            alerts.close()
        assert (done.sent, done.silenced) == (1, 1)
        assert len(list_findings(workspace)) == 2
        assert [body["finding_id"] for body in receiver.bodies] == [after.finding_id]


class TestForms:
    def test_splunk(self, tmp_path: Path) -> None:
        with receiving() as (receiver, url):
            self.send(tmp_path, {"name": "s", "kind": "splunk", "to": url, "secret_file": "secret"})
        path, headers, body = receiver.taken[0]
        assert path == "/services/collector/event"
        assert headers["authorization"] == f"Splunk {SECRET}"
        assert orjson.loads(body)["event"]["finding_id"] == found(1).finding_id

    def test_elastic_and_what_it_has_already(self, tmp_path: Path) -> None:
        with receiving() as (receiver, url):
            self.send(tmp_path, {"name": "e", "kind": "elastic", "to": f"{url}/es", "secret_file": "secret"})
        path, headers, body = receiver.taken[0]
        assert path == "/es/_bulk"
        assert headers["authorization"] == f"ApiKey {SECRET}"
        lines = [orjson.loads(line) for line in body.splitlines()]
        assert lines[0] == {"create": {"_index": "caponier-findings", "_id": found(1).finding_id}}
        assert lines[1]["@timestamp"] == lines[1]["last_time"]
        assert len(receiver.taken) == 1, "all in one request"

    def test_a_stream_of_ocsf(self, tmp_path: Path) -> None:
        self.send(tmp_path, {"name": "o", "kind": "ocsf", "to": "file:out/alerts.jsonl"})
        file = tmp_path / "out" / "alerts.jsonl"
        events = [orjson.loads(line) for line in file.read_bytes().splitlines()]
        assert [event["metadata"]["uid"] for event in events] == [found(n).finding_id for n in (1, 2)]
        assert {(event["class_uid"], event["type_uid"], event["severity_id"]) for event in events} == {
            (2004, 200401, 4)
        }
        assert file.stat().st_mode & 0o777 == 0o600

    def test_syslog_with_the_common_event_format(self, tmp_path: Path) -> None:
        with listening(socket.SOCK_DGRAM) as (got, port):
            self.send(tmp_path, {"name": "u", "kind": "syslog", "to": f"syslog://127.0.0.1:{port}"})
        assert len(got) == 2
        head, _, line = got[0].decode().partition(" CEF:0|")
        assert head.startswith("<107>1 20")
        assert line.startswith("Caponier|caponier|")
        assert f"externalId={found(1).finding_id} " in line
        with listening(socket.SOCK_STREAM) as (got, port):
            self.send(tmp_path / "tcp", {"name": "t", "kind": "syslog", "to": f"syslog+tcp://127.0.0.1:{port}"})
        stream = b"".join(got)
        size, _, rest = stream.partition(b" ")
        assert rest[: int(size)].startswith(b"<107>1 ")
        assert rest[int(size) :].split(b" ")[1].startswith(b"<107>1")

    def test_text_of_others_breaks_no_line(self, tmp_path: Path) -> None:
        evil = "x|y=z\\\n<14>1 - forged\u2028 \ud800"
        with listening(socket.SOCK_DGRAM) as (got, port):
            workspace = workspace_with(tmp_path, {"name": "u", "kind": "syslog", "to": f"syslog://127.0.0.1:{port}"})
            alerts = Alerts(workspace)
            alerts.send()
            record(workspace, replace(found(1), summary=evil.replace("\ud800", ""), system=evil.replace("\ud800", "")))
            assert alerts.send().sent == 1
            alerts.close()
        text = got[0].decode()
        assert "\n" not in text
        assert "x\\|y=z\\\\ <14>1 - forged" in text
        assert "cs3=x|y\\=z\\\\ " in text

    def send(self, folder: Path, route: dict[str, Any]) -> None:
        folder.mkdir(exist_ok=True)
        workspace = workspace_with(folder, route)
        alerts = Alerts(workspace)
        alerts.send()
        record(workspace, *(replace(found(n), severity=Severity.HIGH) for n in (1, 2)))
        done = alerts.send()
        alerts.close()
        assert (done.sent, done.failures) == (2, ())


class TestSettings:
    @pytest.mark.parametrize(
        ("route", "said"),
        [
            ({"kind": "webhok"}, "webhook"),
            ({"sevrity": "high"}, "unknown key"),
            ({"to": "ftp://x"}, "goes to https or http"),
            ({"to": "https://"}, "without a host"),
            ({"to": "https://u:p@host/"}, "secret_file"),
            ({"to": "http://soc.example/", "secret_file": "secret"}, "in the clear"),
            ({"kind": "splunk", "to": "https://h", "secret_file": None}, "needs a secret_file"),
            ({"name": "a/b"}, "of letters"),
        ],
    )
    def test_a_route_that_cannot_be_meant_is_an_error(self, tmp_path: Path, route: dict[str, Any], said: str) -> None:
        workspace = workspace_with(tmp_path, webhook("https://soc.example") | route)
        with pytest.raises(InputError, match=said):
            routes_of(workspace)

    @pytest.mark.parametrize(
        "window", [{"begins": 1}, {"begins": "2026-01-01T00:00:00", "ends": "2026-01-02T00:00:00", "reason": "r"}]
    )
    def test_so_is_a_window(self, tmp_path: Path, window: dict[str, Any]) -> None:
        with pytest.raises(InputError):
            windows_of(workspace_with(tmp_path, maintenance=(window,)))

    def test_two_of_a_name_and_a_secret_that_can_be_guessed(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="name of its own"):
            routes_of(workspace_with(tmp_path, webhook("https://a"), webhook("https://b")))
        (tmp_path / "secret").write_text("short")
        with pytest.raises(InputError, match="5 characters"):
            routes_of(workspace_with(tmp_path, webhook("https://a")))[0].secret(tmp_path)


def test_the_command_sends_and_says_what_it_could_not(tmp_path: Path) -> None:
    with receiving(200, 200, 500) as (_, url):
        workspace = workspace_with(tmp_path)
        with (tmp_path / "caponier.toml").open("a") as file:
            file.write(f'[[route]]\nname = "soc"\nkind = "webhook"\nto = "{url}"\n')
        run = ["findings", "notify", "--workspace", str(tmp_path)]
        assert CliRunner().invoke(app, run).exit_code == 0
        record(workspace, found(1), found(2), found(3))
        result = CliRunner().invoke(app, run)
    assert "2 sent, 1 wait" in result.output
    assert getattr(result.exception, "exit_code", result.exit_code) == 3


def test_without_a_route_the_command_says_how_to_make_one(tmp_path: Path) -> None:
    workspace_with(tmp_path)
    result = CliRunner().invoke(app, ["findings", "notify", "--workspace", str(tmp_path)])
    assert isinstance(result.exception, InputError)
