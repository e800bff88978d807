"""A log that is taken many times over stays a log: other callers, later, and no two events at once."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from bench.scorecards.many_machines.engine_law import COLUMNS, Ground, found, lines

from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry.events import read_events
from caponier.telemetry.rejections import RejectedRows

SCHEMA = pa.schema([EVENT_SCHEMA.field(name) for name in COLUMNS])


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    rows = [
        {"time": 1_767_571_200_000_000 + at * 1_000_000, "model": "m", "operation": "predict", "principal": who}
        | {"input": [0.25, 0.5], "label": "1", "scores": [0.5, 0.5], "status": 200}
        for at, who in enumerate(["u", "v", "u", "w"])
    ]
    return Ground(tmp_path, pa.Table.from_pylist(rows, schema=SCHEMA))


def test_a_copy_has_other_callers_and_comes_later(ground: Ground) -> None:
    first, second = ground.copy(0), ground.copy(1)
    assert first["principal"].to_pylist() == ["u-0", "v-0", "u-0", "w-0"]
    assert not set(first["principal"].to_pylist()) & set(second["principal"].to_pylist())
    assert pc.min(pc.subtract(second["time"], first["time"]).cast(pa.int64())).as_py() > 0
    assert first["input"] == second["input"] == ground.log["input"]


def test_no_two_events_of_many_copies_come_at_once_or_have_one_id(ground: Ground) -> None:
    whole = pa.concat_tables(ground.copy(number) for number in range(50))
    assert len(whole) == 200
    assert pc.count_distinct(whole["time"]).as_py() == len(whole)
    assert pc.count_distinct(whole["event_id"]).as_py() == len(whole)


def test_parts_hold_as_many_events_as_were_asked_for(ground: Ground) -> None:
    parts = sorted(ground.lay_parts(12).glob("*.parquet"))
    assert len(parts) == 3
    rejected = RejectedRows()
    assert sum(len(read.batch) for read in read_events(parts, rejected)) == 12
    assert rejected.count == 0


def test_lines_of_a_lake_are_read_as_the_events_that_they_were(ground: Ground) -> None:
    copy, log, rejected = ground.copy(3), ground.folder / "guard-0.jsonl", RejectedRows()
    log.write_bytes(lines(copy))
    back = pa.Table.from_batches([read.batch for read in read_events([log], rejected)])
    for name in ("time", "principal", "input", "label", "event_id", "status"):
        assert back[name].to_pylist() == copy[name].to_pylist(), name
    assert rejected.count == 0


def test_findings_are_told_apart_by_id_and_severity(tmp_path: Path) -> None:
    document = tmp_path / "found.json"
    one = {"finding_id": "f-1", "severity": "high", "summary": "whatever"}
    document.write_text(json.dumps({"findings": [one, one | {"severity": "low"}, one | {"summary": "other words"}]}))
    assert found(document) == {("f-1", "high"), ("f-1", "low")}
