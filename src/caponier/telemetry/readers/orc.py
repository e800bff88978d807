"""ORC files, as Hive, Trino and Spark write them: a stripe at a time."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.telemetry.chunk import CHUNK_BYTES, CHUNK_ROWS, Chunk
from caponier.telemetry.readers.sound_batch import sound
from caponier.telemetry.rejections import Rejection


def read(path: Path) -> Iterator[Chunk]:
    """Yield chunks of record batches, with row numbers from 1.

    Raises:
        InputError: If the file cannot be opened, or names a column twice.
    """
    from pyarrow import orc

    try:
        raw = path.open("rb")
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror}", where=str(path)) from failed
    number = 1
    with raw:
        try:
            file = orc.ORCFile(raw)
            if len(set(file.schema.names)) != len(file.schema.names):
                raise InputError("two columns have the same name", where=str(path))
            for stripe in range(file.nstripes):
                batch = sound(file.read_stripe(stripe))
                step = max(1, min(CHUNK_ROWS, CHUNK_BYTES * batch.num_rows // max(1, batch.nbytes)))
                for begin in range(0, batch.num_rows, step):
                    part = batch.slice(begin, step)
                    lines = list(range(number, number + part.num_rows))
                    yield Chunk(batch=part, lines=lines, bytes_read=part.nbytes)
                    number += part.num_rows
        except (OSError, pa.ArrowException, UnicodeDecodeError) as broken:
            yield Chunk(rejections=[Rejection(shown(path), number, f"the file is broken from here on: {broken}")])
