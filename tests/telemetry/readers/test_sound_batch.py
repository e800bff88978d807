"""A text that is none, as a client may send one, costs no row and ends no reading."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from pyarrow import orc

from caponier.telemetry.readers.sound_batch import sound
from telemetry.conftest import reading

ROWS = 40
BAD = b"\x8a\xff ua"


def texts(kind: Any = None) -> pa.Array:
    held = pa.array([BAD if at == 7 else b"curl" for at in range(ROWS)], pa.binary())
    return pa.Array.from_buffers(kind or pa.string(), ROWS, held.buffers())


def table() -> pa.Table:
    return pa.table(
        {
            "ts": [1_767_605_400 + at for at in range(ROWS)],
            "user": [f"u{at % 5}" for at in range(ROWS)],
            "user_agent": texts(),
            "features": [[1.5, float(at)] for at in range(ROWS)],
            "prediction": ["ab"[at % 2] for at in range(ROWS)],
        }
    )


def written(path: Path) -> Path:
    writers = {".parquet": pq.write_table, ".orc": orc.write_table}
    if path.suffix == ".arrow":
        feather.write_feather(table(), str(path))
    else:
        writers[path.suffix](table(), path)
    return path


@pytest.mark.parametrize("name", ["a.parquet", "a.orc", "a.arrow"])
def test_a_user_agent_that_is_no_text_hides_nobody(name: str, tmp_path: Path) -> None:
    found = reading(written(tmp_path / name))
    assert not found.rejected
    assert [row["input"][1] for row in found.rows] == list(range(ROWS))
    # Two names that are none stay two.
    assert found.rows[7]["user_agent"] == r"\x8a\xff ua"
    assert found.rows[8]["user_agent"] == "curl"


NESTED = {
    "struct": lambda: pa.StructArray.from_arrays([texts(), pa.array(range(ROWS))], names=["ua", "n"]),
    "list": lambda: pa.ListArray.from_arrays(pa.array(range(ROWS + 1), pa.int32()), texts()),
    "text": texts,
}


@pytest.mark.parametrize("made", NESTED.values(), ids=NESTED)
def test_it_may_stand_deeper(made: Any) -> None:
    column = made()
    batch = sound(pa.RecordBatch.from_arrays([column, pa.array(range(ROWS))], names=["a", "b"]))
    assert batch.schema.field("a").type == column.type
    assert "x8a" in str(batch.column("a").to_pylist()[7])
    assert "curl" in str(batch.column("a").to_pylist()[8])
    assert sound(batch) is batch


def test_what_is_damaged_otherwise_stays_an_error() -> None:
    """Places of a dictionary that it does not have: whatever stands there in memory would be read."""
    beyond = pa.DictionaryArray.from_arrays(pa.array([0, 7], pa.int8()), pa.array(["a", "b"]), safe=False)
    with pytest.raises(pa.ArrowInvalid):
        sound(pa.RecordBatch.from_arrays([beyond], names=["a"]))
