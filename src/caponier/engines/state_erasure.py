"""Take a caller out of what a stream keeps: its states, its part in those of cells, and its rows that wait."""

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from caponier.detect.detector import Subject
from caponier.engines.lake_offsets import PARQUET
from caponier.engines.shards import BETWEEN
from caponier.engines.spool import KINDS, SEPARATOR
from caponier.engines.state_table import opened, write_table
from caponier.formats.atomic_file import replacing

_NOBODY: Final = ""


def without(path: Path, name: str, into: Path) -> int:
    """Write what a file holds of everybody else.

    Args:
        path: A file of states, or of rows that wait.
        name: Of the principal.
        into: Where it is written, unless nothing in the file is of this caller.

    Returns:
        How many rows are gone or no longer name the caller.

    Raises:
        OSError: If a file cannot be read or written.
        ValueError: If it is cut off, or something else.
    """
    subject = f"{KINDS[0]}{SEPARATOR}{name}"
    return _waiting(path, subject, into) if path.suffix == PARQUET else _states(path, subject, into)


def _waiting(path: Path, subject: str, into: Path) -> int:
    table = pq.read_table(path, partitioning=None)
    kept = table.filter(pc.fill_null(pc.not_equal(table["sender"], subject), True))
    if gone := len(table) - len(kept):
        with replacing(into) as beside:
            pq.write_table(kept, beside, compression="lz4")
    return gone


def _states(path: Path, subject: str, into: Path) -> int:
    table, own = opened(path).read_all(), f"{BETWEEN}{Subject.PRINCIPAL.value}{BETWEEN}{subject}"
    kept = table.filter(pc.invert(pc.ends_with(table["key"], own)))
    # What others sent counts on; it is only no longer said who sent the rest.
    at, senders = kept.schema.get_field_index("senders"), kept["senders"].to_pylist()
    named = [row is not None and subject in row for row in senders]
    if changed := len(table) - len(kept) + sum(named):
        others = [row and [_NOBODY if one == subject else one for one in row] for row in senders]
        column = pa.array(others, kept.schema.field(at).type)
        write_table(into, kept.set_column(at, kept.schema.field(at), column))
    return changed
