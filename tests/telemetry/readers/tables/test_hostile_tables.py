"""Tables whose bytes were changed cost rows and a reason, and never the program that reads them."""

import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.errors import InputError
from telemetry.conftest import reading

ROWS = 50
START = 1_767_605_400_000


def table() -> pa.Table:
    return pa.table(
        {
            "time": pa.array([START + at for at in range(ROWS)]),
            "user": [f"somebody{at}" for at in range(ROWS)],
            "model": ["m"] * ROWS,
            "features": [[1.5, float(at)] for at in range(ROWS)],
            "prediction": pa.array(["x", "y"] * (ROWS // 2)).dictionary_encode(),
        }
    )


def arrow(path: Path) -> bytes:
    held = table()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, held.schema) as out:
        out.write_table(held)
    return path.read_bytes()


def parquet(path: Path) -> bytes:
    pq.write_table(table(), path)
    return path.read_bytes()


def changed(data: bytes, seed: int) -> bytes:
    """Return a file with three of its bytes changed."""
    chance, made = random.Random(seed), bytearray(data)
    for _ in range(3):
        made[chance.randrange(8, len(made) - 10)] = chance.choice((255, 127, 0, chance.randrange(256)))
    return bytes(made)


@pytest.mark.parametrize("write", [arrow, parquet])
@pytest.mark.parametrize("seed", range(0, 40, 10))
def test_a_changed_byte_costs_rows_and_no_more(write: Callable[[Path], bytes], seed: int, tmp_path: Path) -> None:
    path = tmp_path / ("log.arrow" if write is arrow else "log.parquet")
    data = write(path)
    for number in range(seed, seed + 10):
        path.write_bytes(changed(data, number))
        try:
            found = reading(path)
        except InputError:
            # Of two columns that are called the same now.
            continue
        assert len(found.rows) == ROWS or found.rejected


def text_column(offsets: list[int], letters: bytes) -> pa.Array:
    parts = [None, pa.py_buffer(b"".join(one.to_bytes(4, "little", signed=True) for one in offsets))]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, [*parts, pa.py_buffer(letters)])


@pytest.mark.parametrize(
    "column",
    [
        text_column([0, 2**30, 2], b"ab"),
        text_column([0, -5, 2], b"ab"),
        text_column([0, 2, 1], b"ab"),
        pa.DictionaryArray.from_arrays(pa.array([0, 2**20]), pa.array(["a"]), safe=False),
    ],
    ids=["beyond its letters", "before its letters", "backwards", "no word of its dictionary"],
)
def test_places_outside_of_a_buffer_are_never_read(column: pa.Array, tmp_path: Path) -> None:
    held = pa.record_batch([pa.array([START, START + 1]), column], names=["time", "user"])
    path = tmp_path / "log.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, held.schema) as out:
        out.write_batch(held)
    found = reading(path)
    assert found.rows == []
    ((line, reason),) = found.rejected
    assert line == 1
    assert "broken from here on" in reason


def test_the_batches_before_a_broken_one_are_read(tmp_path: Path) -> None:
    path = tmp_path / "log.arrow"
    good = table().to_batches()[0].select(["time", "user", "features"])
    bad = good.set_column(1, "user", text_column([0, 2**30, *[1] * (ROWS - 1)], b"a"))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, good.schema) as out:
        out.write_batch(good)
        out.write_batch(bad)
    found = reading(path)
    assert found.lines == list(range(1, ROWS + 1))
    assert [line for line, _ in found.rejected] == [ROWS + 1]


def test_a_column_whose_name_is_no_text_is_a_reason(tmp_path: Path) -> None:
    for write in (arrow, parquet):
        path = tmp_path / ("log.arrow" if write is arrow else "log.parquet")
        data = write(path)
        path.write_bytes(data.replace(b"features", b"\xff\xfe\xfd\xfcures"))
        ((line, reason),) = reading(path).rejected
        assert line == 1
        assert "broken from here on" in reason
