"""Rows whose records stand closed in them."""

import json
from typing import Any

import pyarrow as pa
import pytest

from caponier.errors import InputError
from caponier.telemetry.field_maps.paths import Records, keys_of_path, steps_of
from caponier.telemetry.field_maps.shapes.opened_rows import carrier_of, closed_texts, opened_rows

Row = dict[str, Any]


def _carried(at: int, **more: Any) -> Row:
    return {"level": "info", "event": {"ts": 1.76e9 + at, "age": at, "label": "yes"}, **more}


def test_a_field_with_whole_records_carries_them() -> None:
    assert carrier_of([_carried(at) for at in range(40)]) == "event"


def test_what_varies_around_a_record_says_something_of_the_call() -> None:
    assert carrier_of([_carried(at, user=f"u{at}") for at in range(40)]) is None


def test_an_object_without_a_time_is_no_record() -> None:
    assert carrier_of([{"level": "info", "asked": {"a": at, "b": 2, "c": 3}} for at in range(40)]) is None
    assert carrier_of([]) is None


def test_texts_with_json_are_found_where_they_stand() -> None:
    rows = [{"a.b": json.dumps({"x": at}), "deep": {"body": json.dumps([at, 2.5])}, "note": "fine"} for at in range(9)]
    assert closed_texts(rows) == (r"a\.b", "deep.body")


def test_a_field_that_seldom_holds_json_is_no_closed_text() -> None:
    texts = ['{"x": 1}', *(["it came late"] * 8)]
    assert closed_texts([{"note": one} for one in texts]) == ()


def test_rows_are_opened_and_not_changed() -> None:
    row = {"level": "info", "event": {"body": '{"x": [1, 2]}', "level": None}}
    assert opened_rows([row], "event", ("body",)) == [{"level": "info", "body": {"x": [1, 2]}}]
    assert row["event"] == {"body": '{"x": [1, 2]}', "level": None}


def test_a_row_that_is_otherwise_stays_as_it_is() -> None:
    assert opened_rows([{"event": "started"}, {"body": "none"}], "event", ("body", "deep.body")) == [
        {"event": "started"},
        {"body": "none"},
    ]


@pytest.mark.parametrize("path", ["body[0]", "body|json", "body[]"])
def test_a_path_through_a_list_or_a_text_names_no_field(path: str) -> None:
    with pytest.raises(InputError, match="does not name fields within fields"):
        Records((), None, (path,))


def test_a_carrier_is_one_field() -> None:
    assert keys_of_path(r"a\.b", deepest=1) == ("a.b",)
    with pytest.raises(InputError, match="does not name one field"):
        opened_rows([], "a.b", ())


ROWS = [
    {"level": "info", "event": {"body": json.dumps({"x": at, "city": "Bonn"}), "ts": at, "level": None}}
    for at in range(3)
]
PATHS = ("level", "ts", "body.x", "body.city", "event", "none")


@pytest.mark.parametrize("rows", [ROWS, pa.RecordBatch.from_pylist(ROWS)], ids=["rows", "arrow"])
def test_records_read_the_same_as_opened_rows(rows: Any) -> None:
    told = Records(opened_rows(ROWS, "event", ("body",)))
    read = Records(rows, "event", ("body",))
    for path in PATHS:
        assert read.values(steps_of(path)) == told.values(steps_of(path)), path


def test_arrow_holds_what_stands_beside_a_text_and_not_what_stands_in_it() -> None:
    batch = pa.RecordBatch.from_pylist([{"body": '{"x": 1}', "ts": 4.5}])
    read = Records(batch, None, ("body",))
    assert read.array(steps_of("ts")).to_pylist() == [4.5]
    assert read.array(steps_of("body.x")) is None
    assert read.values(steps_of("body.x")) == [1]


def test_arrow_goes_into_a_carrier_that_all_rows_have() -> None:
    batch = pa.RecordBatch.from_pylist([{"event": {"ts": 1.5}, "host": "a"}])
    read = Records(batch, "event")
    assert read.array(steps_of("ts")).to_pylist() == [1.5]
    assert read.array(steps_of("host")).to_pylist() == ["a"]
    assert read.array(steps_of("event")) is None
