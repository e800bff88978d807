"""Write a repaired data set, and the rows that were taken out of it, in the format of the original."""

import io
from collections.abc import Container, Iterator
from enum import StrEnum
from itertools import chain, count
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.formats.csv_text import csv_text
from caponier.telemetry.labelled_data.dataset import Arrays, Dataset

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
    bearers = _bearers(dataset, labels)[rows]
    if isinstance(dataset.content, dict):
        arrays = _rows(dataset, rows)
        arrays[dataset.label] = dataset.content[dataset.label][bearers]
        return _archive(arrays)
    table = dataset.content.take(pa.array(rows))
    at = table.column_names.index(dataset.label)
    column = dataset.content.column(at).take(pa.array(bearers))
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
        arrays = _rows(dataset, rows)
        for name, array in ((ID, np.array(ids)), (SUGGESTED, np.array(names)), (SCORE, figures)):
            arrays[_free(name, arrays)] = array
        return _archive(arrays)
    table = dataset.content.take(pa.array(rows))
    for name, values in ((ID, ids), (SUGGESTED, names), (SCORE, figures.tolist())):
        table = table.append_column(_free(name, table.column_names), pa.array(values))
    return _table(dataset, table)


def _free(name: str, taken: Container[str]) -> str:
    """Return a name that is not taken: a side file may be judged again, and its rows stay as they came."""
    names: Iterator[str] = (f"{name}_{number}" for number in count(2))
    return next(free for free in chain([name], names) if free not in taken)


def _bearers(dataset: Dataset, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (n,) the row whose label each row takes over as it is written there; its own where that is right."""
    first = np.zeros(len(dataset.classes), np.int64)
    first[dataset.y[::-1]] = np.arange(len(dataset))[::-1]
    bearers: NDArray[np.int64] = np.where(labels == dataset.y, np.arange(len(dataset)), first[labels])
    return bearers


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
    if dataset.kind == "jsonl":
        return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE, default=str) for row in table.to_pylist())
    rows = [table.column_names, *(row.values() for row in table.to_pylist())]
    return csv_text(rows, delimiter=dataset.delimiter).encode()
