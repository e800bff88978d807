"""Tar archives, walked block by block."""

import re
from collections.abc import Iterator
from typing import Final

from caponier.detect.model_files.files.part import Budget, Member
from caponier.detect.model_files.files.spans import only_zeros

_BLOCK: Final = 512
_FILES: Final = b"\x000 7"
_EXTENDED: Final = b"xg"
_LONG_NAMES: Final = b"LK"
_WITHOUT_CONTENT: Final = b"125"
"""Links and folders: nothing that a loader would read as a model."""
_SIZE: Final = re.compile(rb"(?:^|\n)\d+ (size|GNU\.sparse\.\w+)=")
_UNREADABLE: Final = "has a broken header, so the rest of the archive is not read"


def is_tar(content: memoryview) -> bool:
    """Return whether content begins with a tar header whose checksum is right."""
    return len(content) >= _BLOCK and _is_header(content[:_BLOCK])


def members(content: memoryview, budget: Budget) -> Iterator[Member]:
    """Yield the files of an archive.

    Raises:
        TooMuchError: If there are too many.
    """
    at = 0
    while at + _BLOCK <= len(content):
        header = content[at : at + _BLOCK]
        if not any(header):
            if not only_zeros(content[at:]):
                yield Member("after the end", content[:0], "is followed by something that some readers read on to")
            return
        budget.member()
        name = bytes(header[:100]).rstrip(b"\0").decode("utf-8", "backslashreplace")
        size = _number(header[124:136])
        if not _is_header(header) or size is None:
            yield Member(name, content[:0], _UNREADABLE)
            return
        at += _BLOCK
        body, kind = content[at : at + size], header[156:157]
        doubt = _doubt(bytes(kind), body, size)
        if bytes(kind) in _WITHOUT_CONTENT:
            # Readers differ in whether content follows; read as if none did, nothing is stepped over.
            size = 0
        if doubt or bytes(kind) in _FILES or bytes(kind) not in _EXTENDED + _LONG_NAMES + _WITHOUT_CONTENT:
            yield Member(name, body, doubt)
        at += -(-size // _BLOCK) * _BLOCK


def _doubt(kind: bytes, body: memoryview, size: int) -> str | None:
    """Say why a member may be something else to another reader."""
    if len(body) < size:
        return "ends early"
    if kind in _WITHOUT_CONTENT:
        return "is a link or a folder with content, which readers understand differently" if size else None
    if kind in _EXTENDED:
        return "gives the next member another size" if _SIZE.search(bytes(body)) else None
    return None if kind in _FILES + _LONG_NAMES else "is of a kind that is not read here"


def _is_header(header: memoryview) -> bool:
    """Return whether the checksum is right; some writers took bytes for signed numbers."""
    block = bytes(header)
    counted = block[:148] + b" " * 8 + block[156:]
    declared, unsigned = _number(header[148:156]), sum(counted)
    return declared in (unsigned, unsigned - 256 * sum(byte > 0x7F for byte in counted))


def _number(field: memoryview) -> int | None:
    """Read a number as all readers do; None if some would read another one, or none."""
    raw = bytes(field)
    if raw[0] & 0x80:
        return int.from_bytes(raw[1:], "big") if raw[0] == 0x80 else None
    digits, _, rest = raw.partition(b"\0")
    digits = digits.strip(b" ")
    if rest.strip(b" \0") or set(digits) - set(b"01234567"):
        return None
    return int(digits or b"0", 8)
