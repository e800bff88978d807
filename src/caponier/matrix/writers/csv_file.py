"""Entries as comma-separated values, one line each after a line of column names."""

import csv
import io
from collections.abc import Iterable

from caponier.formats.safe_text import spreadsheet
from caponier.matrix.technique import Technique
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.writers.rows import COLUMNS, row


def to_csv(matrix: Matrix, techniques: Iterable[Technique]) -> str:
    """Write entries as CSV (RFC 4180 quoting, lines ended by a newline); lists are joined by `; `."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for technique in techniques:
        writer.writerow({column: spreadsheet(cell) for column, cell in row(matrix, technique).items()})
    return text.getvalue()
