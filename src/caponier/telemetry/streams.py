"""Byte streams: files, packed or not, and standard input, and lines out of them that never outgrow a cap.

A log is hostile input: one line of a gigabyte must cost a rejection, not the machine.
"""

import codecs
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import pyarrow as pa

from caponier.errors import InputError

STDIN: Final = Path("-")
LINE_LIMIT: Final = 16 * 2**20
"""Bytes of the longest line that is read; a 224 x 224 x 3 image as JSON floats has about 3 MB."""
BLOCK: Final = 2**18
"""Bytes read at a time; what a broken stream may cost of the good lines before the break."""
_STEP: Final = 2**10
"""Bytes that are unpacked at a time, and lost where a packed file breaks off; more in one that is large."""
COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2", ".xz": "xz"}
MAGIC: Final = {b"\x1f\x8b\x08": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}
"""How a packed file begins, whatever it is called."""
_GZIP: Final = zlib.MAX_WBITS | 16
_PIECE: Final = 2**13
"""Packed bytes that are unpacked at a time: what is good before a damage is lost with no more than these."""
BOM: Final = b"\xef\xbb\xbf"


_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""The first mark that fits: that of UTF-32 begins like that of UTF-16."""
_LOOKED_AT: Final = 64
_ENDS: Final = 2**20
"""Bytes that are kept of the beginning of a line that is too long, and as many of its end."""
_SIGN: Final = "\ufffd".encode()
HEAD: Final = 2**16
"""Bytes by which it is told how a file is to be read."""


class Readable(Protocol):
    """Anything that gives bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and none at the end."""
        ...


class BrokenStreamError(Exception):
    """The stream breaks off; the lines before `line` are good."""

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


@contextmanager
def opened(path: Path) -> Iterator[Readable]:
    """Open a file for reading, unpacking it where it is packed; `-` is standard input.

    Raises:
        InputError: If the file is missing or cannot be opened.
    """
    if path == STDIN:
        yield sys.stdin.buffer
        return
    with _raw(path) as raw:
        yield _unpacked(raw, path)


class Head(NamedTuple):
    """How a file begins."""

    stored: bytes
    """As it stands on the disk."""
    text: bytes
    """Unpacked; nothing where that is not possible: reading it comes to the same place, and says so."""


def head_of(path: Path) -> Head:
    """Return how a file begins; nothing of a pipe, which can be read only once.

    Raises:
        InputError: If the file cannot be opened.
    """
    try:
        if path == STDIN or not path.is_file():
            return Head(b"", b"")
    except OSError:
        return Head(b"", b"")
    with _raw(path) as raw:
        stored = raw.read(_LOOKED_AT)
        raw.seek(0)
        try:
            return Head(stored, _unpacked(raw, path).read(HEAD))
        except OSError:
            return Head(stored, b"")


def _raw(path: Path) -> Any:
    try:
        return path.open("rb")
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror}", where=str(path)) from failed


def _unpacked(raw: Any, path: Path) -> Readable:
    compression = COMPRESSIONS.get(path.suffix.lower()) or _packed(raw)
    if compression == "gzip":
        return Unzipped(raw)
    if compression == "xz":
        return _Steady(_Xz(raw))
    # Arrow's stream notices a cut-off file, which the Zstandard package takes for a whole one.
    return _Steady(pa.input_stream(raw, compression=compression)) if compression else _in_utf8(raw)


def _in_utf8(raw: Any) -> Readable:
    """Return a file that is not packed in UTF-8, whatever letters Windows wrote it in; a pipe as it is."""
    if not raw.seekable():
        return raw  # type: ignore[no-any-return]
    encoding = encoding_of(raw.read(_LOOKED_AT))
    raw.seek(0)
    return Recoded(raw, encoding) if encoding else raw


def encoding_of(head: bytes) -> str | None:
    """Return in which encoding a file is written; None if it is UTF-8, or like it, as nearly all are.

    Windows writes two bytes a letter, with a mark before them or, where somebody cut a file, without one.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    some = head[:_LOOKED_AT]
    some = some[: len(some) // 2 * 2]
    if len(some) >= 4 and not any(some[1::2]) and all(some[::2]):
        return "utf-16-le"
    if len(some) >= 4 and not any(some[::2]) and all(some[1::2]):
        return "utf-16-be"
    return None


class Recoded:
    """A stream in UTF-8 of one in another encoding; what is no letter becomes a question mark in a diamond.

    Args:
        stream: The bytes as they stand in the file.
        encoding: As Python calls it.
    """

    def __init__(self, stream: Readable, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._ended = False

    def read(self, size: int, /) -> bytes:
        """Return about as many bytes as were asked for, and none at the end."""
        while not self._ended:
            block = self._stream.read(size)
            self._ended = not block
            text = self._decoder.decode(block, final=self._ended)
            if text:
                return text.encode("utf-8", "replace")
        return b""


class _Steady:
    """A packed file that may break off: what was unpacked before the break is given first."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._given = 0
        self._broken: OSError | None = None

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes."""
        parts: list[bytes] = []
        while size > 0 and self._broken is None:
            try:
                part = self._stream.read(min(size, max(_STEP, min(BLOCK, self._given) // 16)))
            except OSError as broken:
                self._broken = broken
                break
            if not part:
                break
            parts.append(part)
            size -= len(part)
            self._given += len(part)
        if self._broken is not None and not parts:
            raise self._broken
        return b"".join(parts)


class _Xz:
    """An xz file; what breaks in it is told as it is of the others."""

    def __init__(self, raw: Any) -> None:
        # Only here: next to nobody has one.
        import lzma

        self._failures = (lzma.LZMAError, EOFError)
        self._file = lzma.LZMAFile(raw)  # noqa: SIM115 - it is closed with the file under it

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes."""
        try:
            return self._file.read1(size)
        except self._failures as broken:
            raise OSError(str(broken)) from broken


class Unzipped:
    """What a gzip file holds, to the last byte before it breaks off: of a small file cut short that is nearly all.

    Args:
        raw: The packed bytes; several files behind each other are one, and zeros behind them, as tapes leave, nothing.
    """

    def __init__(self, raw: Readable) -> None:
        self._raw, self._left, self._engine = raw, b"", zlib.decompressobj(wbits=_GZIP)
        self._begun = False

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and none at the end.

        Raises:
            OSError: If the file is no gzip file from here on, or ends before its time.
        """
        while True:
            if not self._left:
                self._left = self._raw.read(_PIECE)
                if not self._left:
                    return self._rest(size)
            if self._engine.eof:
                self._left = self._left.lstrip(b"\0")
                if not self._left:
                    continue
                self._engine = zlib.decompressobj(wbits=_GZIP)
            if found := self._unpacked(self._left, size):
                return found

    def _rest(self, size: int) -> bytes:
        if self._engine.eof or not self._begun:
            return b""
        if found := self._unpacked(b"", size):
            return found
        raise OSError("Truncated compressed stream")

    def _unpacked(self, packed: bytes, size: int) -> bytes:
        self._begun = True
        try:
            found = self._engine.decompress(packed, size)
        except zlib.error as bad:
            raise OSError(f"no gzip from here on: {bad}") from bad
        self._left = self._engine.unused_data if self._engine.eof else self._engine.unconsumed_tail
        return found


def _packed(raw: Any) -> str | None:
    """Tell how a file is packed by its first bytes; a pipe, which cannot be put back, by its name alone."""
    if not raw.seekable():
        return None
    head = raw.read(6)
    raw.seek(0)
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)


class Shortened(bytes):
    """A line that is longer than is read, without its middle."""


def lines(stream: Readable, limit: int = LINE_LIMIT, *, shortening: bool = False) -> Iterator[tuple[int, bytes | None]]:
    """Yield (line number from 1, line without its end), with None for a line that is longer than `limit` bytes.

    Memory stays within `limit` and two blocks whatever the stream holds.

    Args:
        stream: The bytes.
        limit: Bytes of the longest line that is read whole.
        shortening: Whether of a longer one what stands before and behind its middle is wanted, as `Shortened`.

    Raises:
        BrokenStreamError: After the last whole line, if the stream breaks off.
    """
    number, held, skipping = 1, b"", False
    kept = min(limit // 2, _ENDS)
    head = tail = b""
    while True:
        try:
            block = stream.read(BLOCK)
        except OSError as broken:
            raise BrokenStreamError(str(broken), number) from broken
        if not block:
            break
        *whole, rest = block.split(b"\n") if skipping else (held + block).split(b"\n")
        for line in whole:
            if skipping or len(line) > limit:
                yield number, _ends(head or line[:kept], (tail + line)[-kept:]) if shortening else None
            else:
                yield number, _bare(line, number)
            head, tail, skipping = b"", b"", False
            number += 1
        skipping = skipping or len(rest) > limit
        if skipping and shortening:
            head, tail = head or rest[:kept], (tail + rest)[-kept:]
        held = b"" if skipping else rest
    if skipping:
        yield number, _ends(head, tail) if shortening else None
    elif held:
        yield number, _bare(held, number)


def _ends(head: bytes, tail: bytes) -> Shortened:
    # The sign in between is text within a text, and makes anything else unreadable.
    return Shortened(head.removeprefix(BOM) + _SIGN + tail.removesuffix(b"\r"))


def _bare(line: bytes, number: int) -> bytes:
    return (line.removeprefix(BOM) if number == 1 else line).removesuffix(b"\r")
