"""Bodies of requests and answers: read within limits, unpacked, and understood as far as possible.

What a model server understands and the guard does not would be a way around detection, so this is more lenient than
JSON's own rules: NaN, infinity, a byte-order mark and UTF-16 are what Python's `json` lets pass, and so do many model
servers. What two of them could understand in two ways is a way around detection, too: see `question`.
"""

import json
import zlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

import numpy as np
import orjson

from caponier.errors import InputError

BINARY_HEADER: Final = b"inference-header-content-length"
"""Length of the JSON before the tensors, in the binary data extension of the Open Inference Protocol."""
_TYPES: Final = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip

WRONG: Final = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, zlib.error)
"""What is raised where somebody sent what cannot be understood."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class TooLargeError(InputError):
    """A body is larger than the limit."""


class GoneError(InputError):
    """The caller hung up before the end of the request."""


async def read(receive: Receive, limit: int) -> bytes:
    """Read the body of an ASGI request.

    Raises:
        TooLargeError: If it is larger than `limit` bytes; no more than that is read.
        GoneError: If the caller hung up.
    """
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise GoneError("the caller hung up")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLargeError(f"the body is larger than {limit} bytes")
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def document(body: bytes, headers: Iterable[tuple[bytes, bytes]], limit: int) -> dict[str, Any] | None:
    """Return the JSON object in a body, with binary tensors in place; None if it cannot be understood.

    Args:
        body: As it came.
        headers: That came with it, names in lower case.
        limit: Most bytes after unpacking.
    """
    try:
        return opened(body, headers, limit, _parsed)
    except WRONG:
        return None


def opened(
    body: bytes, headers: Iterable[tuple[bytes, bytes]], limit: int, parse: Callable[[bytes], Any]
) -> dict[str, Any]:
    """Return what `document` does.

    Args:
        body: As it came.
        headers: That came with it, names in lower case.
        limit: Most bytes after unpacking.
        parse: Reads JSON.

    Raises:
        One of WRONG: If it cannot be understood.
    """
    named = dict(headers)
    plain = _unpacked(body, named.get(b"content-encoding", b"").strip().lower(), limit)
    length = named.get(BINARY_HEADER)
    if length is not None and not (length.isdigit() and int(length) <= len(plain)):
        raise ValueError("a length of the JSON that is none")
    found = parse(plain if length is None else plain[: int(length)])
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    if length is not None:
        _fill(found, plain[int(length) :])
    return found


def _unpacked(body: bytes, encoding: bytes, limit: int) -> bytes:
    if encoding in (b"", b"identity"):
        return body
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise ValueError("an encoding that is not known")
    # 32: gzip or zlib, told by the header.
    unpacking = zlib.decompressobj(wbits=32 + zlib.MAX_WBITS)
    plain = unpacking.decompress(body, limit)
    if unpacking.unconsumed_tail or not unpacking.eof:
        raise ValueError("too large, or cut off")
    if unpacking.unused_data:
        # Some go on reading there, and others do not.
        raise ValueError("something behind what is packed")
    return plain


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body)


def _fill(found: dict[str, Any], data: bytes) -> None:
    """Put the tensors behind a JSON document into it."""
    at = 0
    for tensor in [*found.get("inputs", []), *found.get("outputs", [])]:
        size = (tensor.get("parameters") or {}).get("binary_data_size")
        if size is not None:
            if "data" in tensor:
                raise ValueError("a tensor with its values twice")
            part = data[at : at + size]
            if len(part) != size or size < 0:
                raise ValueError("tensors that are cut off")
            tensor["data"] = _texts(part) if tensor["datatype"] == "BYTES" else np.frombuffer(
                part, _TYPES[tensor["datatype"]]
            )  # fmt: skip
            at += size


def _texts(data: bytes) -> list[str]:
    """Return texts that stand behind their lengths, four bytes each."""
    texts, at = [], 0
    while at < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "little")
        texts.append(data[at + 4 : end].decode("utf-8", "replace"))
        at = end
    return texts
