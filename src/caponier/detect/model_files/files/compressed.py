"""Compressed content: gzip, zlib, bz2, xz and lzma, lz4 and zstandard, expanded in memory and within limits."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import pyarrow
import zstandard

from caponier.detect.model_files.files.part import Budget
from caponier.detect.model_files.files.spans import only_zeros

_STEP, _SMALL_STEP = 1 << 20, 1 << 9
_LONGEST_HEAD: Final = 1 << 18
_MEMORY: Final = 256 << 20
_ZLIB_HEADS: Final = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")

_PASSED_OVER: Final = 5
"""Half of the first byte of a frame that readers of zstandard pass over, to the next one."""
_LZMA_SETTINGS, _LZMA_LONGEST = 9 * 5 * 5, 1 << 38


@dataclass(frozen=True, slots=True)
class Expanded:
    """What came out, and what was wrong with what went in."""

    content: memoryview
    doubt: str | None = None


def kind(head: bytes) -> str | None:
    """Tell a compression by the first bytes; None if there is none."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:3] == b"BZh":
        return "bz2"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == _PASSED_OVER):
        return "zstandard"
    if head[:4] == b"\x04\x22\x4d\x18":
        return "lz4"
    if (head[:2] == b"\x5d\x00" and len(head) >= 13) or _is_lzma(head):
        return "lzma"
    return "zlib" if head[:2] in _ZLIB_HEADS else None


def _is_lzma(head: bytes) -> bool:
    """Return whether a reader that takes any form of lzma would take this: its old form has no sign of its own.

    It begins with settings, the size of a dictionary, a power of two or the half of one more, and the size of what
    comes out, which may be unknown. Whatever has a name at its beginning may begin so.
    """
    if len(head) < 14 or head[0] >= _LZMA_SETTINGS or head[13]:
        return False
    dictionary, size = int.from_bytes(head[1:5], "little"), int.from_bytes(head[5:13], "little")
    lowest = dictionary & -dictionary
    known = dictionary in (lowest, 3 * lowest, 0xFFFFFFFF)
    return known and (0 < size < _LZMA_LONGEST or size == (1 << 64) - 1)


def expand(content: memoryview, how: str, budget: Budget) -> Expanded:
    """Expand content, with all streams that follow each other.

    Raises:
        TooMuchError: If it expands to more than the budget has.
    """
    if how == "lz4":
        return _lz4(content, budget)
    pieces = bytearray()
    doubt: str | None = None
    rest = content
    while len(rest):
        decoder, before, left = _DECODERS[how](), len(pieces), budget.bytes_left
        try:
            rest = _drain(decoder, rest, pieces, budget)
        except _ERRORS:
            # The decoder keeps what it read last to itself; a loader may have handed that on before it saw the fault.
            del pieces[before:]
            budget.bytes_left = left
            _salvage(how, rest, pieces, budget)
            # Zeros after a stream are padding, anything else is not.
            doubt = "has compressed content that breaks off or is followed by something else"
            doubt = None if only_zeros(rest) else doubt
            break
        if not decoder.eof:
            doubt = "ends early: inside compressed content"
            break
    return Expanded(memoryview(pieces), doubt)


def _lz4(content: memoryview, budget: Budget) -> Expanded:
    """Expand LZ4 frames, as joblib writes them, with the reader that Arrow brings."""
    pieces, doubt = bytearray(), None
    stream = pyarrow.CompressedInputStream(pyarrow.BufferReader(content), "lz4")
    try:
        while piece := stream.read(_STEP):
            budget.spend(len(piece))
            pieces += piece
    except (OSError, pyarrow.ArrowException):
        doubt = "has compressed content that breaks off or is followed by something else"
    return Expanded(memoryview(pieces), doubt)


def _salvage(how: str, data: memoryview, pieces: bytearray, budget: Budget) -> None:
    """Expand a faulty stream as far as it goes: without its checksum, or in small steps."""
    at = _gzip_start(bytes(data[:_LONGEST_HEAD])) if how == "gzip" else 2 if how == "zlib" else 0
    decoder = _DECODERS["deflate" if at else how]()
    with suppress(*_ERRORS):
        _drain(decoder, data[at:], pieces, budget, _SMALL_STEP)


def _gzip_start(head: bytes) -> int:
    """Return where the compressed bytes begin, as Python's own reader sees it (RFC 1952)."""
    flags, at = head[3] if len(head) > 3 else 0, 10
    if flags & 4:
        at += 2 + int.from_bytes(head[at : at + 2], "little")
    for text in (8, 16):
        if flags & text:
            at = head.find(b"\0", at) + 1 or len(head)
    return at + (2 if flags & 2 else 0)


def _drain(decoder: Any, data: memoryview, pieces: bytearray, budget: Budget, step: int = _STEP) -> memoryview:
    """Expand one stream piece by piece, and return what follows it."""
    at = 0
    while not decoder.eof:
        waiting = getattr(decoder, "unconsumed_tail", b"")
        feed = waiting or bytes(data[at : at + step])
        if not waiting:
            at += len(feed)
        if not feed and getattr(decoder, "needs_input", True):
            break
        piece = decoder.decompress(feed, step)
        budget.spend(len(piece))
        pieces += piece
    # A slice, not a copy: there may be very many streams in a row.
    return data[at - len(decoder.unused_data) :] if decoder.eof else data[:0]


class _Zstandard:
    """Zstandard with the methods of the others."""

    def __init__(self) -> None:
        self._decoder = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
        self.eof = False
        self.unused_data = b""

    def decompress(self, feed: bytes, _most: int) -> bytes:
        piece = self._decoder.decompress(feed[:_ZSTANDARD_STEP])
        if self._decoder.eof:
            self.eof, self.unused_data = True, self._decoder.unused_data + feed[_ZSTANDARD_STEP:]
        else:
            self.unconsumed_tail = feed[_ZSTANDARD_STEP:]
        return piece

    unconsumed_tail = b""


_ZSTANDARD_STEP: Final = 1 << 12
"""So little at a time, because zstandard's decoder has no limit for what comes out."""
_ERRORS: Final = (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError, zstandard.ZstdError)
_DECODERS: Final[dict[str, Callable[[], Any]]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "zlib": lambda: zlib.decompressobj(),
    "deflate": lambda: zlib.decompressobj(wbits=-15),
    "bz2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_AUTO, memlimit=_MEMORY),
    "lzma": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_AUTO, memlimit=_MEMORY),
    "zstandard": _Zstandard,
}
