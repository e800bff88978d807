"""Data sets in NumPy's `.npz`: a zip of arrays. Never with pickles, and never larger than their headers may claim."""

import io
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.telemetry.labelled_data.dataset import NAME_LIMIT, Arrays, Dataset, check_ids, check_size, encode_labels
from caponier.telemetry.rejections import Rejection

MEMBERS: Final = 64
UNPACKED_LIMIT: Final = 4 * 2**30
"""Bytes of all arrays together."""
HEADER_LIMIT: Final = 10_000
"""Bytes of one array's header; NumPy's own default for untrusted files."""


def read(path: Path, data: bytes, digest: str) -> Dataset:
    """Read `x`, `y`, `source` and `id`; ids are positions from 0 where the file has none.

    Raises:
        InputError: If the archive is broken, too large, holds objects, or its arrays do not fit each other.
    """
    arrays = _arrays(path, data)
    for name in ("x", "y"):
        if name not in arrays:
            raise InputError(f"there is no array {name!r}", where=str(path), hint="Name the arrays x and y.")
    x, n = arrays["x"], len(arrays["x"]) if arrays["x"].ndim else 0
    for name in ("y", "source", "id"):
        if name in arrays and arrays[name].shape != (n,):
            what = f"{name} has the shape {arrays[name].shape}, and x has {n} rows"
            raise InputError(what, where=str(path), hint=f"Give {name} as one value a row.")
    if x.dtype.kind not in "buif":
        raise InputError(f"x holds {x.dtype}, not numbers", where=str(path))
    width = int(np.prod(x.shape[1:], dtype=np.int64))
    check_size(path, n, width)
    flat = x.reshape(n, width).astype(np.float64)
    ids = [str(name) for name in arrays["id"].tolist()] if "id" in arrays else [str(row) for row in range(n)]
    faults = _faults(flat, arrays["y"], arrays.get("source")) | check_ids(ids)
    kept = np.array([row for row in range(n) if row not in faults], np.int64)
    y, classes, values = encode_labels([_plain(label) for label in arrays["y"][kept].tolist()])
    return Dataset(
        path=path,
        sha256=digest,
        kind="npz",
        x=flat[kept],
        y=y,
        classes=classes,
        ids=tuple(ids[row] for row in kept),
        sources=tuple(str(name) for name in arrays["source"][kept].tolist()) if "source" in arrays else None,
        content={name: array[kept] if array.ndim and len(array) == n else array for name, array in arrays.items()},
        label_values=values,
        rejections=tuple(Rejection(shown(path), row, faults[row]) for row in sorted(faults)),
        shape=tuple(int(side) for side in x.shape[1:]),
    )


def _arrays(path: Path, data: bytes) -> Arrays:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MEMBERS:
                raise InputError(f"the archive has {len(members)} members, {MEMBERS} are the most", where=str(path))
            if members and not any(member.filename.endswith(".npy") for member in members):
                # A workbook of a spreadsheet program is an archive, too.
                hint = "Save the sheet of a spreadsheet as CSV; unpack an archive of other files."
                raise InputError("this archive holds no NumPy array", where=str(path), hint=hint)
            if sum(member.file_size for member in members) > UNPACKED_LIMIT:
                raise InputError(f"unpacked it is larger than {UNPACKED_LIMIT:,} bytes", where=str(path))
            if len({member.filename for member in members}) != len(members):
                raise InputError("two arrays have the same name", where=str(path))
            return {member.filename.removesuffix(".npy"): _array(path, archive, member) for member in members}
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as broken:
        raise InputError(f"the archive is broken: {broken}", where=str(path)) from broken


def _array(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    where = f"{path}: {member.filename}"
    with archive.open(member) as stream:
        try:
            version = np.lib.format.read_magic(stream)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = header(stream, max_header_size=HEADER_LIMIT)
        except ValueError as wrong:
            raise InputError("this is not a NumPy array", where=where) from wrong
        if dtype.hasobject:
            raise InputError("the array holds pickled objects, which could run code; it is not read", where=where)
        # NumPy would ask for the memory that the header claims before it reads.
        if int(np.prod(shape, dtype=object)) * dtype.itemsize > member.file_size:
            raise InputError("the array is shorter than its header says", where=where)
    with archive.open(member) as stream:
        try:
            array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False, max_header_size=HEADER_LIMIT)
        except ValueError as wrong:
            raise InputError(f"this is not a NumPy array: {wrong}", where=where) from wrong
    return array


def _faults(x: NDArray[np.float64], y: NDArray[Any], source: NDArray[Any] | None) -> dict[int, str]:
    faults = {int(row): "x holds NaN or infinity" for row in np.flatnonzero(~np.isfinite(x).all(axis=1))}
    if y.dtype.kind == "f":
        faults |= {int(row): "no label" for row in np.flatnonzero(~np.isfinite(y))}
    for name, array in (("label", y), ("source", source)):
        if array is not None and array.dtype.kind in "US":
            lengths = np.char.str_len(array)
            faults |= {int(row): f"{name} longer than {NAME_LIMIT}" for row in np.flatnonzero(lengths > NAME_LIMIT)}
    return faults


def _plain(label: Any) -> Any:
    """Write whole numbers as such: 3.0 is the class 3."""
    if isinstance(label, bytes):
        return label.decode("utf-8", "replace")
    return int(label) if isinstance(label, float) and label.is_integer() else label
