"""Parquet files in the event schema, read in batches so that a large row group does not fill the memory."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from caponier.errors import InputError
from caponier.telemetry.chunk import CHUNK_ROWS, Chunk
from caponier.telemetry.rejections import Rejection


def read(path: Path) -> Iterator[Chunk]:
    """Yield chunks of record batches, with row numbers from 1.

    Raises:
        InputError: If the file cannot be opened or is no Parquet file.
    """
    try:
        # Without pre-buffering a row group is streamed page by page instead of being held whole.
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=2**20)
    except OSError as failed:
        raise InputError(f"cannot be read: {failed}", where=str(path)) from failed
    except pa.ArrowInvalid as invalid:
        raise InputError("is not a Parquet file", where=str(path), mend="Check that it was written to its end") from (
            invalid
        )
    number = 1
    with file:
        batches = file.iter_batches(batch_size=CHUNK_ROWS, use_threads=False)
        while True:
            try:
                batch = next(batches, None)
            except (OSError, pa.ArrowException) as broken:
                yield Chunk(rejections=[Rejection(str(path), number, f"broken from here on: {broken}")])
                return
            if batch is None:
                return
            lines = list(range(number, number + batch.num_rows))
            yield Chunk(batch=batch, lines=lines, bytes_read=batch.nbytes)
            number += batch.num_rows
