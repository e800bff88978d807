"""Windows events as XML, whole and hostile."""

import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.telemetry.framing.xml_events import XmlEvents, event_of, is_xml
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import LogEvent, read_logs
from caponier.telemetry.security_logs.identity import identity

NAMESPACE = "http://schemas.microsoft.com/win/2004/08/events/event"
LIMIT = 2_000


def event(number: int = 0, more: str = "") -> str:
    return (
        f'<Event xmlns="{NAMESPACE}"><System><Provider Name="Microsoft-Windows-Security-Auditing"/>'
        f'<EventID>4624</EventID><TimeCreated SystemTime="2026-03-02T09:00:{number:02}.0000000Z"/>\n'
        "<Channel>Security</Channel><Computer>gpu-01</Computer></System><EventData>"
        '<Data Name="TargetUserName">ada</Data><Data Name="IpAddress">203.0.113.66</Data>'
        f'<Data Name="LogonType">10</Data>{more}</EventData></Event>'
    )


def read(path: Path, data: bytes) -> tuple[list[LogEvent], RejectedRows]:
    path.write_bytes(data)
    with RejectedRows() as rejected:
        return [one for part in read_logs([path], rejected) for one in part.events], rejected


@pytest.mark.parametrize(
    "form",
    [
        '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<Events>{0}{1}</Events>',
        "{0}\n{1}\n",
        "<Events>\r\n{0}\r\n{1}</Events>",
        "{0}{1}",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_every_form_of_an_export_is_read(form: str, encoding: str, tmp_path: Path) -> None:
    events, rejected = read(tmp_path / "x.log", form.format(event(0), event(1)).encode(encoding))
    assert rejected.count == 0, rejected.first
    assert [one.origin for one in events] == [("windows", "authentication", "security")] * 2
    assert identity(events[0].fields) == ("ada", "gpu-01", "203.0.113.66")
    assert events[1].time - events[0].time == 1_000_000


def test_an_event_within_a_record_of_splunk_is_read(tmp_path: Path) -> None:
    import json

    line = json.dumps({"result": {"_raw": event(3), "host": "elsewhere", "_time": "2026-03-02T09:00:03Z"}})
    events, rejected = read(tmp_path / "x.jsonl", line.encode())
    assert rejected.count == 0, rejected.first
    assert identity(events[0].fields) == ("ada", "gpu-01", "203.0.113.66")


@given(cuts=st.lists(st.integers(1, 200), max_size=30), long=st.booleans())
@settings(max_examples=60, deadline=None)
def test_however_a_stream_is_cut_its_events_are_the_same(cuts: list[int], long: bool) -> None:
    parts = [event(0), event(1, "x" * LIMIT if long else ""), event(2)]
    data = ("<Events>\n" + "\n".join(parts) + "\n</Events>").encode()
    whole = list(XmlEvents(LIMIT).feed(data))
    stream, cutter, found = io.BytesIO(data), XmlEvents(LIMIT), []
    for size in [*cuts, *[97] * (len(data) // 97 + 1)]:
        found += cutter.feed(stream.read(size))
    assert list(cutter.end()) == []
    # One that is too long is named before its end is seen, if the end is out of sight.
    assert [one.line for one in found] == [one.line for one in whole] == [2, 4, 6]
    kept = [one.text for one in found if one.text]
    assert kept == [part.encode() for part in (parts if not long else (parts[0], parts[2]))] or (
        long and len(kept) == 3
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<Event>&a;</Event>", "undefined entity"),
        ("<Event><a></Event>", "mismatched tag"),
        ("<Event>" + "<a>" * 40 + "</a>" * 40 + "</Event>", "too deep"),
        ("<Event>\x00</Event>", "bad XML"),
        ("<Event a='1' a='2'></Event>", "duplicate attribute"),
    ],
)
def test_what_is_no_event_is_named(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        event_of(text.encode())


@pytest.mark.parametrize("letter", ["\x01", "\x0f", "\x1f", "\ufffe", "\uffff"])
def test_letters_that_no_xml_may_hold_spoil_no_event(letter: str) -> None:
    assert event_of(f"<Event><a>rights{letter}-</a></Event>".encode()) == {"Event": {"a": "rights\ufffd-"}}


@pytest.mark.parametrize(
    "entity", ['"aaaaaaaaaa"', 'SYSTEM "file:///etc/passwd"', 'SYSTEM "http://127.0.0.1:9/x"', '"&x;&x;"']
)
def test_entities_are_never_read(entity: str, tmp_path: Path) -> None:
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY x {entity}><!ENTITY y "&x;&x;&x;">]><Events>{event()}'
    bad = event().replace("gpu-01", "&y;")
    events, rejected = read(tmp_path / "x.xml", (bomb + bad + "</Events>").encode())
    assert [one.fields["computer"] for one in events] == ["gpu-01"]
    assert rejected.reasons == {"bad XML": 1}


def test_an_event_that_breaks_off_and_one_that_is_too_long_leave_the_others(tmp_path: Path) -> None:
    huge = event(1, "<Data>" + "x" * 5_000_000 + "</Data>")
    data = "<Events>\n" + "\n".join([event(0), huge, event(2), event(3)[:100]])
    events, rejected = read(tmp_path / "x.xml", data.encode())
    assert len(events) == 2
    assert rejected.reasons == {"too long": 1, "bad XML": 1}
    assert [one.line for one in rejected.first] == [4, 8]


@pytest.mark.parametrize(
    "text", ["<html><body>no</body></html>", "<34>Oct 11 22:14:15 host su: x", "<Events></Events>"]
)
def test_other_pages_are_no_export(text: str) -> None:
    assert not is_xml(text.encode())


def test_data_without_names_and_of_users_are_kept() -> None:
    made: Any = event_of(
        b"<Event><UserData><X xmlns='y'><Name>a</Name></X></UserData><Data>1</Data><Data>2</Data></Event>"
    )
    assert made == {"Event": {"UserData": {"X": {"@xmlns": "y", "Name": "a"}}, "Data": ["1", "2"]}}


def test_a_trace_without_a_channel_is_told_by_its_provider(tmp_path: Path) -> None:
    trace = event().replace("<Channel>", "<Nothing>").replace("</Channel>", "</Nothing>")
    events, rejected = read(tmp_path / "x.xml", trace.encode())
    assert rejected.count == 0
    (found,) = events
    assert found.origin.product == "windows"
    assert found.fields["channel"] == found.fields["provider_name"]
