from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from caponier.errors import InputError
from caponier.telemetry.readers import csv
from caponier.telemetry.rejections import LEFT_OPEN, QUOTE, TEXT
from telemetry.conftest import Reading, reading

HEADER = "time,model,operation,input,status,mine\n"
GOOD = '1767571200000,m,predict,"[0.5, 1]",200,x\n'


@pytest.fixture
def read_csv(tmp_path: Path, read: Callable[..., Reading]) -> Callable[[str | bytes], Reading]:
    def write_and_read(text: str | bytes) -> Reading:
        path = tmp_path / "log.csv"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read(path)

    return write_and_read


Text = Callable[[str | bytes], Reading]


def test_a_row_is_read(read_csv: Text) -> None:
    found = read_csv(HEADER + GOOD)
    row = found.rows[0]
    assert found.lines == [2]
    assert (row["model"], row["operation"], row["input"], row["status"]) == ("m", "predict", [0.5, 1.0], 200)
    assert row["extra"] == '{"mine":"x"}'
    assert row["time"].year == 2026


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1767571200000,m,predict,,200", "bad CSV: 5 cells where the header has 6 columns"),
        ("2026-01-05T00:00:00,m,predict,,200,x", "time cannot be read"),
        ("1767571200000.5,m,predict,,200,x", "time cannot be read"),
        ("9" * 5_000 + ",m,predict,,200,x", "Exceeds the limit"),
        (",m,predict,,200,x", "no time"),
        ("1767571200000,,predict,,200,x", "no model"),
        ("1767571200000,m,guess,,200,x", "unknown operation"),
        (",,,,,", "no time"),
    ],
)
def test_a_bad_row_is_named_and_its_neighbours_are_read(read_csv: Text, line: str, reason: str) -> None:
    found = read_csv(HEADER + GOOD + line + "\n" + GOOD)
    assert found.lines == [2, 4]
    ((number, why),) = found.rejected
    assert number == 3
    assert why.startswith(reason)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('1767571200000,m,predict,"[0.5",200,x', "input cannot be read: expected a list of numbers, found '[0.5'"),
        ("1767571200000,m,predict,0.5;1,200,x", "input cannot be read: expected a list of numbers, found '0.5;1'"),
        ("1767571200000,m,predict,0.5,200,x", "input cannot be read: expected a list of numbers, found 0.5"),
        ("1767571200000,m,predict,,ok,x", "status cannot be read: expected a whole number"),
        ("1767571200000,m,predict,,200.5,x", "status cannot be read: expected a whole number"),
    ],
)
def test_a_row_is_read_without_a_value_that_cannot_be(read_csv: Text, line: str, reason: str) -> None:
    """The row used to be rejected, and so did those of everybody who found a value for it."""
    found = read_csv(HEADER + GOOD + line + "\n" + GOOD)
    assert found.lines == [2, 3, 4]
    ((number, why),) = found.rejected
    assert number == 3
    assert why.startswith(reason)


@pytest.mark.parametrize(
    ("cell", "kept", "why"),
    [
        (b"M\xfcller", "M\ufffdller", TEXT),
        (b"a\rb", "a\ufffdb", TEXT),
        (b"a,b", "a,b", LEFT_OPEN),
        (b'"x', "x", QUOTE),
        (b'"x"y', "xy", QUOTE),
    ],
)
def test_what_a_caller_can_write_into_a_cell_does_not_reject_its_row(
    read_csv: Text, cell: bytes, kept: str, why: str
) -> None:
    line = b"1767571200000,m,predict,,200," + cell + b"\n"
    found = read_csv((HEADER + GOOD * 3).encode() + line + GOOD.encode())
    assert found.lines == [2, 3, 4, 5, 6]
    assert orjson.loads(found.rows[3]["extra"]) == {"mine": kept}
    assert (found.rejected, found.mended) == ([], [(5, why)])


def test_cells_may_be_quoted_and_empty(read_csv: Text) -> None:
    row = read_csv(HEADER + '"1767571200000","m, the ""first""","predict",,,\n').rows[0]
    assert row["model"] == 'm, the "first"'
    assert row["input"] is None
    assert row["status"] is None
    assert row["extra"] is None


def test_a_byte_order_mark_windows_line_ends_and_empty_lines_do_no_harm(read_csv: Text) -> None:
    found = read_csv("\ufeff\n" + (HEADER + GOOD + "\n" + GOOD).replace("\n", "\r\n"))
    assert found.lines == [3, 5]
    assert not found.rejected


@pytest.mark.parametrize("text", ["", HEADER, "\n\n"])
def test_a_file_without_rows_has_no_events(read_csv: Text, text: str) -> None:
    found = read_csv(text)
    assert not found.rows
    assert not found.rejected


@pytest.mark.parametrize(
    ("header", "why"),
    [(b"time,model,model\n", "same name"), (b"time,m\x81del\n", "no header"), (b'time,"model\n', "no header")],
)
def test_a_header_that_cannot_be_used_is_an_error(read_csv: Text, header: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_csv(header + b"1,2,3\n")


def test_a_cell_may_go_over_lines(read_csv: Text) -> None:
    found = read_csv(HEADER + '1767571200000,m,predict,,200,"two\nlines"\n' + GOOD)
    assert found.lines == [2, 4]
    assert found.rows[0]["extra"] == '{"mine":"two\\nlines"}'


@pytest.mark.parametrize("last", ["", GOOD])
def test_a_broken_quote_costs_no_row(read_csv: Text, last: str) -> None:
    """Its own row used to be rejected: a quote in a user agent hid a query."""
    broken = '1767571200000,m,predict,,200,"two\n'
    found = read_csv(HEADER + GOOD + broken + GOOD + GOOD + broken + last)
    assert found.lines == [2, 3, 4, 5, 6] + [7] * bool(last)
    assert [number for number, _ in found.mended] == [3, 6]


def test_a_quote_that_never_ends_is_not_followed_through_the_log(read_csv: Text) -> None:
    found = read_csv(HEADER + '1767571200000,m,predict,,200,"two\n' + GOOD.replace('"', "").replace(", 1", "") * 5_000)
    assert found.mended[0][0] == 2
    assert len({*found.lines, *(number for number, _ in found.rejected)}) == 5_001


def test_a_line_that_tells_excel_the_delimiter_is_no_header(read_csv: Text) -> None:
    assert read_csv("sep=;\n" + "time;model;operation\n1767571200000;m;predict\n").lines == [3]


def test_a_header_beyond_the_cap_does_not_turn_the_next_row_into_one(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("time,model," + "x" * 100 + "\n" + "1,2,3\n")
    with pytest.raises(InputError, match="header"):
        list(csv.read(path, 50))


TABLES = {
    "days and hours": ("date,time,user,a,b,prediction", "2026-01-05,09:30:{at:02d},u,1.5,{at}.5,y"),
    "numbers in groups": ("ts,user,a,b,prediction", '{ts},u,"1,501.5",{at}.5,y'),
    "a remark before the header": ("# made by hand\nts,user,a,b,prediction", "{ts},u,1.5,{at}.5,y"),
    "an array of PostgreSQL": ("ts,user,features,prediction", '{ts},u,"{{1.5,{at}.5}}",y'),
    "a map of Athena": ("ts,user,features,prediction", '{ts},u,"{{a=1.5, b={at}.5}}",y'),
    "shares in percent": ("ts,user,features,prediction,confidence", '{ts},u,"[1.5, {at}.5]",y,75.0%'),
}


@pytest.mark.parametrize("name", TABLES)
def test_cells_as_people_and_stores_write_them(name: str, read_csv: Text) -> None:
    header, row = TABLES[name]
    found = read_csv(header + "\n" + "".join(row.format(at=at, ts=1_767_605_400 + at) + "\n" for at in range(40)))
    first = 1_501.5 if name == "numbers in groups" else 1.5
    assert [line["input"] for line in found.rows] == [[first, at + 0.5] for at in range(40)]
    assert len({line["time"] for line in found.rows}) == 40
    assert name != "shares in percent" or {tuple(line["scores"]) for line in found.rows} == {(0.75,)}


@pytest.mark.parametrize("first", ["2026-01-05T12:00:00Z,u1,2,low", "u1,0.25,low", "1791000000.5\t3\tlow"])
def test_values_in_the_place_of_names_are_refused_with_a_header_to_put_there(tmp_path: Path, first: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{first}\n{first}\n")
    with pytest.raises(InputError, match="no names of columns") as raised:
        reading(path)
    assert "label" in str(raised.value.hint)


def test_numbers_may_name_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time,model,operation,0,1\n2026-01-05T12:00:00Z,m,predict,5,6\n")
    assert len(reading(path).rows) == 1


REMARKS = "# scores of plant 4, by export.R\n# made 2026-01-13, twice\n"


@pytest.mark.parametrize(
    "header",
    [
        REMARKS + "#ts\tuser\ta\tb\tprediction",
        REMARKS + "# ts\tuser\ta\tb\tprediction",
        REMARKS + "ts\tuser\ta\tb\tprediction",
        "\n" + REMARKS + "\nts\tuser\ta\tb\tprediction",
    ],
)
def test_remarks_stand_before_the_names_and_the_names_may_be_one(header: str, read_csv: Text) -> None:
    rows = "".join(f"{1_767_605_400 + at}\tu\t1.5\t{at}.5\ty\n" for at in range(40))
    found = read_csv(f"{header}\n{rows}")
    assert [line["input"] for line in found.rows] == [[1.5, at + 0.5] for at in range(40)]
    assert not found.rejected


def test_a_remark_as_long_as_the_names_below_it_is_none(read_csv: Text) -> None:
    rows = "".join(f"{1_767_605_400 + at},u,1.5,{at}.5,y\n" for at in range(40))
    found = read_csv(f"# plant 4, hall b, both lines, by hand, twice\nts,user,a,b,prediction\n{rows}")
    assert [line["input"] for line in found.rows] == [[1.5, at + 0.5] for at in range(40)]


def test_a_column_may_be_called_by_the_sign_of_a_remark(read_csv: Text) -> None:
    rows = "".join(f"{at},{1_767_605_400 + at},u,1.5,{at}.5,y\n" for at in range(40))
    found = read_csv(f"#,ts,user,a,b,prediction\n{rows}")
    assert len(found.rows) == 40
    assert {line["label"] for line in found.rows} == {"y"}


def test_a_line_that_begins_as_a_remark_among_the_rows_is_a_row(read_csv: Text) -> None:
    found = read_csv(HEADER + GOOD + "# left out\n" + GOOD)
    assert len(found.rows) == 2
    assert [line for line, _ in found.rejected] == [3]
