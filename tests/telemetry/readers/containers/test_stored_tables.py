"""Tables in workbooks and databases: their rows as they stand there, and nothing that is not one."""

import sqlite3
import zipfile
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook

from caponier.errors import InputError
from caponier.telemetry.readers import archives, stored_tables
from caponier.telemetry.streams import head_of

START = datetime(2026, 5, 1, 12)


def workbook(path: Path) -> Path:
    """Write a workbook as people keep them: a title, an empty line, the table, and a sheet of notes."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Log"
    sheet.append(["Predictions of May"])
    sheet.append([])
    sheet.append(["time", "caller", "x", "label", "ok", "took"])
    sheet.append([START, "ann", 0.5, "cat", True, timedelta(seconds=2)])
    sheet.append([])
    sheet.append([START + timedelta(seconds=1), "bob", 3, None, "=1=2", "a bit"])
    book.create_sheet("Notes").append(["nothing yet"])
    book.save(path)
    return path


def test_rows_of_a_sheet_have_their_types_and_excel_s_numbers(tmp_path: Path) -> None:
    path = workbook(tmp_path / "log.xlsx")
    assert archives.holds_tables(path, head_of(path))
    assert stored_tables.names_of_tables(path) == ["Log", "Notes"]
    (chunk,) = stored_tables.read(path, "Log")
    assert chunk.lines == [4, 6]
    assert chunk.rows == [
        {"time": "2026-05-01 12:00:00", "caller": "ann", "x": 0.5, "label": "cat", "ok": True, "took": 2.0},
        # A formula that was never reckoned has no value.
        {"time": "2026-05-01 12:00:01", "caller": "bob", "x": 3, "took": "a bit"},
    ]


def test_one_cell_is_no_table(tmp_path: Path) -> None:
    (chunk,) = stored_tables.read(workbook(tmp_path / "log.xlsx"), "Notes")
    assert chunk.rows == []


@pytest.mark.parametrize("part", ["worksheets/sheet1.xml", "workbook.xml", "styles.xml", "sharedStrings.xml"])
@pytest.mark.parametrize("held", ["", "<", "<a/>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "\0\1"])
def test_a_broken_workbook_is_an_error_or_has_no_rows(part: str, held: str, tmp_path: Path) -> None:
    whole, broken = workbook(tmp_path / "whole.xlsx"), tmp_path / "broken.xlsx"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(broken, "w") as new:
        for one in old.infolist():
            new.writestr(one.filename, held if one.filename == f"xl/{part}" else old.read(one))
    rows = None
    with suppress(InputError):
        rows = [list(stored_tables.read(broken, table)) for table in stored_tables.names_of_tables(broken)]
    assert rows is None or part in ("styles.xml", "sharedStrings.xml") or not any(one.rows for (one,) in rows)


def test_a_long_part_of_a_workbook_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path / "log.xlsx")
    monkeypatch.setattr(stored_tables, "_LONGEST", 100)
    with pytest.raises(InputError, match="larger than is read"):
        stored_tables.names_of_tables(path)


def test_tables_of_a_database_are_read_whatever_they_are_called(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(sqlite3.connect(path)) as base:
        base.execute('create table "odd ""name"" --" (time text, x real, raw blob)')
        base.execute('insert into "odd ""name"" --" values (?, ?, ?)', ("2026-05-01", 1.5, b"\0"))
        base.commit()
    assert archives.holds_tables(path, head_of(path))
    (name,) = stored_tables.names_of_tables(path)
    (chunk,) = stored_tables.read(path, name)
    assert (chunk.rows, chunk.lines) == ([{"time": "2026-05-01", "x": 1.5}], [1])


def test_half_a_database_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    path.write_bytes(archives.SQLITE + bytes(100))
    with pytest.raises(InputError, match="cannot be read"):
        stored_tables.names_of_tables(path)


def journaled(path: Path) -> sqlite3.Connection:
    """Write a database as servers have theirs, with what is new in a journal; return it open."""
    base = sqlite3.connect(path)
    base.execute("pragma journal_mode = wal")
    base.execute("create table log (time text, x real)")
    base.execute("insert into log values ('2026-05-01T12:00:00Z', 0.5)")
    base.commit()
    return base


def test_to_read_a_database_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    journaled(path).close()
    (chunk,) = stored_tables.read(path, "log")
    assert chunk.rows == [{"time": "2026-05-01T12:00:00Z", "x": 0.5}]
    assert stored_tables.names_of_tables(path) == ["log"]
    assert [one.name for one in tmp_path.iterdir()] == ["log.db"]


def test_of_a_database_that_is_in_use_the_journal_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(journaled(path)):
        (chunk,) = stored_tables.read(path, "log")
    assert len(chunk.rows) == 1


def test_a_table_of_an_extension_that_is_not_there_hides_no_other(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(journaled(path)) as base:
        base.execute("create virtual table found using fts5(text)")
        base.execute("pragma writable_schema = on")
        base.execute("update sqlite_master set sql = replace(sql, 'fts5', 'elsewhere') where name = 'found'")
        base.commit()
    names = stored_tables.names_of_tables(path)
    assert "log" in names
    assert all(list(stored_tables.read(path, name)) for name in names)
