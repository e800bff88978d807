from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.planting.own_logs import CALLERS, EACH, GAP, opened, table, written
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.plan import DetectionSettings
from caponier.app.planting.own_log import COLUMNS, LEARNED, SCANNED, OwnLog, OwnLogReading, read_own_log
from caponier.app.progress import Silent
from caponier.engines.shares import EVERYBODY
from caponier.engines.spool import SEPARATOR, Spool
from caponier.errors import InputError
from caponier.records.event import EVENT_SCHEMA
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.rejections import RejectedRows


@pytest.fixture
def log(tmp_path: Path) -> Iterator[OwnLog]:
    with Spool() as spool:
        yield opened(spool, written(tmp_path, table()))


def test_every_caller_is_either_learned_from_or_scanned(log: OwnLog) -> None:
    learned, scanned = ({name for name, _ in log.callers(share)} for share in (LEARNED, SCANNED))
    assert not learned & scanned
    assert len(learned) + len(scanned) == CALLERS
    assert len(learned) > len(scanned) > 0
    assert {count for _, count in log.callers(EVERYBODY)} == {EACH}


def test_a_part_holds_its_callers_events_in_order_of_time(log: OwnLog, tmp_path: Path) -> None:
    log.write(tmp_path / "part.parquet", SCANNED)
    part = pq.read_table(tmp_path / "part.parquet")
    assert part.schema.equals(EVENT_SCHEMA)
    names = {name.partition(SEPARATOR)[2] for name, _ in log.callers(SCANNED)}
    assert set(part["principal"].to_pylist()) == names
    times = part["time"].cast(pa.int64()).to_numpy()
    assert (np.diff(times) >= 0).all()
    assert part["scores"].null_count == 0


@pytest.mark.parametrize("column", COLUMNS)
def test_a_part_may_lack_a_column(column: str, log: OwnLog, tmp_path: Path) -> None:
    log.write(tmp_path / "part.parquet", SCANNED, column)
    part = pq.read_table(tmp_path / "part.parquet")
    assert all(part[name].null_count == len(part) for name in COLUMNS[column])
    assert part["label"].null_count == 0


def test_examples_are_whole_predictions(log: OwnLog) -> None:
    found = log.examples(EVERYBODY, 10_000)
    assert found.inputs.shape == (CALLERS * EACH, 3)
    assert found.scores is not None
    assert found.scores.shape == (CALLERS * EACH, 2)
    assert [("stays", "leaves")[at] for at in found.scores.argmax(axis=1)] == found.labels
    assert len(log.examples(EVERYBODY, 7).labels) == 7


def test_a_draw_is_the_same_every_time(log: OwnLog) -> None:
    first, second = (log.examples(EVERYBODY, 50).inputs for _ in range(2))
    assert np.array_equal(first, second)


def test_scores_of_several_lengths_are_none(tmp_path: Path) -> None:
    events = table()
    scores = [row[:1] if at % 2 else row for at, row in enumerate(events["scores"].to_pylist())]
    with Spool() as spool:
        log = opened(spool, written(tmp_path, table(scores=scores)))
        assert log.examples(EVERYBODY, 100).scores is None


def test_requests_that_failed_take_no_scores_away(tmp_path: Path) -> None:
    scores = [None if at % 10 == 0 else row for at, row in enumerate(table()["scores"].to_pylist())]
    with Spool() as spool:
        found = opened(spool, written(tmp_path, table(scores=scores))).examples(EVERYBODY, 1_000)
    assert found.scores is not None
    assert len(found.inputs) == len(found.labels) == len(found.scores) == CALLERS * EACH * 9 // 10
    assert [("stays", "leaves")[at] for at in found.scores.argmax(axis=1)] == found.labels


def test_a_few_scores_are_not_worth_the_other_rows(tmp_path: Path) -> None:
    scores = [row if at % 10 == 0 else None for at, row in enumerate(table()["scores"].to_pylist())]
    with Spool() as spool:
        found = opened(spool, written(tmp_path, table(scores=scores))).examples(EVERYBODY, 1_000)
    assert found.scores is None
    assert len(found.labels) == CALLERS * EACH


def test_few_of_the_varied_inputs_are_of_one_caller(log: OwnLog) -> None:
    assert log.varied(EVERYBODY, 2, 1_000).shape == (2 * CALLERS, 3)
    assert log.varied(EVERYBODY, 2, 9).shape == (9, 3)


def test_paces_are_the_gaps_within_callers(log: OwnLog) -> None:
    paces = log.paces()
    assert len(paces) == CALLERS
    assert np.concatenate(paces) == pytest.approx(np.full(CALLERS * (EACH - 1), GAP), abs=CALLERS)


def test_everybody_is_scanned_where_there_is_a_baseline(tmp_path: Path) -> None:
    path = written(tmp_path, table())
    terms = DetectionSettings.of(None, build_baseline([path]).baseline)
    with Spool() as spool:
        assert opened(spool, path, terms).scanned is EVERYBODY
    with Spool() as spool, pytest.raises(InputError, match="another description"):
        opened(spool, path, terms, spec=FeatureSpec(kind="numeric", shape=(3,), minimum=0.0, maximum=1.0))


def test_the_model_of_most_events_is_meant_unless_one_is_named(tmp_path: Path) -> None:
    models = ["churn"] * 400 + ["fraud"] * 200
    path = written(tmp_path, table(model=models))
    with Spool() as spool:
        log, others = read_own_log(spool, [path], RejectedRows(), Silent(), OwnLogReading(), DetectionSettings.of(None))
        assert (log.summary.model, others) == ("churn", ["fraud"])
    with Spool() as spool:
        assert opened(spool, path, model="fraud").summary.events == 200


@pytest.mark.parametrize(
    ("columns", "model", "words"),
    [
        ({}, "fraud", "no event of the model 'fraud'"),
        ({"principal": None, "source_ip": None}, None, "nobody is named"),
        ({"input": None}, None, "has an input"),
    ],
)
def test_what_cannot_be_attacked_is_refused(
    columns: dict[str, Any], model: str | None, words: str, tmp_path: Path
) -> None:
    path = written(tmp_path, table(**columns))
    with Spool() as spool, pytest.raises(InputError, match=words):
        opened(spool, path, model=model)


def test_inputs_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, table())
    with Spool() as spool, pytest.raises(InputError, match="'none'"):
        opened(spool, path, spec=FeatureSpec(kind="none"))
