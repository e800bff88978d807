"""Records of products that nobody has described; the forms are those of public parsers' samples, the words our own."""

import orjson
import pytest

from caponier.telemetry.security_logs.identity import identity
from caponier.telemetry.security_logs.native.reading import NativeReading
from caponier.telemetry.security_logs.native.record import Record
from caponier.telemetry.security_logs.native.unknown import phrases

CALLER = "203.0.113.66"
SERVER = "2026-03-02 08:00:01,237 INFO  [a.events] (x-1)"

LINES = {
    "a pipe": f"2026-03-02 08:00:01.2|Warn|Auth|Auth-Failure ip {CALLER} username 'eve'",
    "a sentence": f"2026-03-02 08:00:01,237 ERROR a.b.C [qtp-1] Failed login attempt for user 'eve' from IP: {CALLER}",
    "a day first": f"02-Mar-2026 08:00:01.300 client: login failed for user eve from {CALLER}",
    "a name at an address": f"2026-03-02 08:00:01.237 WARN refused login of user 'eve'@'{CALLER}'",
    "backticks": f"[2026-03-02 08:00:01,237] [INFO] [x.auth] Login failed for user `eve` from IP `{CALLER}`.",
    "slashes": f"2026/03/02 08:00:01 [error] login failed for user eve from ip {CALLER}: invalid password",
    "a bracket before": f"(W) 2026-03-02T08:00:01 - login failure. invalid credentials, IP: {CALLER}, username: eve",
    "quotes of a stranger": f"2026-03-02 08:00:01 login failed for user eve from {CALLER} ('x from 198.51.100.9')",
}


def read(text: str | bytes) -> Record:
    (found,) = NativeReading().read(text, 1)
    assert isinstance(found, Record), found
    return found


@pytest.mark.parametrize("name", LINES)
def test_a_sentence_tells_who_failed_to_log_in_and_from_where(name: str) -> None:
    found = read(LINES[name])
    assert found.time is not None
    assert abs(found.time - 1_772_438_401_000_000) < 1_000_000
    assert identity(found.fields)[::2] == ("eve", CALLER)
    assert (found.fields["outcome"], found.origin.category) == ("failure", "authentication")


def test_a_login_that_came_about_is_one_and_a_path_is_none() -> None:
    good = read(f"2026-03-02 08:00:01 user eve logged in from {CALLER}")
    assert (good.fields["outcome"], good.origin.category) == ("success", "authentication")
    assert read(f"2026-03-02 08:00:01 error: {CALLER} wants /srv/login").origin.category is None


def test_a_request_in_a_sentence_is_a_request() -> None:
    found = read(f"[notice] 2026-03-02T08:00:01.5Z node <0.1.2> models.example.org {CALLER} x GET /digits 404 ok 1")
    assert found.origin.category == "webserver"
    assert (found.fields["cs-uri-stem"], found.fields["sc-status"], found.fields["c-ip"]) == ("/digits", 404, CALLER)


def test_an_object_behind_a_time_is_read_with_it() -> None:
    found = read(f'2026-03-02T08:00:01.0Z [warn][API]: Failed sign-in attempt {{"ip":"{CALLER}","email":"eve@x.org"}}')
    assert identity(found.fields)[::2] == ("eve@x.org", CALLER)
    assert found.time == 1_772_438_401_000_000


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("occurredAt", "2026-03-02T08:00:01Z"),
        ("eventCreationTime", 1_772_438_401_000),
        ("creationDate", "02-Mar-2026 08:00:01"),
        ("TIMESTAMP", "20260302080001.000"),
        ("rt", "2026-03-02-08.00.01.000000"),
        ("start_time", 1_772_438_401_000_000_000),
    ],
)
def test_a_time_has_any_name_and_many_forms(name: str, stamp: str | int) -> None:
    row = {name: stamp, "expiresAt": "2027-01-01T00:00:00Z", "userName": "eve", "severity": "low"}
    assert read(orjson.dumps(row)).time == 1_772_438_401_000_000


def test_a_record_that_says_neither_who_nor_where_is_refused_unless_others_of_its_file_do() -> None:
    bare, told = b'{"at_time":"2026-03-02T08:00:01Z","n":1}', b'{"at_time":"2026-03-02T08:00:02Z","userName":"eve"}'
    reading = NativeReading()
    assert isinstance(next(iter(reading.read(bare, 1))), str)
    assert isinstance(next(iter(reading.read(told, 2))), Record)
    assert isinstance(next(iter(reading.read(bare, 3))), Record)


@pytest.mark.parametrize("text", ["Dear Sir,", "8 of 9 done at 08:00", "1970-01-01 00:00:00 login failed", ""])
def test_what_begins_with_no_time_is_refused(text: str) -> None:
    assert all(isinstance(found, str) for found in NativeReading().read(text, 1))


def test_the_name_of_a_login_tells_how_it_ended() -> None:
    for kind, outcome in (("LOGIN", "success"), ("LOGIN_ERROR", "failure")):
        line = f'{SERVER} type="{kind}", clientId="mlflow", ipAddress="{CALLER}", username="eve"'
        assert read(line).fields["outcome"] == outcome


def test_a_bare_verb_is_told_with_what_it_was_done_to() -> None:
    what = 'operationType="CREATE", resourceType="CLIENT_ROLE_MAPPING"'
    line = f'{SERVER} {what}, username="eve", ipAddress="{CALLER}"'
    assert read(line).fields["eventname"] == "CREATE CLIENT_ROLE_MAPPING"


def test_tables_that_defender_streams_are_those_tables() -> None:
    inside = {"Timestamp": "2026-03-02T08:00:01Z", "DeviceName": "gpu-01", "AccountName": "eve", "DeviceId": "1"}
    inside |= {"ProcessCommandLine": "id", "FolderPath": "/usr/bin/id", "InitiatingProcessFileName": "sh"}
    row = {"time": "2026-03-02T08:00:05Z", "tenantId": "t", "category": "AdvancedHunting-DeviceProcessEvents"}
    found = read(orjson.dumps({**row, "operationName": "Publish", "properties": inside}))
    assert (found.origin.category, found.fields["commandline"], found.fields["user"]) == (
        "process_creation",
        "id",
        "eve",
    )


def test_haproxy_names_the_host_it_captured_and_a_path_the_model() -> None:
    found = read(
        f"{CALLER}:40000 [02/Mar/2026:08:00:01.123] https~ be/b-01 0/0/1/3/90 200 512 - - ---- 1/1/1/1/0 0/0 "
        '{okhttp|models.example.org} "POST /v2/repository/models/digits/unload HTTP/1.1"'
    )
    assert (found.fields["cs-host"], found.fields["model"]) == ("models.example.org", "digits")


def test_a_line_that_names_nobody_is_not_read_as_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most lines of a server are such, and a sentence costs more than all else of a line."""
    asked: list[str] = []
    told = phrases.told
    monkeypatch.setattr(phrases, "told", lambda text: (asked.append(text), told(text))[1])
    read("[2026-03-02T08:00:01.237] sched: Allocate JobId=1147 NodeList=gpu-01 #CPUs=16 Partition=gpu")
    read("Mar  2 08:00:01 gpu-01 slurmd[7]: launch task StepId=1147.batch request")
    assert not asked
    for line in LINES.values():
        read(line)
    assert len(asked) == len(LINES)
