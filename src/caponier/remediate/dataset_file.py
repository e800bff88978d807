"""Write a repaired data set, and the rows that were taken out of it, in the format of the original."""

import csv
import io
from enum import StrEnum
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.telemetry.dataset import Arrays, Dataset

SUGGESTED: Final = "caponier_suggested"
SCORE: Final = "caponier_score"
ID: Final = "caponier_id"
"""Columns of the side file that the original does not have."""


class Repair(StrEnum):
    """What is done with a flagged row."""

    DROP = "drop"
    RELABEL = "relabel"
    """Give it the label that the detector suggests."""


def labels_after(
    dataset: Dataset, flagged: NDArray[np.bool_], suggested: NDArray[np.int64], repair: Repair
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which rows stay (n,), and the label of each (n,).

    A flagged row without a suggestion (negative) cannot be relabelled, and is dropped.
    """
    if repair is Repair.DROP:
        return ~flagged, dataset.y
    changed = flagged & (suggested >= 0)
    return ~flagged | changed, np.where(changed, suggested, dataset.y)


def repaired(dataset: Dataset, keep: NDArray[np.bool_], labels: NDArray[np.int64]) -> bytes:
    """Return the new file: the rows to keep, in their order, each with its label."""
    if not keep.any():
        raise InputError("nothing would be left of the data set", where=str(dataset.path))
    rows = np.flatnonzero(keep)
    values = [dataset.label_values[label] for label in labels[rows]]
    if isinstance(dataset.content, dict):
        arrays = _rows(dataset, rows)
        arrays[dataset.label] = np.array(values).astype(dataset.content[dataset.label].dtype)
        return _archive(arrays)
    table = dataset.content.take(pa.array(rows))
    at = table.column_names.index(dataset.label)
    column = pa.array(values).cast(table.schema.field(at).type)
    return _table(dataset, table.set_column(at, table.schema.field(at), column))


def quarantined(
    dataset: Dataset, flagged: NDArray[np.bool_], suggested: NDArray[np.int64], scores: NDArray[np.float64]
) -> bytes:
    """Return the side file: the flagged rows as they came, with id, suggested label and score of each."""
    rows = np.flatnonzero(flagged)
    ids = [dataset.ids[row] for row in rows]
    names = ["" if suggested[row] < 0 else dataset.classes[suggested[row]] for row in rows]
    figures = np.round(scores[rows], 4)
    if isinstance(dataset.content, dict):
        return _archive(_rows(dataset, rows) | {ID: np.array(ids), SUGGESTED: np.array(names), SCORE: figures})
    table = dataset.content.take(pa.array(rows))
    for name, values in ((ID, ids), (SUGGESTED, names), (SCORE, figures.tolist())):
        table = table.append_column(name, pa.array(values))
    return _table(dataset, table)


def _rows(dataset: Dataset, rows: NDArray[np.int64]) -> Arrays:
    arrays: Arrays = dataset.content
    return {name: array[rows] if array.ndim and len(array) == len(dataset) else array for name, array in arrays.items()}


def _archive(arrays: Arrays) -> bytes:
    data = io.BytesIO()
    # numpy's stubs take the names of arrays for its own options.
    save: Any = np.savez_compressed
    save(data, **arrays)
    return data.getvalue()


def _table(dataset: Dataset, table: pa.Table) -> bytes:
    if dataset.kind == "parquet":
        data = io.BytesIO()
        pq.write_table(table, data)
        return data.getvalue()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(row.values() for row in table.to_pylist())
    return text.getvalue().encode()
