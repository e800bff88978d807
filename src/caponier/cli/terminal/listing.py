"""A listing: rows of one kind as a table for a terminal, as CSV, as Markdown and as JSON.

Much of what is listed was written by those whom it accuses: names, ids and user agents. So nothing of it reaches a
terminal, a page or a spreadsheet as anything but text.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Flag, StrEnum, auto
from operator import itemgetter
from pathlib import Path
from typing import Any, Generic, TypeVar

from rich.table import Table
from rich.text import Text

from caponier.cli.terminal.output import Format, json_text, write_table, write_text
from caponier.formats import safe_text
from caponier.records.finding import Severity

SEVERITY_STYLES = {
    Severity.INFO: "dim",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "red",
    Severity.CRITICAL: "bold red",
}

R = TypeVar("R")


class ShownIn(Flag):
    """Where a column stands."""

    TABLE = auto()
    MARKDOWN = auto()
    CSV = auto()
    PAGE = TABLE | MARKDOWN
    DATA = MARKDOWN | CSV
    EVERY = TABLE | MARKDOWN | CSV


@dataclass(frozen=True, slots=True)
class ListingColumn(Generic[R]):
    """One column: its name, and what a row has in it."""

    name: str
    cell: Callable[[R], str | float]
    forms: ShownIn = ShownIn.EVERY
    whole: bool = False
    """Whether a table never breaks its cells over lines."""
    style: Callable[[R], str] | None = None
    """How a table colours its cells."""
    number: bool = False
    """Whether a minus at the beginning of its cells is one: no spreadsheet takes them for a formula."""
    sparse: bool = False
    """Whether pages leave it out where no row has anything in it."""
    head: str | None = None
    """What a table writes above it; its name in capitals by default."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """Columns, and how all their cells are shown."""

    columns: Sequence[ListingColumn[R]]
    wide: bool = False
    """Whether two blanks part the columns of a table."""
    folded: bool = False
    """Whether a table breaks words that are too long; otherwise it cuts them."""
    edge: bool = False
    """Whether the last column of a table keeps its distance from the edge, too."""
    ours: bool = False
    """Whether all words are our own: then nothing has to be kept from being obeyed."""
    quoted: bool = False
    """Whether CSV puts every cell into quotes."""
    visible: bool = False
    """Whether CSV shows control characters, too, where it is read on a terminal."""

    @classmethod
    def of(cls, heads: Sequence[str], **how: Any) -> "Listing[Sequence[str]]":
        """Return a listing of rows that are their cells already; in a table the first of them is never broken."""
        return Listing([_place(at, head) for at, head in enumerate(heads)], **how)

    def table(self, rows: Iterable[R]) -> Table:
        """Draw a line a row."""
        gap = (0, 2, 0, 0) if self.wide else (0, 1)
        drawn, rows = Table(box=None, header_style="bold", pad_edge=self.edge, padding=gap), list(rows)
        columns = self._page(ShownIn.TABLE, rows)
        for column in columns:
            head = column.head or column.name.upper().replace("_", " ")
            drawn.add_column(head, no_wrap=column.whole, overflow="fold" if self.folded else "ellipsis")
        return _continued(drawn, columns, rows)

    def continued(self, drawn: Table, rows: Iterable[R]) -> Table:
        """Draw more rows below those of a table, which has every column."""
        return _continued(drawn, self._in(ShownIn.TABLE), rows)

    def to_csv(self, rows: Iterable[R]) -> str:
        """Write a line a row below a line of names (RFC 4180 quoting, lines ended by a newline)."""
        columns, text = self._in(ShownIn.CSV), io.StringIO()
        writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if self.quoted else csv.QUOTE_MINIMAL)
        writer.writerow(column.name for column in columns)
        writer.writerows([self._safe(column, column.cell(row)) for column in columns] for row in rows)
        return text.getvalue()

    def to_markdown(self, rows: Iterable[R]) -> str:
        """Write a Markdown table."""
        rows = list(rows)
        columns = self._page(ShownIn.MARKDOWN, rows)
        escape = _ended if self.ours else safe_text.markdown
        heads = "".join(f" {column.name} |" if column.name else " |" for column in columns)
        lines = [f"|{heads}", f"|{' --- |' * len(columns)}"]
        lines += [f"| {' | '.join(escape(str(column.cell(row))) for column in columns)} |" for row in rows]
        return "\n".join(lines) + "\n"

    def records(self, rows: Iterable[R]) -> list[dict[str, str | float]]:
        """Return each row by the names of its columns, for JSON that says no more than CSV does."""
        columns = self._in(ShownIn.CSV)
        return [{column.name: column.cell(row) for column in columns} for row in rows]

    def write(
        self,
        rows: Sequence[R],
        chosen: StrEnum,
        out: Path | None,
        document: Callable[[], Mapping[str, Any]],
        *,
        bare: bool = True,
    ) -> None:
        """Write rows in one of the formats that every listing has.

        Args:
            rows: The rows.
            chosen: `table`, `csv`, `markdown` or `json`.
            out: The file; None means standard output.
            document: Makes what JSON holds.
            bare: Whether a table without a row is drawn.

        Raises:
            InputError: If the file cannot be written.
        """
        if chosen == Format.TABLE:
            if rows or bare:
                write_table(self.table(rows), out)
        elif chosen == Format.JSON:
            write_text(json_text(document()), out)
        else:
            write_text(self.to_csv(rows) if chosen == Format.CSV else self.to_markdown(rows), out)

    def _in(self, form: ShownIn) -> list[ListingColumn[R]]:
        return [column for column in self.columns if form in column.forms]

    def _page(self, form: ShownIn, rows: Sequence[R]) -> list[ListingColumn[R]]:
        """Return the columns for people: of those that are sparse, what says something of these rows."""
        return [one for one in self._in(form) if not (rows and one.sparse) or any(map(one.cell, rows))]

    def _safe(self, column: ListingColumn[R], cell: str | float) -> str | float:
        if self.ours or column.number or not isinstance(cell, str):
            return cell
        return safe_text.spreadsheet(safe_text.plain(cell) if self.visible else cell)


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Draw all about one thing: names, and what they are beside them."""
    drawn = Table(box=None, show_header=False, pad_edge=False)
    drawn.add_column(style="bold", no_wrap=True)
    drawn.add_column()
    for name, value in rows:
        drawn.add_row(Text(safe_text.plain(name)), Text(safe_text.plain(value)))
    return drawn


def _place(at: int, head: str) -> ListingColumn[Sequence[str]]:
    return ListingColumn(head, itemgetter(at), whole=at == 0)


def _continued(drawn: Table, columns: Sequence[ListingColumn[R]], rows: Iterable[R]) -> Table:
    for row in rows:
        drawn.add_row(*(_drawn(column, row) for column in columns))
    return drawn


def _drawn(column: ListingColumn[R], row: R) -> Text:
    text = Text(safe_text.plain(str(column.cell(row))))
    if column.style:
        text.stylize(column.style(row))
    return text


def _ended(cell: str) -> str:
    return cell.replace("|", "\\|")
