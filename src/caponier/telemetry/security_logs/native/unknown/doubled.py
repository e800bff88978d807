"""Objects of JSON that say one name twice, as a program writes them that puts a caller's text between quotes unescaped.

Parsers keep the last of them, which is the caller's. But a program that writes JSON with a library never does so.
Names of fields are folded, and a caller may write one in another case: names that differ in nothing else are one.
"""

import re
from typing import Any, Final

import orjson

from caponier.telemetry.security_logs.fields import DEEPEST

_NAME: Final = re.compile(rb'"[ \t\r\n]*:')
_TOKEN: Final = re.compile(rb'("(?:[^"\\]|\\.)*+")([ \t\r\n]*+:)?|[{}\[\],]', re.DOTALL)
_OPENS: Final = frozenset(b"{[")
_CLOSES: Final = frozenset(b"}]")
_OBJECT: Final = b"{"[0]
_COMMA: Final = b","[0]


def without_doubled(text: bytes, rows: list[dict[str, Any]]) -> list[dict[str, Any] | None] | None:
    """Return the objects of a text without the names that an object says twice, each time with another value.

    The time this takes grows with the length of the text, whatever it holds and however deep it is.

    Args:
        text: An object or a list of objects as it was written.
        rows: What was read from it.

    Returns:
        The same objects without those names, None for each that has none; and None where no object has any.
    """
    # A quote and a colon stand behind each name, and seldom elsewhere.
    if len(_NAME.findall(text)) <= _names(rows):
        return None
    torn = _torn(text)
    if not torn:
        return None
    left: Any = orjson.loads(text)
    # What holds others has ended after them, and may have been left out itself.
    for path, names in reversed(torn.items()):
        node: Any = left
        for step in path:
            node = node.get(step) if type(node) is dict else node[step]
            if node is None:
                break
        else:
            for name in [name for name in node if name.lower() in names]:
                del node[name]
    if not isinstance(left, list):
        return [left]
    touched = {path[0] for path in torn}
    return [row if at in touched else None for at, row in enumerate(left)]


def _names(rows: list[dict[str, Any]]) -> int:
    """Count the names of all objects. It does not call itself: a caller may nest deeper than Python can."""
    count = 0
    waiting: list[Any] = [rows]
    while waiting:
        node = waiting.pop()
        if type(node) is dict:
            count += len(set(map(str.lower, node)))
            node = node.values()
        for part in node:
            kind = type(part)
            if kind is dict or kind is list:
                waiting.append(part)
    return count


class _Open:
    """A list or an object that has begun."""

    def __init__(self, begin: int, *, named: bool) -> None:
        self.step: str | int | None = None if named else 0
        """The name or the place of the element that is being read."""
        self.begin = begin
        """Where that element begins."""
        self.values: dict[str, tuple[int, int]] = {}
        """Where the first value of each name stands, the names in lower case."""
        self.torn: set[str] = set()
        """Names that have two values."""

    def end(self, text: bytes, at: int) -> None:
        """Take the end of an element."""
        if type(self.step) is int:
            self.step += 1
        elif type(self.step) is str:
            begin, end = self.values.setdefault(self.step.lower(), (self.begin, at))
            if text[begin:end].strip() != text[self.begin : at].strip():
                self.torn.add(self.step.lower())


def _torn(text: bytes) -> dict[tuple[str | int, ...], set[str]]:
    """Return the names that have two values, by the place of their object: names and places on the way to it."""
    found: dict[tuple[str | int, ...], set[str]] = {}
    open_: list[_Open] = []
    deeper = 0
    for token in _TOKEN.finditer(text):
        at, sign = token.start(), text[token.start()]
        if sign in _OPENS:
            if deeper or len(open_) == DEEPEST:
                deeper += 1
            else:
                open_.append(_Open(at + 1, named=sign == _OBJECT))
        elif deeper:
            deeper -= sign in _CLOSES
        elif sign in _CLOSES:
            closed = open_.pop()
            closed.end(text, at)
            if closed.torn:
                found[tuple(one.step for one in open_ if one.step is not None)] = closed.torn
        elif sign == _COMMA:
            open_[-1].end(text, at)
        elif token[2]:
            open_[-1].step, open_[-1].begin = orjson.loads(token[1]), token.end()
    return found
