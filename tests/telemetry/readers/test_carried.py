"""A record is the same through whatever it was carried, and nobody writes one into what he is asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.readers.carried import STRANGE, CarriedRecords
from pace import Stopwatch
from telemetry.conftest import Reading, reading

Row = dict[str, Any]
Wrap = Callable[[str], str]
STAMP = "2026-01-05T09:30:00Z"


WRAPS: list[Wrap] = [
    lambda text: orjson.dumps({"log": text + "\n", "stream": "stdout", "time": STAMP}).decode(),
    lambda text: orjson.dumps({"date": 1.7e9, "log": text, "kubernetes": {"pod_name": "p"}}).decode(),
    lambda text: orjson.dumps({"message": text, "host": "n", "timestamp": STAMP}).decode(),
    lambda text: orjson.dumps({"MESSAGE": text, "__REALTIME_TIMESTAMP": "1767605400000000"}).decode(),
    lambda text: orjson.dumps({"labels": {}, "line": text, "timestamp": STAMP}).decode(),
    lambda text: orjson.dumps({"result": {"_raw": text, "_time": STAMP}}).decode(),
    lambda text: orjson.dumps({"logEvents": [{"id": "1", "timestamp": 1, "message": text}]}).decode(),
    lambda text: orjson.dumps({"_index": "i", "_source": {"message": text, "@timestamp": STAMP}}).decode(),
]
PREFIXES = [
    f"{STAMP} stdout F ",
    "web-1  | ",
    "Jan  5 09:30:00 node app[1]: ",
    f"<134>1 {STAMP} node app 1 - - ",
    "2026-01-05 09:30:00,123 - app - INFO - ",
    "",
]
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=6), st.floats(-1e9, 1e9))
RECORDS = st.dictionaries(
    st.sampled_from(["ts", "user", "features", "prediction", "n"]),
    st.one_of(LEAVES, st.lists(LEAVES, max_size=3), st.dictionaries(st.text(max_size=3), LEAVES, max_size=2)),
    min_size=1,
)


@given(RECORDS, st.lists(st.sampled_from(WRAPS), max_size=3), st.sampled_from(PREFIXES))
def test_a_record_is_the_same_however_it_was_carried(record: Row, wraps: list[Wrap], prefix: str) -> None:
    text = orjson.dumps(record).decode()
    for wrap in wraps:
        text = wrap(text)
    (found,) = CarriedRecords().rows((prefix + text).encode())
    found.pop("time", None)
    assert found == record


@given(st.binary(max_size=200))
def test_any_line_is_records_or_a_reason(line: bytes) -> None:
    try:
        rows = CarriedRecords().rows(line)
    except ValueError:
        return
    assert all(isinstance(row, dict) for row in rows)


NAMES = (
    "resourceLogs scopeLogs logRecords body attributes key value kvlistValue values arrayValue stringValue "
    "events logEvents message log _source result"
)
NESTED = st.recursive(
    LEAVES,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.sampled_from(NAMES.split()), one, max_size=4),
    max_leaves=20,
)


@given(NESTED)
def test_any_object_is_records_or_a_reason(value: Any) -> None:
    try:
        rows = CarriedRecords().rows(orjson.dumps(value))
    except ValueError:
        return
    assert all(isinstance(row, dict) for row in rows)


def log_of(path: Path, rows: list[str]) -> Reading:
    path.write_text("".join(row + "\n" for row in rows))
    return reading(path)


FORGED = orjson.dumps({"ts": 1_767_605_400, "user": "victim", "features": [9.5, 9.5], "prediction": "x"}).decode()
VICTIM = 9.5


@pytest.mark.parametrize(
    "about",
    [
        {"user": "mallory", "answer": "ok"},
        {"session_id": "s", "label": "spam"},
        {"client_id": "c", "output": "x"},
        {"scores": [0.5, 0.5]},
    ],
)
@pytest.mark.parametrize("name", ["message", "msg", "log", "line"])
def test_a_question_that_looks_like_a_record_is_none(about: Row, name: str, tmp_path: Path) -> None:
    usual = [orjson.dumps({"ts": 1_767_605_400 + at, **about, name: f"word {at}"}).decode() for at in range(50)]
    forged = orjson.dumps({"ts": 1_767_605_500, **about, name: FORGED}).decode()
    found = log_of(tmp_path / "a.jsonl", [*usual, forged])
    assert len(found.rows) == 51
    assert not any(row["input"] and VICTIM in row["input"] for row in found.rows)


def test_an_object_in_a_line_that_begins_otherwise_than_the_records_is_none(tmp_path: Path) -> None:
    """A service that writes what it was sent into its log must not let a caller write records."""
    begin = "2026-01-05 09:{:02d}:00,123 INFO predictor: "
    record = orjson.dumps({"ts": 1_767_605_400, "user": "u", "features": [1.5, 2.5], "prediction": "y"}).decode()
    lines = [begin.format(at % 60) + record for at in range(300)]
    lines += [begin.format(1) + "searching for " + FORGED, FORGED]
    found = log_of(tmp_path / "a.log", lines)
    assert len(found.rows) == 300
    assert [reason for _, reason in found.rejected] == [STRANGE, STRANGE]


def test_a_piece_that_never_ends_is_not_held_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caponier.telemetry.readers.carried.LINE_LIMIT", 1_000)
    carried = CarriedRecords()
    for _ in range(100):
        try:
            assert carried.rows(f"{STAMP} stdout P ".encode() + b"x" * 90) == []
        except ValueError:
            return
    raise AssertionError("pieces without an end are held")


def test_pieces_of_two_streams_are_not_mixed() -> None:
    carried = CarriedRecords()
    assert carried.rows(f'{STAMP} stdout P {{"a":'.encode()) == []
    assert carried.rows(f'{STAMP} stderr F {{"b":2}}'.encode()) == [{"b": 2, "time": STAMP}]
    assert carried.rows(f"{STAMP} stdout F 1}}".encode()) == [{"a": 1, "time": STAMP}]


TIMED = [{"ts": 1_767_605_400 + at, "user": "u", "features": [1.5, at + 0.5], "prediction": "y"} for at in range(30)]
STAMPED = "2026-01-05 09:30:00,250 INFO app "
FORMS: dict[str, str] = {
    "objects as Python prints them": "".join(f"{row!r}\n" for row in TIMED),
    "objects as Python prints them in a log": "".join(f"{STAMPED}{row!r}\n" for row in TIMED),
    "objects without a line end between them": "".join(orjson.dumps(row).decode() for row in TIMED),
    "an answer with a list": orjson.dumps({"count": 30, "data": TIMED}).decode(),
    "a data frame by columns": orjson.dumps(
        {key: {str(at): row[key] for at, row in enumerate(TIMED)} for key in TIMED[0]}
    ).decode(),
    "a data frame that is split": orjson.dumps(
        {"columns": list(TIMED[0]), "index": list(range(30)), "data": [list(row.values()) for row in TIMED]}
    ).decode(),
    "a bulk upload": "".join('{"index":{"_index":"p"}}\n' + orjson.dumps(row).decode() + "\n" for row in TIMED),
    "server-sent events": "".join(f"data: {orjson.dumps(row).decode()}\n\n" for row in TIMED),
    "pairs behind a message": "".join(
        f"{STAMPED}made features=[1.5,{at + 0.5}] prediction=y user=u\n" for at in range(30)
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_records_in_other_forms(form: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(FORMS[form])
    found = reading(tmp_path / "a.json")
    assert [row["input"] for row in found.rows] == [row["features"] for row in TIMED]
    assert {row["label"] for row in found.rows} == {"y"}
    assert found.rejected == []


def test_what_python_prints_is_no_record_among_json(tmp_path: Path) -> None:
    found = log_of(tmp_path / "a.log", [orjson.dumps(row).decode() for row in TIMED] + [repr(TIMED[0])])
    assert len(found.rows) == 30
    assert len(found.rejected) == 1


HOSTILE = {
    "one long word before an object": b"a" * 1_000 + b' {"a": 1}',
    "brackets that never end": b"x" + b'{"k":' * 180 + b'"' + b"y" * 2**20 + b'"',
    "pairs that never end": b"a=1 " * 50_000 + b"{",
    "an object of Python's that never ends": b"{'a': " * 10_000,
    "a map that is none": b"x {" + b"a=1, " * 10_000,
    "blanks": b"x " + b" " * 2**20 + b"{",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_line_takes_long(name: str) -> None:
    carried = CarriedRecords()
    carried.learn(HOSTILE[name])
    with Stopwatch() as watch:
        for _ in range(3):
            try:
                carried.rows(HOSTILE[name])
            except ValueError:
                continue
    assert watch.seconds < 1


def test_records_of_other_levels_days_and_hosts_are_records(tmp_path: Path) -> None:
    record = orjson.dumps(TIMED[0]).decode()
    about = ["Jan  5 09:30:00 node-1 app[7]: INFO ", "Feb 11 10:31:00 node-22 app[9]: WARNING "]
    lines = [about[0] + record] * 300 + [about[1] + record] * 3
    assert len(log_of(tmp_path / "a.log", lines).rows) == 303


def test_in_a_log_of_bare_records_nothing_stands_before_one(tmp_path: Path) -> None:
    lines = [orjson.dumps(row).decode() for row in TIMED]
    found = log_of(tmp_path / "a.log", [*lines, "query: " + FORGED])
    assert len(found.rows) == 30
    assert [reason for _, reason in found.rejected] == [STRANGE]


def test_what_is_not_utf_8_before_a_record_spoils_it() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        CarriedRecords().rows(b"\xff\xfe" + orjson.dumps(TIMED[0]))


def test_pairs_may_hold_lists_of_numbers_with_spaces() -> None:
    line = b"2026-01-05 12:00:00,123 INFO predict user=u1 features=[1.5, -2e3, 3] label=low proba=[0.25, 0.75]"
    (row,) = CarriedRecords().rows(line)
    assert (row["features"], row["label"], row["proba"]) == ("[1.5, -2e3, 3]", "low", "[0.25, 0.75]")
    # What else stands in brackets may be a caller's own words.
    with pytest.raises(ValueError, match="no JSON"):
        CarriedRecords().rows(b"2026-01-05 12:00:00 INFO user=u1 text=[a, b c] label=low")


def test_a_time_in_brackets_begins_no_list() -> None:
    (row,) = CarriedRecords().rows(b'[2026-01-05 12:00:00] INFO in app: {"user": "u1", "x": [1]}')
    assert (row["user"], row["time"]) == ("u1", "2026-01-05 12:00:00")
    with pytest.raises(ValueError, match="bad JSON"):
        CarriedRecords().rows(b"[1, 2")


def test_pairs_in_the_message_of_a_journal_are_its_record() -> None:
    line = orjson.dumps(
        {"__REALTIME_TIMESTAMP": "1767614400000000", "MESSAGE": "predict caller=c1 features=[1, 2] pred=0"}
    )
    (row,) = CarriedRecords().rows(line)
    assert (row["caller"], row["features"], row["time"]) == ("c1", "[1, 2]", "1767614400000000")
    # Words with signs between them are no record of a prediction, nor is what an object says beside its own caller.
    for other in ({"MESSAGE": "a=1 b=2 c=3"}, {"user": "u1", "message": "caller=c2 features=[1] pred=0"}):
        assert CarriedRecords().rows(orjson.dumps(other)) == [other]
