"""Zip archives with two truths: every part that any reader would read is read here, and judged.

Readers differ in where they look for the directory, in whether they trust it, and in which of two parts of the same
name they take. Held against Python's `zipfile` and, where it is installed, torch's reader, which copies bytes.
"""

import contextlib
import io
import struct
import warnings
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files.part import Budget, TooMuchError
from caponier.detect.model_files.files.zip_file import content_of, entries
from detect.model_files.files.building import HARMFUL, SMALL, judged, verdict, zipped

STORAGE = b"\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuJ%stQ."


def all_parts(content: bytes) -> list[tuple[tuple[str, ...], bytes]]:
    view, budget = memoryview(content), Budget.of(Limits(), len(content))
    found, _ = entries(view, budget)
    parts = []
    for entry in found:
        with contextlib.suppress(TooMuchError):
            parts.append((entry.names, bytes(content_of(view, entry, budget).content)))
    return parts


def local(name: bytes, content: bytes, method: int = 0, size: int | None = None) -> bytes:
    """A part with its own header."""
    packed = zlib.compress(content, wbits=-15) if method == 8 else content
    sizes = struct.pack("<III", zlib.crc32(content), len(packed) if size is None else size, len(content))
    return (
        b"PK\x03\x04"
        + struct.pack("<HHHHH", 20, 0, method, 0, 0)
        + sizes
        + struct.pack("<HH", len(name), 0)
        + name
        + packed
    )


def row(name: bytes, content: bytes, offset: int, method: int = 0) -> bytes:
    """A row of the directory."""
    packed = zlib.compress(content, wbits=-15) if method == 8 else content
    head = b"PK\x01\x02" + struct.pack("<HHHHHH", 20, 20, 0, method, 0, 0)
    sizes = struct.pack("<III", zlib.crc32(content), len(packed), len(content))
    return head + sizes + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, offset) + name


def end(rows: int, size: int, offset: int, comment: bytes = b"") -> bytes:
    return b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, rows, rows, size, offset, len(comment)) + comment


def two_directories() -> bytes:
    """A torch archive whose directory depends on where a reader counts from.

    From the end it lists a clean pickle and a storage; from the start there is another directory, inside the storage,
    which lists a harmful pickle that lies in the storage as well.
    """
    evil = local(b"m/data.pkl", HARMFUL)
    inner = evil + row(b"m/data.pkl", HARMFUL, 0)
    count = -(-(len(inner) + 200) // 4)
    pickled = STORAGE.replace(b"%s", struct.pack("<i", count))
    first = local(b"m/data.pkl", pickled)
    head = first + local(b"m/data/0", b"")[: 30 + len(b"m/data/0")]
    at = len(head)
    inner = evil + row(b"m/data.pkl", HARMFUL, at)
    blob = inner + bytes(4 * count - len(inner))
    body = first + local(b"m/data/0", blob)
    wanted = at + len(evil)
    # Counted from the end the first part lies at 0, which is so much before what the end record says.
    shift = len(body) - wanted
    rows = row(b"m/data.pkl", pickled, (0 - shift) % (1 << 32)) + row(
        b"m/data/0", blob, (len(first) - shift) % (1 << 32)
    )
    return body + rows + end(2, len(rows), wanted)


def test_a_second_directory_inside_a_storage_is_read() -> None:
    content = two_directories()
    assert any("data.pkl" in names[0] and part == HARMFUL for names, part in all_parts(content))
    assert verdict(content) is Verdict.UNSAFE


def test_two_parts_at_the_two_places_that_a_row_may_mean_are_both_read() -> None:
    hidden = local(b"a", HARMFUL)
    whole = zipped({"a": b"N." + bytes(len(HARMFUL) - 2)})
    content = hidden + whole
    assert verdict(whole) is not Verdict.UNSAFE
    assert verdict(content) is Verdict.UNSAFE


def test_the_same_name_twice_is_read_twice() -> None:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("m/data.pkl", HARMFUL)
            archive.writestr("m/data.pkl", b"N.")
    assert [part for _, part in all_parts(stream.getvalue())] == [HARMFUL, b"N."]
    assert verdict(stream.getvalue()) is Verdict.UNSAFE


@pytest.mark.parametrize("name", ["m/DATA.PKL", "m/Data.pkl", "DATA.pkl", "m/data.pkl/", "m\\data.pkl"])
def test_names_that_some_readers_take_for_the_pickle_are_judged(name: str) -> None:
    assert verdict(zipped({"m/data.pkl": b"N.", name: HARMFUL})) is Verdict.UNSAFE
    assert verdict(zipped({name: HARMFUL})) is Verdict.UNSAFE


@pytest.mark.parametrize(
    "comment", [b"words", b"PK\x05\x06", b"PK\x01\x02", end(0, 0, 0), bytes(60_000), end(1, 60, 0)]
)
def test_a_comment_hides_no_part(comment: bytes) -> None:
    body = local(b"a.pkl", HARMFUL)
    rows = row(b"a.pkl", HARMFUL, 0)
    assert verdict(body + rows + end(1, len(rows), len(body), comment)) is Verdict.UNSAFE


@pytest.mark.parametrize("tail", [b"", b"x", bytes(22), bytes(1000)])
def test_something_behind_the_archive_hides_no_part(tail: bytes) -> None:
    assert verdict(zipped({"a.pkl": HARMFUL}) + tail) is Verdict.UNSAFE


@pytest.mark.parametrize("size", [0, 1, 0xFFFFFFFF, 1 << 20])
def test_a_part_that_lies_about_its_length_is_read_to_the_end(size: int) -> None:
    """Without a directory; a reader of streams goes by the stream, not by the number."""
    assert verdict(local(b"a.pkl", HARMFUL, 8, size=size)) is not Verdict.CLEAN


def test_an_archive_in_an_archive_in_a_gzip_is_opened() -> None:
    import gzip

    content = gzip.compress(zipped({"inner.zip": zipped({"a.pkl": HARMFUL}, zipfile.ZIP_DEFLATED)}))
    assert judged(content).reasons[0].startswith("inner.zip/a.pkl: calls os.system")


names = st.sampled_from(["a.pkl", "m/data.pkl", "m/version", "b", "m/data/0", "c.npy"])
bodies = st.sampled_from([b"", b"words", HARMFUL, b"N.", b"3\n"])
parts = st.lists(st.tuples(names, bodies, st.sampled_from([0, 8])), min_size=1, max_size=5)


def handmade(listed: list[tuple[str, bytes, int]], prefix: bytes, lies: int) -> bytes:
    content, rows = prefix, b""
    for name, body, method in listed:
        rows += row(name.encode(), body, (len(content) + lies) % (1 << 32), method)
        content += local(name.encode(), body, method)
    return content + rows + end(len(listed), len(rows), (len(content) + lies) % (1 << 32))


@given(parts, st.sampled_from([b"", b"#!/bin/sh\n", b"\x80\x04N.", bytes(40)]), st.sampled_from([0, 0, 7, -10, -40]))
@settings(max_examples=250, deadline=None)
def test_every_part_that_zipfile_reads_is_read(listed: list[tuple[str, bytes, int]], prefix: bytes, lies: int) -> None:
    content = handmade(listed, prefix, lies)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            expected = [archive.read(info) for info in archive.infolist()]
    except (zipfile.BadZipFile, EOFError, zlib.error, ValueError):
        expected = []
    read = [part for _, part in all_parts(content)]
    for part in expected:
        assert part in read
    if HARMFUL in expected:
        assert verdict(content, SMALL) is Verdict.UNSAFE


@given(parts, st.integers(0, 400), st.binary(min_size=1, max_size=6))
@settings(max_examples=250, deadline=None)
def test_no_damage_makes_it_fail(listed: list[tuple[str, bytes, int]], at: int, change: bytes) -> None:
    content = bytearray(handmade(listed, b"", 0))
    content[at : at + len(change)] = change
    judged(bytes(content), SMALL)


def by_torch(path: Path) -> bytes | None:
    """Return what torch's own reader gives for the pickle: bytes, which nobody loads."""
    torch = pytest.importorskip("torch")
    try:
        return bytes(torch._C.PyTorchFileReader(str(path)).get_record("data.pkl"))
    except RuntimeError:
        return None


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_pickle_that_torch_would_load_is_judged(tmp_path: Path, method: int) -> None:
    archives = {
        "plain": zipped({"m/data.pkl": HARMFUL, "m/version": b"3\n"}, method),
        "upper": zipped({"m/DATA.PKL": HARMFUL, "m/version": b"3\n"}, method),
        "two": two_directories(),
    }
    taken = 0
    for name, content in archives.items():
        (tmp_path / name).write_bytes(content)
        if by_torch(tmp_path / name) == HARMFUL:
            taken += 1
            assert verdict(content) is Verdict.UNSAFE, name
    assert taken, "the reader takes at least the plain one"


def long_ended(content: bytes, rows: bytes, count: int) -> bytes:
    """An archive as torch writes it: 76 bytes of zip64 records before the end."""
    at = len(content)
    long_end = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, len(rows), at)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, at + len(rows), 1)
    return content + rows + long_end + locator + end(count, len(rows), at)


def test_parts_as_far_apart_as_the_long_end_record_is_long_are_no_second_directory() -> None:
    parts = [(b"ab/first", bytes(38)), (b"ab/next", b"x")]
    content, rows = b"", b""
    for name, held in parts:
        rows += row(name, held, len(content))
        content += local(name, held)
    assert content.find(b"PK\x03\x04", 1) == 76
    archive = long_ended(content, rows, 2)
    found, doubt = entries(memoryview(archive), Budget.of(Limits(), len(archive)))
    assert doubt is None
    assert [(entry.name, entry.header) for entry in found] == [("ab/first", 0), ("ab/next", 76)]
    assert len(zipfile.ZipFile(io.BytesIO(archive)).infolist()) == 2


def test_a_first_row_as_long_as_the_long_end_record_makes_no_second_directory() -> None:
    # A model of torch whose file is named in 21 letters.
    folder = b"m" * 21
    first, second = local(folder + b"/data.pkl", b"N."), local(folder + b"/version", b"3\n")
    rows = row(folder + b"/data.pkl", b"N.", 0)
    assert len(rows) == 76
    rows += row(folder + b"/version", b"3\n", len(first))
    assert verdict(long_ended(first + second, rows, 2)) is Verdict.CLEAN


def test_a_directory_inside_a_first_row_is_told() -> None:
    """Somebody who counts from the end would find it, and another part in it."""
    first, hidden = local(b"a.txt", b"words"), local(b"b.txt", b"other words")
    inner = row(b"b.txt", b"other words", len(first))
    outer = row(b"a.txt", b"words", 0)
    note = bytes(76 - len(outer)) + inner
    outer = outer[:32] + struct.pack("<H", len(note)) + outer[34:] + note
    archive = long_ended(first + hidden, outer, 1)
    found, doubt = entries(memoryview(archive), Budget.of(Limits(), len(archive)))
    assert doubt is not None
    assert {"a.txt", "b.txt"} <= {entry.name for entry in found}


def noted(inner: bytes, notes: bytes) -> bytes:
    """A row for a part whose sizes and place stand in notes."""
    whole = bytearray(row(b"b.pkl", inner, 0xFFFFFFFF))
    whole[24:28], whole[30:32] = b"\xff" * 4, struct.pack("<H", len(notes))
    return bytes(whole) + notes


@pytest.mark.parametrize("first", [(1 << 64) - 1, 0xFFFFFFFF, 1 << 40])
def test_a_note_on_a_place_that_comes_twice_hides_no_part(first: int) -> None:
    """Python applies one after the other, and takes the largest size of the first for one that is still missing."""
    inner = local(b"b.pkl", HARMFUL)
    outer = local(b"a.bin", inner)
    plain = bytearray(local(b"b.pkl", b"N." + bytes(len(HARMFUL) - 2)))
    plain[6:8], plain[14:26] = struct.pack("<H", 8), bytes(12)
    at = outer.index(inner)
    notes = struct.pack("<HHQQHHQQ", 1, 16, first, 0xFFFFFFFF, 1, 16, len(outer), at)
    rows = row(b"a.bin", inner, 0) + noted(HARMFUL, notes)
    archive = outer + bytes(plain) + rows + end(2, len(rows), len(outer) + len(plain))
    with zipfile.ZipFile(io.BytesIO(archive)) as read:
        assert [info.header_offset for info in read.infolist()][1] == (len(outer) if first == 1 << 40 else at)
    assert HARMFUL in [part for _, part in all_parts(archive)]
    assert verdict(archive) is Verdict.UNSAFE


def test_a_note_on_a_place_that_comes_once_is_no_doubt() -> None:
    part = local(b"b.pkl", b"N.")
    rows = noted(b"N.", struct.pack("<HHQQ", 1, 16, 2, 0))
    assert verdict(part + rows + end(1, len(rows), len(part))) is Verdict.CLEAN


def test_two_names_among_the_notes_are_told() -> None:
    part = local(b"a.pkl", b"N.")
    rows = bytearray(row(b"a.pkl", b"N.", 0))
    notes = b"".join(struct.pack("<HHB4x", 0x7075, 5 + len(name), 1) + name for name in (b"a.pkl", b"../../x"))
    rows[30:32] = struct.pack("<H", len(notes))
    archive = part + bytes(rows) + notes
    assert verdict(archive + end(1, len(rows) + len(notes), len(part))) is Verdict.UNSAFE
