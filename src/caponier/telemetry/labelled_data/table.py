"""Data sets that are tables: a column is the label, numbers are features, and words become 0 and 1."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.formats.suggest import did_you_mean, nearest
from caponier.formats.walk_files import shown
from caponier.telemetry.labelled_data.dataset import (
    NAME_LIMIT,
    VALUE_LIMIT,
    Columns,
    Dataset,
    check_ids,
    check_size,
    encode_labels,
    in_range,
    number_of,
)
from caponier.telemetry.labelled_data.free_text import ROWS, is_free_text, word_features
from caponier.telemetry.labelled_data.number_texts import numbers_in
from caponier.telemetry.labelled_data.sheet import DataSheet, read_sheet
from caponier.telemetry.rejections import RAW_LIMIT, Rejection

Block = tuple[list[str], NDArray[np.float64]]
"""Names and values (n, k) of the features that one column gives."""

CATEGORIES: Final = 64
"""Different words of a column up to which each cell is one; with more it is rather an id or a text."""
SPELLINGS: Final = 5
"""Labels of which a note is made."""


def read(path: Path, data: bytes, digest: str, columns: Columns) -> Dataset:
    """Read a table; where no column gives ids they are lines of a text, and row numbers from 1 of other formats.

    Raises:
        InputError: If it is of no known format, or a named column does not exist.
    """
    return of_sheet(path, read_sheet(path, data), digest, columns)


def of_sheet(path: Path, sheet: DataSheet, digest: str, columns: Columns) -> Dataset:
    """Make a data set of a table that was read.

    Raises:
        InputError: If a named column does not exist, or no column is a feature.
    """
    for option, name in (("label", columns.label), ("source", columns.source), ("id", columns.id)):
        if name is not None and name not in sheet.table.column_names:
            known = ", ".join(sheet.table.column_names[:20])
            raise InputError(f"there is no column {name!r} for --{option}", where=str(path), hint=f"Columns: {known}")
    for name in (*columns.features, *columns.exclude):
        if name not in sheet.table.column_names:
            hint = did_you_mean(nearest(name, sheet.table.column_names), otherwise="It names columns of the table.")
            raise InputError(f"there is no column {name!r} for --features or --exclude", where=str(path), hint=hint)
    if not sheet.table.num_rows and not sheet.rejections:
        raise InputError("the table has columns and no rows", where=str(path))
    labels, sources, ids = _roles(sheet, columns)
    x, features, notes = _features(path, sheet, columns)
    kept = np.array([row for row in range(sheet.table.num_rows) if row not in sheet.faults], np.int64)
    y, classes, values = encode_labels([labels[row] for row in kept])
    lines = {row: sheet.lines[row] for row in sheet.faults}
    bad = [Rejection(shown(path), lines[row], sheet.faults[row], _raw(sheet.table, row)) for row in sorted(lines)]
    return Dataset(
        path=path,
        sha256=digest,
        kind=sheet.kind,
        delimiter=sheet.delimiter,
        x=x[kept],
        y=y,
        classes=classes,
        ids=tuple(ids[row] for row in kept),
        sources=None if sources is None else tuple(sources[row] for row in kept),
        content=sheet.table.take(pa.array(kept)),
        features=features,
        label=columns.label or "",
        label_values=values,
        rejections=tuple(sorted([*sheet.rejections, *bad], key=lambda rejection: rejection.line)),
        notes=(*notes, *_spellings(classes)),
    )


def _roles(sheet: DataSheet, columns: Columns) -> tuple[list[Any], list[str] | None, list[str]]:
    labels = sheet.table[columns.label].to_pylist()
    for row, label in enumerate(labels):
        if label is None or label == "" or label != label:
            sheet.faults[row] = "no label"
        elif isinstance(label, str) and len(label) > NAME_LIMIT:
            sheet.faults[row] = f"label longer than {NAME_LIMIT}"
        elif not isinstance(label, str | int | float | bool):
            raise InputError("the label is neither text nor a number", where=f"{columns.label}")
    sources = None if columns.source is None else _names(sheet.table[columns.source])
    # A CSV row's number is its line: a broken row above renames none below, and an editor finds it.
    ids = [str(line) for line in sheet.lines] if columns.id is None else _names(sheet.table[columns.id])
    sheet.faults.update(check_ids(ids))
    return labels, sources, ids


def _spellings(classes: Sequence[str]) -> Iterator[str]:
    """Yield a note for labels that were typed in several ways, each of which is a class of its own."""
    alike: dict[str | float, list[str]] = {}
    for name in classes:
        number = number_of(name)
        alike.setdefault(name.strip().casefold() if number is None else number, []).append(name)
    for names in [names for names in alike.values() if len(names) > 1][:SPELLINGS]:
        told = " and ".join(repr(name[:40]) for name in names)
        yield f"labels {told} differ only in how they are written; they are {len(names)} classes here"


def _names(column: pa.ChunkedArray) -> list[str]:
    return ["" if value is None else str(value) for value in column.to_pylist()]


def _features(path: Path, sheet: DataSheet, columns: Columns) -> tuple[NDArray[np.float64], tuple[str, ...], list[str]]:
    blocks: list[Block] = []
    notes: list[str] = []
    for name in sheet.table.column_names:
        if name in (columns.label, columns.source, columns.id, *columns.exclude):
            continue
        if columns.features and name not in columns.features:
            continue
        block = _encoded(name, sheet.table[name].combine_chunks(), sheet.faults)
        if isinstance(block, str):
            notes.append(f"column {name!r} is left out: {block}")
            continue
        blocks.append(block)
        check_size(path, sheet.table.num_rows, sum(len(names) for names, _ in blocks))
    if not blocks:
        raise InputError("no column besides the label can be used", where=str(path), hint="; ".join(notes) or None)
    features = tuple(name for names, _ in blocks for name in names)
    return np.concatenate([values for _, values in blocks], axis=1), features, notes


def _encoded(name: str, column: pa.Array, faults: dict[int, str]) -> Block | str:
    """Return one column's numbers and which are missing, or a 0 or 1 for each of its words; or why it is no feature."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind):
        return _lists(name, column, faults)
    if pa.types.is_boolean(kind):
        column, kind = column.cast(pa.int8()), pa.int8()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(name, column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), faults)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _texts(name, column.to_pylist(), faults)
    return f"{kind} is no feature"


def _numbers(name: str, values: NDArray[Any], faults: dict[int, str]) -> Block:
    """Fill gaps (NaN) with the median, and tell them by a feature of their own."""
    numbers = np.array(values, np.float64)
    gaps = np.isnan(numbers)
    for row in np.flatnonzero(np.isinf(numbers)):
        faults.setdefault(int(row), f"{name} is infinite")
    known = numbers[np.isfinite(numbers)]
    numbers[~np.isfinite(numbers)] = float(np.median(in_range(known))) if known.size else 0.0
    if not gaps.any():
        return [name], numbers[:, None]
    return [name, f"{name} is missing"], np.stack([numbers, gaps.astype(np.float64)], axis=1)


def _texts(name: str, cells: Sequence[str | None], faults: dict[int, str]) -> Block | str:
    if (numeric := numbers_in(cells)) is not None:
        numbers, words = numeric
        for row, word in words:
            faults.setdefault(row, f"{name} cannot be read: expected a number, found {word[:40]!r}")
        return _numbers(name, numbers, faults)
    filled = [(row, cell) for row, cell in enumerate(cells) if cell]
    different = sorted({cell for _, cell in filled})
    if len(different) > CATEGORIES and is_free_text(cells):
        names, block = word_features(name, cells)
        return (names, block) if names else f"no word stands in {ROWS} rows or more, and in at most half of them"
    if not different or len(different) > CATEGORIES:
        return f"{len(different):,} different texts are no categories"
    position = {word: at for at, word in enumerate(different)}
    block = np.zeros((len(cells), len(different)))
    for row, cell in filled:
        block[row, position[cell]] = 1.0
    return [f"{name}={word}" for word in different], block


def _lists(name: str, column: pa.Array, faults: dict[int, str]) -> Block | str:
    lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False).astype(np.float64)
    usual = float(np.nanmedian(lengths)) if np.isfinite(lengths).any() else 0.0
    if not usual or not usual.is_integer():
        return "its lists have no usual length"
    if usual * len(column) > VALUE_LIMIT:
        return "its lists are too long"
    block = np.zeros((len(column), int(usual)))
    for row, values in enumerate(column.to_pylist()):
        if isinstance(values, list) and len(values) == int(usual) and all(map(_finite, values)):
            block[row] = values
        else:
            faults.setdefault(row, f"{name} is no list of {int(usual)} finite numbers")
    return [f"{name}[{at}]" for at in range(int(usual))], block


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _raw(table: pa.Table, row: int) -> str:
    return str(table.slice(row, 1).to_pylist()[0])[:RAW_LIMIT]
