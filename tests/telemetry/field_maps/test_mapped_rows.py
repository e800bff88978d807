"""What a map says is what is read, whichever way the rows come."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.records.field_map import FieldMap
from caponier.telemetry import chunk
from caponier.telemetry.chunk import Chunk
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.mapped_rows import MappedRows
from caponier.telemetry.field_maps.paths import Records, escaped, steps_of
from telemetry.conftest import reading

TIME = {"path": "t", "format": "epoch_s"}


def field_map(**about: Any) -> FieldMap:
    columns = {"time": TIME, **about.pop("columns", {})}
    return FieldMap.model_validate({"name": "test", "columns": columns, **about})


def read(rows: list[Any], **about: Any) -> list[dict[str, Any]]:
    reader = MappedRows(field_map(**about), b"", "m")
    (made,) = reader.read(iter([Chunk(rows=[{"t": 1_767_614_400, **row} for row in rows], lines=[*range(len(rows))])]))
    assert made.values is not None
    plain = {name: held.to_pylist() if isinstance(held, pa.Array) else held for name, held in made.values.items()}
    return [{name: held[at] for name, held in plain.items()} for at in range(len(made.lines))]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", 1),
        ("l[1]", 20),
        ("l[-1]", 30),
        ("o[name=y].data[0]", 7),
        (r"x\.y", 5),
        ("j|json.k", 6),
        ("c|base64|json.k", 6),
        ("missing.b", None),
        ("l[9]", None),
        ("a.b.c", None),
    ],
)
def test_paths(path: str, value: Any) -> None:
    row = {
        "a": {"b": 1},
        "l": [10, 20, 30],
        "o": [{"name": "x", "data": [1]}, {"name": "y", "data": [7]}],
        "x.y": 5,
        "j": '{"k": 6}',
        "c": "eyJrIjogNn0=",
    }
    assert Records([row]).values(steps_of(path)) == [value]


@pytest.mark.parametrize("path", ["", ".", "a..b", "a.", "[", "a[x", "a[][]", "a[].b[]", "a]", "a|yaml"])
def test_a_path_that_cannot_be_meant_is_an_error_that_shows_how(path: str) -> None:
    with pytest.raises(InputError, match=r"cannot be read at its letter"):
        steps_of(path)


@given(st.text(min_size=1, max_size=20))
def test_any_key_can_be_written(key: str) -> None:
    assert Records([{key: 1}]).values(steps_of(escaped(key))) == [1]


def test_constants_values_and_scale() -> None:
    (row,) = read(
        [{"call": "POST /p", "took": "0,25"}],
        decimal=",",
        constants={"model": "fraud", "system": "pay"},
        columns={
            "operation": {"path": "call", "values": {"POST /p": "predict"}},
            "latency_ms": {"path": "took", "scale": 1000},
        },
    )
    assert (row["model"], row["system"], row["operation"], row["latency_ms"]) == ("fraud", "pay", "predict", 250.0)


def test_the_first_path_that_is_there_counts() -> None:
    rows = read([{"a": 1}, {"b": 2}, {"a": 3, "b": 4}, {}], columns={"label": ["a", "b"]})
    assert [row["label"] for row in rows] == ["1", "2", "3", None]


def test_the_class_of_the_highest_score_stands_for_the_label() -> None:
    about = {"scores": {"path": "p", "classes": ["no", "yes"]}}
    rows = read([{"p": {"yes": 0.9, "no": 0.1}}, {"p": {"yes": 0.9}}, {"p": [0.8, 0.2]}], columns=about)
    assert [row["label"] for row in rows] == ["yes", None, "no"]
    assert rows[1]["scores"] is None


def test_lists_of_different_lengths_leave_their_caller_an_event() -> None:
    reader = MappedRows(field_map(columns={"input": "i[]", "label": "p[]", "principal": "u"}), b"", "m")
    rows = [{"t": 1, "i": [[1.0], [2.0]], "p": ["a"], "u": "k"}, {"t": 2, "i": [[3.0]], "p": ["c"], "u": "k"}]
    (made,) = reader.read(iter([Chunk(rows=rows, lines=[1, 2])]))
    assert made.values is not None
    assert made.lines == [1, 2]
    assert made.values["input"] == [None, [3.0]]
    assert made.values["principal"] == ["k", "k"]
    assert [one.line for one in made.rejections] == [1]


def test_what_is_missing_is_no_zero_and_what_is_no_number_is_told() -> None:
    reader = MappedRows(field_map(features=["a", {"name": "c", "kind": "category"}]), b"", "m")
    rows: list[dict[str, Any]] = [
        {"t": 1, "a": 0, "c": "x"},
        {"t": 1, "c": "x"},
        {"t": 1, "a": "?", "c": None},
        {"t": 1, "a": "old"},
    ]
    (made,) = reader.read(iter([Chunk(rows=rows, lines=[1, 2, 3, 4])]))
    assert made.values is not None
    inputs = made.values["input"].to_pylist()
    assert inputs[0][0] == 0
    assert np.isnan(inputs[1][0])
    assert inputs[2:] == [None, None]
    assert [(one.line, one.reason) for one in made.rejections] == [(4, "a is no number: it counts as missing")]


def test_categories_are_told_by_value_however_they_are_written() -> None:
    rows = read([{"c": 1}, {"c": "1"}, {"c": 1.0}, {"c": "01"}], features=[{"name": "c", "kind": "category"}])
    codes = [row["input"][0] for row in rows]
    assert codes[0] == codes[1] == codes[2] != codes[3]


@pytest.mark.parametrize(
    "about",
    [
        {"columns": {"time": {"path": "t", "format": "%d.%m.%Y"}}},
        {"columns": {"time": {"path": "t", "format": "noon"}}},
        {"columns": {"time": {"path": "t", "zone": "Mars/Olympus"}}},
        {"columns": {"label": "a[][]"}},
    ],
)
def test_a_map_that_cannot_be_meant_is_an_error(about: Any) -> None:
    with pytest.raises(InputError):
        MappedRows(field_map(**about), b"", "m")


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"columns": {"colour": "a"}}, "no column 'colour'"),
        ({"columns": {"label": "a"}, "constants": {"label": "x"}}, "constant and a column"),
        ({"columns": {"input": "a"}, "features": ["b"]}, "only one"),
        ({"columns": {"label": {}}}, "has a path"),
        ({"features": ["a", "a"]}, "same name"),
    ],
)
def test_a_map_that_contradicts_itself_is_refused(about: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        field_map(**about)


def test_zones_and_summer_time(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    times = ["05.07.2026 12:00:00", "05.01.2026 12:00:00", "x"]
    path.write_bytes(b"".join(orjson.dumps({"when": one, "y": "a"}) + b"\n" for one in times))
    about = {"path": "when", "format": "%d.%m.%Y %H:%M:%S", "zone": "Europe/Berlin"}
    found = reading(path, maps=MapChoice(named=field_map(columns={"time": about, "label": "y"})))
    assert [row["time"] for row in found.rows] == [
        datetime(2026, 7, 5, 10, tzinfo=UTC),
        datetime(2026, 1, 5, 11, tzinfo=UTC),
    ]
    assert found.reasons == ["time cannot be read: expected %d.%m.%Y %H:%M:%S, found 'x'"]


VALUES = st.one_of(
    st.none(), st.floats(allow_nan=False), st.integers(-(2**63), 2**64 - 1), st.booleans(), st.text(max_size=5)
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "t": st.integers(1_000_000_000, 1_700_000_000),
            "f": st.fixed_dictionaries({}, optional={"a": VALUES, "b": st.floats(-9, 9), "c": VALUES}),
        },
        optional={
            "u": st.text(max_size=4),
            "y": VALUES,
            "p": st.lists(st.floats(0, 1), min_size=2, max_size=2),
            "z": VALUES,
        },
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(ROWS, st.integers(1, 7), st.sampled_from([b"", b'{"t":NaN}', b'{"t":1}{"t":2}', b"[1]", b'{"f":1,"f":2,"t":3}']))
def test_columns_at_once_are_what_rows_one_by_one_are(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], size: int, odd: bytes
) -> None:
    """The quick way reads the same events as the other, wherever blocks end and whatever stands among them."""
    path = tmp_path_factory.mktemp("ways") / "a.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows) + odd + b"\n" + orjson.dumps(rows[0]) + b"\n")
    about = field_map(
        columns={"principal": {"path": "u", "secret": True}, "label": "y", "scores": "p"},
        features=[
            {"name": "a", "path": "f.a"},
            {"name": "b", "path": "f.b"},
            {"name": "c", "path": "f.c", "kind": "category"},
        ],
    )
    plain = reading(path, maps=MapChoice(named=about))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk, "CHUNK_ROWS", size)
        cut = reading(path, maps=MapChoice(named=about))
    np.testing.assert_equal(cut.rows, plain.rows)
    assert sorted(cut.rejected) == sorted(plain.rejected)


def test_a_parquet_file_by_a_map(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"t": [1_767_614_400], "f": [{"a": 1.5}], "y": [True]}), path)
    about = field_map(columns={"label": "y"}, features=[{"name": "a", "path": "f.a"}])
    (row,) = reading(path, maps=MapChoice(named=about)).rows
    assert (row["input"], row["label"]) == ([1.5], "true")
