"""One listing: what a row has in each form, and what of it is kept from being obeyed."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from caponier.cli.terminal.listing import Listing, ListingColumn, ShownIn, facts
from caponier.cli.terminal.output import Format

Row = dict[str, Any]
PLAIN: Listing[Row] = Listing(
    [
        ListingColumn("finding_id", lambda row: row["id"], whole=True),
        ListingColumn("time", lambda row: "noon", ShownIn.PAGE),
        ListingColumn("score", lambda row: f"{row['score']:.1f}", number=True),
        ListingColumn("queries", lambda row: row["queries"], ShownIn.CSV),
        ListingColumn("why", lambda row: row["why"], ShownIn.DATA),
    ]
)
HOSTILE: Row = {"id": "=1+1", "score": -2.0, "queries": 3, "why": "a|b\x1b[31m\n<b>"}


def drawn(listing: Listing[Row], *rows: Row) -> list[str]:
    paper = Console(file=io.StringIO(), width=100, color_system=None)
    paper.print(listing.table(rows))
    stream = paper.file
    assert isinstance(stream, io.StringIO)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def parsed(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_each_form_has_its_columns() -> None:
    assert drawn(PLAIN, HOSTILE)[0].split("  ") == ["FINDING ID", "TIME", "SCORE"]
    assert parsed(PLAIN.to_csv([]))[0] == ["finding_id", "score", "queries", "why"]
    assert PLAIN.to_markdown([]) == "| finding_id | time | score | why |\n| --- | --- | --- | --- |\n"


def test_what_others_wrote_is_text_everywhere() -> None:
    assert drawn(PLAIN, HOSTILE)[1].split() == ["=1+1", "noon", "-2.0"]
    row = parsed(PLAIN.to_csv([HOSTILE]))[1]
    # A minus begins a number here and no formula, so that programs can read it.
    assert row == ["'=1+1", "-2.0", "3", "a|b\x1b[31m\n<b>"]
    assert PLAIN.to_markdown([HOSTILE]).splitlines()[2].endswith("a\\|b\ufffd\\[31m\ufffd&lt;b&gt; |")


def test_csv_that_is_read_on_a_terminal_shows_control_characters() -> None:
    visible = Listing(PLAIN.columns, visible=True)
    assert parsed(visible.to_csv([HOSTILE]))[1][-1] == "a|b\ufffd[31m\ufffd<b>"


def test_our_own_words_need_no_guard_and_may_stand_in_quotes() -> None:
    ours = Listing.of(("name", "share"), ours=True, quoted=True)
    assert ours.to_csv([("a_b", "-")]) == '"name","share"\n"a_b","-"\n'
    assert ours.to_markdown([("a_b", "x|y")]).splitlines()[2] == "| a_b | x\\|y |"


def test_a_head_without_a_name_is_an_empty_cell() -> None:
    assert Listing.of(("where", "", "what")).to_markdown([]).splitlines()[0] == "| where | | what |"


def test_records_are_rows_by_the_names_of_csv() -> None:
    assert PLAIN.records([HOSTILE]) == [
        {"finding_id": "=1+1", "score": "-2.0", "queries": 3, "why": "a|b\x1b[31m\n<b>"}
    ]


def test_a_sparse_column_stands_only_where_a_row_has_something_in_it() -> None:
    sparse: Listing[Row] = Listing(
        [ListingColumn("id", lambda row: row["id"]), ListingColumn("weekly", lambda row: row["weekly"], sparse=True)]
    )
    empty, told = {"id": "a", "weekly": ""}, {"id": "b", "weekly": "0.1"}
    assert drawn(sparse, empty)[0].split() == ["ID"]
    assert drawn(sparse, empty, told)[0].split() == ["ID", "WEEKLY"]
    assert "weekly" not in sparse.to_markdown([empty])
    assert "weekly" in sparse.to_markdown([empty, told])
    assert drawn(sparse)[0].split() == ["ID", "WEEKLY"]
    assert "weekly" in sparse.to_csv([empty]), "programs rely on its columns"


def test_colour_and_more_rows_below() -> None:
    listing: Listing[Row] = Listing([ListingColumn("id", lambda row: row["id"], style=lambda row: "red")], wide=True)
    table = listing.table([{"id": "a"}])
    table.add_section()
    listing.continued(table, [{"id": "[bold]b"}])
    paper = Console(file=io.StringIO(), width=40, force_terminal=True, color_system="standard", highlight=False)
    paper.print(table)
    stream = paper.file
    assert isinstance(stream, io.StringIO)
    assert "\x1b[31ma\x1b[0m" in stream.getvalue()
    assert "[bold]b" in stream.getvalue()


@pytest.mark.parametrize("chosen", Format)
def test_it_writes_each_form(chosen: Format, tmp_path: Path) -> None:
    out = tmp_path / "listed"
    PLAIN.write([HOSTILE], chosen, out, lambda: {"schema": "s/1"})
    text = out.read_text()
    expected = {
        Format.TABLE: lambda: text.startswith("FINDING ID"),
        Format.CSV: lambda: text == PLAIN.to_csv([HOSTILE]),
        Format.MARKDOWN: lambda: text == PLAIN.to_markdown([HOSTILE]),
        Format.JSON: lambda: json.loads(text) == {"schema": "s/1"},
    }
    assert expected[chosen]()


def test_a_table_without_rows_may_be_left_out(tmp_path: Path) -> None:
    PLAIN.write([], Format.TABLE, tmp_path / "none", dict, bare=False)
    assert not (tmp_path / "none").exists()
    PLAIN.write([], Format.TABLE, tmp_path / "heads", dict)
    assert (tmp_path / "heads").read_text() == "FINDING ID  TIME  SCORE\n"


def test_facts_stand_beside_their_names() -> None:
    paper = Console(file=io.StringIO(), width=60, color_system=None)
    paper.print(facts([("Name[red]", "a\x1bb"), ("Why", "[bold]c")]))
    stream = paper.file
    assert isinstance(stream, io.StringIO)
    assert [line.split() for line in stream.getvalue().splitlines()] == [["Name[red]", "a\ufffdb"], ["Why", "[bold]c"]]
