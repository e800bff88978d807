"""Tar archives, held against Python's own reader: whatever it would hand out is judged, or the file is not clean."""

import io
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files.part import Budget
from caponier.detect.model_files.files.tar_file import members
from detect.model_files.files.building import HARMFUL, SMALL, judged, tar_entry, tarred, verdict

LINKS = [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE]
HIDDEN = tar_entry("model.pkl", HARMFUL)


def handed_out(content: bytes) -> list[bytes]:
    """Return the content of every file that Python's tarfile finds, up to where it gives up."""
    found = []
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for entry in archive:
                if entry.isreg():
                    stream = archive.extractfile(entry)
                    found.append(stream.read() if stream else b"")
    except (tarfile.TarError, OSError, EOFError, ValueError, UnicodeError, OverflowError):
        return found
    return found


def seen(content: bytes) -> list[tuple[str, bytes, str | None]]:
    found = members(memoryview(content), Budget.of(Limits(), len(content)))
    return [(member.name, bytes(member.content), member.doubt) for member in found]


@pytest.mark.parametrize("kind", LINKS)
def test_content_of_a_link_hides_no_member(kind: bytes) -> None:
    """Python reads a link as if it had none, and so takes its content for the next member."""
    content = tarred(tar_entry("harmless", HIDDEN, kind))
    assert HARMFUL in handed_out(content)
    judgement = judged(content)
    assert judgement.verdict is Verdict.UNSAFE
    assert any("model.pkl: calls os.system" in reason for reason in judgement.reasons)


@pytest.mark.parametrize("kind", LINKS)
def test_links_without_content_are_left_alone(kind: bytes) -> None:
    content = tarred(tar_entry("harmless", kind=kind), tar_entry("a.txt", b"words"))
    assert [name for name, _, _ in seen(content)] == ["a.txt"]
    assert verdict(content) is Verdict.CLEAN


def extended(record: bytes) -> bytes:
    """A pax header: records with their own length before them (POSIX.1-2001)."""
    length = len(record) + 3
    length = len(record) + 2 + len(str(length))
    return tar_entry("pax", b"%d %s\n" % (length, record), tarfile.XHDTYPE)


def test_a_size_in_an_extended_header_is_told() -> None:
    """The header says 0 bytes, the extended header all that follows: readers find different members."""
    inner = tar_entry("x", HARMFUL)
    content = tarred(extended(b"size=1024"), tar_entry("m", inner, size=0))
    assert handed_out(content)[0].startswith(b"x")
    assert any("another size" in (doubt or "") for _, _, doubt in seen(content))
    assert verdict(content) is Verdict.UNSAFE


def test_sparse_files_in_an_extended_header_are_told() -> None:
    content = tarred(extended(b"GNU.sparse.major=1"), tar_entry("m", b"x"))
    assert verdict(content) is Verdict.UNKNOWN


@pytest.mark.parametrize("record", [b"path=" + b"a" * 200, b"mtime=1.5", b"comment=size=4"])
def test_other_extended_headers_are_harmless(record: bytes) -> None:
    assert verdict(tarred(extended(record), tar_entry("m", b"words"))) is Verdict.CLEAN


def test_what_tarfile_itself_writes_is_clean() -> None:
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
            for name in ("short", "folder/" * 12 + "name"):
                entry = tarfile.TarInfo(name)
                entry.size = 5
                archive.addfile(entry, io.BytesIO(b"words"))
        assert verdict(stream.getvalue()) is Verdict.CLEAN, form
        assert handed_out(stream.getvalue()) == [b"words", b"words"]


def with_field(entry: bytes, at: int, value: bytes) -> bytes:
    """Change a field of a header, and put the checksum right."""
    header = bytearray(entry[:512])
    header[at : at + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + entry[512:]


@pytest.mark.parametrize(
    "size",
    [
        b"1000\x00777777\x00",
        b"\xff" * 12,
        b"-0000001000\x00",
        b"00000001_00\x00",
        b"0000000x000\x00",
        b"\x81" + bytes(11),
    ],
)
def test_a_size_that_readers_understand_differently_ends_the_reading(size: bytes) -> None:
    content = tarred(with_field(tar_entry("a", HIDDEN), 124, size))
    assert any("broken header" in (doubt or "") for _, _, doubt in seen(content))
    assert verdict(content) is not Verdict.CLEAN


@pytest.mark.parametrize(
    "size", [b"00000000005\x00", b"          5 ", b"5\x00" + bytes(10), b"\x80" + bytes(10) + b"\x05"]
)
def test_sizes_are_written_in_many_ways(size: bytes) -> None:
    content = tarred(with_field(tar_entry("a", b"words"), 124, size))
    assert handed_out(content) == [b"words"]
    assert [body for _, body, _ in seen(content)] == [b"words"]


def test_checksums_of_signed_bytes_are_right_as_well() -> None:
    header = bytearray(tar_entry("m\xe9", HARMFUL))
    header[148:156] = b" " * 8
    signed = sum(byte - 256 if byte > 127 else byte for byte in header[:512])
    header[148:156] = b"%06o\0 " % signed
    content = tarred(bytes(header))
    assert handed_out(content) == [HARMFUL]
    assert verdict(content) is Verdict.UNSAFE


def test_what_follows_the_end_is_told() -> None:
    content = tarred(tar_entry("a.txt", b"words")) + HIDDEN
    assert handed_out(content) == [b"words"]
    with tarfile.open(fileobj=io.BytesIO(content), ignore_zeros=True) as archive:
        assert archive.getnames() == ["a.txt", "model.pkl"]
    assert verdict(content) is Verdict.UNKNOWN
    assert verdict(tarred(tar_entry("a.txt", b"words")) + bytes(10_240)) is Verdict.CLEAN


@pytest.mark.parametrize("name", ["PK\x03\x04", "\x93NUMPY", "\x1f\x8b", "BZh9", "GGUF", "N.", "{"])
def test_a_tar_file_that_begins_like_something_else_is_one(name: str) -> None:
    """The first bytes are the name of a member, which its writer chooses."""
    entry = tarfile.TarInfo("name")
    raw = bytearray(tar_entry("name", HARMFUL))
    raw[:4] = bytes(4)
    content = tarred(with_field(bytes(raw), 0, name.encode("latin-1")))
    assert entry.name == "name"
    assert handed_out(content) == [HARMFUL]
    assert verdict(content) is Verdict.UNSAFE


def test_a_pickle_that_is_a_tar_file_as_well_is_judged_as_both() -> None:
    raw = with_field(tar_entry("name", b"words"), 0, HARMFUL)
    assert handed_out(tarred(raw)) == [b"words"]
    assert verdict(tarred(raw)) is Verdict.UNSAFE


entries = st.builds(
    tar_entry,
    st.sampled_from(["a.txt", "b/", "model.pkl", "PK", "N."]),
    st.sampled_from([b"", b"words", HARMFUL, HIDDEN, HIDDEN + HIDDEN]),
    st.sampled_from(
        [*LINKS, tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_LONGNAME, b"x", b"g"]
    ),
    st.sampled_from([None, None, 0, 5, 512, 1024]),
)


@given(st.lists(entries, min_size=1, max_size=5), st.booleans())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_archive_is_clean_out_of_which_python_takes_harm(parts: list[bytes], ended: bool) -> None:
    content = b"".join(parts) + bytes(1024 if ended else 0)
    if any(HARMFUL in body for body in handed_out(content)):
        assert verdict(content, SMALL) is not Verdict.CLEAN


@given(st.binary(min_size=512, max_size=2048), st.integers(0, 511), st.binary(max_size=12))
@settings(max_examples=150, deadline=None)
def test_no_bytes_behind_a_header_make_it_fail(tail: bytes, at: int, change: bytes) -> None:
    judged(with_field(tar_entry("a", b""), min(at, 140), change) + tail, SMALL)


def lettered(content: bytes, checksum: str, name: bytes = b"p" * 100) -> bytes:
    """A member whose header has no zero in it, so that the archive is a text, and its checksum written somehow."""
    header = bytearray(b" " * 512)
    header[:100], header[100:108], header[108:124] = name, b"0000644 ", b"0000000 " * 2
    header[124:136], header[136:148] = b"%011o " % len(content), b"%011o " % 0
    header[156:157], header[257:265], header[345:500] = b"0", b"ustar  0", b"../" * 51 + b".."
    header[148:156] = checksum.format(sum(header)).encode().ljust(8)
    return bytes(header) + content + b" " * (-len(content) % 512)


@pytest.mark.parametrize("checksum", ["0o{:05o}", "0O{:05o}", "+{:06o}", "{:o}", "0_{:05o}", "\t{:06o}"])
def test_a_header_of_letters_alone_makes_an_archive(checksum: str) -> None:
    """Python unpacks it to another folder; torch's oldest reader looks for such an archive before anything else."""
    content = lettered(HARMFUL, checksum)
    assert handed_out(content) == [HARMFUL]
    assert content.isascii()
    assert b"\0" not in content
    assert verdict(content) is not Verdict.CLEAN


@pytest.mark.parametrize("checksum", ["{:06o}x ", "{:06o}9 "])
def test_checksums_as_other_readers_take_them_make_an_archive_too(checksum: str) -> None:
    assert verdict(lettered(HARMFUL, checksum)) is not Verdict.CLEAN


def test_sixty_four_letters_are_digits_of_a_checksum() -> None:
    """As GNU tar wrote large numbers once: a sign, and the letters of base64."""
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    content = bytearray(lettered(HARMFUL, " " * 8))
    total = sum(content[:512])
    content[148:156] = b"+" + bytes(letters[total >> 6 * at & 63] for at in range(6, -1, -1))
    assert verdict(bytes(content)) is not Verdict.CLEAN


def test_a_text_of_blocks_is_no_archive() -> None:
    assert verdict(b"A line of words for a checksum of 0012345 or so, and no archive.\n" * 30) is Verdict.CLEAN


def record(key: bytes, value: bytes, last: bytes = b"\n") -> bytes:
    length = next(n for n in range(9, 999) if n == len(b"%d %s=%s" % (n, key, value)) + 1)
    return b"%d %s=%s" % (length, key, value) + last


@pytest.mark.parametrize("last", [b"\n", b"X"])
@pytest.mark.parametrize("key", [b"GNU.sparse.name", b"size"])
def test_a_note_behind_one_without_an_end_is_read(key: bytes, last: bytes) -> None:
    """Python before 3.12.6 takes any letter for the end of a note, and another name from the next."""
    notes = record(b"comment", b"words", last) + record(key, b"17")
    content = tarred(tar_entry("pax", notes, tarfile.XHDTYPE), tar_entry("m", b"words"))
    assert verdict(content) is Verdict.UNKNOWN
