"""Arrow files (Feather version 2): tables as Arrow itself writes them, a record batch at a time."""

from collections.abc import Iterator
from pathlib import Path

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
        source = pa.memory_map(str(path))
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror or failed}", where=str(path)) from failed
    with source:
        # Arrow believes its files: a place outside of a buffer is read from whatever stands there.
        yield from sound_chunks(path, _batches(source))


def _batches(source: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    file = pa.ipc.open_file(source)
    for place in range(file.num_record_batches):
        yield file.get_batch(place)
