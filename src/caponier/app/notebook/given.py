"""What a notebook hands over, as the files that every use-case reads: one reader, one set of rules and messages."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from caponier.app.inference.read_options import ReadOptions, caller_headers
from caponier.app.workspace.workspace import require_workspace
from caponier.errors import InputError
from caponier.formats.tabular import Tabular
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from caponier.telemetry.readers.cloud_event import USUAL

_LABELS: Final = "Give labels, scan_dataset(x, y), or a table and label='…'."
_COLUMNS: Final = "Give a table with at least time, model and operation; principal, input and label say most."


def read_options(home: Workspace | None) -> ReadOptions:
    """Return how logs are read: as the command line does, with the maps of a workspace and those that ship."""
    maps = MapChoice(known=(*(home.maps if home else ()), *shipped_maps()))
    return ReadOptions(callers=caller_headers(home) if home else USUAL, maps=maps)


@contextmanager
def log_of(events: Any) -> Iterator[list[Path]]:
    """Give the files that hold some events; those of a table are gone afterwards.

    Args:
        events: A path or several, a DataFrame, an Arrow table, records of this package, or rows by column name.

    Raises:
        InputError: If it is none of these.
    """
    if paths := _paths(events):
        yield paths
        return
    with _written(table_of(events), "events.parquet") as file:
        yield [file]


@contextmanager
def dataset_of(x: Any, y: Any, source: Any, ids: Any) -> Iterator[Path]:
    """Give the file that holds a data set: a path or a table alone, or arrays of features and labels.

    Args:
        x: A path, a DataFrame, an Arrow table; or (n, …) numbers.
        y: (n,) labels of an array.
        source: (n,) names of who brought each row of an array.
        ids: (n,) names of its rows.

    Raises:
        InputError: If it is none of these.
    """
    if y is None:
        if paths := _paths(x):
            yield paths[0]
        else:
            with _written(table_of(x, _LABELS), "table.parquet") as file:
                yield file
        return
    arrays = {"x": _array(x, "x")}
    given = (("y", y), ("source", source), ("id", ids))
    arrays |= {name: _plain(_array(one, name)) for name, one in given if one is not None}
    # Objects would be pickled, and no reader of ours takes those.
    if arrays["x"].dtype == object:
        raise InputError("features have to be numbers", where="x", hint="Or give a table, with label='…'.")
    with _nameless("arrays.npz") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
        yield file


def share_of(alpha: float | None) -> float | None:
    """Return a share of benign callers.

    Raises:
        InputError: If it is none.
    """
    if alpha is not None and (isinstance(alpha, bool) or not isinstance(alpha, float | int) or not 0 < alpha < 1):
        hint = "Give one between 0 and 1, such as 0.01"
        raise InputError(f"alpha is {alpha!r}, and no share of benign callers", hint=hint)
    return alpha


def table_of(rows: Any, hint: str = _COLUMNS) -> pa.Table:
    """Return rows as an Arrow table.

    Args:
        rows: In whatever form.
        hint: What to give instead.

    Raises:
        InputError: If nothing says which columns they have.
    """
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, Tabular):
        return rows.to_arrow()
    # pandas leaves an index behind that nobody asked for; polars and others say it by themselves.
    if type(rows).__module__.partition(".")[0] == "pandas":
        return pa.Table.from_pandas(rows, preserve_index=False)
    if hasattr(rows, "__arrow_c_stream__"):
        return pa.table(rows)
    if isinstance(rows, Sequence) and rows and all(isinstance(row, Mapping) for row in rows):
        return pa.Table.from_pylist([dict(row) for row in rows])
    raise InputError(f"a {type(rows).__name__} does not say which columns it has", hint=hint)


def workspace_of(given: Workspace | str | PathLike[str] | None) -> Workspace | None:
    """Return the workspace that a caller means; a notebook uses none unasked.

    Raises:
        InputError: If there is none there.
    """
    return given if given is None or isinstance(given, Workspace) else require_workspace(Path(given))


def features_of(given: FeatureSpec | Mapping[str, Any] | None) -> FeatureSpec | None:
    """Return what a model takes, in the words of `caponier.toml`.

    Raises:
        InputError: If it cannot be meant.
    """
    if given is None or isinstance(given, FeatureSpec):
        return given
    try:
        return FeatureSpec(**given)
    except (TypeError, ValueError) as wrong:
        hint = 'For example: features={"kind": "image", "shape": [8, 8], "minimum": 0, "maximum": 1}'
        raise InputError("features do not describe an input", hint=hint) from wrong


def _paths(given: Any) -> list[Path]:
    if isinstance(given, str | PathLike):
        return [Path(given)]
    several = isinstance(given, Sequence) and bool(given) and all(isinstance(one, str | PathLike) for one in given)
    return [Path(one) for one in given] if several else []


@contextmanager
def _written(table: pa.Table, name: str) -> Iterator[Path]:
    with _nameless(name) as file:
        pq.write_table(table, file)
        yield file


@contextmanager
def _nameless(name: str) -> Iterator[Path]:
    """Give a file for what has no name; a complaint of it does not name the file, of which nobody knows."""
    with TemporaryDirectory(prefix="caponier-") as folder:
        file = Path(folder) / name
        try:
            yield file
        except InputError as wrong:
            if not (wrong.where or "").startswith(str(file)):
                raise
            raise InputError(
                wrong.what, where=f"what was given{(wrong.where or '')[len(str(file)) :]}", hint=wrong.hint
            ) from wrong


def _array(values: Any, name: str) -> np.ndarray[Any, np.dtype[Any]]:
    try:
        return np.asarray(values)
    except (TypeError, ValueError) as uneven:
        raise InputError(f"is not an array: {uneven}", where=name, hint="Give rows of equal length.") from uneven


def _plain(array: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    return array.astype(str) if array.dtype == object else array
