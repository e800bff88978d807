"""In which letters a file is written, and what is no log at all: told by its first bytes."""

import codecs
from typing import Final

from caponier.telemetry.streams import Readable

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""The first mark that fits: that of UTF-32 begins like that of UTF-16."""
_LOOKED_AT: Final = 64

_FOREIGN: Final = (
    (b"ElfFile\0", "a Windows event log in its binary form (EVTX), convert it with evtx_dump or save it as XML"),
    (b"PK\x03\x04", "a ZIP archive, unpack it"),
    (b"BZh", "packed with bzip2, unpack it or pack it with gzip"),
    (b"\xfd7zXZ\0", "packed with xz, unpack it or pack it with gzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive, unpack it"),
    (b"PAR1", "a Parquet file, write its rows as JSON Lines"),
    (b"Obj\x01", "an Avro file, write its rows as JSON Lines"),
    (b"SQLite format 3\0", "an SQLite database, write its rows as JSON Lines"),
    (b"LPKSHHRH", "a journal of systemd in its binary form, print it with journalctl -o json"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture, have Zeek read it"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture, have Zeek read it"),
)
"""How files begin that hold no lines, and what to do about them."""


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


def foreign(head: bytes) -> str | None:
    """Say what a file is that holds no lines of a log, and what to do about it; None if it may be one."""
    return next((what for begin, what in _FOREIGN if head.startswith(begin)), None)


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
