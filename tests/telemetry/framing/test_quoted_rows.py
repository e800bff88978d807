"""Rows of a table with line breaks within their quotes."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.telemetry.framing.frames import frames
from caponier.telemetry.framing.quoted_rows import LINES, QuotedRows, above, columns, header

LIMIT = 100_000
cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\0{["), max_size=20)


def fed(rows: QuotedRows, text: str) -> list[tuple[int, dict[str, Any] | str]]:
    found = [one for number, line in enumerate(text.split("\n"), 2) if line for one in rows.feed(line, number)]
    return found + list(rows.end())


@given(st.lists(st.lists(cells.filter(lambda text: "\n\n" not in text), min_size=2, max_size=2), max_size=6))
def test_what_a_writer_of_tables_wrote_comes_back(table: list[list[str]]) -> None:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL)
    table = [["t" + row[0].strip("\n"), row[1].strip("\n")] for row in table]
    writer.writerows(table)
    found = fed(QuotedRows(["time", "what"], LIMIT), written.getvalue())
    assert [row for _, row in found] == [
        {"time": row[0], "what": row[1]} if row[1] else {"time": row[0]} for row in table
    ]


def test_a_row_is_where_it_begins() -> None:
    found = fed(QuotedRows(["time", "what"], LIMIT), '1,"a\nb\nc"\n2,d')
    assert found == [(2, {"time": "1", "what": "a\nb\nc"}), (5, {"time": "2", "what": "d"})]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1,2,3", "3 cells where the header has 2 columns"),
        ("1", "1 cells where the header has 2 columns"),
        ('1,"a"b"c"', "bad CSV"),
    ],
)
def test_a_row_that_is_none_costs_itself_alone(line: str, says: str) -> None:
    wrong, good = fed(QuotedRows(["time", "what"], LIMIT), f"{line}\n1,ok")
    assert wrong[0] == 2
    assert says in str(wrong[1])
    assert good == (3, {"time": "1", "what": "ok"})


def test_a_row_ends_with_the_limit_even_within_quotes() -> None:
    rows = QuotedRows(["time", "what"], 100)
    found = fed(rows, '1,"' + "a" * 60 + "\n" + "b" * 60 + "\n2,ok")
    assert "bad CSV" in str(found[0][1])
    assert found[1:] == [(4, {"time": "2", "what": "ok"})]


def test_a_row_that_never_ends_is_told_where_it_began() -> None:
    rows = QuotedRows(["time", "what"], LIMIT)
    assert fed(rows, '1,a\n2,"b\nc')[1:] == [(3, "bad CSV: the last row does not end")]
    many = [*QuotedRows(["time", "what"], 10**9).feed('2,"b', 2)]
    assert many == [], "a quote that is open waits"
    assert LINES > 1


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('"{""a"":1}"', {"a": 1}),
        ('"[1,2]"', [1, 2]),
        ('"{a}"', "{a}"),
        ('"{""a"":1"', '{"a":1'),
        ("{", "{"),
    ],
)
def test_a_cell_of_json_is_read_and_what_only_looks_like_it_is_text(cell: str, value: Any) -> None:
    assert fed(QuotedRows(["time", "what"], LIMIT), f"1,{cell}") == [(2, {"time": "1", "what": value})]


@pytest.mark.parametrize(
    "name", ["time", "_time", "@timestamp", "TimeGenerated [UTC]", "Date (Local)", "ts", "DATETIME"]
)
def test_a_header_is_known_by_its_time_and_loses_its_zone(name: str) -> None:
    found = header(f'"{name}",what')
    assert found is not None
    assert found == [name.split(" ")[0], "what"]


@pytest.mark.parametrize(
    "line", ["", "time", "time,", "time,a,a", "what,who", 'time,"what', "time [UTC],time", "times,what"]
)
def test_what_is_no_header(line: str) -> None:
    assert header(line) is None


@pytest.mark.parametrize("between", [",", "\t", ";", "|"])
def test_cells_may_be_apart_by_anything_usual(between: str) -> None:
    names, told = columns(between.join(["occurred_at", "who", "what"])) or ([], "")
    assert (names, told) == (["occurred_at", "who", "what"], between)
    found = fed(QuotedRows(names, LIMIT, told), between.join(["1", "ada", "read"]))
    assert found == [(2, {"occurred_at": "1", "who": "ada", "what": "read"})]


@pytest.mark.parametrize("line", ["2026-03-02T09:00:00Z|1f|GET|/x", "time: 7 | took 8 ms | ok!", "a format;b"])
def test_a_line_with_bars_is_no_header(line: str) -> None:
    assert columns(line) is None


@pytest.mark.parametrize("line", ["#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord", "sep=;"])
def test_what_stands_above_a_header_is_passed_over(line: str, tmp_path: Path) -> None:
    assert above(line)
    assert not above("time,what")
    (tmp_path / "t.csv").write_text(f"{line}\ntime;what\n1;ok\n")
    (found,) = frames(tmp_path / "t.csv", LIMIT)
    assert found.values == [{"time": "1", "what": "ok"}]


def test_a_cell_may_hold_a_structure_of_a_query() -> None:
    assert fed(QuotedRows(["time", "who"], LIMIT), '1,"{type=IAMUser, name=ada}"') == [
        (2, {"time": "1", "who": {"type": "IAMUser", "name": "ada"}})
    ]


@pytest.mark.parametrize(
    "line",
    [
        '203.0.113.66 - - [02/Mar/2026:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "a,time,b"',
        'INFO:     203.0.113.66:5555 - "GET /a,time,b HTTP/1.1" 404 Not Found',
        "2026-03-02 09:00:00 WARN login failed for user a,time,b from 203.0.113.66",
        "[W 2026-03-02 09:00:00.123 ServerApp] 404 GET /a,time,b (ann@203.0.113.66) 1.50ms",
        "level=info msg=a,time,b",
    ],
)
def test_nobody_makes_a_table_of_a_log_by_what_he_asks_for(line: str) -> None:
    assert header(line) is None


def test_of_a_table_without_quoting_a_quote_hides_no_row() -> None:
    rows = QuotedRows(["time", "what"], LIMIT, "\t")
    found = fed(rows, '1\ta "b\n\n2\t"c\n3\td')
    assert found == [(n, {"time": t, "what": w}) for n, t, w in [(2, "1", 'a "b'), (4, "2", '"c'), (5, "3", "d")]]


def test_a_cell_of_several_lines_between_tabs_is_one() -> None:
    rows = QuotedRows(["time", "what"], LIMIT, "\t")
    assert fed(rows, '1\t"a\n2\tb"') == [(2, {"time": "1", "what": "a\n2\tb"})]
