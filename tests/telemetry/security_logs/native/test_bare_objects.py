"""A line of JSON that is an event by itself takes a shorter way, which must lead to the same place."""

from typing import Any

import orjson
import pytest

from caponier.telemetry.security_logs.native.reading import NativeReading

CALL = {
    "eventVersion": "1.09", "eventTime": "2026-03-02T08:00:00Z", "eventSource": "s3.amazonaws.com",
    "eventName": "GetObject", "awsRegion": "eu-west-1", "recipientAccountId": "1",
    "userIdentity": {"type": "IAMUser", "userName": "ada", "accountId": "1"}, "sourceIPAddress": "192.0.2.7",
}  # fmt: skip
JOURNAL = {
    "__REALTIME_TIMESTAMP": "1772438400000000", "_HOSTNAME": "gpu-01", "SYSLOG_IDENTIFIER": "sshd",
    "MESSAGE": "Accepted publickey for ada from 192.0.2.7 port 4000 ssh2",
}  # fmt: skip
LINES: dict[str, Any] = {
    "an event": CALL,
    "an event of no known format": {"product": "shop", "time": 1_772_438_400_000, "a": {"B": [1, 2]}},
    "an envelope": {"Records": [CALL, {**CALL, "eventName": "PutObject"}]},
    "an envelope in an envelope": {"Type": "Notification", "Message": orjson.dumps({"Records": [CALL]}).decode()},
    "a line of syslog": JOURNAL,
    "a record carried by syslog": {**JOURNAL, "SYSLOG_IDENTIFIER": "proxy", "MESSAGE": orjson.dumps(CALL).decode()},
    "a carried record that is none": {**JOURNAL, "SYSLOG_IDENTIFIER": "proxy", "MESSAGE": '{"a": 1}'},
    "without a time": {key: value for key, value in CALL.items() if key != "eventTime"},
    "with a bad time": {**CALL, "eventTime": "soon"},
    "with a time beyond every calendar": {**JOURNAL, "__REALTIME_TIMESTAMP": 1e300},
    "without a log source": {"time": "2026-03-02T08:00:00Z", "a": 1},
    "with too long a name": {"n" * 300: 1},
    "empty": {},
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_says_the_same_as_the_object_in_it(name: str) -> None:
    row, expected = LINES[name], list(NativeReading().read(LINES[name], 7))
    assert expected
    assert list(NativeReading().read(orjson.dumps(row), 7)) == expected
    assert list(NativeReading().read(orjson.dumps([row]), 7)) == expected
    assert list(NativeReading().read(orjson.dumps([row, row]), 7)) == expected * 2


def test_a_row_without_a_time_has_that_of_the_row_before_it() -> None:
    reading, late = NativeReading(), {**JOURNAL, "__REALTIME_TIMESTAMP": None}
    (first,) = reading.read(orjson.dumps(JOURNAL), 1)
    (second,) = reading.read(orjson.dumps(late), 2)
    assert not isinstance(first, str)
    assert isinstance(second, str) or second.time == first.time


@pytest.mark.parametrize(("line", "reason"), [(b'{"a": ', "bad JSON: "), (b'["a"]', "expected an object, found str")])
def test_what_is_no_object_is_told(line: bytes, reason: str) -> None:
    (told,) = NativeReading().read(line, 1)
    assert isinstance(told, str)
    assert reason in told
