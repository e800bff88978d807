"""Record batches whose texts are text: what a client sent reaches some tables as bytes that are no UTF-8.

One such value would end the reading of the whole log, for whoever calls may choose his user agent.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.telemetry.chunk import CHUNK_BYTES, CHUNK_ROWS, Chunk
from caponier.telemetry.rejections import Rejection


def sound_chunks(path: Path, batches: Iterable[pa.RecordBatch]) -> Iterator[Chunk]:
    """Yield chunks of the batches of a file, with row numbers from 1; of a file that breaks off what came before that.

    Raises:
        InputError: If the file names a column twice.
    """
    number = 1
    try:
        for stored in batches:
            if len(set(stored.schema.names)) != len(stored.schema.names):
                raise InputError("two columns have the same name", where=str(path))
            batch = sound(stored)
            step = max(1, min(CHUNK_ROWS, CHUNK_BYTES * batch.num_rows // max(1, batch.nbytes)))
            for begin in range(0, batch.num_rows, step):
                part = batch.slice(begin, step)
                yield Chunk(batch=part, lines=list(range(number, number + part.num_rows)), bytes_read=part.nbytes)
                number += part.num_rows
    except (OSError, pa.ArrowException, UnicodeDecodeError) as broken:
        yield Chunk(rejections=[Rejection(shown(path), number, f"the file is broken from here on: {broken}")])


def sound(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch of which everything can be read; texts that are none have codes for what is no letter.

    Raises:
        pa.ArrowException: If it is damaged otherwise.
    """
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        batch = pa.RecordBatch.from_arrays([_sound(column) for column in batch.columns], schema=batch.schema)
        batch.validate(full=True)
    return batch


def _sound(column: pa.Array) -> pa.Array:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        held = _as_bytes(column.type)
        if held == column.type:
            raise
        plain = column.cast(held)
        # As bytes it is sound, or damaged otherwise: a place outside of the buffer must not be read.
        plain.validate(full=True)
        return pa.array([_text(value) for value in plain.to_pylist()], column.type)
    return column


def _as_bytes(kind: pa.DataType) -> pa.DataType:
    """Return a type with bytes in the place of texts."""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pa.binary() if pa.types.is_string(kind) else pa.large_binary()
    if pa.types.is_list(kind):
        return pa.list_(_as_bytes(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_as_bytes(field.type)) for field in kind])
    return kind


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, list):
        return [_text(one) for one in value]
    return {name: _text(one) for name, one in value.items()} if isinstance(value, dict) else value
