from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.readers import json_lines
from telemetry.conftest import Reading

Log = Callable[..., Path]
Read = Callable[..., Reading]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b'{"a": NaN}',
        b'{"a": [Infinity]}',
        b'{"a": 1e999}',
        b"1",
        b'"text"',
        b"null",
        b"[1]",
        b'[{"a": 1}, 2]',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
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


def test_a_line_may_be_capped(log: Log) -> None:
    (found,) = json_lines.read(log([{"a": "x" * 100}, {"a": 1}]), 50)
    assert found.rows == [{"a": 1}]
    assert found.rejections[0].reason == "line too long: more than 50 bytes"
