"""What is no log at all: told by its first bytes."""

from typing import Final

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


def foreign(head: bytes) -> str | None:
    """Say what a file is that holds no lines of a log, and what to do about it; None if it may be one."""
    return next((what for begin, what in _FOREIGN if head.startswith(begin)), None)
