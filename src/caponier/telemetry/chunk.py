"""What a reader yields: rows as they came, where each of them stands, and what could not be read."""

from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from caponier.telemetry.rejections import Rejection

CHUNK_ROWS: Final = 4_096
CHUNK_BYTES: Final = 8 * 2**20
"""A chunk ends here too, so that a log of large rows takes no more memory than one of small rows."""

Row = dict[str, Any]


@dataclass
class Chunk:
    """Rows of one source in the order in which they stand there."""

    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """Line (or row) number of each row, from 1."""
    batch: pa.RecordBatch | None = None
    """The rows as columns, in place of `rows`, where the format has columns."""
    values: dict[str, list[Any] | pa.Array] | None = None
    """The rows as columns of the event schema, in place of `rows`, where a field map made them."""
    faults: dict[int, str] = field(default_factory=dict)
    """Rows that the map's columns cannot be used of, by their place, and why."""
    native: bool = True
    """Whether it is as the log says it, in our own schema; else several of its records may be of one request."""
    rejections: list[Rejection] = field(default_factory=list)
    bytes_read: int = 0

    @property
    def full(self) -> bool:
        """Whether it is time for the next chunk."""
        return len(self.rows) + len(self.rejections) >= CHUNK_ROWS or self.bytes_read >= CHUNK_BYTES
