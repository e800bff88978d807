"""Harmful pickles inside the files that people do load: torch archives, joblib files, arrays, archives in archives."""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from caponier.emulate.attacker.pickle_stream import called, ended, named, text
from caponier.emulate.file_emulation import PICKLE_EMBEDDING, command, write_all
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class WrappedPickleAttack:
    """Writes files of other formats that carry a harmful pickle."""

    name: ClassVar[str] = "wrapped_pickle_attack"
    description: ClassVar[str] = "harmful pickles in torch archives, joblib files, numpy arrays, and damaged archives"
    techniques: ClassVar[tuple[TechniqueId, ...]] = PICKLE_EMBEDDING
    harmful: ClassVar[bool] = True

    def write(self, folder: Path, canary: Path) -> list[Path]:
        """Write the files; see `caponier.emulate.file_emulation.FileEmulation.write`."""
        harmful = ended(called(named("os", "system"), text(command(canary))))
        return write_all(folder, _compressed(harmful) | _arrays(harmful) | _archives(harmful))


def _compressed(harmful: bytes) -> dict[str, bytes]:
    return {
        "zlib.joblib": zlib.compress(harmful),
        "gzip.joblib": gzip.compress(harmful, mtime=0),
        "bz2.joblib": bz2.compress(harmful),
        "xz.joblib": lzma.compress(harmful),
        "lzma.joblib": lzma.compress(harmful, format=lzma.FORMAT_ALONE),
    }


def _arrays(harmful: bytes) -> dict[str, bytes]:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (117 - len(header)) + b"\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + harmful
    return {"objects.npy": array, "objects.npz": _zip({"x.npy": array})}


def _archives(harmful: bytes) -> dict[str, bytes]:
    parts = {"model/data.pkl": harmful, "model/version": b"3\n", "model/byteorder": b"little"}
    torch = _zip(parts)
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as archive:
        entry = tarfile.TarInfo("model.bin")
        entry.size = len(harmful)
        archive.addfile(entry, io.BytesIO(harmful))
    # Bytes of the archive that loaders do not check, and that stop those scanners that do.
    checksum = torch.replace(struct.pack("<I", zlib.crc32(harmful)), b"\0\0\0\0")
    return {
        "torch.pt": torch,
        "torch-checksum.pt": checksum,
        "torch-flags.pt": _flagged(torch),
        "torch-renamed.pt": torch.replace(b"model/data.pkl", b"model/data.txt", 1),
        "torch-old.pt": magic + harmful,
        "zip-in-zip.zip": _zip({"inner.zip": torch}),
        "model.tar.gz": gzip.compress(tape.getvalue(), mtime=0),
        "behind-text.zip": b"not an archive, it seems\n" + torch,
    }


def _zip(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in parts.items():
            # With a date of its own, so that the same files have the same digests tomorrow.
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def _flagged(archive: bytes) -> bytes:
    """Say of every part in front of it that it is encrypted; it is not, and the directory, which is read, knows."""
    content = bytearray(archive)
    at = content.find(b"PK\x03\x04")
    while at >= 0:
        content[at + 6] |= 1
        at = content.find(b"PK\x03\x04", at + 4)
    return bytes(content)


EMULATION = WrappedPickleAttack()
