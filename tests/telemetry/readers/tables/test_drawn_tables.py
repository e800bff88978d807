"""Tables as shells of databases draw them and old programs write them, and servers' logs with a line a request."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import caponier
from caponier.telemetry.field_maps.choose import MapChoice
from caponier.telemetry.field_maps.shipped import shipped_maps
from caponier.telemetry.principals import principal_of
from caponier.telemetry.readers.foreign_files import is_rule
from caponier.telemetry.rejections import LEFT_OPEN
from telemetry.conftest import reading

COLUMNS = ["logged_at", "client", "age", "Größe", "label"]
ROWS = [[f"2026-01-05 12:00:{at:02}+00", f"c{at % 4}", str(at), f"{at}.5", "ab"[at % 2]] for at in range(30)]


def psql(rows: list[list[str]]) -> str:
    head = " " + " | ".join(one.center(22) for one in COLUMNS) + "\n"
    rule = "-" + "-+-".join("-" * 22 for _ in COLUMNS) + "\n"
    return (
        head + rule + "".join(" " + " | ".join(one.ljust(22) for one in row) + "\n" for row in rows) + "(30 rows)\n\n"
    )


def mysql(rows: list[list[str]]) -> str:
    rule = "+" + "+".join("-" * 24 for _ in COLUMNS) + "+\n"
    drawn = ["| " + " | ".join(one.ljust(22) for one in row) + " |\n" for row in (COLUMNS, *rows)]
    return rule + drawn[0] + rule + "".join(drawn[1:]) + rule


def markdown(rows: list[list[str]]) -> str:
    drawn = ["| " + " | ".join(row) + " |\n" for row in (COLUMNS, ["---"] * len(COLUMNS), *rows)]
    return "".join(drawn)


@pytest.mark.parametrize("name", ["out.txt", "out.csv", "out"])
@pytest.mark.parametrize("drawn", [psql, mysql, markdown])
def test_a_drawn_table_is_a_table(drawn: Callable[[list[list[str]]], str], name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(drawn(ROWS))
    found = reading(path)
    assert not found.rejected
    assert [row["input"] for row in found.rows] == [[at + 0.5, float(at)] for at in range(30)]
    assert found.rows[1]["principal"] == principal_of("c1", b"")


def test_a_cell_with_a_bar_costs_no_row(tmp_path: Path) -> None:
    """Its own row used to be rejected: a bar in a name hid a query."""
    path = tmp_path / "out.txt"
    path.write_text(psql([*ROWS, ["2026-01-05 12:00:30+00", "c|x", "1", "2.5", "a"]]))
    found = reading(path)
    assert found.rows[30]["principal"] == principal_of("c|x", b"")
    assert (found.rejected, found.mended) == ([], [(33, LEFT_OPEN)])


def test_bars_without_blanks_are_a_table_with_quotes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    cells = [[one if at != 1 else f'"{one} | x"' for at, one in enumerate(row)] for row in ROWS]
    path.write_text("\n".join("|".join(row) for row in (COLUMNS, *cells)))
    found = reading(path)
    assert not found.rejected
    assert found.rows[1]["principal"] == principal_of("c1 | x", b"")


@pytest.mark.parametrize("line", [b"---+---", b"+----+", b"|---|:--:|", b"=== ===", b" -- \r"])
def test_a_rule_is_drawn(line: bytes) -> None:
    assert is_rule(line)


@pytest.mark.parametrize("line", [b"", b"-", b"a--b", b"-1", b"||", b"-" * 100_000 + b"x"])
def test_what_says_something_is_no_rule(line: bytes) -> None:
    assert not is_rule(line)


def old(text: str) -> bytes:
    return text.encode("cp1252")


def test_a_table_that_excel_saved_is_read_by_the_letters_of_its_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [[*row[:1], f"Müller {row[1]}", *row[2:]] for row in ROWS]
    lines = [";".join(row) for row in (COLUMNS, *rows)]
    path.write_bytes(old("\r\n".join(lines)))
    found = reading(path)
    assert not found.rejected
    assert found.rows[1]["principal"] == principal_of("Müller c1", b"")
    # A line in UTF-8 beside them keeps its letters.
    path.write_bytes(old("\r\n".join(lines[:-1])) + b"\r\n" + lines[-1].encode())
    assert reading(path).rows == found.rows


BENTO = (
    "2026-01-05T12:00:{at:02}+0000 [INFO] [api_server:credit:1] 10.0.0.{at}:51000 (scheme=http,method=POST,"
    "path=/{path},type=application/json,length=118) (status=200,type=application/json,length=36) 3.25ms "
    "(trace=00f1{at:028x},span=1f,sampled=0,service.name=credit)"
)
TORCH = (
    "2026-01-05T12:00:{at:02},123 - {path}.Milliseconds:3.25|#ModelName:credit,Level:Model|#type:GAUGE|"
    "#hostname:ip-10-0-0-4,1767614400,00f1{at:028x}, pattern=[METRICS]"
)
SERVERS = {
    "bentoml": (BENTO, "classify", "healthz", "health"),
    "torchserve": (TORCH, "PredictionTime", "QueueTime", "other"),
}


@pytest.mark.parametrize(("line", "asked", "aside", "kind"), SERVERS.values(), ids=SERVERS)
def test_a_line_of_a_server_says_which_model_answered(
    line: str, asked: str, aside: str, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(line.format(at=at, path=aside if at % 5 == 4 else asked) + "\n" for at in range(20)))
    found = reading(path, maps=MapChoice(known=shipped_maps()))
    assert not found.rejected
    assert [row["operation"] for row in found.rows[:5]] == [*["predict"] * 4, kind]
    assert {(row["model"], row["latency_ms"], row["request_id"][:4]) for row in found.rows} == {
        ("credit", 3.25, "00f1")
    }


def test_a_notebook_reads_what_the_command_line_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(BENTO.format(at=at, path="classify") + "\n" for at in range(20)))
    told: Any = caponier.load_events(path)
    assert told.to_arrow()["source_ip"].to_pylist() == [f"10.0.0.{at}" for at in range(20)]
