"""Bodies of requests and answers: read within limits, unpacked, and understood as far as possible.

What a model server understands and the guard does not would be a way around detection, so this is more lenient than
JSON's own rules: NaN, infinity, a byte-order mark and UTF-16 are what Python's `json` lets pass, and so do many model
servers. What two of them could understand in two ways is a way around detection, too: see `question`.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from functools import partial
from typing import Any, Final

from caponier.errors import InputError
from caponier.guard.codings import expanded
from caponier.telemetry import plain_json
from caponier.telemetry.body_limits import BodyLimits, UnreadError, check_json
from caponier.telemetry.field_maps.tensors.binary_tensors import fill_tensors

BINARY_HEADER: Final = b"inference-header-content-length"
"""Length of the JSON before the tensors, in the binary data extension of the Open Inference Protocol."""
STREAM: Final = b"text/event-stream"
"""Content type of an answer that comes as events (WHATWG HTML, Server-sent events)."""
MOST_EVENTS: Final = 1_000
"""In one answer."""
_EVENT_END: Final = re.compile(rb"\r?\n\r?\n")
WRONG: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, MemoryError)
"""What is raised where somebody sent what cannot be understood."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class BodyTooLargeError(InputError):
    """A body is larger than the limit."""


class GoneError(InputError):
    """The caller hung up before the end of the request."""


async def read(receive: Receive, limit: int, grown: Callable[[int], None] = lambda _: None) -> bytes:
    """Read the body of an ASGI request.

    Args:
        receive: Gives its parts.
        limit: Most bytes.
        grown: Told with each part how many bytes there are by now; what it raises ends the reading.

    Raises:
        BodyTooLargeError: If it is larger than `limit` bytes; no more than that is read.
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
            raise BodyTooLargeError(f"the body is larger than {limit} bytes")
        grown(size)
        parts.append(part)
        more = message.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def document(body: bytes, headers: Iterable[tuple[bytes, bytes]], limits: BodyLimits) -> dict[str, Any] | None:
    """Return the JSON object in a body, with binary tensors in place; None if it cannot be understood.

    Args:
        body: As it came.
        headers: That came with it, names in lower case.
        limits: What it may cost.

    Raises:
        UnreadError: If it is beyond a limit, or its content coding is not known; nothing was made of it.
    """
    try:
        return opened(body, headers, limits, partial(plain_json.loads, limits=limits, once=False))
    except UnreadError:
        raise
    except WRONG:
        return None


def answers(body: bytes, headers: Iterable[tuple[bytes, bytes]], limits: BodyLimits) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects of an answer: one, or as many as a stream of events has (`data: {…}`).

    Args:
        body: As it came.
        headers: That came with it, names in lower case.
        limits: What it may cost.

    Raises:
        UnreadError: As in `document`, or if there are more events than are read.
    """
    given = list(headers)
    if not any(name == b"content-type" and value.strip().lower().startswith(STREAM) for name, value in given):
        found = document(body, given, limits)
        yield from [] if found is None else [found]
        return
    plain = expanded(body, (value for name, value in given if name == b"content-encoding"), limits.expanded)
    check_json(plain, limits)
    events = _EVENT_END.split(plain, MOST_EVENTS)
    if len(events) > MOST_EVENTS:
        raise UnreadError(f"more than {MOST_EVENTS:,} events in a stream")
    for event in events:
        lines = [line[5:] for line in event.splitlines() if line.startswith(b"data:")]
        found = document(b"\n".join(lines), (), limits)
        if found is not None:
            yield found


def opened(
    body: bytes, headers: Iterable[tuple[bytes, bytes]], limits: BodyLimits, parse: Callable[[bytes], Any]
) -> dict[str, Any]:
    """Return what `document` does.

    Args:
        body: As it came.
        headers: That came with it, names in lower case.
        limits: What it may cost.
        parse: Reads JSON.

    Raises:
        UnreadError: If it is beyond a limit, or its content coding is not known; nothing was made of it.
        One of WRONG: If it cannot be understood.
    """
    given = list(headers)
    plain = expanded(body, (value for name, value in given if name == b"content-encoding"), limits.expanded)
    lengths = {value.strip() for name, value in given if name == BINARY_HEADER}
    if len(lengths) > 1:
        raise UnreadError("two lengths of the JSON before the tensors")
    length = _length(lengths.pop(), len(plain)) if lengths else None
    head = plain if length is None else plain[:length]
    check_json(head, limits)
    found = parse(head)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    if length is not None:
        fill_tensors(found, plain[length:], limits)
    return found


def _length(stated: bytes, size: int) -> int:
    if not stated.isdigit() or len(stated) > 10 or int(stated) > size:
        raise ValueError("a length of the JSON that the body does not have")
    return int(stated)
