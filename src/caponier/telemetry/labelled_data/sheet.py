"""Tables of a data set as they came: Parquet, Arrow and Feather, JSON Lines, and CSV with any usual delimiter."""

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.telemetry.rejections import RAW_LIMIT, Rejection
from caponier.telemetry.streams import LINE_LIMIT

ROWS: Final = 5_000_000
CELLS: Final = 2**28
"""Rows times columns, before anything of a file is unpacked."""
DELIMITERS: Final = (",", ";", "\t", "|")
_ARROW_FILE: Final = b"ARROW1"
_ARROW_STREAM: Final = b"\xff\xff\xff\xff"


@dataclass
class DataSheet:
    """A table as it came, the line of each of its rows, and the rows at fault."""

    table: pa.Table
    lines: list[int]
    kind: str
    """`parquet`, `jsonl` or `csv`: in which format it is written again."""
    delimiter: str = ","
    rejections: list[Rejection] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)


def read_sheet(path: Path, data: bytes) -> DataSheet:
    """Read a table; its format is told by its content.

    Raises:
        InputError: If it is none of the formats, or larger than is read.
    """
    if data.startswith(b"PAR1"):
        return _parquet(path, data)
    if data.startswith((_ARROW_FILE, _ARROW_STREAM)):
        return _numbered(arrow_table(path, data), "parquet")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        what = "this is neither a .npz nor Parquet, Arrow, JSON Lines or CSV in UTF-8"
        raise InputError(what, where=str(path)) from wrong
    return _json_lines(path, text) if text.lstrip()[:1] in ("{", "[") else _csv(path, text)


def arrow_table(path: Path, data: bytes) -> pa.Table:
    """Read a file or a stream of Arrow.

    Raises:
        InputError: If it is broken, or larger than is read.
    """
    try:
        source = pa.BufferReader(data)
        opened = ipc.open_file(source) if data.startswith(_ARROW_FILE) else ipc.open_stream(source)
        table = opened.read_all()
    except (OSError, pa.ArrowException) as broken:
        raise InputError(f"the Arrow file cannot be read: {broken}", where=str(path)) from broken
    check_cells(path, table.num_rows, table.num_columns)
    return table


def check_cells(path: Path, rows: int, columns: int) -> None:
    """Refuse more cells than are read.

    Raises:
        InputError: If there are more.
    """
    if rows > ROWS or rows * columns > CELLS:
        raise InputError(f"more than {ROWS:,} rows or {CELLS:,} cells", where=str(path), hint="Split the data set.")


def _numbered(table: pa.Table, kind: str) -> DataSheet:
    return DataSheet(table, list(range(1, table.num_rows + 1)), kind)


def _parquet(path: Path, data: bytes) -> DataSheet:
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        check_cells(path, file.metadata.num_rows, file.metadata.num_columns)
        table = file.read(use_threads=False)
    except (OSError, pa.ArrowException) as broken:
        raise InputError(f"the Parquet file cannot be read: {broken}", where=str(path)) from broken
    return _numbered(table, "parquet")


def _json_lines(path: Path, text: str) -> DataSheet:
    """Read an object a line, or one array of objects; columns are those of all rows."""
    bad: list[Rejection] = []
    rows: list[tuple[int, dict[str, Any]]] = []
    try:
        whole = orjson.loads(text) if text.lstrip()[:1] == "[" else None
    except orjson.JSONDecodeError:
        whole = None
    if isinstance(whole, list):
        rows = [(number, row) for number, row in enumerate(whole, 1) if isinstance(row, dict)]
        bad = [
            Rejection(shown(path), number, "bad JSON: expected an object")
            for number, row in enumerate(whole, 1)
            if not isinstance(row, dict)
        ]
    else:
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                row = _object(line)
                if isinstance(row, str):
                    bad.append(Rejection(shown(path), number, row, line[:RAW_LIMIT]))
                else:
                    rows.append((number, row))
    names = list(dict.fromkeys(name for _, row in rows for name in row))
    check_cells(path, len(rows), len(names))
    table = pa.table({name: _column([row.get(name) for _, row in rows]) for name in names})
    return DataSheet(table, [number for number, _ in rows], "jsonl", rejections=bad)


def _object(line: str) -> dict[str, Any] | str:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as wrong:
        return f"bad JSON: {wrong}"
    return row if isinstance(row, dict) else "bad JSON: expected an object"


def _column(values: list[Any]) -> pa.Array:
    """Make a column of values; of different types they become text, and what is nested beyond lists becomes JSON."""
    try:
        made = pa.array(values)
    except (pa.ArrowException, OverflowError, TypeError):
        made = None
    if made is None or pa.types.is_struct(made.type):
        texts = [None if one is None else one if isinstance(one, str) else orjson.dumps(one).decode() for one in values]
        return pa.array(texts, pa.string())
    return made


def _csv(path: Path, text: str) -> DataSheet:
    """Read one row a line, so that a broken quote spoils no other row."""
    csv.field_size_limit(LINE_LIMIT)
    lines = text.split("\n")
    delimiter = max(DELIMITERS, key=lines[0].count)
    header = _cells(lines[0], delimiter)
    if isinstance(header, str) or len(header) < 2 or len(set(header)) != len(header):
        raise InputError("the first line is no header with a different name for each column", where=f"{path}:1")
    rows, numbers, bad = [], [], []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        cells = _cells(line, delimiter)
        if not isinstance(cells, str) and len(cells) != len(header):
            cells = f"bad CSV: {len(cells)} cells where the header has {len(header)} columns"
        if isinstance(cells, str):
            bad.append(Rejection(shown(path), number, cells, line[:RAW_LIMIT]))
            continue
        rows.append(cells)
        numbers.append(number)
    if len(rows) > ROWS:
        raise InputError(f"more than {ROWS:,} rows", where=str(path), hint="Split the data set.")
    table = pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(header)})
    return DataSheet(table, numbers, "csv", delimiter, bad)


def _cells(line: str, delimiter: str) -> list[str] | str:
    """Return the cells of a line, or what is wrong with it."""
    try:
        return next(csv.reader(io.StringIO(line.removesuffix("\r")), delimiter=delimiter, strict=True), [])
    except csv.Error as wrong:
        return f"bad CSV: {wrong}"
