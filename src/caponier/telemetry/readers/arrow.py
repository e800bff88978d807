"""Arrow files (Feather version 2): tables as Arrow itself writes them, a record batch at a time."""

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
    try:
        source = pa.memory_map(str(path))
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror or failed}", where=str(path)) from failed
    number = 1
    with source:
        try:
            file = pa.ipc.open_file(source)
            if len(set(file.schema.names)) != len(file.schema.names):
                raise InputError("two columns have the same name", where=str(path))
            for place in range(file.num_record_batches):
                # Arrow believes its files: a place outside of a buffer is read from whatever stands there.
                batch = sound(file.get_batch(place))
                step = max(1, min(CHUNK_ROWS, CHUNK_BYTES * batch.num_rows // max(1, batch.nbytes)))
                for begin in range(0, batch.num_rows, step):
                    part = batch.slice(begin, step)
                    lines = list(range(number, number + part.num_rows))
                    yield Chunk(batch=part, lines=lines, bytes_read=part.nbytes)
                    number += part.num_rows
        except (OSError, pa.ArrowException, UnicodeDecodeError) as broken:
            yield Chunk(rejections=[Rejection(shown(path), number, f"the file is broken from here on: {broken}")])
