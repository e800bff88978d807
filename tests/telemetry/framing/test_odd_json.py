"""What of a line a caller can spoil, and what is left of it."""

import math
from typing import Any

import pytest

from caponier.telemetry.framing.json_objects import PARTS
from caponier.telemetry.framing.odd_json import odd_rows
from caponier.telemetry.rejections import CUT, LEFT_OUT, NUMBER, TEXT

DEEP = b"[" * 50_000 + b"]" * 50_000
MANY = b"[" + b",".join([b"{}"] * (PARTS + 1)) + b"]"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (b"caf\xe9", "caf\ufffd"),
        (b"\xc0\xaf", "\ufffd\ufffd"),
        (rb"\ud800x", "\ufffdx"),
        (rb"\udc00\ud800", "\ufffd\ufffd"),
        (rb"\ud83d\ude00 \udc00", "\U0001f600 \ufffd"),
        (rb"\\ud800 \ud800", "\\ud800 \ufffd"),
        (b"a\tb\x00\x1b", "a\tb\0\x1b"),
        (rb"\x41\xc3\xa9\xff", "A\u00e9\ufffd"),
        (rb"it\'s \q \u12g4", "it's \\q \\u12g4"),
        (rb"a \" quote \xff", 'a " quote \ufffd'),
    ],
)
def test_a_text_is_kept_with_signs_in_the_place_of_what_is_none(text: bytes, kept: str) -> None:
    rows, what = odd_rows(b'{"who": "ada", "agent": "' + text + b'", "n": [1]}')
    assert rows == [{"who": "ada", "agent": kept, "n": [1]}]
    assert what == (TEXT,)


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        (b"1e400", math.inf),
        (b"-1e400", -math.inf),
        (b"Infinity", math.inf),
        (b"NaN", None),
        (b"9" * 400, math.inf),
        (b"9" * 5_000, math.inf),
        (b"[1, NaN, 1e999]", [1, None, math.inf]),
    ],
)
def test_a_number_is_what_the_guard_makes_of_it(number: bytes, kept: Any) -> None:
    rows, what = odd_rows(b'{"who": "ada", "x": ' + number + b"}")
    assert rows == [{"who": "ada", "x": kept}]
    assert what == (NUMBER,)


@pytest.mark.parametrize("value", [DEEP, MANY, b"None", b"007", b"+1", b"0x1F", b"{'a': 1}", b"a b", b"", b"[1,,2]"])
@pytest.mark.parametrize("form", [b'{"who": "ada", "x": %s, "n": 1}', b'{"x": %s, "who": "ada", "n": 1}'])
def test_a_value_that_cannot_be_read_is_left_out_alone(form: bytes, value: bytes) -> None:
    assert odd_rows(form % value) == ([{"who": "ada", "n": 1}], (LEFT_OUT,))


def test_within_an_object_it_costs_the_others_nothing() -> None:
    rows, _ = odd_rows(b'{"http": {"user": "ada", "q": %s, "ok": [1, {"a": 2}]}, "n": 1}' % DEEP)
    assert rows == [{"http": {"user": "ada", "ok": [1, {"a": 2}]}, "n": 1}]


def test_a_value_of_many_parts_costs_the_small_ones_nothing() -> None:
    rows, _ = odd_rows(b'{"big": %s, "input": [[1, 2], [3, 4]], "http": {"more": %s, "user": "ada"}}' % (MANY, MANY))
    assert rows == [{"input": [[1, 2], [3, 4]], "http": {"user": "ada"}}]


def test_the_last_of_two_equal_keys_counts_as_ever() -> None:
    assert odd_rows(b'{"a": 1, "a": 2, "x": None}').rows == [{"a": 2}]


def test_each_object_of_a_list_is_read() -> None:
    assert odd_rows(b'[{"a": 1, "x": None}, {"a": 2} ]').rows == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"{}}", b"x", b"[1, None]", b"{a: 1}", b'{"a" 1}', b'{"a": 1} {"b": 2}', b'{"a": None}',
        b'{"a": 1}x', b"[" * 100_000, b"\0\0", b'{"a": 1', b'[{"a": None}, 2]',
    ],
)  # fmt: skip
def test_what_is_no_object_even_so_is_none(line: bytes) -> None:
    with pytest.raises(ValueError, match="bad JSON"):
        odd_rows(line)


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        (b'{"who": "ada", "n": 1', [{"who": "ada"}]),
        (b'{"who": "ada", "agent": "xxx', [{"who": "ada"}]),
        (b'{"http": {"user": "ada", "n": 12', [{"http": {"user": "ada"}}]),
        (b'{"who": "ada", "input": [1, 2, 3', [{"who": "ada"}]),
        (b'{"who": "ada", "age', [{"who": "ada"}]),
    ],
)
def test_of_a_line_that_breaks_off_what_is_whole_is_kept(line: bytes, rows: Any) -> None:
    assert odd_rows(line, may_break_off=True) == (rows, (CUT,))
    with pytest.raises(ValueError, match="bad JSON"):
        odd_rows(line)


@pytest.mark.parametrize("text", [b'{"a": "' + b'\\"' * 300_000, b'{"a":' * 100_000, b'{"a": "x", ' * 50_000])
def test_a_long_line_that_is_none_takes_no_long(text: bytes) -> None:
    with pytest.raises(ValueError, match="bad JSON"):
        odd_rows(text)
