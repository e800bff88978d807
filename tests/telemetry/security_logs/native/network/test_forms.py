"""Requests and connections of products that nobody has described."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.security_logs.fields import flatten
from caponier.telemetry.security_logs.native.network import forms
from caponier.telemetry.security_logs.native.reading import NativeReading
from caponier.telemetry.security_logs.native.record import Record

MOMENT = 1_772_442_000_000_000
CALLER = "203.0.113.66"
WHEN = "2026-03-02T09:00:00Z"


def read(value: dict[str, Any] | str, line: int = 1) -> Record:
    """Read one record, which has to be one."""
    (record,) = NativeReading().read(value if isinstance(value, str) else orjson.dumps(value), line)
    assert isinstance(record, Record), record
    return record


REQUESTS: dict[str, dict[str, Any]] = {
    "short names": {"ts": WHEN, "method": "GET", "path": "/m?v=1", "status": 200, "ip": CALLER},
    "names with a prefix": {
        "request_time_x": "0.1", "timestamp": WHEN, "request_method": "get", "request_uri": "/m?v=1",
        "response_code": "200", "client_ip": CALLER,
    },
    "names in capitals": {
        "EdgeStartTimestamp": WHEN, "ClientRequestMethod": "GET", "ClientRequestURI": "/m?v=1",
        "EdgeResponseStatus": 200, "ClientIP": CALLER,
    },
    "names of HTTP/2": {
        "start_time": WHEN, ":method": "GET", ":path": "/m?v=1", "status": 200, "remote_address": f"{CALLER}:51234",
    },
    "parts of their own": {
        "time": WHEN, "request": {"method": "GET", "url": "https://ml.example.org/m?v=1"},
        "response": {"status_code": 200}, "client": {"ip": CALLER},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_told_whatever_its_fields_are_called(name: str) -> None:
    found = read(REQUESTS[name])
    assert found.origin == (None, "webserver", None)
    assert found.format == "requests of an unknown product"
    assert found.time == MOMENT
    told = {"cs-method": "GET", "cs-uri-stem": "/m", "cs-uri-query": "v=1", "sc-status": 200, "c-ip": CALLER}
    assert {field: found.fields.get(field) for field in told} == told


@pytest.mark.parametrize(
    "change",
    [{"method": "RUN"}, {"status": 7}, {"status": "late"}, {"path": "some words"}, {"path": ""}, {"method": ""}],
)
def test_what_lacks_a_method_a_target_or_a_status_is_no_request(change: dict[str, Any]) -> None:
    fields, _ = flatten({**REQUESTS["short names"], **change})
    assert forms.recognise(fields, 1) is None


@pytest.mark.parametrize("below", ["headers", "query", "body", "cookies", "params"])
def test_what_a_caller_sends_along_names_no_address(below: str) -> None:
    asked = {name: value for name, value in REQUESTS["short names"].items() if name != "ip"}
    assert "c-ip" not in read({**asked, "request": {below: {"ip": CALLER}}}).fields


def test_the_outermost_word_counts() -> None:
    asked = {"upstream": {"status": 500, "path": "/other"}, **REQUESTS["short names"]}
    fields = read(asked).fields
    assert (fields["sc-status"], fields["cs-uri-stem"]) == (200, "/m")


def test_a_name_of_no_form_is_no_address() -> None:
    assert "c-ip" not in read({**REQUESTS["short names"], "ip": "gateway"}).fields


@pytest.mark.parametrize(
    ("said", "kept"), [("ACCEPT", "accept"), ("allowed", "accept"), ("Permit", "accept"), ("drop", "drop")]
)
@pytest.mark.parametrize(
    "names",
    [("srcaddr", "dstaddr", "dstport", "start"), ("src_ip", "dest_ip", "dest_port", "timestamp")],
)
def test_a_connection_is_told_by_its_two_ends_and_what_became_of_it(
    names: tuple[str, str, str, str], said: str, kept: str
) -> None:
    source, destination, port, time = names
    found = read({source: CALLER, destination: "10.0.0.5", port: 22, time: WHEN, "action": said})
    assert found.origin == (None, "firewall", None)
    assert found.time == MOMENT
    told = {"src_ip": CALLER, "dst_ip": "10.0.0.5", "dst_port": 22, "action": kept}
    assert {field: found.fields.get(field) for field in told} == told


def test_two_ends_alone_say_not_what_became_of_it() -> None:
    fields, _ = flatten({"src_ip": CALLER, "dst_ip": "10.0.0.5", "time": WHEN})
    assert forms.recognise(fields, 1) is None


def test_a_line_of_names_and_values_is_a_record() -> None:
    found = read(f'time="{WHEN}" level=info method=POST path=/login status=401 remote_ip={CALLER} msg="not \\"so\\""')
    assert found.origin.category == "webserver"
    assert (found.fields["c-ip"], found.fields["sc-status"], found.fields["level"]) == (CALLER, 401, "info")


@pytest.mark.parametrize("behind", ["[02/Mar/2026:09:00:00 +0000], ", f"{WHEN} ", "[2026-03-02 09:00:00] "])
@pytest.mark.parametrize("between", [", ", " ", "; "])
def test_names_and_values_may_stand_behind_a_time(behind: str, between: str) -> None:
    pairs = ('x_forwarded_for="-"', f'remote_ip="{CALLER}"', "http_method=HEAD", "port=8080", "uri=/m", "status=404")
    found = read(behind + between.join(pairs))
    assert found.time == MOMENT
    told = {"c-ip": CALLER, "cs-method": "HEAD", "sc-status": 404, "cs-uri-stem": "/m", "port": "8080"}
    assert {field: found.fields.get(field) for field in told} == told


def test_a_day_and_a_time_of_day_are_one_time() -> None:
    asked = {name: value for name, value in REQUESTS["short names"].items() if name != "ts"}
    for clock in ("09:00:00", "09:00:00.000", "09:00:00Z"):
        assert read({"date": "2026-03-02", "time": clock, **asked}).time == MOMENT
    assert read({"time": "09:00:00Z", "product": "aws", "service": "x", "date": "2026-03-02"}).time == MOMENT
    assert read({"date": "yesterday", "time": WHEN, **asked}).fields["date"] == "yesterday"


TEXTS = ("a=1 b=2 c=3", "words and a=1 b=2 c=3 d=4", f"{WHEN} a=1 b=2 c=3", "==", "x = 1 y = 2 z = 3 w = 4", "")


@pytest.mark.parametrize("text", TEXTS)
def test_few_pairs_or_words_before_them_are_text(text: str) -> None:
    assert forms.pairs(text) is None


def test_what_a_caller_writes_at_the_end_of_a_line_changes_nothing_before_it() -> None:
    line = f"method=POST path=/login status=401 remote_ip={CALLER} agent=curl status=200 ip=10.0.0.1"
    assert forms.pairs(line) == {
        "method": "POST", "path": "/login", "status": "401", "remote_ip": CALLER, "agent": "curl"
    }  # fmt: skip
    assert read(f"[2026-03-02 09:00:00] {line} time=2020-01-01T00:00:00Z").time == MOMENT


def test_the_fields_of_a_form_are_told_once_and_their_values_each_time() -> None:
    for status, ip in ((200, CALLER), (404, ""), (401, "-")):
        fields = read({**REQUESTS["short names"], "ip": ip, "status": status, "client": {"addr": "10.0.0.9"}}).fields
        assert (fields["sc-status"], fields["c-ip"]) == (status, ip if status == 200 else "10.0.0.9")


def test_a_line_of_pairs_that_is_neither_is_refused_with_its_fields() -> None:
    (reason,) = NativeReading().read(f"time={WHEN} level=info msg=started pid=7", 1)
    assert isinstance(reason, str)
    assert "no log source" in reason
    assert "level" in reason


def test_a_request_without_a_time_has_that_of_the_record_before() -> None:
    reading = NativeReading()
    timeless = {name: value for name, value in REQUESTS["short names"].items() if name != "ts"}
    list(reading.read(orjson.dumps(REQUESTS["short names"]), 1))
    (after,) = reading.read(orjson.dumps(timeless), 2)
    assert isinstance(after, Record)
    assert after.time == MOMENT


@pytest.mark.parametrize("when", [WHEN, "02/Mar/2026:09:00:00 +0000", "2026-03-02 09:00:00", 1_772_442_000, MOMENT])
def test_times_are_read_in_any_usual_form(when: Any) -> None:
    assert read({**REQUESTS["short names"], "ts": when}).time == MOMENT


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=20) | st.integers() | st.booleans(), max_size=8))
def test_no_record_breaks_it(row: dict[str, Any]) -> None:
    forms.recognise(flatten(row)[0], 1)


@given(st.text(max_size=200))
def test_no_line_breaks_it(text: str) -> None:
    named = forms.pairs(text)
    assert named is None or len(named) >= 4
