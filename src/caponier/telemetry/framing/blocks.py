"""Objects that stand over several lines between lines of text, as programs print what they received.

Whoever prints an object so closes it where it was opened: at the same indent. Knative's event display, to which the
documentation of KServe sends its log, prints the attributes of a CloudEvent as lines, and its data as such an object.
"""

from collections.abc import Iterator
from typing import Final

import orjson

_LOOKED_AT: Final = 2_000
_LEAST: Final = 2
"""Objects after which it is no chance that a line is a single bracket."""
_ATTRIBUTES: Final = b"Context Attributes,"
_DATA: Final = b"Data,"
_HEADINGS: Final = (b"Extensions,", b"Validation:")


def holds_blocks(head: bytes) -> bool:
    """Tell by the first bytes of a file whether its objects stand over several lines, with other lines between them."""
    lines = head.split(b"\n", _LOOKED_AT)[:_LOOKED_AT]
    if not lines or lines[0].lstrip()[:1] in (b"{", b"["):
        return False
    opened = sum(line.strip() == b"{" for line in lines)
    # Beside records of a line each, what is printed over several is what somebody sent.
    return opened >= _LEAST and not any(line[:1] == b"{" and line.rstrip()[-1:] == b"}" for line in lines)


def joined(lines: Iterator[tuple[int, bytes | None]], limit: int) -> Iterator[tuple[int, bytes | None]]:
    """Yield lines, each object of several as one at the line where it begins; lines without a letter are left out.

    Args:
        lines: With their numbers; None for one that is too long.
        limit: Bytes of the longest object.
    """
    held: list[bytes] = []
    size = began = 0
    event = _Event()
    for number, line in lines:
        if line is None:
            held = []
            yield number, None
        elif held:
            held.append(line)
            size += len(line)
            if size > limit:
                held = []
                yield began, None
            elif line.rstrip() == held[0].rstrip()[:-1] + b"}":
                yield began, event.with_data(b"\n".join(held).strip())
                held = []
        elif line.strip() == b"{":
            held, size, began = [line], len(line), number
        elif event.takes(line):
            continue
        elif event.waits and line.lstrip()[:1] == b"{":
            yield number, event.with_data(line.strip())
        elif _says_something(line):
            yield number, line
    if held:
        # It was cut off: reading it says so.
        yield began, b"\n".join(held)


def _says_something(line: bytes) -> bool:
    return any(chr(byte).isalnum() or byte >= 0x80 for byte in line)


class _Event:
    """The attributes of a CloudEvent that were printed as lines, until its data comes."""

    def __init__(self) -> None:
        self._about: dict[str, str] | None = None
        self.waits = False
        """Whether its data comes next."""

    def takes(self, line: bytes) -> bool:
        """Take a line, and tell whether it is one of an event's attributes."""
        text = line.strip()
        if text == _ATTRIBUTES:
            self._about, self.waits = {}, False
            return True
        if text.endswith(b"cloudevents.Event") or text.startswith(_HEADINGS):
            return True
        if self._about is None or self.waits:
            return False
        if text == _DATA:
            self.waits = True
            return True
        name, colon, value = text.decode("utf-8", "replace").partition(":")
        if colon and line[:1] == b" ":
            self._about[name] = value.strip()
        return bool(colon) or not text

    def with_data(self, data: bytes) -> bytes:
        """Return an object as one line: an event with its attributes, or what it is where no event waits for it."""
        try:
            inner = orjson.loads(data)
        except orjson.JSONDecodeError:
            return data
        about, waits, self._about, self.waits = self._about, self.waits, None, False
        return orjson.dumps({**about, "data": inner} if about and waits else inner)
