from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.errors import InputError
from caponier.telemetry.chunk import CHUNK_BYTES, CHUNK_ROWS
from caponier.telemetry.readers import parquet
from telemetry.conftest import Reading

Read = Callable[..., Reading]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.parquet"


def test_batches_are_numbered_through(path: Path, table: pa.Table) -> None:
    many = pa.concat_tables([table] * (CHUNK_ROWS // len(table) + 2))
    pq.write_table(many, path, row_group_size=1_000)
    lines = [line for chunk in parquet.read(path) for line in chunk.lines]
    assert lines == list(range(1, len(many) + 1))


def test_large_rows_come_a_few_at_a_time(path: Path) -> None:
    n, d = 60, 150_528
    offsets = pa.array(np.arange(0, (n + 1) * d, d, dtype=np.int32))
    noise = np.random.default_rng(1).random(n * d, np.float32)
    pq.write_table(pa.table({"input": pa.ListArray.from_arrays(offsets, pa.array(noise))}), path)
    sizes = [chunk.bytes_read for chunk in parquet.read(path)]
    assert max(sizes) < 2 * CHUNK_BYTES
    assert len(sizes) > 3


@pytest.mark.parametrize("keep", [0, 4, 0.5, 0.99])
def test_a_cut_off_file_is_named_and_does_not_stop_the_others(
    tmp_path: Path, table: pa.Table, read: Read, keep: float
) -> None:
    for name in ("a.parquet", "b.parquet", "c.parquet"):
        pq.write_table(table, tmp_path / name)
    data = (tmp_path / "b.parquet").read_bytes()
    (tmp_path / "b.parquet").write_bytes(data[: int(keep if keep >= 1 else len(data) * keep)])
    found = read(tmp_path)
    assert len(found.rows) == 2 * len(table)
    assert found.rejected[0][0] == 1
    assert found.reasons[0].startswith("the file is broken from here on: ")


def test_a_damaged_row_group_is_named_and_the_others_are_read(path: Path, table: pa.Table, read: Read) -> None:
    pq.write_table(table, path, row_group_size=50, compression="zstd", use_dictionary=False)
    data = bytearray(path.read_bytes())
    offset = pq.ParquetFile(path).metadata.row_group(2).column(3).data_page_offset
    data[offset : offset + 400] = b"\xff" * 400
    path.write_bytes(bytes(data))
    found = read(path)
    assert found.lines == [line for line in range(1, len(table) + 1) if not 101 <= line <= 150]
    ((line, reason),) = found.rejected
    assert line == 101
    assert reason.startswith("the file is broken from here to row 150: ")


def test_a_column_that_is_there_twice_is_an_error(path: Path) -> None:
    twice = pa.table([pa.array(["a"]), pa.array(["b"])], names=["model", "model"])
    pq.write_table(twice, path)
    with pytest.raises(InputError, match="same name"):
        list(parquet.read(path))


def test_a_missing_file_is_an_error(path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        list(parquet.read(path))


def test_a_file_without_rows_has_no_chunks(path: Path, table: pa.Table) -> None:
    pq.write_table(table.slice(0, 0), path)
    assert list(parquet.read(path)) == []


def test_columns_of_other_types_that_mean_the_same_are_read(path: Path, table: pa.Table, read: Read) -> None:
    n = len(table)
    pixels = pa.FixedSizeListArray.from_arrays(table["input"].combine_chunks().flatten(), 8)
    other = pa.table(
        {
            "time": table["time"].cast(pa.timestamp("ns", tz="UTC")),
            "model": table["model"].cast(pa.dictionary(pa.int32(), pa.string())),
            "operation": table["operation"].cast(pa.large_string()),
            "input": pa.FixedSizeListArray.from_arrays(pixels, 8),
            "label": table["label"].cast(pa.int64()),
            "scores": table["scores"].cast(pa.list_(pa.float64())),
            "status": table["status"].cast(pa.int64()),
        }
    )
    pq.write_table(other, path)
    found = read(path)
    assert not found.rejected
    for name in other.schema.names:
        assert [row[name] for row in found.rows] == table[name].to_pylist(), name
    assert len(found.rows) == n


@pytest.mark.parametrize(
    "time",
    [pa.array([1_767_571_200_000] * 3), pa.array(["2026-01-05T00:00:00Z"] * 3), pa.array([1_767_571_200], pa.int32())],
)
def test_epoch_milliseconds_and_texts_are_times_here_too(path: Path, read: Read, time: pa.Array) -> None:
    n = len(time)
    pq.write_table(pa.table({"time": time, "model": ["m"] * n, "operation": ["predict"] * n}), path)
    found = read(path)
    if n == 3:
        assert [row["time"].year for row in found.rows] == [2026] * 3
    else:
        assert found.reasons[0].startswith("time outside 1990")


def test_nulls_and_nan_in_an_input_are_missing_values(path: Path, read: Read) -> None:
    columns = {
        "time": [1_767_571_200_000] * 4,
        "model": ["m"] * 4,
        "operation": ["predict"] * 4,
        "input": pa.array([[0.5], [None], [float("nan")], None], pa.list_(pa.float32())),
    }
    pq.write_table(pa.table(columns), path)
    found = read(path)
    assert found.lines == [1, 2, 3, 4]
    assert np.isnan(np.array(found.rows[1]["input"] + found.rows[2]["input"], float)).all()
