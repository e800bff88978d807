"""Audit records of products that nobody has described: who did what, to which thing, from where and how it ended."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.security_logs.act import act
from caponier.telemetry.security_logs.fields import flatten
from caponier.telemetry.security_logs.identity import identity
from caponier.telemetry.security_logs.native.network import audits
from caponier.telemetry.security_logs.native.reading import NativeReading
from caponier.telemetry.security_logs.native.record import Record
from caponier.telemetry.security_logs.sources import LogSource
from caponier.telemetry.security_logs.target import target

WHEN = "2026-03-02T09:00:00Z"
MOMENT = 1_772_442_000_000_000
CALLER = "203.0.113.66"

RECORDS: dict[str, dict[str, Any]] = {
    "plain words": {"time": WHEN, "actor": "eve", "action": "model.delete", "target": "digits", "ip": CALLER,
                    "result": "ok"},
    "a table of a portal": {"occurred_at": WHEN, "performed_by": "eve", "operation": "model.delete",
                            "object": "digits", "remote_addr": f"{CALLER}:40000", "result": "Success"},
    "nested": {"createdAt": WHEN, "event": "model.delete", "author": {"type": "user", "user": "eve"},
               "request": {"ip": CALLER}, "meta": {"repo": "digits"}, "status": 204},
    "names before ids": {"dttm": WHEN, "userId": "u-1", "username": "eve", "eventType": "model.delete",
                         "resourceName": "digits", "resourceId": 7, "ipAddress": CALLER, "success": True},
    "of gRPC": {"ts": WHEN, "grpc.method": "model.delete", "claims": {"sub": "eve"}, "client": {"address": CALLER},
                "resource": "digits", "grpc.code": "OK"},
}  # fmt: skip


def read(row: dict[str, Any]) -> Record:
    (found,) = NativeReading().read(orjson.dumps(row), 1)
    assert isinstance(found, Record), found
    return found


@pytest.mark.parametrize("name", RECORDS)
def test_an_audit_record_is_told_whatever_its_fields_are_called(name: str) -> None:
    found = read(RECORDS[name])
    assert (found.origin, found.format) == (LogSource(None, "management", "audit"), audits.NAME)
    assert found.time == MOMENT
    assert identity(found.fields)[::2] == ("eve", CALLER)
    assert found.fields["outcome"] == "success"
    assert act(found.fields) == "destroy"
    assert "digits" in str(target(found.fields))


@pytest.mark.parametrize("lacks", ["actor", "action"])
def test_what_says_not_who_or_not_what_is_none(lacks: str) -> None:
    row = {name: value for name, value in RECORDS["plain words"].items() if name != lacks}
    assert audits.recognise(flatten(row)[0], 1) is None


def test_what_says_neither_on_what_nor_where_nor_how_it_ended_is_none() -> None:
    assert audits.recognise(flatten({"time": WHEN, "user": "eve", "event": "started"})[0], 1) is None
    assert audits.recognise(flatten({"time": WHEN, "user": "eve", "event": "started", "ip": CALLER})[0], 1)


def test_a_sentence_is_no_action() -> None:
    said = {"time": WHEN, "user": "eve", "event": "The model, as it was, could not be loaded again!", "ip": CALLER}
    assert audits.recognise(flatten(said)[0], 1) is None


def test_an_audit_record_without_a_time_is_refused() -> None:
    (reason,) = NativeReading().read(orjson.dumps({"user": "eve", "action": "delete", "target": "digits"}), 1)
    assert "no time" in str(reason)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [("denied", "failure"), ("403", "failure"), (200, "success"), ("Succeeded", "success"), ("later", None)],
)
def test_how_it_ended_is_read_from_words_and_numbers(said: Any, outcome: str | None) -> None:
    assert read({**RECORDS["plain words"], "result": said}).fields.get("outcome") == outcome


def test_an_error_that_is_named_is_a_failure() -> None:
    row = {name: value for name, value in RECORDS["plain words"].items() if name != "result"}
    assert read({**row, "error": "invalid_credentials"}).fields["outcome"] == "failure"


@pytest.mark.parametrize("action", ["LOGIN_ERROR", "user.login", "Sign-in", "user.session.start"])
def test_a_login_is_one(action: str) -> None:
    assert read({**RECORDS["plain words"], "action": action}).origin.category == "authentication"


@pytest.mark.parametrize("action", ["catalogin.read", "blogin"])
def test_a_word_that_ends_like_a_login_is_none(action: str) -> None:
    assert read({**RECORDS["plain words"], "action": action}).origin.category == "management"


def test_what_a_caller_sends_along_names_nobody() -> None:
    row = {name: value for name, value in RECORDS["plain words"].items() if name != "actor"}
    assert audits.recognise(flatten({**row, "request": {"body": {"user": "ada"}}})[0], 1) is None


def test_when_a_key_ends_is_not_when_it_was_made() -> None:
    row = {"expires_at": "2027-01-01T00:00:00Z", "updated_at": "2026-12-01T00:00:00Z", **RECORDS["plain words"]}
    assert read(row).time == MOMENT


def test_the_version_of_a_thing_is_no_part_of_its_name() -> None:
    fields = read({**RECORDS["plain words"], "target": "digits/3"}).fields
    assert (fields["model"], fields["object"]) == ("digits", "digits/3")


def test_the_logger_before_pairs_is_passed_over() -> None:
    line = (
        "2026-03-02 09:00:00,000 WARN  [org.keycloak.events] (executor-thread-1) "
        f'type="LOGIN_ERROR", clientId="hub", userId="u1", ipAddress="{CALLER}", error="bad", username="eve"'
    )
    (found,) = NativeReading().read(line, 1)
    assert isinstance(found, Record)
    assert (found.time, found.origin.category, found.fields["outcome"]) == (MOMENT, "authentication", "failure")
    assert identity(found.fields)[::2] == ("eve", CALLER)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=20) | st.integers() | st.booleans(), max_size=8))
def test_any_row_is_read_or_left(row: dict[str, Any]) -> None:
    found = audits.recognise(flatten(row)[0], 1)
    assert found is None or found.format == audits.NAME
