"""The file that somebody hands in: read once, up to a limit, and refused where it can be no text at all."""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from caponier.errors import InputError

MAX_BYTES: Final = 64 * 1024 * 1024
"""ATT&CK Enterprise, the largest file that anybody means to import, has about 45 MB."""

STDIN: Final = Path("-")

_DOWNLOAD: Final = "Download the file again, as it is, and import that."
_PACKED: Final = {b"PK\x03\x04": "a zip archive", b"\x1f\x8b": "a gzip file", b"BZh": "a bzip2 file", b"%PDF": "a PDF"}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file's text, and what says which file it was."""

    name: str
    text: str
    sha256: str


def read_source(path: Path) -> SourceFile:
    """Read a file that should hold a version of a matrix, or standard input for `STDIN`.

    Raises:
        InputError: If it cannot be read, has more than `MAX_BYTES`, or is no UTF-8 text.
    """
    data = _bytes_of(path)
    return SourceFile(str(path), _text_of(data, str(path)), hashlib.sha256(data).hexdigest())


def _bytes_of(path: Path) -> bytes:
    data = sys.stdin.buffer.read(MAX_BYTES + 1) if path == STDIN else _start_of(path)
    if len(data) > MAX_BYTES:
        hint = "Name the data file of one release; no release of ATLAS or ATT&CK is that large."
        raise InputError(f"the file has more than {MAX_BYTES // 1024**2} MiB", where=str(path), hint=hint)
    return data


def _start_of(path: Path) -> bytes:
    if path.is_dir():
        raise InputError("this is a folder", where=str(path), hint="Name the file in it, such as ATLAS.yaml.")
    if path.exists() and not path.is_file():
        raise InputError("this is no regular file", where=str(path), hint="Save its content in a file and name that.")
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as failed:
        raise InputError(f"the file cannot be read: {failed.strerror}", where=str(path)) from failed


def _text_of(data: bytes, name: str) -> str:
    for mark, kind in _PACKED.items():
        if data.startswith(mark):
            raise InputError(f"this is {kind}, not the data", where=name, hint="Unpack it and name the file in it.")
    nul = data.find(b"\0")
    if nul >= 0:
        raise InputError(f"this is not text: byte {nul} is NUL", where=name, hint=_DOWNLOAD)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise InputError("this is not UTF-8", where=f"{name}:{line}", hint=_DOWNLOAD) from None
    start = text[:2000].lstrip().lower()
    if not start:
        raise InputError("the file is empty", where=name, hint=_DOWNLOAD)
    if start.startswith(("<!doctype", "<html", "<?xml", "<head", "<body")):
        hint = "On the page of the file choose the raw file or the download, and save that."
        raise InputError("this is a web page, not the data", where=name, hint=hint)
    return text
