"""Arrow files hold the same events as Parquet; one that breaks off costs what stands behind the break."""

from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pytest

from caponier.errors import InputError
from telemetry.conftest import reading

ROWS = 10_000


def table() -> pa.Table:
    return pa.table(
        {
            "ts": pa.array([1_767_605_400 + at for at in range(ROWS)]),
            "user": [f"u{at % 7}" for at in range(ROWS)],
            "features": pa.array([[1.5, float(at)] for at in range(ROWS)], pa.list_(pa.float32())),
            "prediction": ["ab"[at % 2] for at in range(ROWS)],
        }
    )


@pytest.mark.parametrize("name", ["log.feather", "log.arrow"])
def test_an_arrow_file_is_read(name: str, tmp_path: Path) -> None:
    feather.write_feather(table(), str(tmp_path / name), compression="zstd", chunksize=3_000)
    found = reading(tmp_path / name)
    assert [row["input"][1] for row in found.rows] == list(range(ROWS))
    assert found.lines == list(range(1, ROWS + 1))


def test_two_columns_of_one_name_are_an_error(tmp_path: Path) -> None:
    held = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_file(sink, held.schema) as out:
        out.write_table(held)
    with pytest.raises(InputError, match="same name"):
        reading(tmp_path / "a.arrow")


def test_a_file_that_breaks_off_is_told(tmp_path: Path) -> None:
    feather.write_feather(table(), str(tmp_path / "a.arrow"))
    whole = (tmp_path / "a.arrow").read_bytes()
    (tmp_path / "a.arrow").write_bytes(whole[: len(whole) // 2])
    found = reading(tmp_path / "a.arrow")
    assert found.rows == []
    assert found.reasons[0].startswith("the file is broken from here on")
