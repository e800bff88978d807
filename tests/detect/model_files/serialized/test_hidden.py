"""Files that are one thing by their first bytes, and another for a reader that looks further."""

import io
import json
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import field, hdf5, tar_entry, tarred, verdict

LAYER = json.dumps({"module": "keras.layers", "class_name": "Lambda", "config": {"name": "x"}}).encode()
OPERATOR = field(7, field(1, field(4, b"Evil") + field(7, b"somebody.else"))) + field(8, field(2, 17))
WRITES = field(2, field(2, field(1, field(1, b"w") + field(2, b"WriteFile"))))


def numbers(content: bytes) -> bytes:
    """Content as the bytes of an array, behind the 128 bytes of its head."""
    stream = io.BytesIO()
    np.save(stream, np.frombuffer(content, dtype=np.uint8))
    return stream.getvalue()


def archive(name: str, content: bytes, behind: int, mode: int = 0o644) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        part = zipfile.ZipInfo(name)
        part.create_system, part.external_attr = 3, (mode | stat.S_IFREG if mode < 0o1000 else mode) << 16
        file.writestr(part, content)
        file.comment = b"x" * min(behind, 65_535)
    return stream.getvalue() + b"y" * max(0, behind - 65_535)


@pytest.mark.parametrize("behind", [0, 65_535, 65_536, 69_000])
def test_an_archive_ends_as_far_from_the_end_as_any_reader_looks(behind: int) -> None:
    content = numbers(archive("config.json", LAYER, behind))
    if behind <= 65_536:
        assert zipfile.ZipFile(io.BytesIO(content)).read("config.json") == LAYER
    assert verdict(content) is Verdict.UNSAFE


def test_the_target_of_a_link_is_a_file_for_whoever_reads_the_archive() -> None:
    content = archive("config.json", LAYER, 0, stat.S_IFLNK | 0o777)
    assert zipfile.ZipFile(io.BytesIO(content)).read("config.json") == LAYER
    assert verdict(content) is Verdict.UNSAFE
    assert verdict(archive("latest", b"weights/model.txt", 0, stat.S_IFLNK | 0o777)) is Verdict.CLEAN


@pytest.mark.parametrize("before", [512, 1024, 4096])
def test_hdf5_may_lie_behind_bytes_of_somebody_elses(before: int) -> None:
    content = numbers(bytes(before - 128) + hdf5("layer of code old"))
    assert content[before:].startswith(b"\x89HDF")
    assert verdict(content) is Verdict.UNSAFE
    assert verdict(numbers(bytes(before - 128) + hdf5("weights old"))) is Verdict.CLEAN
    assert verdict(bytes(before) + hdf5("weights old")) is Verdict.CLEAN
    assert verdict(b"\1" * before + hdf5("weights old")) is Verdict.UNKNOWN


def test_an_archive_of_tar_may_be_another_format_as_well() -> None:
    inner = hdf5("layer of code old")
    head = bytearray(tar_entry("x", b"", tarfile.GNUTYPE_LONGNAME, len(inner) - 512)[:512])
    head[:100], head[148:156] = inner[:100], b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    content = bytes(head) + inner[512:] + bytes(-len(inner) % 512) + tarred(tar_entry("a.txt", b"words"))
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        assert archive.getmembers()
    assert verdict(content) is not Verdict.CLEAN


def in_pickle(message: bytes) -> bytes:
    """A pickle of bytes, whose instructions are fields that nobody knows, and a message in them."""
    left = 0x10222 - len(message)
    # The length is a field of two bytes. The last field reaches to the end, and takes the last instruction with it.
    rest = next(rest for width in (2, 3, 4) if len(rest := field(15, bytes(left - width))) == left + 1)
    return b"\x80\x04B" + struct.pack("<I", 0x10222) + message + rest[:-1] + b"."


def in_tensors(message: bytes) -> bytes:
    """Safetensors whose length and header are fields that nobody knows, and a message in their numbers."""
    data = b"|" + message
    tail = f'":{{"dtype":"U8","shape":[{len(data)}],"data_offsets":[0,{len(data)}]}}}}'
    # The length is a field of six bytes, `{` opens a group that `|` closes, and each letter says how long a field is.
    header, size = '{"x' + "x" * ord("x"), 0x060A
    while size - len(header) > 2 * ord("d"):
        header += "zd" + "-" * ord("d")
    left = size - len(header) - 2
    first = left - ord("d") - 2 if left > ord("~") else 0
    header += f"z{chr(first)}" + "-" * first if first else ""
    rest = size - len(header) - 2
    header += f"z{chr(rest)}" + "-" * (rest - len(tail)) + tail
    return struct.pack("<Q", size) + header.encode() + data


@pytest.mark.parametrize("message", [OPERATOR, WRITES], ids=["onnx", "tensorflow"])
@pytest.mark.parametrize("host", [in_pickle, in_tensors])
def test_readers_of_protocol_buffers_pass_over_what_they_do_not_know(
    host: Callable[[bytes], bytes], message: bytes
) -> None:
    assert verdict(host(message)) is not Verdict.CLEAN
    assert verdict(host(field(14, b"nothing"))) is Verdict.CLEAN
