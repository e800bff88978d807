"""Tables as comma-separated values: RFC 4180's quoting, lines ended by a newline."""

import csv
import io
from collections.abc import Iterable

from caponier.formats.safe_text import spreadsheet


def csv_text(rows: Iterable[Iterable[object]], *, quoted: bool = False, delimiter: str = ",") -> str:
    """Write rows as they are: for data that programs read back.

    Args:
        rows: Cells, row by row; the first row is usually that of the names.
        quoted: Whether every cell is put into quotation marks, and not only those that need it.
        delimiter: What stands between cells.
    """
    text = io.StringIO()
    writer = csv.writer(
        text, lineterminator="\n", quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL, delimiter=delimiter
    )
    writer.writerows(rows)
    return text.getvalue()


def safe_csv(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write names and rows whose cells somebody may open in a spreadsheet: no cell is run as a formula."""
    return csv_text([columns, *(map(spreadsheet, row) for row in rows)])
