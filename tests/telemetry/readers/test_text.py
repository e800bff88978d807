from pathlib import Path

import pytest

from caponier.errors import InputError
from caponier.telemetry import chunk as chunk_module
from caponier.telemetry.chunk import Row
from caponier.telemetry.readers.text import chunks
from caponier.telemetry.rejections import RAW_LIMIT, Rejection


def parse(line: bytes) -> list[Row]:
    if line.startswith(b"!"):
        raise ValueError("bad mark")
    return [{"word": word} for word in line.split()]


def test_rows_stand_at_their_lines_and_bad_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\r\n\n  \ntwo three\n!bad\nlast but far too long for this\nfour")
    (found,) = chunks(path, parse, 12)
    assert found.rows == [{"word": word} for word in (b"one", b"two", b"three", b"four")]
    assert found.lines == [1, 4, 4, 7]
    assert found.rejections == [
        Rejection(str(path), 5, "bad mark", "!bad"),
        Rejection(str(path), 6, "line too long: more than 12 bytes"),
    ]


def test_the_raw_line_is_shortened_and_always_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"!\xff" + b"x" * 10_000)
    (found,) = chunks(path, parse)
    raw = found.rejections[0].raw
    assert raw is not None
    assert len(raw) == RAW_LIMIT
    assert raw.startswith("!\ufffdxx")


@pytest.mark.parametrize("line", [b"word\n", b"!\n"])
def test_chunks_are_bounded_whether_lines_are_good_or_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    monkeypatch.setattr(chunk_module, "CHUNK_ROWS", 10)
    path = tmp_path / "a.txt"
    path.write_bytes(line * 25)
    sizes = [len(found.rows) + len(found.rejections) for found in chunks(path, parse)]
    assert sizes == [10, 10, 5]


def test_empty_lines_end_a_chunk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk_module, "CHUNK_BYTES", 10)
    path = tmp_path / "a.txt"
    path.write_bytes(b"\n" * 25)
    found = list(chunks(path, parse))
    assert len(found) == 3
    assert sum(chunk.bytes_read for chunk in found) == 25


def test_an_empty_file_has_an_empty_chunk(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.touch()
    (found,) = chunks(path, parse)
    assert not found.rows
    assert not found.rejections


def test_a_broken_file_is_named_with_the_line_of_the_break(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(b"no gzip")
    (found,) = chunks(path, parse)
    assert found.rejections[0].line == 1
    assert found.rejections[0].reason.startswith("the file is broken from here on: ")


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        next(chunks(tmp_path / "gone.txt", parse))
