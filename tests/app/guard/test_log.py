"""Order, ids and files of a guard's events."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.app.guard.log import GuardLog
from caponier.app.guard.order import EventOrder
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec, Privacy, Workspace
from caponier.telemetry.digests import input_digest
from caponier.telemetry.features import Encoder

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(-5, 5), st.integers(1, 3)), max_size=30))
def test_each_subject_s_times_rise_with_its_seq(requests: list[tuple[str, int, int]]) -> None:
    order = EventOrder()
    rows: list[dict[str, Any]] = []
    for who, seconds, n in requests:
        own: list[dict[str, Any]] = [{"time": NOW + timedelta(seconds=seconds), "principal": who} for _ in range(n)]
        order.stamp(own)
        assert len({row["time"] for row in own}) == 1, "one request has one time"
        rows += own
    assert [row["seq"] for row in rows] == list(range(len(rows)))
    assert len({row["event_id"] for row in rows}) == len(rows)
    assert [order.event_id(row["seq"]) for row in rows] == [row["event_id"] for row in rows]
    for who in "ab":
        times = [row["time"] for row in rows if row["principal"] == who]
        assert times == sorted(times)


def test_a_time_that_fits_is_kept_and_strangers_are_forgotten() -> None:
    order = EventOrder()
    for status in (401, 200):
        row = {"time": NOW, "source_ip": "a", "status": status}
        order.stamp([row])
        assert row["time"] == NOW
    assert len(order._last) == 1
    assert EventOrder().event_id(0) != EventOrder().event_id(0), "another run has other ids"


def workspace(folder: Path, **changes: Any) -> Workspace:
    create_workspace(folder)
    made = load_workspace(folder)
    assert made is not None
    return made.model_copy(update=changes)


def rows() -> list[dict[str, Any]]:
    return [{"time": NOW, "model": "m", "input": np.array([0.5, 1.0], np.float32), "label": None, "seq": 0}]


def test_a_file_an_hour_and_process(tmp_path: Path) -> None:
    made = workspace(tmp_path)
    logs = [GuardLog(made, b"") for _ in range(2)]
    for log in logs:
        log.write(rows())
        log.write(rows())
        log.close()
    files = sorted((tmp_path / "lake").rglob("*.jsonl"))
    assert len(files) == 2
    assert all(file.parent.name == f"{datetime.now(UTC):%Y-%m-%d}" for file in files)
    event = orjson.loads(files[0].read_bytes().splitlines()[0])
    assert event == {"time": "2026-01-01T00:00:00Z", "model": "m", "input": [0.5, 1.0], "seq": 0}


@pytest.mark.parametrize("keep", ["digest", "quantised"])
def test_inputs_that_are_not_to_be_kept_and_cannot_be_rounded_leave_a_digest(tmp_path: Path, keep: Any) -> None:
    log = GuardLog(workspace(tmp_path, privacy=Privacy(keep_inputs=keep)), b"salt")
    log.write(rows())
    log.close()
    (file,) = (tmp_path / "lake").rglob("*.jsonl")
    event = orjson.loads(file.read_bytes())
    assert "input" not in event
    assert len(event["input_digest"]) == 32


def test_a_lake_elsewhere_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder only"):
        GuardLog(workspace(tmp_path, lake="s3://bucket/lake"), b"")


def test_rounded_inputs_are_kept_with_the_digest_of_the_exact_ones(tmp_path: Path) -> None:
    made = workspace(tmp_path, privacy=Privacy(keep_inputs="quantised"))
    encoder = Encoder.fit(
        FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=2.0), np.zeros((0, 2), np.float32)
    )

    def coarse(_: str, row: Any) -> Any:
        rounded = encoder.coarse(row[None, :])
        return None if rounded is None else rounded[0]

    log = GuardLog(made, b"salt")
    log.coarse = coarse
    exact = [0.123456, 9.0]
    log.write([rows()[0] | {"input": np.array(exact, np.float32)}])
    log.close()
    (file,) = (tmp_path / "lake").rglob("*.jsonl")
    event = orjson.loads(file.read_bytes())
    assert event["input"] == pytest.approx([round(exact[0] / 2 * 127) / 127 * 2, 2.0])
    assert event["input_digest"] == input_digest(np.array(exact, np.float32), b"salt")
