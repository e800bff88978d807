"""Rows of logs as attackers would write them: deep, wide, late, from the future, and in every spelling of time."""

import sys
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs import sources
from caponier.telemetry.security_logs.events import LogEvent, read_logs
from caponier.telemetry.security_logs.fields import DEPTH, FIELDS, NAME, TEXT, Fields, TooLargeError, flatten
from caponier.telemetry.security_logs.sources import LogSource, of_ocsf, said_source
from caponier.telemetry.streams import STDIN

KEYS = st.sampled_from(["a", "A", "b", "c.d", "user"])
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5) | st.floats(allow_nan=False)
ROWS = st.dictionaries(
    KEYS,
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)),
    max_size=4,
)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def leaves(node: Any) -> int:
    if isinstance(node, dict):
        return sum(map(leaves, node.values()))
    return sum(map(leaves, node)) if isinstance(node, list) else int(node is not None)


def paths(node: Any, prefix: str = "") -> set[str]:
    """The dotted names under which something stands."""
    if isinstance(node, dict):
        return {path for name, value in node.items() for path in paths(value, f"{prefix}.{name}" if prefix else name)}
    if isinstance(node, list):
        return {path for value in node for path in paths(value, prefix)}
    return set() if node is None else {prefix.lower()}


@settings(max_examples=200)
@given(row=ROWS)
def test_flat_fields_are_the_paths_of_the_row(row: dict[str, Any]) -> None:
    fields, cut = flatten(row)
    assert fields.keys() == paths(row)
    assert cut == 0
    assert all(type(value) in (str, int, float) for value in fields.values())
    assert all(-(2**63) <= value < 2**63 for value in fields.values() if type(value) is int)
    assert len(fields) <= leaves(row)
    assert flatten(dict(fields))[0] == fields


@given(length=st.integers(TEXT - 2, TEXT + 2))
def test_a_long_value_is_cut_and_counted(length: int) -> None:
    fields, cut = flatten({"a": "x" * length, "b": ["y" * length]})
    assert {len(str(value)) for value in fields.values()} == {min(length, TEXT)}
    assert cut == 2 * (length > TEXT)


def nested(depth: int) -> dict[str, Any]:
    node: Any = 1
    for _ in range(depth):
        node = {"a": node}
    found: dict[str, Any] = node
    return found


def test_depth_width_and_names_end_where_they_are_said_to() -> None:
    flatten(nested(DEPTH))
    flatten({str(n): n for n in range(FIELDS)})
    flatten({"n" * NAME: 1})
    for row in (nested(DEPTH + 1), {str(n): n for n in range(FIELDS + 1)}, {"n" * (NAME + 1): 1}):
        with pytest.raises(TooLargeError):
            flatten(row)
    with pytest.raises(TooLargeError, match="too many fields"):
        flatten({"a": [{f"k{n}": 1} for n in range(FIELDS + 1)]})


@pytest.mark.parametrize("wide", ["object", "list"])
def test_a_line_of_short_names_under_a_long_one_does_not_fill_the_memory(wide: str) -> None:
    prefix, count = "p" * 240, 100_000
    inner: Any = {f"k{n}": 1 for n in range(count)} if wide == "object" else [{f"k{n}": 1} for n in range(count)]
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        flatten({prefix: inner})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


def read(folder: Path, *rows: Any, **how: Any) -> tuple[list[LogEvent], RejectedRows]:
    file = folder / "log.jsonl"
    file.write_bytes(b"".join(orjson.dumps({"category": "dns"} | row) + b"\n" for row in rows))
    return drained(file, **how)


def drained(path: Path, **how: Any) -> tuple[list[LogEvent], RejectedRows]:
    rejected = RejectedRows()
    with rejected:
        return [event for part in read_logs([path], rejected, **how) for event in part.events], rejected


@settings(max_examples=60, deadline=None)
@given(offset=st.integers(0, 10**6), zone=ZONES)
def test_one_moment_in_any_zone_is_one_time(tmp_path_factory: pytest.TempPathFactory, offset: int, zone: Any) -> None:
    moment = NOW + timedelta(milliseconds=offset)
    spelt = [moment.isoformat(), moment.astimezone(zone).isoformat(), moment.isoformat().replace("+00:00", "Z")]
    folder = tmp_path_factory.mktemp("zone")
    events, rejected = read(folder, *({"time": text} for text in spelt), {"time": round(moment.timestamp() * 1000)})
    assert rejected.count == 0
    assert len({event.time for event in events}) == 1
    assert events[0].time == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


BAD_TIMES = {
    "2026-03-01T12:00:00": "cannot be read",
    "tomorrow": "cannot be read",
    "": "cannot be read",
    "2026-03-01T24:61:00Z": "cannot be read",
    "2026-02-30T00:00:00Z": "cannot be read",
    "1989-12-31T23:59:59Z": "outside",
    "0001-01-01T00:00:00+14:00": "outside",
    "9999-12-31T23:59:59Z": "outside",
    True: "cannot be read",
    -1: "outside",
    2**62: "outside",
    2**63 - 1: "outside",
    1_772_366_400: "outside",
    1.5: "cannot be read",
}


@pytest.mark.parametrize(("stamp", "reason"), BAD_TIMES.items(), ids=map(str, BAD_TIMES))
def test_a_time_that_is_none_is_a_rejected_row_and_no_more(tmp_path: Path, stamp: Any, reason: str) -> None:
    good = {"time": NOW.isoformat(), "n": 1}
    events, rejected = read(tmp_path, {"time": stamp, "n": 0}, good)
    assert [event.fields["n"] for event in events] == [1]
    assert rejected.count == 1
    assert reason in next(iter(rejected.reasons))


def test_the_first_name_of_time_that_is_there_counts(tmp_path: Path) -> None:
    row = {"eventTime": (NOW + timedelta(days=1)).isoformat(), "@timestamp": NOW.isoformat()}
    (event,), _ = read(tmp_path, row)
    assert event.time == round(NOW.timestamp() * 1e6)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.integers(-20, 30), min_size=1, max_size=25), lateness=st.integers(0, 20))
def test_late_in_a_stream_is_later_than_the_lateness_behind_what_two_rows_agree_on(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], lateness: int
) -> None:
    """A clock that is set back loses nothing within the lateness; one wrong date makes nothing late."""
    seconds = [sum(steps[: n + 1]) for n in range(len(steps))]
    rows = [{"time": (NOW + timedelta(seconds=second)).isoformat(), "n": n} for n, second in enumerate(seconds)]
    folder = tmp_path_factory.mktemp("late")
    assert len(read(folder, *rows, lateness=float(lateness))[0]) == len(rows), "in a file nothing is late"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", TextIOWrapper(BytesIO((folder / "log.jsonl").read_bytes())))
        events, rejected = drained(STDIN, lateness=float(lateness))
    agreed = [min(seconds[n - 1], seconds[n]) for n in range(1, len(seconds))]
    kept = [n for n, second in enumerate(seconds) if n < 2 or second >= max(agreed[: n - 1]) - lateness]
    assert [event.fields["n"] for event in events] == kept
    assert rejected.count == len(rows) - len(kept)


def test_the_same_words_are_the_same_event_wherever_they_lie() -> None:
    fields: Fields = {"user": "ann", "n": 1}
    one = LogEvent(1, fields, LogSource("a"), "one.jsonl", 1)
    assert one.id() == LogEvent(1, dict(reversed(fields.items())), LogSource("a"), "two.jsonl", 99).id()
    others = [
        one._replace(time=2),
        one._replace(fields={"user": "ann", "n": "1"}),
        one._replace(fields={"user": "ann"}),
    ]
    assert len({one.id(), *(other.id() for other in others), one.id(b"salt" * 8)}) == 5


@given(word=st.text(max_size=300))
def test_words_of_a_log_source_are_short_and_in_lower_case(word: str) -> None:
    found = said_source({"product": word})
    expected = word.strip().lower()[: sources.WORD]
    assert found == (LogSource(expected, None, None) if expected else None)


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"class_uid": 3002}, LogSource(None, "authentication", None)),
        ({"class_uid": "3002"}, None),
        ({"class_uid": 3002.0}, None),
        ({"class_uid": 999_999}, None),
        ({"class_uid": 6003, "cloud.provider": "AWS"}, sources.CLOUDTRAIL),
        ({"class_uid": 6003, "cloud.provider": "gcp"}, LogSource(None, "api_activity", None)),
    ],
)
def test_what_a_class_of_ocsf_stands_for(fields: Fields, source: LogSource | None) -> None:
    assert of_ocsf(dict(fields)) == source


def test_an_ocsf_field_never_takes_the_place_of_the_products_own() -> None:
    fields: Fields = {"class_uid": 3002, "user": "ann", "user.name": "mallory", "status_id": 2, "outcome": "success"}
    of_ocsf(fields)
    assert (fields["user"], fields["outcome"]) == ("ann", "success")
