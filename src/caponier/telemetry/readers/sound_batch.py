"""Record batches whose texts are text: what a client sent reaches some tables as bytes that are no UTF-8.

One such value would end the reading of the whole log, for whoever calls may choose his user agent.
"""

from typing import Any

import pyarrow as pa


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
