"""Entries as comma-separated values, one line each after a line of column names."""

from collections.abc import Iterable

from caponier.formats.csv_text import safe_csv
from caponier.matrix.technique import Technique
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.writers.rows import COLUMNS, row


def to_csv(matrix: Matrix, techniques: Iterable[Technique]) -> str:
    """Write entries as CSV (RFC 4180 quoting, lines ended by a newline); lists are joined by `; `."""
    rows = (row(matrix, technique) for technique in techniques)
    return safe_csv(COLUMNS, ([cells[column] for column in COLUMNS] for cells in rows))
