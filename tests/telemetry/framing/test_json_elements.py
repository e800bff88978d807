import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.telemetry.framing.json_elements import Element, Elements
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import read_logs
from pace import Stopwatch

LIMIT = 10_000
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('a"\\{}[],é\n', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('k"[{', max_size=3), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "n"]), VALUES, max_size=3), min_size=1, max_size=5)
WRAPPED = {
    "array": lambda events: events,
    "Records": lambda events: {"Records": events, "more": [{"x": 1}]},
    "after": lambda events: {"kind": "EventList", "metadata": {"a": []}, "items": events},
    "hits": lambda events: {"took": 1, "hits": {"total": {"value": 2}, "hits": events}},
    "twice": lambda events: {"value": events, "@odata.nextLink": "x"},
}


def cut(text: bytes, sizes: list[int] | None = None, limit: int = LIMIT) -> list[Element]:
    cutter, found, at = Elements(limit), [], 0
    for size in sizes or [len(text)]:
        found += cutter.feed(text[at : at + size])
        at += size
    found += cutter.feed(text[at:])
    return found + list(cutter.end())


@settings(max_examples=150)
@given(events=EVENTS, how=st.sampled_from(sorted(WRAPPED)), indent=st.sampled_from([None, 2]), data=st.data())
def test_the_events_come_out_whole_however_the_stream_is_cut(
    events: list[dict[str, Any]], how: str, indent: int | None, data: st.DataObject
) -> None:
    text = json.dumps(WRAPPED[how](events), indent=indent, ensure_ascii=False).encode()
    sizes = data.draw(st.lists(st.integers(1, 9), max_size=40))
    found = cut(text, sizes)
    assert [element.problem for element in found] == [None] * len(events)
    assert [json.loads(element.text or b"") for element in found] == events


def test_documents_one_after_another_and_where_each_begins() -> None:
    found = cut(b'{"a": 1}\n{\n "b": 2\n}\n\n[{"c": 3},\n {"d": 4}]')
    assert [(element.line, element.text) for element in found] == [
        (1, b'{"a": 1}'),
        (2, b'{\n "b": 2\n}'),
        (6, b'{"c": 3}'),
        (7, b'{"d": 4}'),
    ]


def test_an_event_with_a_list_called_events_is_an_event() -> None:
    (found,) = cut(b'{"time": "2026-03-02T09:00:00Z", "events": [{"name": "x"}]}')
    assert json.loads(found.text or b"")["events"] == [{"name": "x"}]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[1, 2]", "expected an object"),
        (b'{"a": 1}}', "a bracket too many"),
        (b'{"Records": [{"a": 1}', "ends before its last bracket"),
        (b'{"a": "' + b"x" * 2 * LIMIT, "too long"),
        (b'{"Records": [{"a": [' + b"1," * LIMIT + b'1]}, {"b": 1}]}', "too long"),
        (b'junk {"a": 1}', "expected an object"),
    ],
)
def test_what_cannot_be_cut_is_told(text: bytes, reason: str) -> None:
    found = cut(text, [len(text) // 3])
    assert any(reason in (element.problem or "") for element in found), found


def test_an_object_that_is_too_long_does_not_take_its_neighbours_along() -> None:
    found = cut(b'[{"a": 1}, {"b": [' + b"1," * LIMIT + b'1]}, {"c": 3}]')
    assert [element.text for element in found if element.text] == [b'{"a": 1}', b'{"c": 3}']


def test_a_file_of_one_long_line_is_read_in_flat_memory(tmp_path: Path) -> None:
    event = {
        "eventVersion": "1.09", "eventTime": "2026-03-02T09:00:00Z", "eventSource": "s3.amazonaws.com",
        "eventName": "GetObject", "padding": "x" * 2_000,
    }  # fmt: skip
    path = tmp_path / "trail.json.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'{"Records":[' + b",".join([json.dumps(event).encode()] * 10_000) + b"]}")
    count = 0
    tracemalloc.start()
    with RejectedRows() as rejected:
        for part in read_logs([path], rejected):
            count += len(part.events)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (count, rejected.count) == (10_000, 0)
    assert peak < 60 * 2**20, f"{peak:,} of more than 20,000,000 bytes of text"


def test_a_packed_file_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "trail.json"
    path.write_bytes(gzip.compress(b'{"time": "2026-03-02T09:00:00Z", "category": "dns"}\n'))
    with RejectedRows() as rejected:
        assert sum(len(part.events) for part in read_logs([path], rejected)) == 1


_PIECES = st.lists(
    st.sampled_from(["{", "}", "[", "]", '"', "\\", '"a"', ":", "1", ",", "\n", '{"a":"b\\\\"}', '[{"t":1}]', '"}']),
    max_size=30,
)


@given(_PIECES, st.integers(1, 9))
def test_where_blocks_end_makes_no_difference(pieces: list[str], size: int) -> None:
    document = "".join(pieces).encode()

    def cut(block: int) -> list[Element]:
        elements = Elements(10**6)
        found = [one for at in range(0, len(document), block) for one in elements.feed(document[at : at + block])]
        return found + list(elements.end())

    assert cut(size) == cut(len(document) or 1)


@pytest.mark.parametrize("value", ["x" * 6_000_000, ("x" * 99 + '"') * 60_000, "\\" * 3_000_000, ["a"] * 1_200_000])
def test_each_byte_of_an_object_over_many_blocks_is_looked_at_once(value: Any) -> None:
    document = b"[\n" + json.dumps({"t": 1, "v": value}).encode() + b"\n]"
    elements = Elements(2**24)
    with Stopwatch() as watch:
        found = [one for at in range(0, len(document), 2**16) for one in elements.feed(document[at : at + 2**16])]
        assert len(found) == 1
        # Of a second look at every block's end it was five to thirty seconds.
    assert watch.seconds < 2


@pytest.mark.parametrize("depth", range(1, 12))
@pytest.mark.parametrize("size", [7, 64, 4096])
def test_events_are_cut_alike_however_deep_they_are_and_wherever_a_block_ends(depth: int, size: int) -> None:
    """Few brackets inside each other are followed at once, many one by one."""
    deep = b'{"a]":' * depth + b'"}\\""' + b"}" * depth
    document = b'{"Records": [' + b",\n".join([deep, b"{}", deep]) + b"]}"
    elements, found = Elements(2**20), []
    for at in range(0, len(document), size):
        found += elements.feed(document[at : at + size])
    assert [one.text for one in [*found, *elements.end()]] == [deep, b"{}", deep]
    assert [one.line for one in found] == [1, 2, 3]
