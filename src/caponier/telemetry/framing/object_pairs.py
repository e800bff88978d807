"""Lines in which objects stand among words: `user=alice payload={'age': 41} -> {'label': 'yes'}`.

Objects are JSON, or as Python or Ruby prints them. A line is read from its beginning, and what stands in quotes ends
nothing: no text that a caller sent begins a pair of its own.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from caponier.telemetry.chunk import Row
from caponier.telemetry.framing.written_values import loaded

LONGEST: Final = 2**16
MOST: Final = 64
"""Pairs of a line, and brackets in one another."""
MARK: Final = re.compile(r"(?:^|[\s,(|])[A-Za-z_][\w.\-]{0,63}(?:=|: )(?=[{\[]|'[{\[]|[A-Z]\w{0,63}[({])")
"""Where such a line tells itself: an object that has a name of its own."""
_PIECE: Final = re.compile(
    r"(?P<name>[A-Za-z_@][\w.\-]{0,63})(?:=|: ?(?=[{\[]))(?:(?P<kind>[A-Z]\w{0,63})(?=[({]))?"
    r'(?P<held>"(?:[^"\\]|\\.)*+"|\'(?:[^\'\\]|\\.)*+\'|(?!\()[^\s{\["\',;|)]*+|)'
    r"|(?P<arrow>(?:->|=>|→) ?(?=[{\[]))|(?P<text>\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'(?!\w))"
    r"|(?P<bare>[{\[])|[^\s{\[]+|\s+"
)
_ANSWER: Final = "response"
_RUBY: Final = re.compile(r'("(?:[^"\\]|\\.)*+")|:(\w+) ?=>|=>|\bnil\b')
_CLOSING: Final = {"{": "}", "[": "]", "(": ")"}
_JAVA: Final = re.compile(r"(?:^|, ?)([A-Za-z_]\w{0,63})=")
_GO: Final = re.compile(r"(?:^| )([A-Za-z_]\w{0,63}):")
_NAMED: Final = re.compile(r"&?\w{0,64}(?:\((.*)\)|\{(.*)\})")
_DEEPEST: Final = 4


def object_pairs(line: str) -> tuple[int, Row] | None:
    """Return where the first pair of a line begins, and its pairs; None where it is something else.

    What stands behind an arrow is the answer to what stands before it.
    """
    if len(line) > LONGEST or MARK.search(line) is None:
        return None
    found: Row = {}
    first, place, objects = -1, 0, 0
    while place < len(line) and len(found) < MOST:
        piece = _PIECE.match(line, place)
        if piece is None:
            return None
        name = piece["name"] or (_ANSWER if piece["arrow"] and objects else None)
        place = piece.end()
        if piece["bare"]:
            # What stands without a name is skipped as a whole: pairs in it are not the line's.
            end = _end_of(line, place - 1)
            if piece["bare"] == "{" or not end:
                return None
            place = end
        if name is None:
            continue
        first = piece.start() if first < 0 else first
        value: Any = piece["held"]
        if not value and line[place : place + 1] in _CLOSING:
            value, place = _object_at(line, place)
            objects += 1
            if value is None:
                return None
        elif value and value[0] in "\"'":
            value = value[1:-1].replace(f"\\{value[0]}", value[0])
            if value[:1] in _CLOSING and (inner := loaded(value)) is not None:
                value, objects = inner, objects + 1
        if found.setdefault(name, value) != value:
            # Texts that stand there bare may go on as a pair: of two of one name nobody knows which is the service's.
            return None
    return (first, found) if objects and len(found) > 1 else None


def _object_at(line: str, start: int) -> tuple[Any, int]:
    """Return the object that begins at a place, and where it ends; None where there is none that can be read."""
    if line[start] != "(" and (end := _end_of(line, start)) and (value := _object(line[start:end])) is not None:
        return value, end
    end = _end_of(line, start, quoted=False)
    return (_bare(line[start + 1 : end - 1]) if end else None), end


def _bare(text: str, deep: int = 0) -> Any:
    """Read what stands in the brackets of an object that Java or Go prints: `age=41, city=Bern`, `Age:41 City:Bern`."""
    for pattern in (_JAVA, _GO):
        names = list(_outside(pattern, text)) if deep < _DEEPEST else []
        if names and not text[: names[0].start()].strip() and len({one[1] for one in names}) == len(names):
            ends = [one.start() for one in names[1:]] + [len(text)]
            pairs = zip(names, ends, strict=True)
            return {one[1]: _bare_value(text[one.end() : end].strip(" ,"), deep) for one, end in pairs}
    return None


def _bare_value(text: str, deep: int) -> Any:
    if inside := _NAMED.fullmatch(text):
        return _bare(inside[1] or inside[2], deep + 1)
    if text[:1] == "[" and text[-1:] == "]":
        return [one for one in re.split(r"[,\s]+", text[1:-1]) if one]
    return None if text in ("null", "<nil>", "") else text


def _outside(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield the names that stand in no brackets: of those in some only the objects there know."""
    depth, counted = 0, 0
    for one in pattern.finditer(text):
        depth, counted = depth + _depth(text[counted : one.start()]), one.start()
        if depth == 0:
            yield one


def _depth(text: str) -> int:
    return sum(text.count(one) for one in _CLOSING) - sum(text.count(one) for one in _CLOSING.values())


def _end_of(line: str, start: int, *, quoted: bool = True) -> int:
    """Return where the object ends that begins at a place; 0 where it does not.

    Args:
        line: The line.
        start: The place.
        quoted: Whether texts stand in quotes.
    """
    open_: list[str] = []
    quote, at = "", start
    while at < len(line):
        one = line[at]
        if quote:
            at += one == "\\"
            quote = "" if one == quote else quote
        elif quoted and one in "\"'":
            quote = one
        elif one in _CLOSING:
            open_.append(_CLOSING[one])
            if len(open_) > MOST:
                return 0
        elif open_ and one == open_[-1]:
            open_.pop()
            if not open_:
                return at + 1
        at += 1
    return 0


def _object(text: str) -> Any:
    held = loaded(text)
    if held is None and "=>" in text:
        # As Ruby prints a hash.
        held = loaded(_RUBY.sub(_plain, text))
    return held if isinstance(held, dict | list) else None


def _plain(found: re.Match[str]) -> str:
    if found[1]:
        return found[1]
    return f'"{found[2]}":' if found[2] else "null" if found[0] == "nil" else ":"
