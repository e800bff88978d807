"""Records on the page of a notebook: text and nothing else, and no more of it than is read."""

from typing import Any

import pyarrow as pa
import pytest

from caponier.errors import MissingExtraError
from caponier.formats.tabular import LONGEST, SHOWN, Tabular


class Rows(Tabular):
    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = rows

    def to_arrow(self) -> pa.Table:
        return pa.Table.from_pylist(list(self.rows))

    @property
    def in_short(self) -> str:
        return f"{len(self.rows)} <rows>"


def test_what_stands_in_a_record_is_shown_and_not_obeyed() -> None:
    page = Rows({"<who>": "<script>alert(1)</script>", "why": ["a", "&b"], "when": None})._repr_html_()
    assert "<script>" not in page
    assert "<th>&lt;who&gt;</th>" in page
    assert "<td>a, &amp;b</td><td></td>" in page
    assert page.startswith("<p>1 &lt;rows&gt;</p>")


def test_long_tables_and_cells_are_cut() -> None:
    page = Rows(*[{"a": "x" * 1_000}] * (SHOWN + 5))._repr_html_()
    assert page.count("<tr>") == SHOWN + 1
    assert "and 5 more" in page
    assert f"<td>{'x' * LONGEST}…</td>" in page


def test_no_rows_are_no_table() -> None:
    assert "<table>" not in Rows()._repr_html_()


def test_a_data_frame_needs_pandas_and_says_so() -> None:
    class Lacking(Rows):
        def to_arrow(self) -> Any:
            class Table:
                def to_pandas(self) -> None:
                    raise ModuleNotFoundError("No module named 'pandas'")

            return Table()

    with pytest.raises(MissingExtraError, match="pip install pandas"):
        Lacking().to_pandas()


def test_what_says_nothing_of_itself_cannot_be_shown() -> None:
    with pytest.raises(NotImplementedError):
        Tabular().to_arrow()
    with pytest.raises(NotImplementedError):
        _ = Tabular().in_short
