"""Content codings (gzip, deflate, zstd, br): undone piece by piece, and no further than a limit.

What a model server, or a proxy before it, may undo is undone here, too: several codings one over another, several
members of gzip one behind another, deflate with and without its frame. What cannot be undone in full is not read, nor
what could be JSON as it came: some servers do not look at the header and would read that.
"""

import re
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from io import BytesIO
from typing import Final

import pyarrow as pa

from caponier.telemetry.body_limits import UnreadError

MOST_CODINGS: Final = 3
"""One over another."""
MOST_MEMBERS: Final = 1_000
"""Of gzip, one behind another; a megabyte has room for fifty thousand empty ones."""
STEP: Final = 2**16

_JSON: Final = re.compile(rb"[\s\0\xef\xbb\xbf\xfe\xff]*(?:\{[\s\0]*[\"}]|\[[\s\0]*[\[{][\s\0]*[\[\]{}\"\d-])")
"""The beginning of an object, or of a list of lists or objects, also behind a byte-order mark and in UTF-16. One
bracket is not enough: brotli may begin with it."""

Pieces = Iterator[bytes]


def expanded(body: bytes, encodings: Iterable[bytes], limit: int) -> bytes:
    """Undo the content codings of a body.

    Args:
        body: As it came.
        encodings: Values of its `Content-Encoding` headers, in their order.
        limit: Most bytes of what comes out, after each of the codings.

    Raises:
        UnreadError: If it would be larger, is cut off or broken, or a coding is not known.
    """
    names = [name.strip().lower() for value in encodings for name in value.split(b",")]
    codings = [name for name in names if name not in (b"", b"identity")]
    if len(codings) > MOST_CODINGS:
        raise UnreadError(f"more than {MOST_CODINGS} content codings")
    for coding in reversed(codings):
        if coding not in _UNPACKED:
            raise UnreadError("a content coding that is not known")
        if _JSON.match(body):
            raise UnreadError("said to be compressed, and begins like JSON")
        body = _joined(_UNPACKED[coding](body), limit)
    return body


def _joined(pieces: Pieces, limit: int) -> bytes:
    # A list of pieces would hold everything twice when it is joined, and so would an array that is copied at the end.
    whole = BytesIO()
    try:
        for piece in pieces:
            if whole.tell() + len(piece) > limit:
                raise UnreadError(f"more than {limit:,} bytes once it is unpacked")
            whole.write(piece)
    except (zlib.error, OSError, EOFError):
        raise UnreadError("compressed, and cut off or broken") from None
    return whole.getvalue()


def _gzip(body: bytes) -> Pieces:
    """Undo one member behind another, as gzip itself does; zeros behind the last are padding."""
    at = 0
    for _ in range(MOST_MEMBERS):
        at = yield from _inflated(body, at, 16 + zlib.MAX_WBITS)
        if at == len(body) or (not body[at] and not body[at:].strip(b"\0")):
            return
    raise UnreadError(f"more than {MOST_MEMBERS:,} members of gzip")


def _deflate(body: bytes) -> Pieces:
    """Undo deflate in zlib's frame, which the standard asks for, or bare, which is sent all the same."""
    framed = len(body) > 1 and body[0] & 15 == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    if (yield from _inflated(body, 0, zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)) != len(body):
        raise UnreadError("compressed, and something stands behind it")


def _inflated(body: bytes, at: int, wbits: int) -> Generator[bytes, None, int]:
    """Undo what stands at a place, and return the place behind it."""
    stream = zlib.decompressobj(wbits=wbits)
    while not stream.eof:
        waiting = body[at : at + STEP]
        if not waiting:
            raise EOFError
        at += len(waiting)
        while not stream.eof:
            piece = stream.decompress(waiting, STEP)
            waiting = stream.unconsumed_tail
            yield piece
            # With nothing left to feed, a short piece says that nothing is held back either.
            if not waiting and len(piece) < STEP:
                break
    return at - len(stream.unused_data)


def _arrow(body: bytes, codec: str) -> Pieces:
    with pa.CompressedInputStream(pa.BufferReader(body), codec) as stream:
        while piece := stream.read(STEP):
            yield piece


_UNPACKED: Final[dict[bytes, Callable[[bytes], Pieces]]] = {
    b"gzip": _gzip, b"x-gzip": _gzip, b"deflate": _deflate,
    b"zstd": partial(_arrow, codec="zstd"), b"br": partial(_arrow, codec="brotli"),
}  # fmt: skip
