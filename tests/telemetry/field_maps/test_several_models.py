"""Each of several models in one log has its own features and answers, and nobody who calls decides about them."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from pydantic import ValidationError

from caponier.records.field_map import FieldMap
from caponier.records.inventory import FeatureColumn, FeatureSpec
from caponier.telemetry.events import read_events
from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.words import understood, yaml_of
from caponier.telemetry.rejections import RejectedRows
from telemetry.conftest import reading
from telemetry.field_maps.test_guess import written

Row = dict[str, Any]


def churn(at: int) -> Row:
    return {"plan": "sml"[at % 3], "tenure": at % 70}


def price(at: int) -> Row:
    return {"area": 20.5 + at, "floor": at % 9, "rooms": 1 + at % 5}


def asked(at: int, **changes: Any) -> Row:
    """A row of the one model, then of the other."""
    is_churn = at % 2 == 0
    return {
        "ts": 1_767_614_400 + at,
        "user": f"u{at % 3}",
        "model": "churn" if is_churn else "price",
        "inputs": churn(at) if is_churn else price(at),
        "outputs": {"label": "ab"[at % 4 // 2]} if is_churn else {"value": 1_000.5 + at},
    } | changes


ROWS = [asked(at) for at in range(120)]


def models_of(rows: list[Row]) -> dict[str, list[str]]:
    found = guess(rows, "model").map
    assert found is not None
    return {name: [one.name for one in features] for name, features in found.models.items()}


def test_each_model_has_its_own_features(tmp_path: Path) -> None:
    found = reading(written(tmp_path / "a.jsonl", ROWS))
    assert not found.rejected
    assert [len(row["input"]) for row in found.rows[:4]] == [2, 3, 2, 3]
    assert found.rows[1]["input"] == [21.5, 1.0, 2.0]
    assert found.rows[2]["input"][1] == 2.0
    assert all(one == one for row in found.rows for one in row["input"])


def test_each_model_has_its_answers_where_it_writes_them(tmp_path: Path) -> None:
    found = reading(written(tmp_path / "a.jsonl", ROWS))
    assert [row["label"] for row in found.rows[:4]] == ["a", None, "b", None]
    assert [row["scores"] for row in found.rows[:4]] == [None, [1_001.5], None, [1_003.5]]


def test_what_each_model_takes_is_told(tmp_path: Path) -> None:
    report = RejectedRows()
    list(read_events([written(tmp_path / "a.jsonl", ROWS)], report))
    one, other = report.spec_of("churn"), report.spec_of("price")
    assert one is not None
    assert (one.kind, one.shape, one.categories) == ("categorical", (2,), (0,))
    assert other is not None
    assert (other.kind, [column.name for column in other.columns]) == ("numeric", ["area", "floor", "rooms"])
    assert report.spec_of("somebody's") is None


def as_flat_table(path: Path) -> Path:
    names = ["ts", "user", "model", "plan", "tenure", "area", "floor", "rooms", "prediction"]
    rows = [{"ts": one["ts"], "user": one["user"], "model": one["model"], **one["inputs"]} for one in ROWS]
    table = [{name: row.get(name) for name in names} | {"prediction": at % 2} for at, row in enumerate(rows)]
    pq.write_table(pa.Table.from_pylist(table), path / "a.parquet")
    return path / "a.parquet"


def as_objects_in_cells(path: Path) -> Path:
    with (path / "a.csv").open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["ts", "user", "model", "payload", "prediction"])
        for at, one in enumerate(ROWS):
            out.writerow([one["ts"], one["user"], one["model"], json.dumps(one["inputs"]), at % 2])
    return path / "a.csv"


@pytest.mark.parametrize("form", [as_flat_table, as_objects_in_cells])
def test_so_have_those_of_tables(form: Callable[[Path], Path], tmp_path: Path) -> None:
    found = reading(form(tmp_path))
    assert [len(row["input"]) for row in found.rows[:4]] == [2, 3, 2, 3]
    assert found.rows[3]["input"] == [23.5, 3.0, 4.0]


def test_lists_of_examples_are_their_models_too(tmp_path: Path) -> None:
    rows = [
        asked(at, inputs=[one["inputs"]] * (1 + at % 3), outputs=["a"] * (1 + at % 3)) for at, one in enumerate(ROWS)
    ]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert {(row["model"], len(row["input"])) for row in found.rows} == {("churn", 2), ("price", 3)}
    assert len(found.rows) == sum(1 + at % 3 for at in range(120))


def test_models_that_take_the_same_share_one_list() -> None:
    rows = [asked(at, inputs=churn(at), outputs={"label": "ab"[at % 2]}) for at in range(60)]
    assert models_of(rows) == {}


def test_a_gap_makes_no_other_table_of_a_model() -> None:
    """What only one in ten of its rows has is the model's, where nobody else has it either."""
    rows = [asked(at, inputs=churn(at) | ({"rare": at} if at % 20 == 0 else {})) for at in range(0, 200, 2)]
    rows += [asked(at) for at in range(1, 200, 2)]
    assert models_of(rows) == {"churn": ["plan", "rare", "tenure"], "price": ["area", "floor", "rooms"]}


def test_a_model_of_which_few_rows_are_seen_may_take_all() -> None:
    rows = [*ROWS, asked(400, model="new", inputs={"area": 1.5})]
    assert models_of(rows)["new"] == ["area", "floor", "plan", "rooms", "tenure"]


def test_whoever_calls_takes_no_features_from_others() -> None:
    """He asks for models that nobody has, and sends one's features to another."""
    strange = [asked(500 + at, model=f"m{at}", inputs={"rare": at, "area": 1.5, "plan": "s"}) for at in range(5)]
    strange += [asked(600 + at, model="churn", inputs=churn(at) | price(at)) for at in range(0, 8, 2)]
    rows = [asked(at, inputs=churn(at) | ({"rare": at} if at % 10 == 0 else {})) for at in range(0, 200, 2)]
    rows += [asked(at) for at in range(1, 200, 2)]
    found = models_of([*rows, *strange])
    assert found["churn"] == ["plan", "rare", "tenure"]
    assert found["price"] == ["area", "floor", "rooms"]


def test_more_models_than_anybody_has_are_read_together() -> None:
    assert models_of([asked(at, model=f"m{at}") for at in range(150)]) == {}


def test_a_model_that_the_map_does_not_know_is_read_with_all(tmp_path: Path) -> None:
    found = guess(ROWS, "model").map
    assert found is not None
    path = written(tmp_path / "a.jsonl", [asked(1, model="other"), asked(0), asked(3)])
    read = reading(path, maps=MapChoice(named=found))
    assert [len(row["input"]) for row in read.rows] == [5, 2, 3]
    assert [row["model"] for row in read.rows] == ["other", "churn", "price"]


def test_what_is_no_number_is_told_at_its_line(tmp_path: Path) -> None:
    found = guess(ROWS, "model").map
    assert found is not None
    path = written(tmp_path / "a.jsonl", [asked(0), asked(1, inputs=price(1) | {"area": "wide"}), asked(2)])
    read = reading(path, maps=MapChoice(named=found))
    assert read.rejected == [(2, "area is no number: it counts as missing")]
    assert len(read.rows) == 3


def test_each_is_put_into_its_models_order(tmp_path: Path) -> None:
    columns = tuple(FeatureColumn(name=name) for name in ("rooms", "area", "floor"))
    known = {"price": FeatureSpec(kind="numeric", shape=(3,), columns=columns)}
    found = reading(written(tmp_path / "a.jsonl", ROWS), maps=MapChoice(spec_of=known.get))
    assert found.rows[1]["input"] == [2.0, 21.5, 1.0]
    assert len(found.rows[0]["input"]) == 2


def test_a_map_says_so_and_is_read_as_it_is_written() -> None:
    found = guess(ROWS, "model").map
    assert found is not None
    assert "of them those of each of 2 models" in understood(found)
    assert FieldMap.model_validate(yaml.safe_load(yaml_of(found))) == found
    short = FieldMap.model_validate({"name": "a", "columns": {"time": "t"}, "features": ["x"], "models": {"m": ["x"]}})
    assert yaml.safe_load(yaml_of(short))["models"] == {"m": ["x"]}


@pytest.mark.parametrize(
    ("features", "models", "said"),
    [
        ([], {"m": ["x"]}, "nothing of any other"),
        (["x"], {"m": ["x", "x"]}, "two features have the same name"),
        (["x"], {"m": [f"x{at}" for at in range(10_001)]}, "at most 10,000"),
    ],
)
def test_a_map_that_cannot_be_meant_is_refused(features: list[str], models: dict[str, list[str]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FieldMap.model_validate({"name": "a", "columns": {"time": "t"}, "features": features, "models": models})
