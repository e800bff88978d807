"""Files that the tests of this folder take apart; nothing of them is ever loaded."""

import base64
import io
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from caponier.detect.artifact import Judgement, Limits, Verdict
from caponier.detect.model_files.files.judge import judge
from caponier.detect.model_files.files.part import Budget

HARMFUL = b"cos\nsystem\n(S'id'\ntR."
"""A pickle that would run `id`."""
SMALL = Limits(expanded_bytes=1 << 22, opcodes=50_000, stack=20_000, text_bytes=1 << 18)


def judged(content: bytes, limits: Limits | None = None) -> Judgement:
    return judge(memoryview(content), limits or Limits())


def verdict(content: bytes, limits: Limits | None = None) -> Verdict:
    return judged(content, limits).verdict


def zipped(parts: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tar_entry(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, size: int | None = None) -> bytes:
    """One member: its header, which may lie about the size, and its content in whole blocks."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.size = kind, len(content) if size is None else size
    return entry.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


def tarred(*entries: bytes) -> bytes:
    return b"".join(entries) + bytes(1024)


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: bytes | int) -> bytes:
    """A field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fresh() -> Budget:
    """Return the budget of a small file."""
    return Budget.of(Limits(), 1)


@cache
def _hdf5() -> dict[str, str]:
    return yaml.safe_load((Path(__file__).parents[3] / "cases" / "hdf5.yaml").read_text())


def hdf5(name: str) -> bytes:
    """Return a file of HDF5 that h5py has written."""
    return zlib.decompress(base64.b64decode(_hdf5()[name]))
