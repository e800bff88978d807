"""Whatever stands in a log, reading it ends with events and reasons, never with an accident."""

import csv
import io
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.records.field_map import FieldMap
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from telemetry.conftest import reading

KNOWN = MapChoice(known=shipped_maps())
LOGGED = (
    "ts time user api_key features inputs instances request response prediction scores label model status latency_ms "
    "prob_a prob_b age a.b x[] captureData data "
)
NAMES = st.sampled_from(LOGGED.split(" "))
CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["2026-01-05T12:00:00Z", "05.01.2026 12:00:00", "1,5", "NaN", "", '{"instances":[[1]]}', "[1,2"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
VALUES = st.recursive(
    CELLS, lambda one: st.one_of(st.lists(one, max_size=3), st.dictionaries(NAMES, one, max_size=3)), max_leaves=8
)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=6), min_size=1, max_size=8)
TIMED = st.lists(
    st.dictionaries(NAMES, VALUES, max_size=6).map(lambda row: {**row, "ts": 1_767_614_400}), min_size=1, max_size=8
)


@settings(deadline=None, max_examples=300)
@given(st.one_of(ROWS, TIMED))
def test_any_json_lines(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("hostile") / "a.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    found = reading(path, maps=KNOWN)
    assert len({*found.lines, *(line for line, _ in found.rejected)}) == len(rows)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(NAMES.filter(bool), min_size=2, max_size=6, unique=True),
    st.lists(st.lists(CELLS, min_size=2, max_size=6), max_size=6),
    st.sampled_from([",", ";", "\t"]),
)
def test_any_table(tmp_path_factory: pytest.TempPathFactory, header: Any, rows: Any, delimiter: str) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])
    path = tmp_path_factory.mktemp("hostile") / "a.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    reading(path, maps=KNOWN)


@settings(deadline=None, max_examples=150)
@given(TIMED)
def test_any_rows_by_a_map(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.mktemp("hostile") / "a.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    one = FieldMap.model_validate(
        {
            "name": "m",
            "columns": {
                "time": "ts",
                "principal": {"path": ["api_key", "user"], "secret": True},
                "label": "prediction",
                "scores": {"path": "scores", "classes": ["a", "b"]},
                "latency_ms": {"path": "latency_ms", "scale": 1000},
                "status": "status",
                "model": {"path": "model", "take": "^(.)", "otherwise": "m"},
                "request_id": "inputs[0]",
                "session": "request|json.user",
            },
            "features": ["age", {"name": "data", "kind": "category"}, {"name": "f", "path": "features.age"}],
            "extra": ["response", "label"],
        }
    )
    found = reading(path, maps=MapChoice(named=one))
    assert len({*found.lines, *(line for line, _ in found.rejected)}) == len(rows)


def test_scores_of_a_class_without_a_name_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"ts": 1767614400, "features": {"a": 1}, "scores": {"": 0.5, "b": 0.5}}\n')
    (row,) = reading(path, maps=KNOWN).rows
    assert row["scores"] is None


def test_answers_beside_two_fields_with_lists_are_unrolled_once(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"ts": 1767614400, "response": [1, 2, 3], "features": [{}, null, null], "inputs": [[]]}\n')
    assert reading(path, maps=KNOWN).rejected is not None
