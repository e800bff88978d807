import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.readers import json_lines
from caponier.telemetry.rejections import CUT, LEFT_OUT, NUMBER, TEXT
from telemetry.conftest import Reading

Log = Callable[..., Path]
Read = Callable[..., Reading]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"1",
        b'"text"',
        b"null",
        b"[1]",
        b'[{"a": 1}, 2]',
        b"{'a': 1}",
        b'{"a": 1} {"b": 2}',
        b"\0\0\0",
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b'{"a":[' + b"[]," * 200_000 + b"0]}",
        '{"a": 1}'.encode("utf-16"),
    ],
)
def test_what_is_no_json_object_is_rejected_and_the_rest_goes_on(log: Log, line: bytes) -> None:
    (found,) = json_lines.read(log([{"a": 1}, line, {"a": 2}]))
    assert found.rows == [{"a": 1}, {"a": 2}]
    assert [rejection.line for rejection in found.rejections] == [2] * len(found.rejections)
    assert found.rejections[0].reason.startswith("bad JSON: ")


def test_an_array_of_objects_is_as_many_rows(log: Log) -> None:
    (found,) = json_lines.read(log([b'[{"a": 1}, {"a": 2}]', {"a": 3}, b"[]"]))
    assert found.rows == [{"a": 1}, {"a": 2}, {"a": 3}]
    assert found.lines == [1, 1, 2]


def test_the_last_one_of_two_equal_keys_counts(log: Log, read: Read, event: Any) -> None:
    line = b'{"time":1767571200000,"model":"a","model":"b","operation":"predict"}'
    assert read(log([line])).rows[0]["model"] == "b"


def test_numbers_are_the_same_however_they_are_spelt(log: Log, read: Read) -> None:
    form = b'{"time":1767571200000,"model":"m","operation":"predict","input":%s}'
    rows = read(log([form % spelt for spelt in (b"[0.5,1]", b"[0.50,1.0]", b"[5e-1,1e0]")])).rows
    assert [row["input"] for row in rows] == [[0.5, 1.0]] * 3


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "a.jsonl"
    line = b'{"time":1767571200000,"model":"m","operation":"predict"}\r\n'
    path.write_bytes(b"\xef\xbb\xbf" + line * 2)
    found = read(path)
    assert found.lines == [1, 2]
    assert not found.rejected


@pytest.mark.parametrize(
    ("line", "row", "why"),
    [
        (b'{"a": "\xff"}', {"a": "\ufffd"}, TEXT),
        (b'{"a": "\\ud800"}', {"a": "\ufffd"}, TEXT),
        (b'{"a": "\x01"}', {"a": "\x01"}, TEXT),
        (b'{"a": NaN}', {"a": None}, NUMBER),
        (b'{"a": [Infinity]}', {"a": [math.inf]}, NUMBER),
        (b'{"a": 1e999}', {"a": math.inf}, NUMBER),
        (b'{"b": 1, "a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", {"b": 1}, LEFT_OUT),
    ],
)
def test_what_a_caller_can_write_into_a_record_does_not_reject_it(log: Log, line: bytes, row: Any, why: str) -> None:
    """A service logs the user agent, and with such a byte in each of them none of a caller's queries would be seen."""
    (found,) = json_lines.read(log([{"a": 1}, line, {"a": 2}]))
    assert found.rows == [{"a": 1}, row, {"a": 2}]
    assert [(one.line, one.reason) for one in found.rejections] == [(2, why)]


def test_a_line_may_be_capped_and_keeps_what_stands_around_a_long_text(log: Log) -> None:
    """It used to be rejected whole: padding of 16 MiB hid a query."""
    (found,) = json_lines.read(log([{"who": "ada", "a": "x" * 100, "b": 2}, {"a": 1}]), 60)
    first, second = found.rows
    assert (first["who"], first["b"], second) == ("ada", 2, {"a": 1})
    assert [one.reason for one in found.rejections] == ["line too long: more than 60 bytes"]


def test_a_line_of_which_no_end_can_be_read_is_rejected_once(log: Log) -> None:
    (found,) = json_lines.read(log([b"x" * 200, {"a": 1}]), 60)
    assert found.rows == [{"a": 1}]
    assert [one.reason for one in found.rejections] == ["line too long: more than 60 bytes"]


def test_a_line_that_breaks_off_says_who_asked_unless_it_is_still_being_written(log: Log) -> None:
    half = b'{"who": "ada", "input": [1, 2'
    (found,) = json_lines.read(log([{"a": 1}, half, {"a": 2}, half]))
    assert found.rows == [{"a": 1}, {"who": "ada"}, {"a": 2}]
    assert [(one.line, one.reason == CUT) for one in found.rejections] == [(2, True), (4, False)]
