from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from app.inference.event_files import log, rows
from caponier.app.inference import enrich as subject
from caponier.app.inference.asked_model import ModelError, RowsRefusedError
from caponier.app.inference.enrich import REFUSED, WRONG_LENGTH, EnrichReport, enrich_events
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.enrichment import Rows
from caponier.errors import InputError
from caponier.records.event import EVENT_SCHEMA
from caponier.records.inventory import FeatureSpec, ModelSpec
from caponier.telemetry.rejections import RejectedRows

SPEC = FeatureSpec(kind="image", shape=(1, 2), minimum=0.0, maximum=127.0)
ONLY: dict[str, Any] = {"names": ["neighbour_ratio"], "spec": SPEC}


class Model:
    """Tells inputs by whether their first value is over 10; refuses those over 100."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def __call__(self, inputs: Rows) -> NDArray[np.float64]:
        if (inputs[:, 0] > 100).any():
            raise RowsRefusedError("over 100")
        self.asked += inputs[:, 0].tolist()
        share = 1 / (1 + np.exp(10 - inputs[:, 0].astype(np.float64)))
        return np.stack([1 - share, share], axis=1)


def signals(file: Path) -> list[dict[str, float]]:
    return [dict(pairs or ()) for pairs in pq.read_table(file)["signals"].to_pylist()]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.parquet"


def test_events_stay_as_they_are_but_for_their_signals(tmp_path: Path, out: Path) -> None:
    file = log(tmp_path, rows(20, cost=1.5, extra_column="x", scores=[0.5, 0.5]))
    report = enrich_events([file], out, Model(), "m", spec=SPEC)
    made = pq.read_table(out)
    assert made.schema.equals(EVENT_SCHEMA)
    assert made["input"].to_pylist() == [[float(i), 0.0] for i in range(20)]
    assert made["extra"][0].as_py() == '{"extra_column":"x"}'
    assert (report.events, report.enriched, report.inputs, report.kept) == (20, 20, 20, 0)
    assert all(line.keys() == set(report.enrichments) for line in signals(out))


def test_what_is_stored_is_what_the_enrichment_says_rounded(tmp_path: Path, out: Path) -> None:
    enrich_events([log(tmp_path, rows(20))], out, Model(), "m", **ONLY)
    # The neighbour of 0 is 1, and the nearest one with another answer is 11; that of 9 is 8 or 10.
    ratios = [line["neighbour_ratio"] for line in signals(out)]
    assert (ratios[0], ratios[9]) == (pytest.approx(1 / 11, abs=1e-3), pytest.approx(1 / 2, abs=1e-2))


def test_the_output_can_be_enriched_again_and_nothing_is_asked_for(tmp_path: Path, out: Path) -> None:
    model, again = Model(), tmp_path / "again.parquet"
    enrich_events([log(tmp_path, rows(20))], out, model, "m", **ONLY)
    made = signals(out)
    made[3]["neighbour_ratio"], made[3]["another"] = 0.5, 7.0
    table = pq.read_table(out)
    at = table.schema.get_field_index("signals")
    changed = pa.array([list(line.items()) for line in made], EVENT_SCHEMA.field(at).type)
    pq.write_table(table.set_column(at, EVENT_SCHEMA.field(at), changed), out)
    report = enrich_events([out], again, model, "m", **ONLY)
    assert signals(again) == made
    assert (report.enriched, report.kept, report.inputs) == (0, 20, 0)


def test_a_signal_that_is_there_is_kept_beside_new_ones(tmp_path: Path, out: Path) -> None:
    file = log(tmp_path, rows(20, signals={"mine": 4.0, "neighbour_ratio": 9.0}))
    enrich_events([file], out, Model(), "m", names=["neighbour_ratio", "squeezing"], spec=SPEC)
    for line in signals(out):
        assert (line["mine"], line["neighbour_ratio"]) == (4.0, 9.0)
        assert "squeezing" in line


def test_an_input_is_asked_for_once_however_often_it_stands_in_the_log(tmp_path: Path, out: Path) -> None:
    model = Model()
    benign = log(tmp_path, rows(20), name="benign.jsonl")
    file = log(tmp_path, rows(300, input=lambda i: [30.0 + i % 3, 0.0]))
    report = enrich_events([file], out, model, "m", benign=[benign], **ONLY)
    assert report.inputs == 3
    assert sorted(value for value in model.asked if value >= 30) == [30.0, 31.0, 32.0]
    assert len({line["neighbour_ratio"] for line in signals(out)}) == 3


@pytest.mark.parametrize(("batch", "at_once", "remembered"), [(1, 1, 1), (7, 3, 2), (4_096, 256, 100_000)])
def test_how_a_log_is_cut_changes_nothing(
    batch: int, at_once: int, remembered: int, tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, whole = log(tmp_path, rows(40, input=lambda i: [i % 23 / 2, i % 5])), tmp_path / "whole.parquet"
    enrich_events([file], whole, Model(), "m", spec=SPEC)
    for name, value in {"BATCH_ROWS": batch, "AT_ONCE": at_once, "REMEMBERED": remembered}.items():
        monkeypatch.setattr(subject, name, value)
    enrich_events([file], out, Model(), "m", spec=SPEC)
    assert signals(out) == signals(whole)


def test_enrichments_learn_from_the_benign_log_that_is_given(tmp_path: Path, out: Path) -> None:
    benign = log(tmp_path, rows(2, input=lambda i: [20.0 * i, 0.0]), name="benign.jsonl")
    enrich_events([log(tmp_path, rows(1, 5))], out, Model(), "m", benign=[benign], **ONLY)
    # 5 lies between 0, which is answered as it is, and 20: a third as far.
    assert signals(out)[0]["neighbour_ratio"] == pytest.approx(5 / 15, abs=1e-3)


def test_logs_in_any_order_make_one_log_by_time(tmp_path: Path, out: Path) -> None:
    late, early = log(tmp_path, rows(5, 50), name="a.jsonl"), log(tmp_path, rows(5), name="b.jsonl")
    enrich_events([late, early], out, Model(), "m", **ONLY)
    times = pq.read_table(out)["time"].to_pylist()
    assert times == sorted(times)
    assert len(times) == 10


def left(report: EnrichReport) -> dict[str, int]:
    return {reason: count for reason, count in report.left.items() if count}


def test_events_that_cannot_be_enriched_stay_and_are_counted(tmp_path: Path, out: Path) -> None:
    file = log(
        tmp_path,
        rows(10, 5),
        rows(2, 20, input=None),
        rows(3, 30, input=[1.0, 2.0, 3.0]),
        rows(4, 40, model="other"),
        rows(1, 50, input=[101.0, 0.0]),
    )
    with RejectedRows() as rejected:
        report = enrich_events([file], out, Model(), "m", rejected=rejected, **ONLY)
    assert left(report) == {"no input": 2, WRONG_LENGTH: 3, "of another model": 4, REFUSED: 1}
    assert [bool(line) for line in signals(out)] == [True] * 10 + [False] * 10
    assert rejected.count == 0


def test_bad_rows_are_listed_and_the_good_ones_go_on(tmp_path: Path, out: Path) -> None:
    file = log(tmp_path, rows(10, 5))
    file.write_text(file.read_text() + "not json\n")
    with RejectedRows() as rejected:
        report = enrich_events([file], out, Model(), "m", rejected=rejected, **ONLY)
    assert (rejected.count, report.enriched) == (1, 10)


def test_a_model_that_takes_none_of_the_inputs_is_an_error(tmp_path: Path, out: Path) -> None:
    file = log(tmp_path, rows(10, input=lambda i: [101.0 + i, 0.0]))
    with pytest.raises(RowsRefusedError, match="over 100"):
        enrich_events([file], out, Model(), "m", **ONLY)


def test_a_model_that_fails_on_the_way_leaves_nothing(tmp_path: Path, out: Path) -> None:
    benign = log(tmp_path, rows(10), name="benign.jsonl")
    file = log(tmp_path, rows(10, 50))
    model = Model()

    def failing(inputs: Rows) -> NDArray[np.float64]:
        if inputs[:, 0].max() > 55:
            raise ModelError("gone")
        return model(inputs)

    out.write_bytes(b"old")
    with pytest.raises(ModelError, match="gone"):
        enrich_events([file], out, failing, "m", benign=[benign], **ONLY)
    assert out.read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"benign.jsonl", "log.jsonl", "out.parquet"}


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"model": "n"}, "no event of the model 'n'.*\n.*events of: m"),
        ({"names": ["none"]}, "no enrichment 'none'"),
        ({"spec": FeatureSpec(kind="numeric", shape=(2,)), "names": ["squeezing"]}, "no enrichment is about such"),
        ({"spec": FeatureSpec(kind="image", shape=(3, 3))}, "take 9 values, but its inputs in the log have 2"),
        ({"spec": FeatureSpec(kind="none")}, "not looked at"),
    ],
)
def test_what_cannot_be_meant_is_refused(how: dict[str, Any], says: str, tmp_path: Path, out: Path) -> None:
    given = {"model": "m", **ONLY} | how
    with pytest.raises(InputError, match=says):
        enrich_events([log(tmp_path, rows(5))], out, Model(), given.pop("model"), **given)
    assert not out.exists()


def test_a_log_without_inputs_is_refused(tmp_path: Path, out: Path) -> None:
    with pytest.raises(InputError, match="no event of the model has an input"):
        enrich_events([log(tmp_path, rows(5, input=None))], out, Model(), "m", **ONLY)


def test_the_inventory_says_what_the_model_takes(tmp_path: Path, out: Path) -> None:
    create_workspace(tmp_path / "home")
    home = require_workspace(tmp_path / "home")
    home = home.model_copy(update={"models": (ModelSpec(name="m", features=SPEC),)})
    report = enrich_events([log(tmp_path, rows(5))], out, Model(), "m", workspace=home)
    assert "squeezing" in report.enrichments


def test_without_a_word_on_the_shape_what_is_about_images_is_left_out_and_noted(tmp_path: Path, out: Path) -> None:
    file = log(tmp_path, rows(5, input_shape=[1, 2]))
    assert "squeezing" in enrich_events([file], out, Model(), "m").enrichments
