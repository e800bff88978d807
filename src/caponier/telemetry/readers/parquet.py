"""Parquet files in the event schema, read in batches so that a large row group does not fill the memory."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

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
    try:
        raw = path.open("rb")
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror}", where=str(path)) from failed
    with raw:
        try:
            # Without pre-buffering a row group is streamed page by page instead of being held whole.
            file = pq.ParquetFile(raw, pre_buffer=False, buffer_size=2**20)
            names = file.schema_arrow.names
        except (OSError, pa.ArrowException, UnicodeDecodeError) as broken:
            # A file that its writer never finished has no footer; it must not keep a folder of good ones from being
            # read.
            yield Chunk(rejections=[Rejection(shown(path), 1, f"the file is broken from here on: {broken}")])
            return
        if len(set(names)) != len(names):
            raise InputError("two columns have the same name", where=str(path))
        begin = 1
        for group in range(file.metadata.num_row_groups):
            yield from _chunks(file, group, begin, shown(path))
            begin += file.metadata.row_group(group).num_rows


def _chunks(file: pq.ParquetFile, group: int, begin: int, path: str) -> Iterator[Chunk]:
    """Yield the rows of one row group; what is damaged in it is lost with the rows behind it, the next one is not."""
    about, number = file.metadata.row_group(group), begin
    # Fewer rows at a time where each of them is large, as those of images are.
    rows = max(1, min(CHUNK_ROWS, CHUNK_BYTES * about.num_rows // max(1, about.total_byte_size)))
    try:
        for batch in file.iter_batches(batch_size=rows, row_groups=[group], use_threads=False):
            batch = sound(batch)
            yield Chunk(batch=batch, lines=list(range(number, number + batch.num_rows)), bytes_read=batch.nbytes)
            number += batch.num_rows
    except (OSError, pa.ArrowException) as broken:
        end = begin + about.num_rows - 1
        yield Chunk(rejections=[Rejection(path, number, f"the file is broken from here to row {end:,}: {broken}")])
