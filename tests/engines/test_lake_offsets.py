"""What of a growing lake is read: every line once, however it grows, is compacted or shrinks."""

import os
from pathlib import Path

import pytest

from caponier.engines.lake_offsets import Offset, latest, nothing_read, pieces, slices

NOW = 2_000_000_000.0


def append(file: Path, data: bytes, age: float = 0.0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as out:
        out.write(data)
    os.utime(file, (NOW - age, NOW - age))


def read(lake: Path, start: Offset, most: int = 1_000) -> tuple[Offset, list[tuple[str, int, int, bytes]]]:
    """Return the next offset, and path, number, lines before and bytes of what lies before it."""
    end = latest(lake, start, NOW)
    parts = list(slices(start, end))
    return end, [(part.path, part.source, line, data) for part in parts for line, data in pieces(lake, part, most)]


def test_what_is_appended_is_read_once_in_whole_lines(tmp_path: Path) -> None:
    append(tmp_path / "d" / "b.jsonl", b"1\n2\n3")
    append(tmp_path / "d" / "a.jsonl", b"x\n")
    offset, found = read(tmp_path, nothing_read())
    assert found == [("d/a.jsonl", 0, 0, b"x\n"), ("d/b.jsonl", 1, 0, b"1\n2\n")]
    assert read(tmp_path, offset) == (offset, [])
    append(tmp_path / "d" / "b.jsonl", b"3\n4\n")
    append(tmp_path / "d" / "aa.jsonl", b"y\n")
    offset, found = read(tmp_path, offset)
    assert found == [("d/aa.jsonl", 2, 0, b"y\n"), ("d/b.jsonl", 1, 2, b"33\n4\n")]


def test_a_last_line_without_an_end_counts_when_nothing_follows(tmp_path: Path) -> None:
    append(tmp_path / "a.jsonl", b"1\n2", age=30.0)
    offset, found = read(tmp_path, nothing_read())
    assert found == [("a.jsonl", 0, 0, b"1\n")]
    os.utime(tmp_path / "a.jsonl", (NOW - 90, NOW - 90))
    assert read(tmp_path, offset)[1] == [("a.jsonl", 0, 1, b"2\n")]


@pytest.mark.parametrize("most", [1, 2, 3, 5, 100])
def test_pieces_are_whole_lines_and_say_how_many_stand_before(tmp_path: Path, most: int) -> None:
    data = b"".join(b"%d\n" % number for number in range(40))
    append(tmp_path / "a.jsonl", data)
    _, found = read(tmp_path, nothing_read(), most)
    assert b"".join(piece for *_, piece in found) == data
    for *_, line, piece in found:
        assert piece.split(b"\n")[0] == b"%d" % line
        assert piece.endswith(b"\n")


def test_only_logs_are_followed(tmp_path: Path) -> None:
    for name in (".part.jsonl", "_x/a.jsonl", ".hidden/a.jsonl", "note.txt", "a.csv"):
        append(tmp_path / name, b"1\n")
    assert latest(tmp_path, nothing_read(), NOW) == nothing_read()


class TestCompacted:
    LINES, PARQUET = "2026-01-01/guard-1.jsonl", "date=2026-01-01/model=m/guard-1.parquet"

    def compact(self, lake: Path) -> None:
        append(lake / self.PARQUET, b"PAR1")
        (lake / self.LINES).unlink(missing_ok=True)

    def test_lines_that_were_all_read_are_not_read_again(self, tmp_path: Path) -> None:
        append(tmp_path / self.LINES, b"1\n", age=86_400)
        offset, _ = read(tmp_path, nothing_read())
        self.compact(tmp_path)
        offset = latest(tmp_path, offset, NOW)
        assert self.LINES in offset["files"]
        again = latest(tmp_path, offset, NOW)
        assert list(slices(offset, again)) == []
        assert again == offset

    def test_others_are_read_and_said_to_be_known_in_part(self, tmp_path: Path) -> None:
        append(tmp_path / self.LINES, b"1\n", age=60)
        offset, _ = read(tmp_path, nothing_read())
        self.compact(tmp_path)
        after = latest(tmp_path, offset, NOW)
        (part,) = slices(offset, after)
        assert (part.path, part.again, part.end) == (self.PARQUET, True, 4)
        assert list(slices(after, latest(tmp_path, after, NOW))) == []

    def test_what_was_compacted_before_is_read_as_it_is(self, tmp_path: Path) -> None:
        self.compact(tmp_path)
        (part,) = slices(nothing_read(), latest(tmp_path, nothing_read(), NOW))
        assert (part.path, part.again) == (self.PARQUET, False)

    def test_what_is_gone_altogether_is_forgotten(self, tmp_path: Path) -> None:
        append(tmp_path / self.LINES, b"1\n")
        offset, _ = read(tmp_path, nothing_read())
        self.compact(tmp_path)
        offset = latest(tmp_path, offset, NOW)
        (tmp_path / self.PARQUET).unlink()
        assert latest(tmp_path, offset, NOW) == {"next": 2, "files": {}}


def test_a_file_that_shrinks_goes_on_at_its_end(tmp_path: Path) -> None:
    """As when somebody's events are erased from it."""
    append(tmp_path / "a.jsonl", b"1\n2\n3\n")
    offset, _ = read(tmp_path, nothing_read())
    (tmp_path / "a.jsonl").write_bytes(b"1\n")
    offset, found = read(tmp_path, offset)
    assert found == []
    append(tmp_path / "a.jsonl", b"4\n")
    assert read(tmp_path, offset)[1] == [("a.jsonl", 0, 3, b"4\n")]
