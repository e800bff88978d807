"""Events of XML with very many parts, and streams of very many events, cost the time of their bytes."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.framing.json_elements import Elements
from caponier.telemetry.framing.xml_events import DEPTH, XmlEvents, event_of
from pace import Stopwatch

LIMIT = 2**22


def seconds(work: Callable[[], object]) -> float:
    with Stopwatch() as watch:
        work()
    return watch.seconds


@pytest.mark.parametrize(
    "part", [b"<Data>x</Data>", b"<a>x</a>", b"<a/>", b"<Data Name='a'>x</Data>", b"x<a/>", b"&lt;"]
)
def test_an_event_of_many_parts_is_read_soon(part: bytes) -> None:
    text = b"<Event>" + part * (LIMIT // 2 // len(part)) + b"</Event>"
    assert seconds(lambda: event_of(text)) < 4


@pytest.mark.parametrize("names", [["Data"], ["a"], ["Data", "a"], ["a", "b", "a"]])
@given(count=st.integers(1, 4))
def test_elements_of_one_name_are_all_kept_in_their_order(names: list[str], count: int) -> None:
    parts = [(name, f"{at}-{place}") for at in range(count) for place, name in enumerate(names)]
    found = event_of(f"<Event>{''.join(f'<{name}>{text}</{name}>' for name, text in parts)}</Event>".encode())["Event"]
    for name in set(names):
        texts = [text for one, text in parts if one == name]
        assert found[name] == (texts if len(texts) > 1 or name == "Data" else texts[0])


def test_an_empty_element_among_others_keeps_its_place() -> None:
    found = event_of(b"<Event><a/><a>x</a><a k='v'/><a k='v'>y</a></Event>")["Event"]
    assert found == {"a": [None, "x", {"@k": "v"}, {"@k": "v", "#text": "y"}]}


@pytest.mark.parametrize("deep", [DEPTH - 1, DEPTH])
def test_elements_lie_as_deep_as_they_may(deep: int) -> None:
    text = b"<Event>" + b"<a>" * deep + b"</a>" * deep + b"</Event>"
    if deep < DEPTH:
        assert list(event_of(text)) == ["Event"]
    else:
        with pytest.raises(ValueError, match=f"too deep: more than {DEPTH}"):
            event_of(text)


@pytest.mark.parametrize(
    "data",
    [
        b"<Event></Event>" * 30_000,
        b"<Event>" * 60_000,
        b"</Event>" * 60_000,
        b"<Even" * 90_000,
        b"<Event " + b"x" * LIMIT,
    ],
)
def test_a_stream_of_events_is_cut_soon(data: bytes) -> None:
    def work() -> None:
        cutter = XmlEvents(LIMIT)
        for begin in range(0, len(data), 2**16):
            list(cutter.feed(data[begin : begin + 2**16]))
        list(cutter.end())

    assert seconds(work) < 4


@pytest.mark.parametrize(
    "part", [b"{}", b"{\n}\n", b"[", b"x\n", b"1,\n", b'"a"', b"\\", b'{"records":[', b'{"hits":{']
)
def test_a_stream_of_objects_is_cut_soon(part: bytes) -> None:
    data = part * (2**19 // len(part))

    def work() -> None:
        cutter = Elements(LIMIT)
        for begin in range(0, len(data), 2**16):
            list(cutter.feed(data[begin : begin + 2**16]))
        list(cutter.end())

    assert seconds(work) < 6


@given(
    st.lists(
        st.sampled_from([b"<Event>", b"</Event>", b"<Event a='1'>", b"x\n", b"<Events>", b"<!--", b"-->"]), max_size=12
    )
)
def test_what_is_cut_out_begins_and_ends_as_an_event(parts: list[bytes]) -> None:
    data = b"".join(parts)
    for size in (1, 3, 1_000):
        cutter = XmlEvents(100)
        found = [one for begin in range(0, len(data), size) for one in cutter.feed(data[begin : begin + size])]
        texts = [one.text for one in found if one.text is not None]
        assert all(text.startswith(b"<Event") and text.endswith(b"</Event>") and text in data for text in texts)
        assert all(1 <= one.line <= data.count(b"\n") + 1 for one in [*found, *cutter.end()])


HALF = LIMIT // 2


@pytest.mark.parametrize(
    "inner",
    [
        b'"' + b"x" * HALF + b'"',
        b'"' + b'\\"' * (HALF // 2) + b'"',
        b"1," * (HALF // 2) + b"1",
        b'"x",' * (HALF // 4) + b"1",
        b'"' + b"x" * (HALF // 2) + b'","time":1,' + b'"items":[],' * (HALF // 22) + b'"b":1',
    ],
)
def test_one_object_in_small_blocks_is_cut_soon(inner: bytes) -> None:
    data, cutter = b'{"a":' + inner + b"}", Elements(LIMIT)

    def work() -> list[bytes | None]:
        blocks = (data[begin : begin + 2**13] for begin in range(0, len(data), 2**13))
        return [one.text for block in blocks for one in cutter.feed(block)]

    found: list[list[bytes | None]] = []
    assert seconds(lambda: found.append(work())) < 2
    assert found == [[data]]


@given(
    st.lists(
        st.sampled_from(
            [
                b"{",
                b"}",
                b"[",
                b"]",
                b'"',
                b"\\",
                b"a",
                b"\n",
                b",",
                b'"items":[',
                b'"time":',
                b"{}",
                b'"a":1',
                b'{"records":[',
            ]
        ),
        max_size=24,
    ),
    st.integers(1, 7),
)
def test_how_a_stream_is_cut_into_blocks_changes_nothing(parts: list[bytes], size: int) -> None:
    data = b"".join(parts)

    def found(step: int) -> list[object]:
        cutter = Elements(1_000)
        blocks = (data[begin : begin + step] for begin in range(0, len(data), step))
        return [*(one for block in blocks for one in cutter.feed(block)), *cutter.end()]

    assert found(size) == found(1_000)
