"""Logs as people have them are read without an option, and what is doubtful is never read unasked."""

import csv
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.telemetry.events import read_events
from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.principals import principal_of
from caponier.telemetry.rejections import RejectedRows
from telemetry.conftest import reading

Rows = list[dict[str, Any]]


def written(path: Path, rows: Rows) -> Path:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def made(one: Callable[[int], dict[str, Any]], n: int = 60) -> Rows:
    random.seed(5)
    return [one(at) for at in range(n)]


def service(at: int) -> dict[str, Any]:
    """What a FastAPI service writes."""
    return {
        "timestamp": f"2026-01-05T12:00:{at % 60:02d}.123456Z",
        "request": {"features": {"age": 20 + at, "amount": 1.5, "city": "xy"[at % 2]}, "user": f"u{at % 3}"},
        "response": {"label": "ab"[at % 2], "probabilities": {"b": 0.25, "a": 0.75}},
        "duration_ms": 3.5,
    }


def test_nested_json_lines(tmp_path: Path) -> None:
    found = reading(written(tmp_path / "a.jsonl", made(service)))
    assert not found.rejected
    row = found.rows[1]
    assert row["time"] == datetime(2026, 1, 5, 12, 0, 1, 123456, UTC)
    assert row["principal"] == principal_of("u1", b"")
    assert (row["model"], row["operation"], row["label"], row["latency_ms"]) == ("model", "predict", "b", 3.5)
    assert row["scores"] == [0.75, 0.25]
    assert row["input"][:2] == [21.0, 1.5]
    assert row["input"][2] != found.rows[0]["input"][2]


@pytest.mark.parametrize(
    ("changes", "micros"),
    [
        ({"ts": 1_767_614_400}, 0),
        ({"ts": 1_767_614_400.25}, 250_000),
        ({"ts": 1_767_614_400_250}, 250_000),
        ({"ts": 1_767_614_400_250_001}, 250_001),
        ({"ts": 1_767_614_400_250_001_999}, 250_001),
        ({"ts": "1767614400"}, 0),
        ({"@timestamp": "2026-01-05T13:00:00.25+01:00"}, 250_000),
        ({"time": "2026-01-05 12:00:00,250"}, 250_000),
        ({"datetime": "05.01.2026 12:00:00"}, 0),
        ({"time_local": "05/Jan/2026:12:00:00 +0000"}, 0),
    ],
)
def test_times_in_every_usual_form(tmp_path: Path, changes: dict[str, Any], micros: int) -> None:
    found = reading(written(tmp_path / "a.jsonl", [{**changes, "features": [1.0, 2.0], "prediction": "a"}]))
    (row,) = found.rows
    assert row["time"] == datetime(2026, 1, 5, 12, 0, 0, micros, UTC)
    assert row["input"] == [1.0, 2.0]


def ranking(at: int) -> dict[str, Any]:
    """What a service writes that has a column a feature, a score an item, and the path that was called."""
    asked = at % 10 != 3
    return {
        "timestamp": f"2026-01-05 12:00:{at % 60:02d}",
        "api_key": f"u{at % 3}",
        "client_ip": "10.0.0.1",
        "endpoint": "/rank" if asked else "/v1/models" if at % 20 == 3 else "/ping",
        "status": 200,
        "age": 20.5 + at if asked else None,
        "country": "xy"[at % 2] if asked else None,
        "score_a": 0.25 if asked else None,
        "score_b": 0.75 if asked else None,
    }


def test_a_column_a_score_beside_a_path_that_was_called_is_no_access_log(tmp_path: Path) -> None:
    rows = reading(written(tmp_path / "a.jsonl", made(ranking))).rows
    assert rows[0]["input"][0] == 20.5
    assert len(rows[0]["input"]) == 2
    assert (rows[0]["scores"], rows[0]["label"]) == ([0.25, 0.75], "b")
    assert [rows[at]["operation"] for at in (2, 3, 13)] == ["predict", "metadata", "health"]


@pytest.mark.parametrize("name", ["chosen", "top_item"])
def test_what_always_is_one_of_the_scored_is_the_answer_and_no_feature(tmp_path: Path, name: str) -> None:
    rows = made(lambda at: ranking(at) | {name: "AB"[at % 2], "latency": 0.25, "model_latency": 1.5})
    found = reading(written(tmp_path / "a.jsonl", rows)).rows
    assert [row["label"] for row in found[:2]] == ["A", "B"]
    assert len(found[0]["input"]) == 2


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/model/info", "metadata"),
        ("/v1/models/", "metadata"),
        ("/schema?v=2", "metadata"),
        ("/openapi.json", "metadata"),
        ("/v1/explain", "explain"),
        ("/v1/models/m:explain", "explain"),
        ("/feedback", "feedback"),
        ("/healthz", "health"),
        ("/metrics", "other"),
        ("/v1/models/info-model:predict", "predict"),
        ("/v2/models/schema/infer", "predict"),
        ("/", "predict"),
    ],
)
def test_a_path_tells_what_was_asked_for(tmp_path: Path, path: str, operation: str) -> None:
    rows = made(lambda at: service(at) | {"path": "/predict" if at else path})
    rows[0]["feedback"] = "a"
    assert reading(written(tmp_path / "a.jsonl", rows)).rows[0]["operation"] == operation


def test_a_path_that_is_always_of_one_kind_says_nothing(tmp_path: Path) -> None:
    found = guess(made(lambda at: service(at) | {"path": "/models"}), "m")
    assert found.map is not None
    assert found.map.constants["operation"] == "predict"


def test_labels_that_callers_correct_are_feedback(tmp_path: Path) -> None:
    rows = made(lambda at: service(at) | ({"path": "/feedback", "correct_label": "b"} if at == 1 else {"path": "/p"}))
    found = reading(written(tmp_path / "a.jsonl", rows)).rows
    assert (found[1]["operation"], found[1]["feedback"]) == ("feedback", "b")


def test_a_field_that_stands_in_few_rows_behind_the_sample_is_found(tmp_path: Path) -> None:
    def asked(at: int) -> dict[str, Any]:
        sent = {"features": [at, 1.5]} | ({"feedback": "b"} if at == 1_500 else {})
        return {"ts": 1_767_614_400 + at, "client_id": f"u{at % 3}", "request": sent, "label": "ab"[at % 2]}

    found = reading(written(tmp_path / "a.jsonl", made(asked, 1_600)))
    assert (found.rows[1_500]["feedback"], found.rows[1_499]["feedback"]) == ("b", None)
    assert found.rows[7]["input"] == [7, 1.5]


def test_many_odd_rows_behind_the_sample_decide_nothing(tmp_path: Path) -> None:
    rows = made(service, 1_000) + [{"timestamp": "2026-01-05T12:00:00Z", f"x{at}": {"y": at}} for at in range(400)]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert len(found.rows[0]["input"]) == 3
    assert len(found.rows) == 1_400


def test_a_day_that_may_be_a_month_is_not_guessed(tmp_path: Path) -> None:
    rows = made(lambda at: {"ts": "05/01/2026 12:00:00", "features": [1.0], "prediction": "a"})
    assert not guess(rows, "m").clear
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert not found.rows
    clear = guess([*rows, {"ts": "25/01/2026 12:00:00", "features": [1.0]}], "m")
    assert clear.map is not None
    assert clear.map.columns["time"].format == "%d/%m/%Y %H:%M:%S"


def test_a_table_with_german_dates_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(["Datum", "Kunde", "Alter", "Betrag", "Farbe", "Vorhersage", "prob_ja", "prob_nein"])
        for at in range(40):
            colour = ["rot", "grün", "blau"][at % 3]
            out.writerow(
                [
                    f"05.01.2026 12:00:{at:02d}",
                    "Firma A",
                    "" if at == 3 else at,
                    "1.234,5",
                    colour,
                    "ja",
                    "0,75",
                    "0,25",
                ]
            )
    found = reading(path)
    assert not found.rejected
    row = found.rows[3]
    assert row["time"] == datetime(2026, 1, 5, 12, 0, 3, tzinfo=UTC)
    assert row["scores"] == [0.75, 0.25]
    # By name: Alter, Betrag, Farbe. What is missing is no zero.
    assert np.isnan(row["input"][0])
    assert row["input"][1] == 1234.5
    assert row["input"][2] == found.rows[0]["input"][2] != found.rows[1]["input"][2]


def test_several_records_a_row(tmp_path: Path) -> None:
    rows = made(
        lambda at: {"ts": 1_767_614_400 + at, "instances": [[1.0, at], [2.0, at]], "predictions": ["a", "b"]}, 5
    )
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert found.lines == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert [row["label"] for row in found.rows[:3]] == ["a", "b", "a"]
    assert found.rows[3]["input"] == [2.0, 1.0]


def test_records_that_are_objects(tmp_path: Path) -> None:
    rows = [{"ts": 1_767_614_400, "inputs": [{"b": 1, "a": 2}, {"a": 3, "b": 4}], "prediction": ["x", "y"]}]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert [(row["input"], row["label"]) for row in found.rows] == [([2, 1], "x"), ([3, 4], "y")]


def test_a_request_that_was_sent_whole(tmp_path: Path) -> None:
    body = {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]}]}
    said = {"outputs": [{"name": "y", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]}]}
    rows = [{"ts": 1_767_614_400, "request": orjson.dumps(body).decode(), "response": orjson.dumps(said).decode()}]
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert [(row["input"], row["label"]) for row in found.rows] == [([1, 2], "a"), ([3, 4], "b")]


def test_a_parquet_table_with_a_column_a_feature(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    times = pa.array([datetime(2026, 1, 5, tzinfo=UTC)] * 3)
    pq.write_table(
        pa.table({"ts": times, "age": [1.0, None, 3.0], "user_id": [7, 8, 9], "prediction": [0, 1, 0]}), path
    )
    found = reading(path)
    assert [row["label"] for row in found.rows] == ["0", "1", "0"]
    assert found.rows[0]["input"] == [1.0]
    # Of the second row nothing is there.
    assert found.rows[1]["input"] is None
    assert found.rows[0]["principal"] == principal_of("7", b"")


def test_amounts_are_scores_and_no_classes(tmp_path: Path) -> None:
    rows = made(lambda at: {"ts": 1_767_614_400 + at, "features": [1.0], "prediction": at / 7})
    found = reading(written(tmp_path / "a.jsonl", rows))
    assert found.rows[3]["label"] is None
    assert found.rows[3]["scores"] == pytest.approx([3 / 7])


def test_what_names_nothing_is_left_alone_and_its_fields_are_told(tmp_path: Path) -> None:
    report = RejectedRows()
    (read,) = read_events([written(tmp_path / "a.jsonl", [{"foo": 1, "bar": {"baz": 2}}])], report)
    assert read.batch.num_rows == 0
    assert list(report.seen) == ["foo", "bar", r"bar.baz"]
    assert "no field holds a time" in next(iter(report.told))


def test_a_log_in_the_event_schema_is_never_guessed(tmp_path: Path) -> None:
    good = {"time": 1_767_614_400_000, "model": "m", "operation": "predict", "ts": 5, "input": [1.0]}
    report = RejectedRows()
    (read,) = read_events([written(tmp_path / "a.jsonl", [{"ts": 1_767_614_400, "features": [1]}, good])], report)
    assert read.lines.to_pylist() == [2]
    assert not report.told


def test_the_secret_is_in_no_event_and_no_rejection(tmp_path: Path) -> None:
    rows = made(lambda at: {"ts": 1_767_614_400 + at, "api_key": "sk-verysecret", "features": [1.0], "prediction": "a"})
    path = written(tmp_path / "a.jsonl", rows)
    with path.open("ab") as file:
        file.write(b'{"ts": "never", "api_key": "sk-verysecret", "features": [1.0]}\n{"api_key": "sk-verysecret"\n')
    found = reading(path)
    assert len(found.rows) == 60
    assert [line for line, _ in found.rejected] == [61, 62]
    assert "verysecret" not in repr(found)


def test_logs_of_one_run_are_read_alike(tmp_path: Path) -> None:
    """On the second day nobody came from y, and nobody's age was known."""
    first = written(
        tmp_path / "a.jsonl",
        made(
            lambda at: {
                "ts": 1_767_614_400 + at,
                "age": at,
                "sum": at,
                "n": 1,
                "k": 2,
                "l": at,
                "m": 1,
                "o": 1,
                "p": 1,
                "q": 1,
                "city": "x1"[at % 2],
                "prediction": "a",
            }
        ),
    )
    second = written(
        tmp_path / "b.jsonl",
        made(
            lambda at: {
                "ts": 1_767_700_800 + at,
                "q": 1,
                "sum": at,
                "n": 1,
                "k": 2,
                "l": at,
                "m": 1,
                "o": 1,
                "p": 1,
                "city": "1",
                "prediction": "a",
            }
        ),
    )
    report = RejectedRows()
    batches = [read.batch for read in read_events([first, second], report)]
    lengths = {len(row) for batch in batches for row in batch.column("input").to_pylist()}
    assert lengths == {10}
    taken = report.spec_of("model")
    assert taken is not None
    assert taken.categories == (1,)
