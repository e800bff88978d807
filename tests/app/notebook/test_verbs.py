"""The verbs of `import caponier`, on small logs and sets of our own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import caponier
from app.inference.event_files import log, rows, users
from caponier.errors import InputError

FEATURES = {"kind": "numeric", "shape": [2], "minimum": 0, "maximum": 1_000}


def test_nothing_is_imported_before_it_is_used() -> None:
    script = "import sys, caponier; dir(caponier); print(*[one for one in sys.modules if one.startswith('caponier.')])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "\n"


def test_every_name_that_it_offers_is_there_and_no_other() -> None:
    assert {*caponier.__all__, "__version__"} == set(dir(caponier))
    assert all(getattr(caponier, name) is not None for name in caponier.__all__)
    with pytest.raises(AttributeError, match="scan_inference"):
        _ = caponier.scan_everything  # type: ignore[attr-defined]


def test_events_are_a_table_of_the_schema_whatever_they_came_from(tmp_path: Path) -> None:
    path = log(tmp_path, rows(3), [{"time": "2026-01-07T00:00:00Z", "model": "m"}])
    told = caponier.load_events(path)
    assert told.in_short == "3 events; 1 rows could not be used"
    assert told.to_arrow()["principal"].to_pylist() == ["p"] * 3
    assert told.to_arrow()["seq"].to_pylist() == [0, 1, 2]
    assert caponier.load_events(told).to_arrow().equals(told.to_arrow())
    assert "3 events" in repr(told)


def test_a_table_is_scanned_as_the_file_that_it_came_from(tmp_path: Path) -> None:
    benign = caponier.load_events(log(tmp_path, users(40, 4)))
    learned = caponier.build_baseline(benign, features=FEATURES, alpha=0.05)
    assert [line for line in learned.notes if "learned from 40 callers" in line]
    assert learned.to_arrow()["model"].to_pylist()[0] == "m"
    assert "learned from 40" in repr(learned)
    assert any(skip.what.startswith("m: ") for skip in learned.skipped) or learned.notes
    learned.save(tmp_path / "b.safetensors")
    assert (tmp_path / "b.safetensors").read_bytes() == learned.baseline.to_bytes()
    flood = rows(900, principal="eve", time=lambda i: f"2026-01-06T00:00:0{i % 9}Z")
    path = log(tmp_path, flood, name="flood.jsonl")
    by_path = caponier.scan_inference(path, tmp_path / "b.safetensors")
    by_table = caponier.scan_inference(caponier.load_events(path), learned)
    assert {one.finding_id for one in by_path.findings} == {one.finding_id for one in by_table.findings}
    assert "flood" in by_table.to_arrow()["detector"].to_pylist()
    (who,) = set(by_table.to_arrow()["subject"].to_pylist())
    assert who == "eve"
    assert repr(by_table).startswith(f"<caponier: {len(by_table.findings)} finding")


def test_data_sets_are_arrays_tables_or_paths(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.repeat(["cat", "dog"], 100)
    x = rng.normal(size=(200, 2)) + 6 * (y == "dog")[:, None]
    source = np.where(np.arange(200) % 10 == 0, "eve", "ann")
    y = np.where(source == "eve", np.where(y == "cat", "dog", "cat"), y)
    arrays = caponier.scan_dataset(x, y, source=source)
    assert "eve" in arrays.to_arrow()["subject"].to_pylist()
    table = pa.table({"a": x[:, 0], "b": x[:, 1], "y": y, "who": source})
    pq.write_table(table, tmp_path / "t.parquet")
    for given in (table, tmp_path / "t.parquet"):
        assert len(caponier.scan_dataset(given, label="y", source="who").findings) == len(arrays.findings)
    with pytest.raises(InputError, match="names of columns"):
        caponier.scan_dataset(table, label="y", source=source)


def test_model_files_are_scanned_and_never_loaded(tmp_path: Path) -> None:
    (tmp_path / "evil.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    told = caponier.scan_artifact(tmp_path)
    assert told.to_arrow()["subject"].to_pylist() == [str(tmp_path / "evil.pkl")]
    assert told.report.scanned[0].verdict == "unsafe"


def test_a_matrix_is_a_table_too() -> None:
    matrix = caponier.matrix.load("amltm-2020")
    assert matrix.to_arrow().num_rows == len(matrix.shown()) > 50
    assert matrix.in_short.startswith("Adversarial ML Threat Matrix: 7 tactics")
    assert "<table>" in matrix._repr_html_()
