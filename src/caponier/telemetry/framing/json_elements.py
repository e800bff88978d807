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
    rb'"(?:@?timestamp|time|eventTime|published|createdDateTime|activityDateTime|requestReceivedTimestamp|start_?[tT]ime)"\s*:'
)
"""What an event has and no envelope: one with a list called `events` is an event all the same."""
_TO_BRACKET: Final = re.compile(rb'[^"{}\[\]]*+(?:"(?:[^"\\]|\\.)*+"[^"{}\[\]]*+)*+([{}\[\]])', re.DOTALL)
_PLAIN: Final = re.compile(rb'[^"{}\[\]]*+(?:"(?:[^"\\]|\\.)*+"[^"{}\[\]]*+)*+', re.DOTALL)
_LEVELS: Final = 6
"""Objects inside each other that are followed at once; real events have about four."""


def _whole(levels: int) -> bytes:
    inner = rb"(?:%s%s)*+" % (_whole(levels - 1), _PLAIN.pattern) if levels else b""
    return rb"[{\[]%s%s[}\]]" % (_PLAIN.pattern, inner)


_WHOLE: Final = re.compile(_whole(_LEVELS - 1), re.DOTALL)
"""An object from its first bracket to its last, if it is not too deep and all of it is there."""
_REST_OF_TEXT: Final = re.compile(rb'(?:[^"\\]|\\.)*+', re.DOTALL)
_NAME: Final = re.compile(rb'"([^"\\]{1,32})"\s*:\s*$')
_NAME_SPAN: Final = 80
_BRACE: Final = ord("{")
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
        self._looked = 0
        """Up to where there is no bracket after that: what was read is not read again with each block."""
        self._in_text = False
        """Whether that is within a text."""
        self._timed = (0, False)
        """Up to where the object that is being read was searched for a time of its own, and whether it has one."""
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
        while (place := self._next_bracket()) is not None:
            before, self._at, self._looked = self._at, place + 1, place + 1
            if (not self._open or self._open[-1] is _LIST) and self._held[before:place].strip(_BETWEEN):
                yield Element(self._line_at(place), None, "bad JSON: expected an object")
            if (end := self._end_of_event(place)) is not None:
                self._start, self._at, self._looked = place, end, end
                yield self._cut(end)
                continue
            yield from self._bracket(self._held[place : place + 1], place)
            if self._broken:
                return
        yield from self._forget()

    def end(self) -> Iterator[Element]:
        """Tell what was still open when the stream ended."""
        if not self._broken and (self._open or self._held[self._at :].strip()):
            yield Element(self._line_at(self._at), None, "bad JSON: the document ends before its last bracket")

    def _next_bracket(self) -> int | None:
        """Return where the next bracket stands that is in no text; None if it is not here yet."""
        held = self._held
        if self._in_text:
            self._looked = _end(_REST_OF_TEXT, held, self._looked)
            if held[self._looked : self._looked + 1] != b'"':
                return None
            self._looked, self._in_text = self._looked + 1, False
        found = _TO_BRACKET.match(held, self._looked)
        if found is not None:
            return found.start(1)
        self._looked = _end(_PLAIN, held, self._looked)
        if self._looked < len(held):
            # A text that does not end here.
            self._in_text = True
            self._looked = _end(_REST_OF_TEXT, held, self._looked + 1)
        return None

    def _end_of_event(self, place: int) -> int | None:
        """Return where the event ends that begins at a bracket, if one does and it can be told at once."""
        if self._skipping or not self._open or self._open[-1] is not _LIST or self._held[place] != _BRACE:
            return None
        whole = _WHOLE.match(self._held, place)
        return None if whole is None else whole.end()

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
            self._start, self._timed = place, (place, False)

    def _is_list(self, place: int, bracket: bytes) -> bool:
        """Tell whether what begins here is the list of an envelope, or the object around that of Elasticsearch."""
        name = _NAME.search(self._held[max(0, place - _NAME_SPAN) : place])
        text = name[1].decode("ascii", "replace") if name else ""
        if bracket == b"{":
            return text == "hits" and len(self._open) == 1
        return text in LISTS and not self._has_own_time(place)

    def _has_own_time(self, place: int) -> bool:
        """Tell whether the object that is being read has a time of its own before a place."""
        if self._start is None:
            return False
        searched, found = self._timed
        if not found:
            # Both are brackets, and none stands in what is looked for: nothing of it is cut in two.
            self._timed = place, _OWN_TIME.search(self._held, max(self._start, searched), place) is not None
        return self._timed[1]

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
        self._at, self._looked = self._at - keep, self._looked - keep
        self._timed = max(0, self._timed[0] - keep), self._timed[1]
        self._start = None if self._start is None else 0

    def _line_at(self, place: int) -> int:
        at, line = self._counted
        if place < at:
            at, line = 0, self._line
        line += self._held.count(b"\n", at, place)
        self._counted = place, line
        return line


def _end(pattern: re.Pattern[bytes], text: bytes, at: int) -> int:
    """Return where what matches from a place on ends."""
    found = pattern.match(text, at)
    return at if found is None else found.end()
