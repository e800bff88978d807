"""Files that were put behind each other, and files in other letters: read, or refused with a command that works."""

import codecs
import shlex
from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier.errors import InputError
from caponier.telemetry.framing.json_elements import Elements
from caponier.telemetry.readers.carried import CarriedRecords
from caponier.telemetry.readers.foreign_files import FOREIGN, holds_records, looks_like_table, refuse_foreign
from caponier.telemetry.streams import head_of
from telemetry.conftest import reading

BOM = codecs.BOM_UTF8


def record(at: int) -> dict[str, Any]:
    return {"time": f"2026-01-05T09:00:{at:02}Z", "user": "ada", "model": "m", "features": [1.5, float(at)]}


def json_lines(count: int = 30) -> bytes:
    return b"".join(orjson.dumps(record(at)) + b"\n" for at in range(count))


def test_files_with_marks_that_were_joined_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes((BOM + json_lines()) * 3)
    found = reading(path)
    assert found.rejected == []
    assert found.lines == list(range(1, 91))


def test_documents_with_marks_that_were_joined_are_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    one = BOM + orjson.dumps([record(at) for at in range(20)], option=orjson.OPT_INDENT_2) + b"\n"
    path.write_bytes(one * 2)
    found = reading(path)
    assert found.rejected == []
    assert len(found.rows) == 40


def test_a_mark_is_nothing_but_before_an_object() -> None:
    text = BOM.decode()
    assert CarriedRecords().rows(BOM + b'{"a": 1}') == [{"a": 1}]
    assert CarriedRecords().rows(orjson.dumps({"a": text + "x"})) == [{"a": text + "x"}]
    with pytest.raises(ValueError, match="no JSON object"):
        CarriedRecords().rows(BOM + b"hello")


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_mark_between_documents_may_be_cut_anywhere(cut: int) -> None:
    data = b'{"a":\n1}' + BOM + b'{"b":\n2}'
    cutter = Elements(100)
    found = [*cutter.feed(data[:cut]), *cutter.feed(data[cut:]), *cutter.end()]
    assert [one.text for one in found] == [b'{"a":\n1}', b'{"b":\n2}']


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-32-be", codecs.BOM_UTF32_BE),
    ],
)
@pytest.mark.parametrize("name", ["log.jsonl", "my log's $HOME.jsonl", "a.j;touch b", "noname"])
def test_a_log_in_other_letters_is_read_as_any_other(encoding: str, mark: bytes, name: str, tmp_path: Path) -> None:
    path, plain = tmp_path / name, tmp_path / "plain.jsonl"
    path.write_bytes(mark + json_lines().decode().encode(encoding))
    plain.write_bytes(json_lines())
    refuse_foreign(path, head_of(path).text)
    assert reading(path).rows == reading(plain).rows
    assert reading(path).rejected == []


@pytest.mark.parametrize("form", FOREIGN, ids=lambda form: form.is_a)
@pytest.mark.parametrize("name", ["log", "$(touch x); 'y.log"])
def test_a_name_stays_one_word_of_the_command(form: Any, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(form.magic + b"\n rest")
    with pytest.raises(InputError, match=f"is {form.is_a}") as refused:
        refuse_foreign(path, head_of(path).text)
    assert str(path) in str(refused.value)
    if "{path}" in form.hint:
        assert str(path) in shlex.split((refused.value.hint or "").replace(", or save the sheet", " or save the sheet"))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0" * 600,
        b"\0\0" + json_lines(1),
        b'{"a": "\xc3\xa9"}\n',
        b"a\n",
        b"{}",
        "é,ü\n".encode("latin-1"),
        b"\xff",
    ],
)
def test_what_may_be_a_log_is_not_refused(head: bytes, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(head)
    refuse_foreign(tmp_path / "log", head_of(tmp_path / "log").text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("time,user,x\n1,a,2\n", True),
        ('"a,b";c\n"1,2";3\n', True),
        ('"a,b,c,d";c\n1;3\n', True),
        ("time\tuser\n1\ta\n", True),
        ("just a line\nand another\n", False),
        ("a,b\n", False),
        ('{"a": 1,"b": 2}\n{"a": 1,"b": 2}\n', False),
        ("level=info, user=a\nlevel=info, user=b\n", False),
        ("<a>,<b>\n1,2\n", False),
    ],
)
def test_a_table_without_a_name_is_told_by_its_cells(text: str, told: bool) -> None:
    assert looks_like_table(text.encode()) is told


@pytest.mark.parametrize(
    ("text", "told"),
    [('{"a": 1}\n', True), ("x 2026 {}\n", True), ("a=1 b=2 c=3\n", True), ("# a remark\n", False), ("{", False)],
)
def test_a_file_without_a_name_is_told_by_its_first_record(text: str, told: bool) -> None:
    assert holds_records(text.encode()) is told


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("other", [",", ";", "|"])
def test_delimiters_within_quoted_names_are_none(delimiter: str, other: str, tmp_path: Path) -> None:
    names = ["time", "user", f'"income{other * 9}in EUR"', "age", "prediction"]
    rows = [[f"2026-01-05T09:00:{at:02}Z", "ada", f"{at}.5", "30", "x"] for at in range(30)]
    lines = [delimiter.join(names), *(delimiter.join(row) for row in rows)]
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    found = reading(tmp_path / "log.csv")
    assert found.rejected == []
    assert len(found.rows) == 30
    assert all(row["principal"] and row["label"] == "x" for row in found.rows)


def test_a_zero_that_a_client_sent_keeps_no_log_from_being_read(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_bytes(b"time,principal,label\n2026-01-05T12:00:00Z,a\0b,cat\n")
    refuse_foreign(file, head_of(file).text)
    file.write_bytes(b"time,principal,label\n" + b"\0" * 40)
    with pytest.raises(InputError, match="is no text"):
        refuse_foreign(file, head_of(file).text)
    file.write_bytes((20).to_bytes(8, "little") + b"\x01\x02\x03\x04\n\x12features and more of it")
    with pytest.raises(InputError, match="is no text"):
        refuse_foreign(file, head_of(file).text)
