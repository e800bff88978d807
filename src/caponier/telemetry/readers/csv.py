"""CSV with a header row; lists (`input`, `scores`, `input_shape`) are JSON text in their cell.

One event a line: a quoted line break would make a broken quote swallow the rest of the log, so it is not supported.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import orjson

from caponier.errors import InputError
from caponier.telemetry.chunk import CHUNK_ROWS, Chunk, Row
from caponier.telemetry.rejections import RAW_LIMIT, Rejection
from caponier.telemetry.streams import LINE_LIMIT, BrokenStreamError, lines, opened

LISTS = ("input", "scores", "input_shape", "signals")


def read(path: Path, line_limit: int = LINE_LIMIT) -> Iterator[Chunk]:
    """Yield chunks of rows, with empty cells as absent.

    Raises:
        InputError: If the file cannot be opened or has no header.
    """
    csv.field_size_limit(line_limit)
    chunk, header = Chunk(), None
    with opened(path) as stream:
        try:
            for number, line in lines(stream, line_limit):
                if header is None:
                    header = _header(path, line)
                    continue
                _take(chunk, str(path), number, line, header)
                if len(chunk.lines) >= CHUNK_ROWS:
                    yield chunk
                    chunk = Chunk()
        except BrokenStreamError as broken:
            chunk.rejections.append(Rejection(str(path), 0, f"the file is broken from here on: {broken}"))
    yield chunk


def _header(path: Path, line: bytes | None) -> list[str]:
    if line is None:
        raise InputError("the header line is too long", where=str(path))
    names = next(csv.reader([line.decode("utf-8-sig", "replace")]), [])
    if len(set(names)) != len(names):
        raise InputError("two columns have the same name", where=f"{path}:1")
    return names


def _take(chunk: Chunk, file: str, number: int, line: bytes | None, header: list[str]) -> None:
    if line is None:
        chunk.rejections.append(Rejection(file, number, "line too long"))
        return
    chunk.bytes_read += len(line) + 1
    if not line.strip():
        return
    text = line.decode("utf-8", "replace")
    try:
        row = _row(text, header)
    except ValueError as bad:
        chunk.rejections.append(Rejection(file, number, f"bad CSV: {bad}", text[:RAW_LIMIT]))
        return
    chunk.rows.append(row)
    chunk.lines.append(number)


def _row(text: str, header: list[str]) -> Row:
    try:
        cells = next(csv.reader([text], strict=True))
    except csv.Error as bad:
        raise ValueError(str(bad)) from bad
    if len(cells) != len(header):
        raise ValueError(f"{len(cells)} cells where the header has {len(header)} columns")
    row: Row = {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
    for name in LISTS:
        if name in row:
            row[name] = orjson.loads(row[name])
    if "time" in row and row["time"].lstrip("-").isdigit():
        row["time"] = int(row["time"])
    return row
