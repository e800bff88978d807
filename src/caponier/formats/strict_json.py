"""JSON of a stranger: no key twice, no number that is none, and within limits.

Plain values come from Python's own parser, which is fast enough for a whole release of ATT&CK (`read_value`). Where
what is not touched must stay as it was written, every value has its place (`read_nodes`).
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from caponier.errors import InputError

DEPTH: Final = 64
"""Lists and objects within each other."""
VALUES: Final = 1_000_000
"""Values with places: a bundle of all of ATT&CK has fewer, and each of them takes memory."""
PARTS: Final = 6_000_000
"""Commas and brackets of plain values: a bound on the memory that a file can take, before it is parsed."""
_LONGEST_NUMBER: Final = 300
_SHOWN: Final = 80
"""Letters of a key that a message repeats."""
_PLACED: Final = 4 << 20
"""Letters of a file in which the place of a key that is there twice is looked for."""
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_STRING: Final = re.compile(r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"')
_OTHER: Final = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null", re.ASCII)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_ESCAPED_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def read_value(text: str, name: str, advice: str | None = None, *, parts: int = PARTS) -> Any:
    """Read a document of plain values.

    Args:
        text: The file's content.
        name: What to call it in messages.
        advice: What to do about a file that cannot be read.
        parts: The most commas and brackets.

    Raises:
        InputError: If it is no JSON (RFC 8259), is cut off, names a key twice in an object, is nested deeper than 64,
            has too many parts, a number beyond all bounds, or text that is none (half of a surrogate pair).
    """
    if sum(map(text.count, ",[{")) > parts:
        raise InputError(f"the file has more than {parts:,} parts", where=name, hint=advice)
    try:
        value = json.loads(
            text, object_pairs_hook=_members, parse_int=_whole, parse_float=_number, parse_constant=_constant
        )
    except json.JSONDecodeError as wrong:
        cut = "The file may be cut off." if wrong.pos >= len(text.rstrip()) - 1 else None
        hint = " ".join(part for part in (cut, advice) if part) or None
        raise InputError(f"this is not JSON: {wrong.msg}", where=_place(text, wrong.pos, name), hint=hint) from None
    except RecursionError:
        raise InputError(_DEEP, where=name, hint=advice) from None
    except InputError as wrong:
        where = _twice_at(text, name) if wrong.hint else name
        raise InputError(wrong.what, where=where, hint=wrong.hint or advice) from None
    if text.count("[") + text.count("{") > DEPTH:
        _check_depth(value, name, advice)
    if _ESCAPED_SURROGATE.search(text):
        _check_text(value, name, advice)
    return value


_DEEP: Final = f"this is nested too deeply, more than {DEPTH} levels"


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        owner = f" of {plain['id'][:_SHOWN]!r}" if isinstance(plain.get("id"), str) else ""
        raise InputError(f"the key {twice[:_SHOWN]!r}{owner} is there twice", hint="Keep the one that is right.")
    return plain


def _whole(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise InputError(f"a number has {len(digits)} digits")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise InputError(f"the number {digits[:_SHOWN]} is beyond all bounds")
    return number


def _constant(word: str) -> Any:
    raise InputError(f"{word} is not a JSON number")


def _twice_at(text: str, name: str) -> str:
    """Return where a key is there twice, where that takes no long search."""
    if len(text) <= _PLACED:
        try:
            read_nodes(text, name)
        except InputError as placed:
            return placed.where or name
    return name


def _check_depth(value: Any, name: str, advice: str | None) -> None:
    level = [value]
    for _ in range(DEPTH):
        within = [one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list)]
        level = [inner for values in within for inner in values if isinstance(inner, dict | list)]
        if not level:
            return
    raise InputError(_DEEP, where=name, hint=advice)


def _check_text(value: Any, name: str, advice: str | None) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InputError("a text holds half of a surrogate pair", where=name, hint=advice) from None


def _place(text: str, place: int, name: str) -> str:
    line = text.count("\n", 0, place) + 1
    return f"{name}:{line}:{place - text.rfind(chr(10), 0, place)}"


@dataclass(frozen=True, slots=True)
class JsonLiteral:
    """A number, `true`, `false` or `null`, as written."""

    text: str


_Value: TypeAlias = "dict[str, JsonNode] | list[JsonNode] | str | JsonLiteral"


@dataclass(slots=True)
class JsonNode:
    """A value and its place; a member of an object also has the place of its key. Treat it as read-only."""

    value: _Value
    start: int
    end: int
    key_start: int = -1
    key_end: int = -1

    def get(self, key: str) -> "JsonNode | None":
        """Return a member of an object; None if there is none, or this is no object."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    def items(self) -> list["JsonNode"]:
        """Return the items of an array; none if this is no array."""
        return self.value if isinstance(self.value, list) else []

    def members(self) -> dict[str, "JsonNode"]:
        """Return the members of an object; none if this is no object."""
        return self.value if isinstance(self.value, dict) else {}

    def text(self, key: str) -> str | None:
        """Return a member that is text."""
        member = self.get(key)
        return member.value if member is not None and isinstance(member.value, str) else None

    def flag(self, key: str) -> bool:
        """Tell whether a member is `true`."""
        member = self.get(key)
        return member is not None and member.value == JsonLiteral("true")


def read_nodes(text: str, name: str) -> JsonNode:
    """Read a document whose values have their places.

    Raises:
        InputError: If it is no JSON (RFC 8259), names a key twice, is nested deeper than 64, has more than a million
            values, or holds text that is none (half of a surrogate pair).
    """
    reader = _Reader(text, name)
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
        return InputError(what, where=_place(self.input, place, self.where))

    def space(self, place: int) -> int:
        match = _SPACE.match(self.input, place)
        assert match is not None  # noqa: S101 - it also matches nothing, for the type checker
        return match.end()

    def value(self, place: int, depth: int) -> JsonNode:
        place = self.space(place)
        self.values += 1
        if self.values > VALUES:
            raise self.wrong(f"this JSON has more than {VALUES:,} values", place)
        if depth > DEPTH:
            raise self.wrong(_DEEP, place)
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
        return JsonNode(JsonLiteral(match[0]), place, match.end())

    def string(self, place: int) -> JsonNode:
        match = _STRING.match(self.input, place)
        if match is None:
            raise self.wrong("this is not JSON: a text is not closed or holds a control character", place)
        if "\\" not in match[0]:
            return JsonNode(match[0][1:-1], place, match.end())
        try:
            value = json.loads(match[0])
        except ValueError:
            raise self.wrong("this is not JSON: an unknown escape in a text", place) from None
        if _SURROGATE.search(value):
            raise self.wrong("this text holds half of a surrogate pair", place)
        return JsonNode(value, place, match.end())

    def array(self, start: int, depth: int) -> JsonNode:
        items: list[JsonNode] = []
        for place in self._entries(start, "]"):
            items.append(self.value(place, depth + 1))
            self._end = items[-1].end
        return JsonNode(items, start, self._end)

    def object(self, start: int, depth: int) -> JsonNode:
        members: dict[str, JsonNode] = {}
        for place in self._entries(start, "}"):
            if self.input[place : place + 1] != '"':
                raise self.wrong("this is not JSON: a key is missing", place)
            key = self.string(place)
            assert isinstance(key.value, str)  # noqa: S101 - `string` reads nothing else
            if key.value in members:
                raise self.wrong(f"the key {key.value[:_SHOWN]!r} is there twice", place)
            colon = self.space(key.end)
            if self.input[colon : colon + 1] != ":":
                raise self.wrong("this is not JSON: a colon is missing", colon)
            value = self.value(colon + 1, depth + 1)
            value.key_start, value.key_end = key.start, key.end
            members[key.value] = value
            self._end = value.end
        return JsonNode(members, start, self._end)

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
