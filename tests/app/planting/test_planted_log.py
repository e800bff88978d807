from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.planting.own_logs import BEGIN, EACH, GAP, answer, inputs, opened, table, written
from caponier.app.planting.own_attacks import AttackRun
from caponier.app.planting.own_log import OwnLog
from caponier.app.planting.planted_log import NAME, PlantedAttacker, attackers, plant
from caponier.engines.spool import Spool
from caponier.records.event import EVENT_SCHEMA

NAMES = ("stays", "leaves")


def run(n: int = 10, kind: str = "nes", gap_s: float | None = None) -> AttackRun:
    asked = inputs(n, 9)
    return AttackRun(kind, asked, answer(asked), success=True, gap_s=gap_s)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[OwnLog]:
    with Spool() as spool:
        yield opened(spool, written(tmp_path, table()))


def planted_events(log: OwnLog, folder: Path, without: str | None = None) -> pa.Table:
    plant(log, attackers(log, [run(), run(5, "simba")], 0), NAMES, folder / "planted.parquet", without, 0)
    return pq.read_table(folder / "planted.parquet")


def test_attackers_keep_the_pace_and_the_time_of_the_log(log: OwnLog) -> None:
    found = attackers(log, [run() for _ in range(20)], 0)
    for one in found:
        assert (np.diff(one.times) >= 0).all()
        assert one.times[0] >= BEGIN
        assert one.times[-1] <= log.summary.last_time
        assert np.diff(one.times) == pytest.approx(np.full(9, GAP), abs=EACH * 2)
    assert len({int(one.times[0]) for one in found}) > 15


def test_who_takes_longer_than_the_log_is_pressed_into_it(log: OwnLog) -> None:
    (one,) = attackers(log, [run(200)], 0)
    assert one.times[-1] <= log.summary.last_time + 1
    assert one.times[0] >= log.summary.first_time


def test_a_flood_keeps_its_own_pace(log: OwnLog) -> None:
    (one,) = attackers(log, [run(100, "flood", gap_s=0.001)], 0)
    assert one.times[-1] - one.times[0] < 1_000_000


def test_names_are_nobody_elses(tmp_path: Path) -> None:
    events = table()
    taken = [f"{NAME}-{name}" if name == "user-003" else name for name in events["principal"].to_pylist()]
    with Spool() as spool:
        log = opened(spool, written(tmp_path, table(principal=taken)))
        found = attackers(log, [run() for _ in range(300)], 0)
    assert len({one.name for one in found}) == len({one.address for one in found}) == 300
    assert not {one.name for one in found} & set(taken)
    assert all(one.name.startswith(f"{NAME}+-nes-") for one in found)


def test_events_have_the_columns_that_the_log_has(log: OwnLog, tmp_path: Path) -> None:
    events = planted_events(log, tmp_path)
    assert events.schema.equals(EVENT_SCHEMA)
    assert len(events) == 15
    there = {name for name in events.column_names if events[name].null_count == 0}
    assert there == {
        *("time", "model", "model_version", "operation", "principal", "source_ip"),
        *("input", "label", "scores", "status", "latency_ms"),
    }
    assert set(events["model"].to_pylist()) == {"churn"}
    assert set(events["model_version"].to_pylist()) == {"3"}
    labels = [NAMES[row] for row in np.array(events["scores"].to_pylist()).argmax(axis=1)]
    assert events["label"].to_pylist() == labels
    assert all(1 <= value <= 2 for value in events["latency_ms"].to_pylist())


def test_events_are_in_order_of_time(log: OwnLog, tmp_path: Path) -> None:
    times = planted_events(log, tmp_path)["time"].cast(pa.int64()).to_numpy()
    assert (np.diff(times) >= 0).all()


@pytest.mark.parametrize(("without", "column"), [("principal", "principal"), ("scores", "scores"), ("inputs", "input")])
def test_a_column_may_be_lacking(without: str, column: str, log: OwnLog, tmp_path: Path) -> None:
    events = planted_events(log, tmp_path, without)
    assert events[column].null_count == len(events)
    assert events["label"].null_count == 0


def test_what_the_log_lacks_is_not_made_up(tmp_path: Path) -> None:
    with Spool() as spool:
        log = opened(spool, written(tmp_path, table(scores=None, source_ip=None)))
        events = planted_events(log, tmp_path)
    assert events["scores"].null_count == events["source_ip"].null_count == len(events)


def test_repeats_are_no_different_queries() -> None:
    asked = np.array([[1.0], [1.0], [2.0], [1.0], [3.0]], np.float32)
    one = PlantedAttacker("a", "198.18.0.0", AttackRun("nes", asked, asked, success=False), np.arange(5) * 10)
    assert one.fresh.tolist() == [True, False, True, False, True]
    assert [one.asked_until(moment) for moment in (-1, 0, 10, 20, 39, 40)] == [0, 1, 1, 2, 2, 3]
