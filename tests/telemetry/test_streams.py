import gzip
import io
import sys
import tracemalloc
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.telemetry.streams import STDIN, BrokenStreamError, Shortened, Unzipped, lines, opened


class Cut:
    """A stream that gives its bytes in blocks cut at will."""

    def __init__(self, data: bytes, cuts: list[int]) -> None:
        self._data = io.BytesIO(data)
        self._cuts = iter(cuts)

    def read(self, size: int, /) -> bytes:
        return self._data.read(min(size, next(self._cuts, size)))


class Endless:
    """`size` bytes without a line end, and then one good line; none of it is ever held."""

    def __init__(self, size: int) -> None:
        self._left, self._tail = size, b"\ngood\n"

    def read(self, size: int, /) -> bytes:
        if self._left:
            size = min(size, self._left)
            self._left -= size
            return b"x" * size
        tail, self._tail = self._tail, b""
        return tail


class Breaking:
    """Two good lines and a half, and then an error."""

    def __init__(self) -> None:
        self._blocks = [b"one\ntwo\nthr"]

    def read(self, _size: int, /) -> bytes:
        if self._blocks:
            return self._blocks.pop()
        raise OSError("gone")


LIMIT = 6
TEXT = st.lists(st.text("ab\r", max_size=9), max_size=8).map(lambda parts: "\n".join(parts).encode())


@given(data=TEXT, bom=st.booleans(), cuts=st.lists(st.integers(1, 5), max_size=60))
def test_however_a_stream_is_cut_its_lines_are_the_same(data: bytes, bom: bool, cuts: list[int]) -> None:
    data = (b"\xef\xbb\xbf" if bom else b"") + data
    whole = list(lines(io.BytesIO(data), LIMIT))
    assert list(lines(Cut(data, cuts), LIMIT)) == whole


@given(data=TEXT)
def test_lines_are_those_of_the_text_but_for_the_long_ones(data: bytes) -> None:
    parts = data.split(b"\n")
    parts = parts if parts[-1] else parts[:-1]
    expected = [(n, None if len(part) > LIMIT else part.removesuffix(b"\r")) for n, part in enumerate(parts, 1)]
    assert list(lines(io.BytesIO(data), LIMIT)) == expected


def test_a_line_of_a_gigabyte_is_named_and_costs_no_memory() -> None:
    tracemalloc.start()
    try:
        found = list(lines(Endless(2**30)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == [(1, None), (2, b"good")]
    assert peak < 40 * 2**20


def test_a_byte_order_mark_counts_only_at_the_beginning() -> None:
    mark = b"\xef\xbb\xbf"
    assert list(lines(io.BytesIO(mark + b"a\n" + mark + b"b"))) == [(1, b"a"), (2, mark + b"b")]


def test_an_empty_stream_has_no_line() -> None:
    assert list(lines(io.BytesIO(b""))) == []


def test_a_stream_that_breaks_gives_its_whole_lines_first() -> None:
    stream = lines(Breaking())
    assert [next(stream), next(stream)] == [(1, b"one"), (2, b"two")]
    with pytest.raises(BrokenStreamError, match="gone") as broken:
        next(stream)
    assert broken.value.line == 3


def compressed(name: str, data: bytes) -> bytes:
    return gzip.compress(data) if name.endswith(".gz") else zstandard.compress(data)


@pytest.mark.parametrize("name", ["a.gz", "a.zst", "A.GZ", "A.ZST"])
def test_compressed_files_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    # Two compressed files behind each other are one, as log rotation makes them.
    path.write_bytes(compressed(name.lower(), b"one\n") + compressed(name.lower(), b"two\n"))
    with opened(path) as stream:
        assert list(lines(stream)) == [(1, b"one"), (2, b"two")]


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_a_cut_off_compressed_file_is_noticed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(compressed(name, b"".join(b"%d\n" % n for n in range(500_000)))[:-5])
    found = 0
    with opened(path) as stream, pytest.raises(BrokenStreamError, match="Truncated"):  # noqa: PT012 - counts
        for _ in lines(stream):
            found += 1
    assert found > 400_000


def test_what_stands_before_a_break_is_read_to_the_last_line(tmp_path: Path) -> None:
    path = tmp_path / "small.gz"
    for lost in (1, 5, 9, 40):
        path.write_bytes(compressed("a.gz", b"".join(b"%d\n" % n for n in range(300)))[:-lost])
        found: list[tuple[int, bytes | None]] = []
        with opened(path) as stream, pytest.raises(BrokenStreamError, match="Truncated"):
            found.extend(lines(stream))
        assert len(found) > 300 - 4 * lost


def test_what_stands_before_garbage_is_read_and_zeros_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(compressed("a.gz", b"one\ntwo\n") + b"\0" * 5_000)
    with opened(path) as stream:
        assert list(lines(stream)) == [(1, b"one"), (2, b"two")]
    path.write_bytes(compressed("a.gz", b"one\ntwo\n") + b"garbage")
    with opened(path) as stream, pytest.raises(BrokenStreamError) as broken:
        list(lines(stream))
    assert broken.value.line == 3


@given(data=st.binary(max_size=4_000), size=st.integers(1, 400), members=st.integers(1, 3))
def test_unzipping_gives_what_was_packed_however_much_is_asked_for(data: bytes, size: int, members: int) -> None:
    stream, found = Unzipped(io.BytesIO(gzip.compress(data) * members)), b""
    while block := stream.read(size):
        assert len(block) <= size
        found += block
    assert found == data * members


@pytest.mark.parametrize("name", ["a.gz", "a.zst"])
def test_a_damaged_or_foreign_file_is_noticed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for data in (b"not compressed at all", compressed(name, b"one\n") + b"garbage behind it"):
        path.write_bytes(data)
        with opened(path) as stream, pytest.raises(BrokenStreamError):
            list(lines(stream))


@pytest.mark.parametrize("name", ["bomb.gz", "bomb.zst"])
def test_a_bomb_costs_no_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    zeros = b"\0" * 2**20
    if name.endswith(".gz"):
        with gzip.open(path, "wb", compresslevel=1) as out:
            for _ in range(300):
                out.write(zeros)
    else:
        with path.open("wb") as raw, zstandard.ZstdCompressor().stream_writer(raw) as out_zst:
            for _ in range(300):
                out_zst.write(zeros)
    assert path.stat().st_size < 2**21
    tracemalloc.start()
    try:
        with opened(path) as stream:
            assert list(lines(stream)) == [(1, None)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * 2**20


def test_a_zst_file_that_wants_too_large_a_window_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zst"
    wide = zstandard.ZstdCompressionParameters(window_log=30, compression_level=1)
    packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    path.write_bytes(packer.compress(b"a\n") + packer.flush())
    with opened(path) as stream, pytest.raises(BrokenStreamError, match="memory"):
        list(lines(stream))


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.jsonl"), opened(tmp_path / "gone.jsonl"):
        pass


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\n")))
    with opened(STDIN) as stream:
        assert list(lines(stream)) == [(1, b"a")]


@pytest.mark.parametrize("size", [31, 100, 1_000_000])
def test_of_a_line_that_is_too_long_its_ends_can_be_had(size: int) -> None:
    long = b"head " + b"x" * size + b" tail"
    found = list(lines(io.BytesIO(b"a\n" + long + b"\r\nb\n" + long), 30, shortening=True))
    assert [number for number, _ in found] == [1, 2, 3, 4]
    assert [line for _, line in found[::2]] == [b"a", b"b"]
    for _, line in found[1::2]:
        assert isinstance(line, Shortened)
        assert line.startswith(b"head x")
        assert line.endswith(b"x tail")
        assert len(line) < 40
    assert [line for _, line in lines(io.BytesIO(long), 30)] == [None]
