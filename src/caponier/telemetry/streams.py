"""Byte streams: files, gzip, Zstandard and standard input, and lines out of them that never outgrow a cap.

A log is hostile input: one line of a gigabyte must cost a rejection, not the machine.
"""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

import zstandard

from caponier.errors import InputError

STDIN: Final = Path("-")
LINE_LIMIT: Final = 16 * 2**20
"""Bytes of the longest line that is read; a 224 x 224 x 3 image as JSON floats has about 3 MB."""
BLOCK: Final = 2**20


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading, decompressing `.gz` and `.zst`; `-` is standard input.

    Raises:
        InputError: If the file is missing or cannot be opened.
    """
    if path == STDIN:
        yield sys.stdin.buffer
        return
    try:
        raw = path.open("rb")
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror}", where=str(path)) from failed
    with raw:
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield cast("IO[bytes]", unpacked)
        elif path.suffix == ".zst":
            with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as unpacked_zst:
                yield unpacked_zst
        else:
            yield raw


class BrokenStreamError(Exception):
    """The compressed stream ends or breaks in the middle; what came before it is good."""


def lines(stream: IO[bytes], limit: int = LINE_LIMIT) -> Iterator[tuple[int, bytes | None]]:
    """Yield (line number from 1, line without its end), with None for a line that is longer than `limit` bytes.

    Memory stays within `limit` and two blocks whatever the stream holds.

    Raises:
        BrokenStreamError: After the last whole line, if the compressed stream is broken.
    """
    number, held, skipping = 1, b"", False
    for block in _blocks(stream):
        *whole, rest = (held + block).split(b"\n") if not skipping else block.split(b"\n")
        for position, line in enumerate(whole):
            if skipping and position == 0:
                skipping = False
                yield number, None
            else:
                yield number, line.removesuffix(b"\r") if len(line) <= limit else None
            number += 1
        if len(rest) > limit or (skipping and not whole):
            held, skipping = b"", True
        else:
            held = rest
    if skipping:
        yield number, None
    elif held:
        yield number, held.removesuffix(b"\r")


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while True:
        try:
            block = stream.read(BLOCK)
        except (OSError, EOFError, zlib.error, zstandard.ZstdError) as broken:
            raise BrokenStreamError(str(broken)) from broken
        if not block:
            return
        yield block
