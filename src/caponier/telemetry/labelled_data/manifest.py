"""A manifest: what each row of a data set was, by digest, and who brought it, written while the set was trusted.

What a row is are its features. Of a table that is what its cells say, so that it does not depend on how columns are
encoded: numbers count by their value, in whatever type they are stored. Of arrays and pictures it is what is judged.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

from caponier.errors import InputError
from caponier.formats import strict_json
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.labelled_data.datasets import read_bytes
from caponier.telemetry.labelled_data.folder import FILE

SCHEMA: Final = "caponier.manifest/1"
_BYTES: Final = 16
"""Of a row's digest."""
_HINT: Final = "Write one with caponier scan dataset … --write-manifest FILE."


@dataclass(frozen=True, slots=True)
class RecordedRow:
    """One row as it was."""

    id: str
    digest: str
    """Of its features, in hexadecimal."""
    label: str
    source: str | None


@dataclass(frozen=True)
class Manifest:
    """What a data set was."""

    of: str
    """Name of the file."""
    sha256: str
    columns: tuple[str, ...]
    """Of a table, whose cells were digested; none of arrays and pictures."""
    rows: tuple[RecordedRow, ...]

    @classmethod
    def of_dataset(cls, dataset: Dataset, columns: Columns | None) -> Self:
        """Write down what a data set is."""
        named = columns or Columns()
        sources = dataset.sources or (None,) * len(dataset)
        rows = zip(dataset.ids, row_digests(dataset, named), dataset.given, sources, strict=True)
        known = tuple(RecordedRow(*row) for row in rows)
        return cls(dataset.path.name, dataset.sha256, digested_columns(dataset, named), known)

    def to_bytes(self) -> bytes:
        """Return the document, a row a line."""
        counts = Counter(row.source for row in self.rows if row.source is not None)
        head: dict[str, Any] = {"schema": SCHEMA, "of": self.of, "sha256": self.sha256, "columns": list(self.columns)}
        head |= {"sources": dict(sorted(counts.items()))}
        lines = (json.dumps([row.id, row.digest, row.label, row.source], ensure_ascii=False) for row in self.rows)
        opened = json.dumps(head, ensure_ascii=False)[:-1]
        return (opened + ', "rows": [\n' + ",\n".join(lines) + "\n]}\n").encode()


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        InputError: If it is none.
    """
    try:
        document = strict_json.read_value(read_bytes(path).decode(), str(path), _HINT)
    except UnicodeDecodeError as odd:
        raise InputError("this is no text", where=str(path), hint=_HINT) from odd
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InputError(f"is no manifest: it has no schema {SCHEMA!r}", where=str(path), hint=_HINT)
    of, digest, columns, rows = (document.get(name) for name in ("of", "sha256", "columns", "rows"))
    texts = [of, digest, *(columns if isinstance(columns, list) else [None])]
    if not isinstance(rows, list) or not all(isinstance(text, str) for text in texts):
        raise InputError("is no manifest: of, sha256, columns or rows are not what they must be", where=str(path))
    return Manifest(str(of), str(digest), tuple(texts[2:]), tuple(_row(row, at, path) for at, row in enumerate(rows)))


def _row(row: Any, at: int, path: Path) -> RecordedRow:
    good = isinstance(row, list) and len(row) == len(RecordedRow.__slots__)
    if not good or not all(isinstance(text, str) for text in row[:3]) or not isinstance(row[3], str | None):
        raise InputError(f"row {at + 1} is no id, digest, label and source", where=str(path), hint=_HINT)
    return RecordedRow(*row)


def digested_columns(dataset: Dataset, columns: Columns) -> tuple[str, ...]:
    """Return the columns of a table whose cells are what a row is, in the order of their names."""
    if not isinstance(dataset.content, pa.Table) or FILE in dataset.content.column_names:
        return ()
    roles = {dataset.label, columns.source, columns.id}
    return tuple(sorted(name for name in dataset.content.column_names if name not in roles))


def row_digests(dataset: Dataset, columns: Columns) -> list[str]:
    """Return the digest of each row's features."""
    names = digested_columns(dataset, columns)
    if not names or not isinstance(dataset.content, pa.Table):
        plain = np.ascontiguousarray(dataset.x + 0.0)
        return [_digest(row.tobytes()) for row in plain]
    cells = [[_cell(value) for value in dataset.content[name].to_pylist()] for name in names]
    return [_digest("\x1f".join(row).encode("utf-8", "replace")) for row in zip(*cells, strict=True)]


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=_BYTES).hexdigest()


def _cell(value: Any) -> str:
    """Return a cell as text: the same number is the same text, whatever type its column was read as."""
    if value is None:
        return ""
    try:
        return repr(float(value) + 0.0)
    except (TypeError, ValueError, OverflowError):
        return str(value)
