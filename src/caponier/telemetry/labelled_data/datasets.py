"""Labelled data sets, read without trusting them: files and folders become rows, labels, ids and sources.

Nothing is unpickled. What an archive or a header claims is compared with limits before memory is asked for. A bad row
is rejected with its number and reason, and the good ones go on; `content` keeps the accepted rows as they came, so that
a repaired data set can be written in the same format.
"""

import hashlib
from pathlib import Path
from typing import Final

import pyarrow as pa

from caponier.errors import InputError
from caponier.telemetry.labelled_data import archive, folder, table
from caponier.telemetry.labelled_data.dataset import Columns, Dataset

FILE_LIMIT: Final = 2**30
"""Bytes of the largest file that is read."""
SPLITS: Final = "dataset_dict.json"
"""What Hugging Face writes beside folders of splits: to mix training and test rows would be a mistake."""
_PACKED: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


def read_dataset(path: Path, columns: Columns | None = None) -> Dataset:
    """Read a data set; its type is told by its content, not by its name.

    Args:
        path: A `.npz` with `x` (n, ...), `y` (n,) and perhaps `source` and `id` (n,); a table as Parquet, Arrow,
            JSON Lines or CSV, perhaps packed by gzip or Zstandard; a folder of parts of one; or pictures in a folder
            for each class.
        columns: Of a table: which column is the label, and which are source and id.

    Raises:
        InputError: If the file cannot be read, is too large, or has not a single usable row.
    """
    dataset = _of_folder(path, columns) if path.is_dir() else _of_file(path, columns)
    if not len(dataset):
        reason = dataset.rejections[0].reason if dataset.rejections else "there is none"
        raise InputError(f"no row can be used: {reason}", where=str(path))
    return dataset


def _of_file(path: Path, columns: Columns | None) -> Dataset:
    packed = read_bytes(path)
    if not packed:
        raise InputError("the file is empty", where=str(path))
    digest, data = hashlib.sha256(packed).hexdigest(), unpacked(path, packed)
    if data.startswith(b"PK\x03\x04"):
        return archive.read(path, data, digest)
    if columns is None or columns.label is None:
        raise _unlabelled(path)
    return table.read(path, data, digest, columns)


def _of_folder(path: Path, columns: Columns | None) -> Dataset:
    if (path / SPLITS).exists():
        splits = ", ".join(sorted(one.name for one in path.iterdir() if one.is_dir()))
        raise InputError("holds several splits of a data set", where=str(path), hint=f"Name one of them: {splits}")
    files = folder.files_of(path)
    pictures = folder.is_pictures(files)
    if not pictures and (columns is None or columns.label is None):
        raise _unlabelled(path)
    contents, size = [], 0
    for file in files:
        contents.append(read_bytes(file))
        size += len(contents[-1])
        if size > FILE_LIMIT:
            raise InputError(f"holds more than {FILE_LIMIT:,} bytes", where=str(path), hint="Split the data set.")
    digest = folder.digest_of(path, files, contents)
    if pictures:
        return folder.read_pictures(path, files, contents, digest)
    return table.of_sheet(path, folder.read_parts(path, files, contents), digest, columns or Columns())


def _unlabelled(path: Path) -> InputError:
    return InputError("which column holds the label?", where=str(path), hint="Name it with --label COLUMN.")


def unpacked(path: Path, data: bytes) -> bytes:
    """Return what gzip or Zstandard packed; anything else as it is.

    Raises:
        InputError: If it is broken, or larger than is read once it is unpacked.
    """
    how = next((name for magic, name in _PACKED.items() if data.startswith(magic)), None)
    if how is None:
        return data
    try:
        with pa.input_stream(pa.BufferReader(data), compression=how) as stream:
            plain: bytes = stream.read(FILE_LIMIT + 1)
    except (OSError, pa.ArrowException) as broken:
        raise InputError(f"cannot be unpacked: {broken}", where=str(path)) from broken
    if len(plain) > FILE_LIMIT:
        raise InputError(f"holds more than {FILE_LIMIT:,} bytes", where=str(path), hint="Split the data set.")
    return plain


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
        raise InputError(f"the file is larger than {FILE_LIMIT:,} bytes", where=str(path), hint="Split the data set.")
    return data
