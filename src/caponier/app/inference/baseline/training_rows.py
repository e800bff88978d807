"""Rows of a training set as the log holds inputs: raw ones read alike, others by the names of their columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.records.field_map import MapFeature
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.field_maps.named_features import NamedFeatures
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.labelled_data.datasets import read_bytes, read_dataset, unpacked
from caponier.telemetry.labelled_data.sheet import read_sheet
from caponier.telemetry.raw_inputs import numbers_of

FEW: Final = 5
RAW: Final = "input_raw"
"""Column of a table whose cells are inputs as the log writes them: texts, or rows as JSON."""
Rows = NDArray[Any] | Dataset
"""Rows (n, ...) of numbers, raw inputs (n,), or a data set."""


def read_training_set(path: Path, columns: Columns | None = None) -> Rows:
    """Read what a model was trained on: raw inputs, where a table has a column of them, else a data set.

    Args:
        path: See `read_dataset`.
        columns: Of a table; raw inputs need no label.

    Raises:
        InputError: If the file cannot be read, or has not a single usable row.
    """
    raw = _raw_inputs(path) if path.is_file() else None
    return read_dataset(path, columns) if raw is None else raw


def _raw_inputs(path: Path) -> NDArray[Any] | None:
    data = unpacked(path, read_bytes(path))
    if not data or data.startswith(b"PK\x03\x04"):
        return None
    table = read_sheet(path, data).table
    return np.array(table[RAW].drop_null().to_pylist(), object) if RAW in table.column_names else None


def training_rows(given: Rows, spec: FeatureSpec) -> NDArray[Any]:
    """Return rows (n, d) in the order of the model's columns, with categories as the log's reader numbers them.

    A table by other names, and rows of numbers without names, are taken as they stand.

    Raises:
        InputError: If a table has some of the model's columns and lacks others, or no raw input can be read.
    """
    if not isinstance(given, Dataset):
        return _as_logged(given, spec) if _is_raw(given) else given
    names = [column.name for column in spec.columns]
    table = _named(given, names)
    if table is None:
        return given.x
    if lacking := [name for name in names if name not in table.column_names]:
        what = f"columns of the model are missing: {_few(lacking)}"
        raise InputError(what, where=str(given.path), hint="Name them as the log does.")
    places = set(spec.categories or range(len(names))) if spec.kind == "categorical" else set()
    features = [MapFeature(name=name, kind="category" if at in places else "number") for at, name in enumerate(names)]
    inputs, _ = NamedFeatures(features, [()] * len(names), ".").of([table[name].to_pylist() for name in names])
    rows: NDArray[Any] = np.array([row for row in inputs.to_pylist() if row is not None], np.float32)
    # A row of which a value is missing is one that nobody can ask for whole.
    return rows[np.isfinite(rows).all(axis=1)] if rows.size else rows


def _as_logged(raw: NDArray[Any], spec: FeatureSpec) -> NDArray[np.float32]:
    """Read raw inputs (n,) as those of a log are, and leave out those of which a value is missing."""
    read = (numbers_of(str(one), spec) for one in raw)
    rows = [row for row in read if row is not None and len(row) == spec.size and np.isfinite(row).all()]
    if not rows:
        what = f"none of {len(raw):,} raw inputs of the training set can be read as what the model takes ({spec.kind})"
        raise InputError(what, hint="Write them as the log does: texts, or rows as JSON lists")
    return np.stack(rows)


def taken_as_they_stand(given: Rows | None, spec: FeatureSpec) -> str | None:
    """Say in which order values were taken that have no names, where the model's columns have some; None elsewhere."""
    names = [column.name for column in spec.columns]
    if given is None or not names or _named(given, names) is not None or _is_raw(given):
        return None
    return f"rows of the training set have no names: they are taken in the order {_few(names)}; a table has names"


def _named(given: Rows, names: Sequence[str]) -> pa.Table | None:
    """Return the table of a data set that has some of the names; None if it is none."""
    table = given.content if isinstance(given, Dataset) else None
    return table if isinstance(table, pa.Table) and set(names) & set(table.column_names) else None


def _is_raw(given: Rows) -> bool:
    return not isinstance(given, Dataset) and given.ndim == 1 and given.dtype.kind in "OU"


def _few(names: Sequence[str]) -> str:
    return f"{', '.join(names[:FEW])}{' …' if len(names) > FEW else ''}"
