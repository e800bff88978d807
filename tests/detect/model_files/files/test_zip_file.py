import io
import struct
import zipfile

import pytest

from caponier.detect.artifact import Limits
from caponier.detect.model_files.files.part import Budget, TooMuchError
from caponier.detect.model_files.files.zip_file import content_of, entries, has_end


def archive(parts: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return stream.getvalue()


def read(content: bytes) -> dict[str, bytes]:
    view, budget = memoryview(content), Budget.of(Limits(), len(content))
    found, _ = entries(view, budget)
    return {entry.name: bytes(content_of(view, entry, budget).content) for entry in found}


PARTS = {"a.txt": b"first", "folder/b.bin": bytes(range(256)) * 40, "empty": b""}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_it_reads_what_zipfile_wrote(method: int) -> None:
    assert read(archive(PARTS, method)) == PARTS


def test_parts_written_without_knowing_their_size_are_read() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    stream = Pipe()
    with zipfile.ZipFile(stream, "w") as file:
        for name, content in PARTS.items():
            file.writestr(name, content)
    assert read(stream.getvalue()) == PARTS


def test_large_archives_have_their_numbers_elsewhere() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file, file.open(zipfile.ZipInfo("a"), "w", force_zip64=True) as part:
        part.write(b"content")
    assert read(stream.getvalue()) == {"a": b"content"}


@pytest.mark.parametrize("prefix", [b"", b"#!/bin/sh\n", bytes(5000)])
def test_something_before_the_archive_does_not_hide_it(prefix: bytes) -> None:
    content = prefix + archive(PARTS)
    assert has_end(memoryview(content))
    assert read(content) == PARTS


def test_checksums_and_flags_decide_nothing() -> None:
    content = bytearray(archive({"a": b"content"}))
    content[6] = content[14] = 0xFF
    directory = content.find(b"PK\x01\x02")
    content[directory + 8] = content[directory + 16] = 0xFF
    assert read(bytes(content)) == {"a": b"content"}


def test_parts_that_the_directory_does_not_list_are_found() -> None:
    whole = archive({"hidden": b"secret"})
    local = whole[: whole.find(b"PK\x01\x02")]
    found, _ = entries(memoryview(local + archive(PARTS)), Budget.of(Limits(), 1))
    assert {entry.name: entry.listed for entry in found} == {"hidden": False} | dict.fromkeys(PARTS, True)


def test_a_part_with_two_names_keeps_both() -> None:
    content = archive({"nice.txt": b"x"}).replace(b"nice.txt", b"evil.pkl", 1)
    found, _ = entries(memoryview(content), Budget.of(Limits(), len(content)))
    assert found[0].names == ("nice.txt", "evil.pkl")


def test_an_archive_without_a_directory_is_read_from_its_parts() -> None:
    content = archive({"a": b"content"})
    cut = content[: content.find(b"PK\x01\x02")]
    found, doubt = entries(memoryview(cut), Budget.of(Limits(), len(cut)))
    assert [entry.name for entry in found] == ["a"]
    assert doubt == "ends early: the archive has no directory"


def test_nested_archives_are_not_taken_for_hidden_parts() -> None:
    assert set(read(archive({"inner.zip": archive(PARTS)}))) == {"inner.zip"}


def test_a_method_that_is_not_read_is_a_doubt() -> None:
    content = bytearray(archive({"a": b"content"}))
    directory = content.find(b"PK\x01\x02")
    content[8:10] = content[directory + 10 : directory + 12] = struct.pack("<H", 99)
    view, budget = memoryview(bytes(content)), Budget.of(Limits(), len(content))
    found, _ = entries(view, budget)
    assert "method 99" in (content_of(view, found[0], budget).doubt or "")


def test_declared_sizes_beyond_the_budget_are_refused_before_expanding() -> None:
    content = archive({"a": bytes(1 << 20)}, zipfile.ZIP_DEFLATED)
    view, budget = memoryview(content), Budget.of(Limits(expanded_bytes=1 << 10, expansion=1), len(content))
    found, _ = entries(view, budget)
    with pytest.raises(TooMuchError, match="bomb"):
        content_of(view, found[0], budget)
