"""Tables of numbers and texts in bodies are read on another day as on the first."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier.records.inventory import FeatureSpec
from caponier.telemetry.column_layouts import MOST_TABLES, SeenTables
from caponier.telemetry.events import read_events
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.rejections import RejectedRows

Row = dict[str, Any]
NAMES = ("city", "age", "plan")


def tensors(at: int) -> list[Row]:
    return [
        {"name": "city", "shape": [1], "datatype": "BYTES", "data": ["Bern" if at % 2 else "Graz"]},
        {"name": "age", "shape": [1], "datatype": "FP64", "data": [float(at)]},
        {"name": "plan", "shape": [1], "datatype": "BYTES", "data": ["pro"]},
    ]


def logged(at: int) -> list[Row]:
    """A service's own log of what MLServer was sent."""
    time = f"2026-01-05T12:00:{at % 60:02d}Z"
    response = {"outputs": [{"name": "y", "shape": [1], "datatype": "INT64", "data": [at % 2]}]}
    return [
        {"time": time, "client": f"c{at % 3}", "model": "m", "request": {"inputs": tensors(at)}, "response": response}
    ]


def frames(at: int) -> list[Row]:
    """The same in MLflow's form, as text."""
    (row,) = logged(at)
    body = {"dataframe_split": {"columns": list(NAMES), "data": [["Bern", at, "pro"]]}}
    return [row | {"request": orjson.dumps(body).decode(), "response": '{"predictions": ["a"]}'}]


def kserve(at: int) -> list[Row]:
    about = {"id": str(at), "time": f"2026-01-05T12:00:{at % 60:02d}Z", "inferenceservicename": "m"}
    kind = "org.kubeflow.serving.inference."
    answer = {"outputs": [{"name": "y", "shape": [1], "datatype": "INT64", "data": [at % 2]}]}
    return [
        about | {"type": f"{kind}request", "data": {"inputs": tensors(at)}},
        about | {"type": f"{kind}response", "data": answer},
    ]


def read(path: Path, spec: FeatureSpec | None) -> tuple[list[Row], RejectedRows]:
    report = RejectedRows()
    maps = MapChoice(spec_of=(lambda _: spec) if spec else None)
    rows = [row for events in read_events([path], report, maps=maps) for row in events.batch.to_pylist()]
    return rows, report


@pytest.mark.parametrize("form", [logged, frames, kserve])
def test_what_was_read_of_one_day_reads_the_next(tmp_path: Path, form: Any) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for at in range(40) for row in form(at)))
    rows, report = read(path, None)
    spec = report.tables.spec_of("m")
    assert spec is not None
    assert (spec.kind, spec.categories, [one.name for one in spec.columns]) == ("categorical", (1, 2), sorted(NAMES))
    again, told = read(path, spec)
    assert told.count == 0
    assert [row["input"] for row in again] == [row["input"] for row in rows]


def test_numbers_alone_say_nothing_of_a_model() -> None:
    seen = SeenTables()
    seen.see("m", ("a", "b"), ())
    seen.see("m", (), ())
    assert seen.spec_of("m") is None
    assert seen.spec_of("n") is None


def test_one_caller_who_sends_text_makes_no_category() -> None:
    seen = SeenTables()
    for at in range(100):
        seen.see("m", ("a", "b"), ("a", "b") if at == 7 else ("a",))
    spec = seen.spec_of("m")
    assert spec is not None
    assert spec.categories == (0,)


def test_nothing_is_told_of_requests_that_differ_nor_is_memory_filled() -> None:
    seen = SeenTables()
    for at in range(3 * MOST_TABLES):
        seen.see("m", ("a", f"b{at}"), ("a",))
    assert seen.spec_of("m") is None
    assert len(seen._counts["m"]) == MOST_TABLES


def test_what_several_read_is_put_together() -> None:
    one, other = SeenTables(), SeenTables()
    one.see("m", ("a",), ("a",))
    other.see("m", ("a",), ())
    other.see("n", ("b",), ("b",))
    one.absorb(other)
    assert one.spec_of("m") is not None
    assert one.spec_of("n") is not None
