"""Heads of requests that two programs one behind the other could take in two ways, or that cost too much to look at."""

from collections.abc import Collection, Mapping
from typing import Final

from caponier.telemetry.credentials import header_name

MOST_HEADERS: Final = 256
"""Of a request; ten thousand empty ones have room in its head, and to look at each of them takes as long as a hundred
requests."""
MOST_NAMED: Final = 1_024
"""Bytes of the headers that are for one connection alone; there are not many of them."""
_FRAMING: Final = (b"content-length", b"transfer-encoding", b"connection", b"host", b"expect", b"upgrade")


def why_misframed(headers: Mapping[bytes, bytes]) -> str | None:
    """Return what is wrong where two readers could see the end of the body in two places (RFC 9112, section 6.3).

    Args:
        headers: Of the request, names in lower case.
    """
    if b"transfer-encoding" in headers and b"content-length" in headers:
        return "a length and a transfer coding in one request"
    # Those servers that make a variable of a header know both spellings by one name, and take either.
    misspelt = any(b"_" in name and name.replace(b"_", b"-") in _FRAMING for name in headers)
    return "a header that says where the body ends, or goes to whom, is misspelt" if misspelt else None


def why_hidden(headers: Mapping[bytes, bytes], goes_by: Collection[str]) -> str | None:
    """Return what is wrong where a header is for the next program alone: the model server would never see it.

    One that lets in whoever shows nothing would answer, and the guard take the caller for whom he likes.

    Args:
        headers: Of the request, names in lower case.
        goes_by: Headers that say who asks, or how the request is to be read.
    """
    if b"connection" not in headers:
        return None
    value = headers[b"connection"]
    named = value[:MOST_NAMED].decode("latin-1").lower().split(",")
    hidden = any(header_name(name.strip()) in goes_by for name in named)
    return "a header is named that is not for one connection alone" if hidden or len(value) > MOST_NAMED else None
