"""ORC files hold the same events as Parquet; files of tables are known by how they begin, whatever they are called."""

from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from caponier.errors import InputError
from telemetry.conftest import reading

ROWS = 600


def table(first: int = 0) -> pa.Table:
    places = range(first, first + ROWS)
    return pa.table(
        {
            "event_time": pa.array([1_767_605_400_000 + at for at in places], pa.timestamp("ms")),
            "client": [f"u{at % 7}" for at in places],
            "features": pa.array([[1.5, float(at)] for at in places], pa.list_(pa.float64())),
            "prediction": ["ab"[at % 2] for at in places],
        }
    )


@pytest.mark.parametrize("name", ["day.orc", "000000_0", "part-00000-3f.zlib.orc"])
def test_an_orc_file_is_read_by_stripes(name: str, tmp_path: Path) -> None:
    orc.write_table(table(), tmp_path / name, stripe_size=2**12)
    found = reading(tmp_path / name)
    assert not found.rejected
    assert [row["input"][1] for row in found.rows] == list(range(ROWS))
    assert found.lines == list(range(1, ROWS + 1))
    assert {row["label"] for row in found.rows} == {"a", "b"}


def test_a_folder_of_tables_without_endings_is_read(tmp_path: Path) -> None:
    orc.write_table(table(), tmp_path / "000000_0")
    pq.write_table(table(ROWS), tmp_path / "000001_0")
    feather.write_feather(table(2 * ROWS), str(tmp_path / "000002_0"))
    (tmp_path / "_SUCCESS").write_bytes(b"")
    (tmp_path / "notes").write_text("nothing that is a log\n")
    found = reading(tmp_path)
    assert not found.rejected
    assert sorted(row["input"][1] for row in found.rows) == list(range(3 * ROWS))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_file_that_breaks_off_is_told(share: float, tmp_path: Path) -> None:
    path = tmp_path / "a.orc"
    orc.write_table(table(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(3, int(len(whole) * share))])
    found = reading(path)
    assert found.rows == []
    assert found.reasons[0].startswith("the file is broken from here on")


@pytest.mark.parametrize("step", [97])
def test_a_damaged_byte_costs_rows_and_nothing_else(step: int, tmp_path: Path) -> None:
    path = tmp_path / "a.orc"
    orc.write_table(table(), path, stripe_size=2**12)
    whole = bytearray(path.read_bytes())
    for at in range(step, len(whole), step * 8):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        path.write_bytes(damaged)
        try:
            found = reading(path)
        except InputError:
            continue
        assert len(found.rows) <= ROWS
        assert found.rows or found.rejected
