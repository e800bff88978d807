"""Events of Windows as XML: what the Event Viewer saves, `wevtutil qe /f:xml` prints, and PowerShell's `ToXml()` gives.

Each `<Event>` is cut out and read by itself, so an export of any size costs the memory of one event. What stands
outside of events, such as a document type with entities in it, is never read: an entity that an event names does not
exist.
"""

import re
from collections.abc import Iterator
from typing import Any, Final
from xml.parsers import expat

from caponier.telemetry.framing.json_elements import Element

DEPTH: Final = 16
"""Elements inside each other."""
_BEGIN: Final = re.compile(rb"<Event[\s>]")
_END: Final = b"</Event>"
_AHEAD: Final = 8
"""Bytes in which a mark may begin that ends in the next block."""


def is_xml(head: bytes) -> bool:
    """Tell whether a file begins like an export of events."""
    text = head.lstrip()
    return text.startswith((b"<?xml", b"<!", b"<Event")) and _BEGIN.search(head) is not None


class XmlEvents:
    """Cuts a stream into its events; memory stays within the limit and one block.

    Args:
        limit: Bytes of the longest event.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = b""
        self._line = 1
        self._skipping = False

    def feed(self, block: bytes) -> Iterator[Element]:
        """Yield the events that a block completes, with the lines on which they begin."""
        self._held += block
        while True:
            if self._skipping and not self._skip():
                return
            begin = _BEGIN.search(self._held)
            if begin is None:
                self._drop(max(0, len(self._held) - _AHEAD))
                return
            self._drop(begin.start())
            end = self._held.find(_END)
            if end < 0:
                if len(self._held) > self._limit:
                    yield Element(self._line, None, f"too long: more than {self._limit:,} bytes")
                    self._skipping = True
                    continue
                return
            line, text = self._line, self._held[: end + len(_END)]
            self._drop(len(text))
            yield Element(line, text)

    def end(self) -> Iterator[Element]:
        """Yield what is left at the end of the stream."""
        if not self._skipping and _BEGIN.match(self._held):
            yield Element(self._line, None, "bad XML: the event breaks off")

    def _skip(self) -> bool:
        end = self._held.find(_END)
        self._skipping = end < 0
        self._drop(max(0, len(self._held) - _AHEAD) if end < 0 else end + len(_END))
        return not self._skipping

    def _drop(self, size: int) -> None:
        self._line += self._held.count(b"\n", 0, size)
        self._held = self._held[size:]


def event_of(text: bytes) -> dict[str, Any]:
    """Read one event, as converters to JSON write it: attributes as `@Name`, text beside them as `#text`.

    Raises:
        ValueError: If it is no XML, names an entity, or is too deep.
    """
    return _Event().read(text)


class _Event:
    def __init__(self) -> None:
        self._root: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []

    def read(self, text: bytes) -> dict[str, Any]:
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = _refuse
        try:
            parser.Parse(_UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}".encode(), text), True)
        except expat.ExpatError as bad:
            raise ValueError(f"bad XML: {expat.errors.messages.get(bad.code, 'unreadable')}") from bad
        return self._root

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= DEPTH:
            raise ValueError(f"too deep: more than {DEPTH} elements inside each other")
        self._open.append((name.rpartition(":")[2], {f"@{key}": value for key, value in attributes.items()}, []))

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1][2].append(text)

    def _finish(self, _name: str) -> None:
        name, node, texts = self._open.pop()
        text = "".join(texts).strip()
        value: Any = {**node, "#text": text} if text and node else node or text or None
        into = self._open[-1][1] if self._open else self._root
        # Of data there may be one or many; whoever reads them expects a list.
        if name == "Data" or name in into:
            known = into.setdefault(name, [])
            if not isinstance(known, list):
                known = into[name] = [known]
            known.append(value)
        else:
            into[name] = value


_UNWRITABLE: Final = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
"""Characters that no XML may hold, and that Windows writes where a driver or an attacker left them in a value."""


def _refuse(*_about: object) -> None:
    raise ValueError("bad XML: an event has no document type")
