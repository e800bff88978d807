"""ORC files, as Hive, Trino and Spark write them: a stripe at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from caponier.errors import InputError
from caponier.telemetry.chunk import Chunk
from caponier.telemetry.readers.sound_batch import sound_chunks


def read(path: Path) -> Iterator[Chunk]:
    """Yield chunks of record batches, with row numbers from 1.

    Raises:
        InputError: If the file cannot be opened, or names a column twice.
    """
    try:
        raw = path.open("rb")
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror}", where=str(path)) from failed
    with raw:
        yield from sound_chunks(path, _stripes(raw))


def _stripes(raw: BinaryIO) -> Iterator[pa.RecordBatch]:
    from pyarrow import orc

    file = orc.ORCFile(raw)
    for stripe in range(file.nstripes):
        yield file.read_stripe(stripe)
