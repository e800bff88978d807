"""JSON with the place of every value, within limits: what is not touched can then stay as it was written."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from caponier.errors import InputError
from caponier.matrix.documents.mention import Form, Piece

DEPTH: Final = 64
VALUES: Final = 1_000_000
"""Values of a document: a bundle of all of ATT&CK has fewer, and each of them takes memory."""
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_STRING: Final = re.compile(r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"')
_OTHER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null", re.ASCII)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, `true`, `false` or `null`, as written."""

    text: str


Value: TypeAlias = "dict[str, Node] | list[Node] | str | Literal"


@dataclass(slots=True)
class Node:
    """A value and its place; a member of an object also has the place of its key. Treat it as read-only."""

    value: Value
    start: int
    end: int
    key_start: int = -1
    key_end: int = -1

    def get(self, key: str) -> "Node | None":
        """Return a member of an object; None if there is none, or this is no object."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def items(self) -> list["Node"]:
        """Return the items of an array; none if this is no array."""
        return self.value if isinstance(self.value, list) else []

    def members(self) -> dict[str, "Node"]:
        """Return the members of an object; none if this is no object."""
        return self.value if isinstance(self.value, dict) else {}

    def text(self, key: str) -> str | None:
        """Return a member that is text."""
        member = self.get(key)
        return member.value if member is not None and isinstance(member.value, str) else None

    def flag(self, key: str) -> bool:
        """Tell whether a member is `true`."""
        member = self.get(key)
        return member is not None and member.value == Literal("true")

    def piece(self, key: str) -> Piece | None:
        """Return a member that is text, with its place."""
        member = self.get(key)
        return member.as_piece() if member is not None else None

    def as_piece(self) -> Piece | None:
        """Return this text with its place; None if it is no text."""
        return Piece(self.value, self.start, self.end, Form.JSON) if isinstance(self.value, str) else None


def parse(text: str, where: str) -> Node:
    """Read one JSON document.

    Raises:
        InputError: If it is no JSON (RFC 8259), names a key twice, is nested deeper than 64, has more than a million
            values, or holds text that is none (half of a surrogate pair).
    """
    reader = _Reader(text, where)
    node = reader.value(0, 0)
    if reader.space(node.end) != len(text):
        raise reader.wrong("something follows the document", reader.space(node.end))
    return node


class _Reader:
    def __init__(self, text: str, where: str) -> None:
        self.input = text
        self.where = where
        self.values = 0

    def wrong(self, what: str, place: int) -> InputError:
        line = self.input.count("\n", 0, place) + 1
        column = place - self.input.rfind("\n", 0, place)
        return InputError(what, where=f"{self.where}:{line}:{column}")

    def space(self, place: int) -> int:
        match = _SPACE.match(self.input, place)
        assert match is not None  # noqa: S101 - it also matches nothing, for the type checker
        return match.end()

    def value(self, place: int, depth: int) -> Node:
        place = self.space(place)
        self.values += 1
        if self.values > VALUES:
            raise self.wrong(f"this JSON has more than {VALUES:,} values", place)
        if depth > DEPTH:
            raise self.wrong(f"this JSON is nested deeper than {DEPTH}", place)
        first = self.input[place : place + 1]
        if first == "{":
            return self.object(place, depth)
        if first == "[":
            return self.array(place, depth)
        if first == '"':
            return self.string(place)
        match = _OTHER.match(self.input, place)
        if match is None:
            raise self.wrong("this is not JSON", place)
        return Node(Literal(match[0]), place, match.end())

    def string(self, place: int) -> Node:
        match = _STRING.match(self.input, place)
        if match is None:
            raise self.wrong("this is not JSON: a text is not closed or holds a control character", place)
        if "\\" not in match[0]:
            return Node(match[0][1:-1], place, match.end())
        try:
            value = json.loads(match[0])
        except ValueError:
            raise self.wrong("this is not JSON: an unknown escape in a text", place) from None
        if _SURROGATE.search(value):
            raise self.wrong("this text holds half of a surrogate pair", place)
        return Node(value, place, match.end())

    def array(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        for place in self._entries(start, "]"):
            items.append(self.value(place, depth + 1))
            self._end = items[-1].end
        return Node(items, start, self._end)

    def object(self, start: int, depth: int) -> Node:
        members: dict[str, Node] = {}
        for place in self._entries(start, "}"):
            if self.input[place : place + 1] != '"':
                raise self.wrong("this is not JSON: a key is missing", place)
            key = self.string(place)
            assert isinstance(key.value, str)  # noqa: S101 - `string` reads nothing else
            if key.value in members:
                raise self.wrong(f"the key {key.value[:80]!r} is there twice", place)
            colon = self.space(key.end)
            if self.input[colon : colon + 1] != ":":
                raise self.wrong("this is not JSON: a colon is missing", colon)
            value = self.value(colon + 1, depth + 1)
            value.key_start, value.key_end = key.start, key.end
            members[key.value] = value
            self._end = value.end
        return Node(members, start, self._end)

    def _entries(self, start: int, close: str) -> Iterator[int]:
        """Yield the place of each entry; the caller leaves the end of the one it has read in `_end`."""
        place = self.space(start + 1)
        if self.input[place : place + 1] == close:
            self._end = place + 1
            return
        while True:
            yield place
            place = self.space(self._end)
            mark = self.input[place : place + 1]
            if mark == close:
                self._end = place + 1
                return
            if mark != ",":
                raise self.wrong(f"this is not JSON: a comma or {close} is missing", place)
            place = self.space(place + 1)

    _end: int = 0
