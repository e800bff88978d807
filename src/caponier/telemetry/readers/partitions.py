"""What the folders of a partitioned table say of all rows in them: `model=fraud/dt=2026-01-05/part-0.parquet`."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pyarrow as pa

from caponier.telemetry.chunk import Chunk
from caponier.telemetry.readers.field_names import ALIASES, normal

_PART: Final = re.compile(r"([A-Za-z_]\w{0,63})=(.{1,255})")
_NOTHING: Final = "__HIVE_DEFAULT_PARTITION__"
_SAID: Final = frozenset(name for column in ("model", "model_version", "principal") for name in ALIASES[column])
"""What is taken: whose or which model's rows a folder has. Days and hours stand in the rows themselves."""


_DATED: Final = re.compile(r".*/([^/]{1,255})/[^/]{1,255}/\d{4}/[01]\d/[0-3]\d/[0-2]\d/[^/]+")
"""How SageMaker lays out what it captures: by endpoint, variant, and the parts of a date."""
_CAPTURED: Final = "captureData"
_MONITORED: Final = re.compile(r".*/monitoring/([^/]{1,255})/data/data\.[^/]*log[^/]*")
"""How BentoML lays out what a monitor logs: by the name that the service gives it."""


def partition_values(path: Path) -> dict[str, str]:
    """Return what the folders of a file say, by name."""
    found = [_PART.fullmatch(part) for part in path.parent.parts]
    said = {one[1]: unquote(one[2]) for one in found if one is not None and normal(one[1]) in _SAID}
    return {name: value for name, value in said.items() if value != _NOTHING}


def with_partitions(chunks: Iterator[Chunk], path: Path) -> Iterator[Chunk]:
    """Give rows what their folders say of them, where they do not say it themselves.

    Args:
        chunks: Of a file.
        path: The file.
    """
    where = path.absolute().as_posix()
    said, endpoint = partition_values(path), _DATED.fullmatch(where)
    if monitor := _MONITORED.fullmatch(where):
        said = {"model_name": monitor[1], **said}
    for chunk in chunks:
        if said and chunk.batch is not None:
            yield replace(chunk, batch=_completed(chunk.batch, said))
            continue
        for row in chunk.rows if said or endpoint else ():
            if endpoint is not None and _CAPTURED in row:
                row.setdefault("endpoint_name", endpoint[1])
            for name, value in said.items():
                row.setdefault(name, value)
        yield chunk


def _completed(batch: pa.RecordBatch, said: dict[str, str]) -> pa.RecordBatch:
    columns = {name: batch.column(name) for name in batch.schema.names}
    for name, value in said.items():
        if name not in columns or columns[name].null_count == batch.num_rows:
            columns[name] = pa.array([value] * batch.num_rows, pa.string())
    return pa.RecordBatch.from_pydict(columns)
