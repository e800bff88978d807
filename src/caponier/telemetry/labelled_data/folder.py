"""Data sets that are folders: parts of one table, or pictures in a folder for each class.

Parts are Parquet, Arrow (as `save_to_disk` of Hugging Face writes them), JSON Lines or CSV.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from caponier.errors import InputError
from caponier.formats.walk_files import shown, walk
from caponier.telemetry.labelled_data.dataset import Dataset, encode_labels
from caponier.telemetry.labelled_data.sheet import DataSheet, check_cells, read_sheet
from caponier.telemetry.pictures import pooled
from caponier.telemetry.rejections import Rejection

PARTS: Final = (".parquet", ".pq", ".arrow", ".feather", ".jsonl", ".ndjson", ".csv", ".tsv")
PICTURES: Final = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff")
LABEL: Final = "label"
FILE: Final = "file"
MOST_PICTURES: Final = 200_000


def files_of(folder: Path) -> list[Path]:
    """Return what a folder holds of a data set: the parts of a table, or else pictures; in the order of their names.

    Raises:
        InputError: If it holds neither.
    """
    found = sorted(one.path for one in walk([folder], through_links=False) if not one.is_folder and not one.problem)
    for endings in (PARTS, PICTURES):
        wanted = [
            path for path in found if path.suffix.lower() in endings and not path.name.startswith((".", "_", "cache-"))
        ]
        if wanted:
            return wanted
    raise InputError("holds no data set: neither parts of a table nor pictures", where=shown(folder))


def is_pictures(files: Sequence[Path]) -> bool:
    """Tell whether a folder's files are pictures."""
    return files[0].suffix.lower() in PICTURES


def read_parts(folder: Path, files: Sequence[Path], contents: Sequence[bytes]) -> DataSheet:
    """Put the parts of a table together.

    Raises:
        InputError: If they have different columns.
    """
    sheets = [read_sheet(path, data) for path, data in zip(files, contents, strict=True)]
    names = sheets[0].table.column_names
    for path, sheet in zip(files, sheets, strict=True):
        if set(sheet.table.column_names) != set(names):
            raise InputError(f"its columns are not those of {files[0].name}", where=shown(path))
    try:
        table = pa.concat_tables([sheet.table.select(names) for sheet in sheets], promote_options="permissive")
    except pa.ArrowException as wrong:
        raise InputError(f"its parts do not fit each other: {wrong}", where=shown(folder)) from wrong
    check_cells(folder, table.num_rows, table.num_columns)
    kinds = {sheet.kind for sheet in sheets}
    return DataSheet(
        table,
        list(range(1, table.num_rows + 1)),
        kinds.pop() if len(kinds) == 1 else "parquet",
        sheets[0].delimiter,
        [one for sheet in sheets for one in sheet.rejections],
    )


def read_pictures(folder: Path, files: Sequence[Path], contents: Sequence[bytes], digest: str) -> Dataset:
    """Read pictures, whose class is the folder that each lies in, as 16 x 16 grey values.

    Raises:
        InputError: If there are too many, or what reads pictures is not installed.
    """
    if len(files) > MOST_PICTURES:
        raise InputError(f"more than {MOST_PICTURES:,} pictures", where=shown(folder), hint="Split the data set.")
    rows, names, labels, bad = [], [], [], []
    for number, (path, data) in enumerate(zip(files, contents, strict=True), 1):
        name = path.relative_to(folder).as_posix()
        if path.parent == folder:
            bad.append(Rejection(shown(path), 1, "no label: it lies in no folder of a class"))
            continue
        try:
            rows.append(pooled(data))
        except InputError as broken:
            bad.append(Rejection(shown(path), number, broken.what))
            continue
        names.append(name)
        labels.append(path.parent.relative_to(folder).as_posix())
    y, classes, values = encode_labels(labels)
    return Dataset(
        path=folder,
        sha256=digest,
        kind="csv",
        x=np.array(rows, np.float64).reshape(len(rows), -1),
        y=y,
        classes=classes,
        ids=tuple(names),
        sources=None,
        content=pa.table({FILE: pa.array(names, pa.string()), LABEL: pa.array(labels, pa.string())}),
        label=LABEL,
        label_values=values,
        rejections=tuple(bad),
        notes=("pictures are compared as 16 x 16 grey values",),
    )


def digest_of(folder: Path, files: Sequence[Path], contents: Sequence[bytes]) -> str:
    """Return one digest of a folder: of the names and the contents of its files."""
    made = hashlib.sha256()
    for path, data in zip(files, contents, strict=True):
        made.update(path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape") + b"\0")
        made.update(hashlib.sha256(data).digest())
    return made.hexdigest()
