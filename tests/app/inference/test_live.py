"""Findings from events as they come."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.app.inference.live import EPOCH, LiveFindings, _raw, microseconds, subject_of
from caponier.app.inference.plan import DetectionSettings
from caponier.app.inference.scan import ScanReport
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.detect.detector import Column, Subject
from caponier.guard.events import Row
from caponier.records.finding import Finding
from caponier.records.inventory import FeatureColumn, FeatureSpec, ModelSpec, Workspace
from conftest import World


def rows_of(world: World) -> list[Row]:
    """Return the events of the attacked log in the order of time, as a guard has them."""
    columns = [
        "time",
        "principal",
        "session",
        "source_ip",
        "user_agent",
        "model",
        "model_version",
        "system",
        "operation",
        "status",
        "cost",
        "scores",
        "feedback",
        "label",
        "input",
    ]
    table = pq.read_table(world.some)
    table = table.select([name for name in columns if name in table.column_names])
    rows = table.to_pylist()
    for seq, row in enumerate(rows):
        values = row["input"]
        row.update(input=None if values is None else np.array(values, np.float32), seq=seq, event_id=f"e{seq}")
    return rows


@pytest.mark.parametrize(("size", "together"), [(97, 13), (3_000, 1)])
def test_they_are_those_of_a_scan_however_they_come(
    world: World, some_scan: ScanReport, size: int, together: int
) -> None:
    rows = rows_of(world)
    terms = DetectionSettings.of(world.workspace, world.baseline.baseline)
    live = LiveFindings(terms, "e{}".format)
    found: list[Finding] = []
    for turn, at in enumerate(range(0, len(rows), size), 1):
        found += live.by_caller(rows[at : at + size])
        found += live.by_cell() if turn % together == 0 else []
    found += live.by_cell()
    assert live.waiting == 0
    told = {(one.detector, one.subject.id, one.unique_queries, one.last_time, one.first_time) for one in found}
    expected = some_scan.findings
    assert told == {
        (one.detector, one.subject.id, one.unique_queries, one.last_time, one.first_time) for one in expected
    }
    assert sorted(one.summary for one in found) == sorted(one.summary for one in expected)


def workspace_with(folder: Path, *models: ModelSpec) -> Workspace:
    create_workspace(folder)
    made = load_workspace(folder)
    assert made is not None
    return made.model_copy(update={"models": models})


IMAGE = {"kind": "image", "shape": (8, 8), "minimum": 0.0, "maximum": 1.0}


@pytest.mark.parametrize(
    ("features", "watched"),
    [
        (IMAGE, True),
        (IMAGE | {"maximum": None}, False),
        ({"kind": "numeric", "minimum": 0.0, "maximum": 1.0}, False),
        ({"kind": "text"}, False),
        ({"kind": "numeric", "shape": (5_000,), "minimum": 0.0, "maximum": 1.0}, False),
        (None, False),
    ],
)
def test_without_a_baseline_a_model_needs_a_whole_description(
    tmp_path: Path, features: dict[str, Any] | None, watched: bool
) -> None:
    model = ModelSpec(name="m", features=FeatureSpec(**features) if features else None)
    live = LiveFindings(DetectionSettings.of(workspace_with(tmp_path, model)), str)
    assert live.models == (("m",) if watched else ())
    assert bool(live.remarks.notes) == watched, "cold-start thresholds are told"
    assert any(skip.what.startswith("m") for skip in live.remarks.skipped)


def test_another_description_than_the_baseline_s_costs_no_other_model_its_guard(world: World, tmp_path: Path) -> None:
    model = ModelSpec(name="digits", features=FeatureSpec(**(IMAGE | {"maximum": 255.0})))
    other = ModelSpec(name="other", features=FeatureSpec(**IMAGE))
    live = LiveFindings(DetectionSettings.of(workspace_with(tmp_path, model, other), world.baseline.baseline), str)
    assert live.models == ("other",)
    assert any(skip.what == "digits" and "another description" in skip.reason for skip in live.remarks.skipped)


def test_callers_cannot_make_up_models_nor_names_without_end(tmp_path: Path) -> None:
    live = LiveFindings(
        DetectionSettings.of(workspace_with(tmp_path, ModelSpec(name="m", features=FeatureSpec(**IMAGE)))), str
    )
    values = np.zeros(64, np.float32)
    shared = {"time": datetime.now(UTC), "label": "1", "source_ip": "10.0.0.1"}
    rows: list[Row] = [{**shared, "model": f"m{i}", "input": values, "seq": i, "event_id": "e"} for i in range(500)]
    assert live.feed(rows) == []
    assert live.subjects == 0
    rows = [
        {**shared, "model": "m", "user_agent": f"{i}", "input": values, "seq": i, "event_id": "e"} for i in range(1_200)
    ]
    live.feed(rows)
    assert live.subjects == 1_000


@pytest.mark.parametrize(
    ("row", "subject"),
    [
        ({"principal": "k", "session": "s", "source_ip": "a"}, "principal\x1fk"),
        ({"principal": "", "session": "s"}, "session\x1fs\x1f"),
        ({"session": "s", "source_ip": "a"}, "session\x1fs\x1fa"),
        ({"principal": "k", "session": "s", "source_ip": "a", "status": 403}, None),
        ({"source_ip": "a", "user_agent": "u"}, "address\x1fa\x1fu"),
        ({"source_ip": "a", "user_agent": None}, "address\x1fa\x1f"),
        ({"user_agent": "u"}, None),
        ({"source_ip": "a", "status": 401}, None),
    ],
)
def test_subjects_are_named_as_a_scan_names_them(row: Row, subject: str | None) -> None:
    assert subject_of(row) == subject


def test_inputs_of_another_length_are_left_out(tmp_path: Path) -> None:
    live = LiveFindings(
        DetectionSettings.of(workspace_with(tmp_path, ModelSpec(name="m", features=FeatureSpec(**IMAGE)))), str
    )
    shared: Row = {"time": datetime.now(UTC), "principal": "k", "model": "m", "event_id": "e"}
    assert live.feed([{**shared, "seq": 0, "input": np.zeros(3, np.float32)}, {**shared, "seq": 1}]) == []
    assert live.subjects == 1


def test_microseconds_are_exact() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC)
    assert EPOCH + timedelta(microseconds=microseconds(moment)) == moment


METADATA: Row = {"operation": "metadata", "status": 200}
HEALTH: Row = {"operation": "health", "status": 200}
QUERY: Row = {"operation": "predict", "status": 200, "label": "1", "input": np.full(64, 0.5, np.float32)}
NAMELESS: Row = {"principal": None, "source_ip": "10.0.0.1"}


@pytest.mark.parametrize(
    "batch",
    [
        [],
        [METADATA],
        [HEALTH],
        [METADATA | NAMELESS],
        [QUERY],
        [METADATA, QUERY, HEALTH],
        [QUERY | NAMELESS, METADATA],
        [METADATA | NAMELESS, METADATA] * 40,
        [QUERY | {"input": np.zeros(3, np.float32)}],
        [QUERY | {"input": np.zeros(0, np.float32)}, METADATA],
        [QUERY | {"label": None, "status": 0}],
    ],
)
def test_a_batch_of_whatever_events_is_fine_with_a_baseline(world: World, batch: list[Row]) -> None:
    live = LiveFindings(DetectionSettings.of(world.workspace, world.baseline.baseline), str)
    assert "distributed_query" in {line.name for line in live._models["digits"].case.plan.lines}
    shared: Row = {"time": datetime.now(UTC), "principal": "k", "model": "digits"}
    rows = [shared | row | {"seq": seq, "event_id": f"e{seq}"} for seq, row in enumerate(batch)]
    assert live.feed(rows) == []
    assert live.feed([]) == []
    assert live.subjects == len({row["principal"] for row in rows})


def test_what_fails_on_one_model_is_told_and_costs_no_other_model_anything(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = world.workspace.model_copy(update={"models": (ModelSpec(name="other", features=FeatureSpec(**IMAGE)),)})
    failures: list[tuple[str, str, str]] = []
    live = LiveFindings(
        DetectionSettings.of(others, world.baseline.baseline),
        "e{}".format,
        lambda model, where, failure: failures.append((model, where, type(failure).__name__)),
    )
    assert set(live.models) == {"digits", "other"}

    def broken(*_: Any) -> None:
        raise ValueError("a secret of the caller")

    monkeypatch.setattr(live._models["other"], "_by_caller", broken)
    rows = rows_of(world)
    mixed = [
        one | {"seq": 2 * row["seq"] + (one is not row)} for row in rows for one in (row, row | {"model": "other"})
    ]
    found = [finding for at in range(0, len(mixed), 997) for finding in live.feed(mixed[at : at + 997])]
    assert {finding.model for finding in found} == {"digits"}
    assert {finding.detector for finding in found} >= {"iterative_query", "distributed_query"}
    assert set(failures) == {("other", "all", "ValueError")}
    assert len(failures) >= len(mixed) // 997, "it is tried again with every batch"


def test_columns_of_a_model_that_is_not_watched_yet_are_known(tmp_path: Path) -> None:
    """What the guard logs of it is what its first baseline is learned from."""
    columns = tuple(FeatureColumn(name=name) for name in ("city", "age"))
    spec = FeatureSpec(kind="categorical", shape=(2,), categories=(0,), columns=columns)
    live = LiveFindings(DetectionSettings.of(workspace_with(tmp_path, ModelSpec(name="m", features=spec))), str)
    assert live.models == ()
    assert live.takes("m") == spec
    assert live.takes("other") is None


def test_what_a_watched_model_takes_is_known_without_names_too(tmp_path: Path) -> None:
    live = LiveFindings(
        DetectionSettings.of(workspace_with(tmp_path, ModelSpec(name="m", features=FeatureSpec(**IMAGE)))), str
    )
    taken = live.takes("m")
    assert taken is not None
    assert taken.kind == "image"


def test_a_finding_becomes_certain_once_its_caller_comes_higher(world: World) -> None:
    rows = rows_of(world)
    terms = DetectionSettings.of(world.workspace, world.baseline.baseline)
    alpha = 0.001
    live = LiveFindings(terms, "e{}".format, alpha=alpha)
    doubted: dict[str, int] = {}
    certain: dict[str, int] = {}
    for at in range(0, len(rows), 500):
        for finding in live.feed(rows[at : at + 500]):
            share = finding.evidence.share
            if share is not None and share > alpha:
                doubted[finding.finding_id] = at
        for finding in live.certain():
            assert finding.finding_id not in certain, "each once"
            certain[finding.finding_id] = at
    assert certain.keys() <= doubted.keys()
    assert all(doubted[one] <= certain[one] for one in certain)
    # Most who attack go on; of benign callers one in a thousand may.
    assert len(certain) > 0.3 * len(doubted) > 1


def test_sure_like_queries_of_one_caller_make_what_is_told_of_him_certain(
    world: World, some_scan: ScanReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not told beside it, in a guard as little as in a scan; a response must not wait longer for that."""

    def levels(*_: Any) -> dict[Subject, int]:
        return {Subject.PRINCIPAL: 2**62, Subject.BUCKET: 0}

    monkeypatch.setattr("caponier.app.inference.live.levels_of", levels)
    live = LiveFindings(DetectionSettings.of(world.workspace, world.baseline.baseline), "e{}".format, alpha=0.001)
    rows, found, certain = rows_of(world), list[Finding](), list[Finding]()
    for at in range(0, len(rows), 500):
        found += live.feed(rows[at : at + 500])
        certain += live.certain()
    assert {one.subject.id for one in found} == {one.subject.id for one in some_scan.findings}
    assert len(found) == len(some_scan.findings)
    ids = [one.finding_id for one in certain]
    assert ids
    assert len(ids) == len(set(ids)), "each once"
    assert set(ids) <= {one.finding_id for one in found}, "what is answered was told"
    callers = {one.subject.id for one in found if one.subject.kind == "principal"}
    assert {one.subject.id for one in certain} < callers, "the others wait"


def test_whoever_may_be_answered_anyhow_is_never_doubted(world: World) -> None:
    live = LiveFindings(DetectionSettings.of(world.workspace, world.baseline.baseline), "e{}".format)
    assert live.feed(rows_of(world)[:20_000])
    assert not live.certain()


def test_the_highest_score_is_that_of_the_log_which_writes_no_number_as_null() -> None:
    scores = [[0.25, np.nan, 0.5], [np.nan], [], None, [0.75]]
    rows: list[Row] = [{"scores": None if one is None else np.array(one, np.float32), "label": "a"} for one in scores]
    written = pa.array(
        orjson.loads(orjson.dumps([row["scores"] for row in rows], option=orjson.OPT_SERIALIZE_NUMPY)),
        pa.list_(pa.float32()),
    )
    log = pa.table({"scores": written})
    read = duckdb.connect().from_arrow(log).aggregate("list(list_max(scores))").fetchall()[0][0]
    assert _raw(Column.TOP_SCORE, rows).to_pylist() == read == [0.5, None, None, None, 0.75]
