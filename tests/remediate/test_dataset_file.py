from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.errors import InputError
from caponier.remediate.dataset_file import Repair, labels_after, quarantined, repaired
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.labelled_data.datasets import read_dataset

FLAGGED = np.array([False, True, False, True])
SUGGESTED = np.array([-1, 0, -1, -1])
SCORES = np.array([-0.5, 0.91239, -0.2, 0.4])


def archive(tmp_path: Path) -> Dataset:
    path = tmp_path / "a.npz"
    x = np.arange(16, dtype=np.float32).reshape(4, 2, 2)
    np.savez(path, x=x, y=np.array(["u", "v", "u", "v"]), source=["a", "b", "c", "d"], names=["left", "right"])
    return read_dataset(path)


def sheet(tmp_path: Path, *, parquet: bool) -> Dataset:
    if parquet:
        table = pa.table({"a": pa.array([1, 2, 3, 4], pa.int8()), "y": pa.array([5, 6, 5, 6], pa.int16())})
        pq.write_table(table, tmp_path / "a.parquet")
        return read_dataset(tmp_path / "a.parquet", Columns(label="y"))
    (tmp_path / "a.csv").write_text('a,y\n1,5\n"2",6\n3,5\n4.50,6\n')
    return read_dataset(tmp_path / "a.csv", Columns(label="y"))


def written(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_dropping_leaves_the_other_rows_as_they_were(tmp_path: Path) -> None:
    one = archive(tmp_path)
    keep, labels = labels_after(one, FLAGGED, SUGGESTED, Repair.DROP)
    with np.load(written(tmp_path, "b.npz", repaired(one, keep, labels)), allow_pickle=False) as arrays:
        assert arrays["x"].dtype == np.float32
        assert arrays["x"].tolist() == one.x[[0, 2]].reshape(2, 2, 2).tolist()
        assert arrays["y"].tolist() == ["u", "u"]
        assert arrays["source"].tolist() == ["a", "c"]
        assert arrays["names"].tolist() == ["left", "right"]


def test_relabelling_keeps_the_rows_that_have_a_better_label(tmp_path: Path) -> None:
    one = archive(tmp_path)
    keep, labels = labels_after(one, FLAGGED, SUGGESTED, Repair.RELABEL)
    with np.load(written(tmp_path, "b.npz", repaired(one, keep, labels)), allow_pickle=False) as arrays:
        assert arrays["y"].tolist() == ["u", "u", "u"]
        assert arrays["source"].tolist() == ["a", "b", "c"]


def test_the_side_file_tells_what_was_suggested(tmp_path: Path) -> None:
    data = quarantined(archive(tmp_path), FLAGGED, SUGGESTED, SCORES)
    with np.load(written(tmp_path, "q.npz", data), allow_pickle=False) as arrays:
        assert arrays["y"].tolist() == ["v", "v"]
        assert arrays["caponier_id"].tolist() == ["1", "3"]
        assert arrays["caponier_suggested"].tolist() == ["u", ""]
        assert arrays["caponier_score"].tolist() == [0.9124, 0.4]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    one = sheet(tmp_path, parquet=True)
    keep, labels = labels_after(one, FLAGGED, SUGGESTED, Repair.RELABEL)
    table = pq.read_table(written(tmp_path, "b.parquet", repaired(one, keep, labels)))
    assert table.schema.types == [pa.int8(), pa.int16()]
    assert table.to_pydict() == {"a": [1, 2, 3], "y": [5, 5, 5]}
    side = pq.read_table(written(tmp_path, "q.parquet", quarantined(one, FLAGGED, SUGGESTED, SCORES)))
    assert side.column_names == ["a", "y", "caponier_id", "caponier_suggested", "caponier_score"]


def test_csv_cells_stay_as_they_were_written(tmp_path: Path) -> None:
    one = sheet(tmp_path, parquet=False)
    keep, labels = labels_after(one, np.array([True, False, False, False]), np.full(4, -1), Repair.DROP)
    assert repaired(one, keep, labels).decode() == "a,y\n2,6\n3,5\n4.50,6\n"


def test_what_was_written_can_be_read_and_is_the_same_each_time(tmp_path: Path) -> None:
    one = archive(tmp_path)
    keep, labels = labels_after(one, FLAGGED, SUGGESTED, Repair.RELABEL)
    data = repaired(one, keep, labels)
    assert data == repaired(one, keep, labels)
    again = read_dataset(written(tmp_path, "b.npz", data))
    assert again.given == ["u", "u", "u"]


def test_nothing_is_no_data_set(tmp_path: Path) -> None:
    one = archive(tmp_path)
    with pytest.raises(InputError, match="nothing would be left"):
        repaired(one, np.zeros(4, bool), one.y)
