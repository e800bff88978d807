"""Objects that stand over several lines between lines of text, as programs print what they received.

Whoever prints an object so closes it where it was opened: at the same indent. Knative's event display, to which the
documentation of KServe sends its log, prints the attributes of a CloudEvent as lines, and its data as such an object.

Data that is no JSON it prints as it came, line ends and all: a caller can write whole events there, and no reader can
tell them from others. So what was displayed says of no event who asked, and its ids are of no other log: it can accuse
nobody. What was asked, and what was answered, is read.
"""

from collections.abc import Iterator
from typing import Final

import orjson

_LOOKED_AT: Final = 2_000
_LEAST: Final = 2
"""Objects after which it is no chance that a line is a single bracket."""
ATTRIBUTES: Final = b"Context Attributes,"
_DATA: Final = b"Data,"
_HEADINGS: Final = (b"Extensions,", b"Validation:")
_TOLD: Final = frozenset(
    ("specversion", "type", "source", "time", "inferenceservicename", "namespace", "component", "path")
)
"""Attributes that are taken: none says who asked."""
SHOWN: Final = "displayed-"
"""Stands before an id that was displayed, so that nothing is joined by it to another log."""
_OF_NO_EVENT: Final = b"{ what belongs to no event"
"""Stands for what a display has besides its events: it may be a whole event that a caller wrote, and is refused."""


def holds_blocks(head: bytes) -> bool:
    """Tell by the first bytes of a file whether its objects stand over several lines, with other lines between them."""
    lines = head.split(b"\n", _LOOKED_AT)[:_LOOKED_AT]
    if not lines or lines[0].lstrip()[:1] in (b"{", b"["):
        return False
    opened = sum(line.strip() == b"{" for line in lines)
    # Beside records of a line each, what is printed over several is what somebody sent.
    return opened >= _LEAST and not any(line[:1] == b"{" and line.rstrip()[-1:] == b"}" for line in lines)


def joined(
    lines: Iterator[tuple[int, bytes | None]], limit: int, *, is_display: bool = False
) -> Iterator[tuple[int, bytes | None]]:
    """Yield lines, each object of several as one at the line where it begins; lines without a letter are left out.

    Args:
        lines: With their numbers; None for one that is too long.
        limit: Bytes of the longest object.
        is_display: Whether events are displayed there; else that is seen at the first of them.
    """
    block, event = _Block(limit), _Event(is_display)
    for number, line in lines:
        if line is None:
            block.lines = []
            yield number, None
            continue
        if block.lines and not block.takes(line):
            # Nothing that was printed so is as far out: it was cut off, and what follows is read for itself.
            yield block.began, event.bare(block.text())
        elif block.lines:
            if (whole := block.whole()) is not None:
                yield block.began, event.with_data(whole) if whole else None
            continue
        if block.begins(number, line) or event.takes(line):
            continue
        if event.waits and line.lstrip()[:1] == b"{":
            yield number, event.with_data(line.strip())
        elif _says_something(line):
            yield number, event.bare(line)
    if block.lines:
        # It was cut off: reading it says so.
        yield block.began, event.bare(block.text())


class _Block:
    """The lines of an object, while it is open.

    All objects of a log stand at the indent of the first: one that stands elsewhere is part of something else.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._indent: bytes | None = None
        self.lines: list[bytes] = []
        self.began = 0

    def begins(self, number: int, line: bytes) -> bool:
        """Take the bracket that opens an object, and tell whether a line is one."""
        indent = line.rstrip()[:-1]
        if line.strip() != b"{" or self._indent not in (None, indent):
            return False
        self._indent, self.lines, self._size, self.began = indent, [line], len(line), number
        return True

    def takes(self, line: bytes) -> bool:
        """Take a line, and tell whether it can stand in the object: further in than its brackets, or the last."""
        indent = self._indent or b""
        is_within = line.startswith(indent) and line[len(indent) : len(indent) + 1] in (b" ", b"\t")
        if not is_within and line.rstrip() != indent + b"}":
            return False
        self.lines.append(line)
        self._size += len(line)
        return True

    def whole(self) -> bytes | None:
        """Return the object once it is closed, and nothing of one that is too long; None while it is open."""
        if self._size > self._limit:
            self.lines = []
            return b""
        return self.text() if self.lines[-1].rstrip() == (self._indent or b"") + b"}" else None

    def text(self) -> bytes:
        """Return what was held, and hold nothing."""
        held, self.lines = b"\n".join(self.lines).strip(), []
        return held


def _says_something(line: bytes) -> bool:
    return any(chr(byte).isalnum() or byte >= 0x80 for byte in line)


class _Event:
    """The attributes of a CloudEvent that were printed as lines, until its data comes."""

    def __init__(self, is_display: bool) -> None:
        self._is_display = is_display
        self._about: dict[str, str] | None = None
        self.waits = False
        """Whether its data comes next."""

    def takes(self, line: bytes) -> bool:
        """Take a line, and tell whether it is one of an event's attributes."""
        text = line.strip()
        if text == ATTRIBUTES:
            self._is_display, self._about, self.waits = True, {}, False
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
            told = {name: value.strip()} if name in _TOLD else {"id": SHOWN + value.strip()} if name == "id" else {}
            self._about.update(told)
        return bool(colon) or not text

    def with_data(self, data: bytes) -> bytes:
        """Return an object as one line: an event with its attributes, or what it is where no event waits for it."""
        try:
            inner = orjson.loads(data)
            about, waits, self._about, self.waits = self._about, self.waits, None, False
            if not about or not waits:
                return self.bare(orjson.dumps(inner))
            if isinstance(inner, dict) and "id" in inner:
                # A request may name its own id, which counts before the event's.
                inner["id"] = f"{SHOWN}{inner['id']}"
            return orjson.dumps({**about, "data": inner})
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            # Less deep than it is read can it be written.
            return self.bare(data)

    def bare(self, line: bytes) -> bytes:
        """Return what belongs to no event as it is, where none is displayed."""
        return _OF_NO_EVENT if self._is_display else line
