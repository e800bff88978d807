"""The events of a JSON document of any size, one at a time: arrays, envelopes and documents one after another.

A file of CloudTrail is one line that may hold a hundred megabytes: `{"Records": [...]}`. Reading it as a whole would
take ten times as much memory. So only its brackets are followed, and each event is cut out and read by itself.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

LISTS: Final = frozenset(["Records", "records", "Events", "events", "items", "value", "logEvents", "hits"])
"""Names under which an envelope has its events: of AWS, Azure, Kubernetes, Microsoft Graph, and Elasticsearch."""
_OWN_TIME: Final = re.compile(
    rb'"(?:@?timestamp|time|eventTime|published|createdDateTime|activityDateTime|requestReceivedTimestamp)"\s*:'
)
"""What an event has and no envelope: one with a list called `events` is an event all the same."""
_WHOLE: Final = rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+'
"""Whole texts and what stands between them."""
_TO_BRACKET: Final = re.compile(_WHOLE + rb"([{}\[\]])", re.DOTALL)
_TO_TEXT: Final = re.compile(_WHOLE, re.DOTALL)
_IN_TEXT: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_NAME: Final = re.compile(rb'"([^"\\]{1,32})"\s*:\s*$')
_NAME_SPAN: Final = 80
_BETWEEN: Final = b" \t\r\n,\x1e\xef\xbb\xbf"
"""What may stand between objects; the last is the separator of RFC 7464."""

_EVENT, _ENVELOPE, _LIST, _INNER = "event", "envelope", "list", "inner"


class Element(NamedTuple):
    """One object of a document."""

    line: int
    """Where it begins, from 1."""
    text: bytes | None
    """None where it is too long, or is no object."""
    problem: str | None = None


class Elements:
    """Cuts a stream into its objects; memory stays within the limit and one block.

    Args:
        limit: Bytes of the longest object.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = b""
        self._at = 0
        """Up to where the brackets were followed."""
        self._line = 1
        """Of the first byte that is held."""
        self._counted = (0, 1)
        """Up to where line ends were counted, and the line there."""
        self._open: list[str] = []
        self._start: int | None = None
        """Where the object that is being read begins; None between objects."""
        self._skipping = False
        self._unwrapped = False
        self._broken = False
        self._seen = 0
        """Up to where there is no further bracket: each byte is looked at once, over however many blocks it goes."""
        self._in_text = False
        """Whether that is within a text."""

    @property
    def inside(self) -> bool:
        """Whether something is open."""
        return bool(self._open)

    @property
    def line(self) -> int:
        """Up to which line the brackets were followed."""
        return self._line_at(self._at)

    def feed(self, block: bytes) -> Iterator[Element]:
        """Take the next block; yield the objects that end in it."""
        if self._broken:
            return
        self._held += block
        while not self._is_in_text() and (match := _TO_BRACKET.match(self._held, self._seen)):
            before, place, self._at = self._at, match.start(1), match.end()
            self._seen = self._at
            if (not self._open or self._open[-1] is _LIST) and self._held[before:place].strip(_BETWEEN):
                yield Element(self._line_at(place), None, "bad JSON: expected an object")
            yield from self._bracket(match[1], place)
            if self._broken:
                return
        if not self._in_text:
            self._seen = _end(_TO_TEXT, self._held, self._seen)
            if self._held[self._seen : self._seen + 1] == b'"':
                self._seen, self._in_text = _end(_IN_TEXT, self._held, self._seen + 1), True
        yield from self._forget()

    def _is_in_text(self) -> bool:
        """Follow the text in which a block ended, and tell whether it goes on behind what is held."""
        if self._in_text:
            self._seen = _end(_IN_TEXT, self._held, self._seen)
            if self._held[self._seen : self._seen + 1] == b'"':
                self._seen, self._in_text = self._seen + 1, False
        return self._in_text

    def end(self) -> Iterator[Element]:
        """Tell what was still open when the stream ended."""
        if not self._broken and (self._open or self._held[self._at :].strip()):
            yield Element(self._line_at(self._at), None, "bad JSON: the document ends before its last bracket")

    def _bracket(self, bracket: bytes, place: int) -> Iterator[Element]:
        if bracket in b"{[":
            self._opened(bracket, place)
            return
        kind = self._open.pop() if self._open else None
        if kind is None:
            self._broken = True
            yield Element(self._line_at(place), None, "bad JSON: a bracket too many; nothing after it was read")
        elif kind is _EVENT or (kind is _ENVELOPE and not self._open and not self._unwrapped):
            yield self._cut(place + 1)
        if not self._open:
            self._unwrapped = False

    def _opened(self, bracket: bytes, place: int) -> None:
        above = self._open[-1] if self._open else None
        kind = _INNER
        if above is None:
            kind = _LIST if bracket == b"[" else _ENVELOPE
        elif above is _LIST:
            kind = _EVENT if bracket == b"{" else _INNER
        elif above is _ENVELOPE and not self._skipping and self._is_list(place, bracket):
            kind, self._start, self._unwrapped = _LIST if bracket == b"[" else _ENVELOPE, None, True
        self._open.append(kind)
        if kind is _EVENT or (kind is _ENVELOPE and above is None):
            self._start = place

    def _is_list(self, place: int, bracket: bytes) -> bool:
        """Tell whether what begins here is the list of an envelope, or the object around that of Elasticsearch."""
        name = _NAME.search(self._held[max(0, place - _NAME_SPAN) : place])
        text = name[1].decode("ascii", "replace") if name else ""
        if bracket == b"{":
            return text == "hits" and len(self._open) == 1
        return text in LISTS and (self._start is None or not _OWN_TIME.search(self._held, self._start, place))

    def _cut(self, end: int) -> Element:
        start, self._start = self._start, None
        if self._skipping or start is None or end - start > self._limit:
            self._skipping = False
            return Element(self._line_at(end), None, f"too long: an object of more than {self._limit:,} bytes")
        return Element(self._line_at(start), self._held[start:end])

    def _forget(self) -> Iterator[Element]:
        """Let go of what was followed: all of it between objects, and an object that outgrew the limit."""
        if self._start is not None and len(self._held) - self._start > self._limit:
            self._start, self._skipping = None, True
        if self._start is None and not self._skipping and len(self._held) - self._at > self._limit:
            self._broken = True
            yield Element(self._line_at(self._at), None, f"too long: no object within {self._limit:,} bytes")
            return
        if self._skipping and len(self._held) - self._at > self._limit:
            # A text that does not end, it may be: whatever follows cannot be told from it.
            self._broken = True
            yield Element(self._line_at(self._at), None, f"too long: more than {self._limit:,} bytes without a bracket")
            return
        # The name before a bracket may stand in what was read already.
        keep = self._start if self._start is not None else max(0, self._at - _NAME_SPAN)
        self._line = self._line_at(keep)
        self._held, self._counted = self._held[keep:], (0, self._line)
        self._at -= keep
        self._seen -= keep
        self._start = None if self._start is None else 0

    def _line_at(self, place: int) -> int:
        at, line = self._counted
        if place < at:
            at, line = 0, self._line
        line += self._held.count(b"\n", at, place)
        self._counted = place, line
        return line


def _end(pattern: re.Pattern[bytes], held: bytes, place: int) -> int:
    """Return where a pattern that fits everywhere ends."""
    found = pattern.match(held, place)
    return found.end() if found else place
