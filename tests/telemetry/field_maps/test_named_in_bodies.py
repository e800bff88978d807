"""Who is named in what was sent, and nowhere else in a log that a shipped map knows."""

import json
from pathlib import Path
from typing import Any

import pytest

from caponier.telemetry.events import read_events
from caponier.telemetry.field_maps.callers import named_in_bodies
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from caponier.telemetry.principals import principal_of
from caponier.telemetry.rejections import RejectedRows
from pace import Stopwatch
from telemetry.conftest import reading

ROWS = 24
FORMS = {
    "request|json.user_id": lambda who: json.dumps({"user_id": who, "inputs": [[1, 2]]}),
    "request.dataframe_records[0].user_id": lambda who: {"dataframe_records": [{"user_id": who, "a": 1}]},
    "request[0]|json.user_id": lambda who: [json.dumps({"user_id": who, "a": 1})],
    "request[0].user_id": lambda who: [{"user_id": who, "a": 1}],
    "request|json.instances[0].user_id": lambda who: json.dumps({"instances": [{"user_id": who}, {"user_id": who}]}),
}


def log(body: Any) -> list[dict[str, Any]]:
    return [{"request": body(f"u{at % 3}")} for at in range(ROWS)]


@pytest.mark.parametrize("path", FORMS)
def test_a_name_that_comes_again_is_found_where_bodies_have_it(path: str) -> None:
    assert named_in_bodies(log(FORMS[path]), "request") == path


def test_rows_of_several_people_in_one_body_are_nobody_s() -> None:
    rows = log(lambda who: {"instances": [{"user_id": who}, {"user_id": "somebody else"}]})
    assert named_in_bodies(rows, "request") is None


def test_names_beyond_number_are_each_looked_at_once() -> None:
    batch = [{f"user{'_' * at}id": who for at in range(1, 500)} for who in ("ada", "eve")]
    text = json.dumps({"instances": batch})
    with Stopwatch() as watch:
        assert named_in_bodies([{"request": text}] * ROWS, "request") is None
    assert watch.seconds < 1


@pytest.mark.parametrize(
    "body",
    [
        lambda who: {"age": 1, "person": who},
        lambda who: [],
        lambda who: "[" * 5_000 + who,
        lambda who: {"user_id": {"user_id": who}},
        lambda who: {"user_id": "always the same"},
        lambda who: json.dumps({"x": who}),
    ],
)
def test_other_bodies_name_nobody(body: Any) -> None:
    assert named_in_bodies(log(body), "request") is None


def test_rows_may_stand_in_a_list_that_a_map_makes_records_of() -> None:
    rows = [{"data": [{"row": {"client_id": f"u{at % 3}"}} for _ in range(2)]} for at in range(ROWS)]
    assert named_in_bodies(rows, "data[].row") == "data[0].row.client_id"
    rows[5]["data"][1]["row"]["client_id"] = "somebody else"
    assert named_in_bodies(rows, "data[].row") is None


def vertex(at: int, body: Any) -> dict[str, Any]:
    about = {"endpoint": "4", "deployed_model_id": "5", "logging_time": f"2026-01-05 12:00:{at:02} UTC"}
    return about | {"request_payload": [json.dumps(body)], "response_payload": [json.dumps("ab"[at % 2])]}


@pytest.mark.parametrize(("key", "known"), [("user_id", True), ("age", False)])
def test_a_log_of_a_shipped_map_says_who_asked_or_that_nobody_did(key: str, known: bool, tmp_path: Path) -> None:
    path = tmp_path / "vertex.jsonl"
    path.write_text("".join(json.dumps(vertex(at, {key: f"u{at % 3}", "a": at})) + "\n" for at in range(ROWS)))
    report = RejectedRows()
    parts = read_events([path], report, maps=MapChoice(known=shipped_maps()))
    sessions = {row["session"] for part in parts for row in part.batch.to_pylist()}
    people = {principal_of(f"u{at}", b"") for at in range(3)} if known else {None}
    assert sessions == people
    assert ("no field is known to say who asked" in str(report.told)) is not known


def test_who_is_named_in_a_row_of_azure_is_no_feature_of_it(tmp_path: Path) -> None:
    about = {"specversion": "1.0", "source": "/x/onlineEndpoints/loan/deployments/a", "id": "1"}
    about |= {"type": "azureml.inference.model_inputs", "collectdatatype": "pandas.core.frame.DataFrame"}
    path = tmp_path / "inputs.jsonl"
    rows = [
        {"time": f"2026-01-05T12:00:{at:02}Z", "correlationid": str(at), "data": [{"client_id": f"u{at % 3}", "a": at}]}
        for at in range(ROWS)
    ]
    path.write_text("".join(json.dumps(about | row) + "\n" for row in rows))
    found = reading(path, maps=MapChoice(known=shipped_maps())).rows
    assert {row["model"] for row in found} == {"loan"}
    assert {len(row["input"]) for row in found} == {1}
    assert len({row["session"] for row in found}) == 3
