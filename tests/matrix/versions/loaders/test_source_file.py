"""What is handed in is a text file of bearable size, or the reason why not is said."""

import hashlib
import io
import os
from pathlib import Path

import pytest

from caponier.errors import InputError
from caponier.matrix.versions.loaders import source_file
from caponier.matrix.versions.loaders.source_file import STDIN, read_source


def refused(path: Path) -> InputError:
    with pytest.raises(InputError) as wrong:
        read_source(path)
    assert wrong.value.exit_code == 2
    return wrong.value


def test_text_and_digest(written):
    data = "\ufeffname: Ä\n".encode()
    source = read_source(written(data))
    assert source.text == "name: Ä\n"
    assert source.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "the file is empty"),
        (b" \n\t\n", "the file is empty"),
        (b"a: 1\nb: \xff\xfe\n", "this is not UTF-8"),
        (b"a: 1\0\n", "byte 4 is NUL"),
        ("a: 1".encode("utf-16"), "is NUL"),
        (bytes(range(255, -1, -1)), "is NUL"),
        (b"\x7fELF\x02\x01\x01\0\0", "is NUL"),
        (b"PK\x03\x04rest", "this is a zip archive"),
        (b"\x1f\x8brest", "this is a gzip file"),
        (b"\n<!DOCTYPE html>\n<html>", "this is a web page"),
        (b"<html><body>", "this is a web page"),
    ],
    ids=str,
)
def test_what_is_no_text_of_data_is_said(written, data: bytes, what: str):
    wrong = refused(written(data))
    assert what in wrong.what
    assert wrong.hint


def test_the_line_that_is_not_utf8_is_named(written):
    assert (refused(written(b"a: 1\nb: \xff\n")).where or "").endswith(":2")


def test_a_huge_file_is_refused_before_it_is_parsed(written):
    path = written(b"a")
    with path.open("r+b") as file:
        file.truncate(source_file.MAX_BYTES + 1)
    assert "more than 64 MiB" in refused(path).what


def test_a_folder_a_pipe_and_nothing_are_said(tmp_path: Path):
    assert "this is a folder" in refused(tmp_path).what
    assert "cannot be read: No such file" in refused(tmp_path / "none").what
    os.mkfifo(tmp_path / "pipe")
    assert "no regular file" in refused(tmp_path / "pipe").what


def test_standard_input_has_the_same_bounds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(source_file, "MAX_BYTES", 10)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"name: A\n")))
    assert read_source(STDIN).text == "name: A\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"name: ABCDEFG\n")))
    wrong = refused(STDIN)
    assert (wrong.what, wrong.where) == ("the file has more than 0 MiB", "-")
