"""Rows of a training set as the log holds inputs: by the names of its columns, where both have names."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.records.field_map import MapFeature
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.field_maps.named_features import NamedFeatures
from caponier.telemetry.labelled_data.dataset import Dataset

FEW: Final = 5
Rows = NDArray[Any] | Dataset


def training_rows(given: Rows, spec: FeatureSpec) -> NDArray[Any]:
    """Return rows (n, d) in the order of the model's columns, with categories as the log's reader numbers them.

    A table by other names, and rows without names, are taken as they stand.

    Raises:
        InputError: If a table has some of the model's columns and lacks others.
    """
    if not isinstance(given, Dataset):
        return given
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


def taken_as_they_stand(given: Rows | None, spec: FeatureSpec) -> str | None:
    """Say in which order values were taken that have no names, where the model's columns have some; None elsewhere."""
    names = [column.name for column in spec.columns]
    if given is None or not names or _named(given, names) is not None:
        return None
    return f"rows of the training set have no names: they are taken in the order {_few(names)}; a table has names"


def _named(given: Rows, names: Sequence[str]) -> pa.Table | None:
    """Return the table of a data set that has some of the names; None if it is none."""
    table = given.content if isinstance(given, Dataset) else None
    return table if isinstance(table, pa.Table) and set(names) & set(table.column_names) else None


def _few(names: Sequence[str]) -> str:
    return f"{', '.join(names[:FEW])}{' …' if len(names) > FEW else ''}"
