"""Records that a notebook takes further: as an Arrow table, as a DataFrame, and as a table on the page."""

from html import escape
from typing import TYPE_CHECKING, Any, Final

from caponier.errors import MissingExtraError

if TYPE_CHECKING:
    # Only a notebook turns every record into a table; commands need not wait for the import.
    import pyarrow as pa

SHOWN: Final = 20
"""Rows that a notebook draws."""
LONGEST: Final = 300
"""Characters of a cell that it draws."""


class Tabular:
    """To be inherited by records that say `to_arrow` and, in a line, what they are."""

    __slots__ = ()

    def to_arrow(self) -> "pa.Table":
        """Return the rows."""
        raise NotImplementedError

    @property
    def in_short(self) -> str:
        """What it is, in a line."""
        raise NotImplementedError

    def to_pandas(self) -> Any:
        """Return the rows as a DataFrame.

        Raises:
            MissingExtraError: If pandas is not installed.
        """
        try:
            return self.to_arrow().to_pandas()
        except ModuleNotFoundError as failed:
            raise MissingExtraError(
                "a DataFrame needs the Python package 'pandas', which is not installed",
                hint="Install it with: pip install pandas; or use to_arrow()",
            ) from failed

    def _repr_html_(self) -> str:
        """Draw the first rows, as notebooks ask for it; whatever stands in them is text and nothing else."""
        table = self.to_arrow()
        heads = "".join(f"<th>{escape(name)}</th>" for name in table.column_names)
        rows = "".join(
            f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row.values())}</tr>"
            for row in table.slice(0, SHOWN).to_pylist()
        )
        more = f"<p>… and {table.num_rows - SHOWN:,} more</p>" if table.num_rows > SHOWN else ""
        table_ = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>" if table.num_rows else ""
        return f"<p>{escape(self.in_short)}</p>{table_}{more}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return escape(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")
