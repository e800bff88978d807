"""Tar archives, walked block by block."""

from collections.abc import Iterator
from typing import Final

from caponier.detect.files.part import Budget, Member

_BLOCK: Final = 512
_FILES: Final = b"\x000\x001 7"
_HARMLESS: Final = b"5xgLK12"
"""Folders, links and extended headers: nothing that a loader would read as a model."""


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
            return
        budget.member()
        name = bytes(header[:100]).rstrip(b"\0").decode("utf-8", "backslashreplace")
        if not _is_header(header):
            yield Member(name, content[:0], "has a broken header, so the rest of the archive is not read")
            return
        size = _number(header[124:136])
        body = content[at + _BLOCK : at + _BLOCK + size]
        if chr(header[156]) not in _HARMLESS.decode():
            odd = None if header[156] in _FILES else "is of a kind that is not read here"
            yield Member(name, body, "ends early" if len(body) < size else odd)
        at += _BLOCK + -(-size // _BLOCK) * _BLOCK


def _is_header(header: memoryview) -> bool:
    block = bytes(header)
    declared = _number(header[148:156])
    return declared == sum(block[:148]) + sum(block[156:]) + 8 * ord(" ")


def _number(field: memoryview) -> int:
    raw = bytes(field)
    if raw[0] & 0x80:
        return int.from_bytes(bytes([raw[0] & 0x7F]) + raw[1:], "big")
    digits = raw.strip(b"\0 ")
    return int(digits, 8) if digits.isdigit() and not set(digits) & set(b"89") else -1 if digits else 0
