"""Labelled data sets, read without trusting them: `.npz`, Parquet and CSV become rows, labels, ids and sources.

Nothing is unpickled. What an archive or a header claims is compared with limits before memory is asked for. A bad row
is rejected with its number and reason, and the good ones go on; `content` keeps the accepted rows as they came, so that
a repaired data set can be written in the same format.
"""

import hashlib
from pathlib import Path
from typing import Final

from caponier.errors import InputError
from caponier.telemetry.labelled_data import archive, table
from caponier.telemetry.labelled_data.dataset import Columns, Dataset

FILE_LIMIT: Final = 2**30
"""Bytes of the largest file that is read."""


def read_dataset(path: Path, columns: Columns | None = None) -> Dataset:
    """Read a data set; its type is told by its content, not by its name.

    Args:
        path: A `.npz` with `x` (n, ...), `y` (n,) and perhaps `source` and `id` (n,), a Parquet or a CSV file.
        columns: Of a table: which column is the label, and which are source and id.

    Raises:
        InputError: If the file cannot be read, is too large, or has not a single usable row.
    """
    data = read_bytes(path)
    digest = hashlib.sha256(data).hexdigest()
    if data.startswith(b"PK\x03\x04"):
        dataset = archive.read(path, data, digest)
    elif columns is None or columns.label is None:
        raise InputError("a table needs the name of its label", where=str(path), mend="Name it with --label COLUMN.")
    else:
        dataset = table.read(path, data, digest, columns)
    if not len(dataset):
        reason = dataset.rejections[0].reason if dataset.rejections else "there is none"
        raise InputError(f"no row can be used: {reason}", where=str(path))
    return dataset


def read_bytes(path: Path) -> bytes:
    """Read a file whole, once, so that what is judged is what was hashed.

    Raises:
        InputError: If it cannot be read or is too large.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(FILE_LIMIT + 1)
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror}", where=str(path)) from failed
    if len(data) > FILE_LIMIT:
        raise InputError(f"the file is larger than {FILE_LIMIT:,} bytes", where=str(path), mend="Split the data set.")
    return data
