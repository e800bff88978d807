r"""Objects of JSON that its rules refuse for a part that a caller may have chosen: read without that part.

A service logs what it was sent. One byte that is no text in a user agent, `"\ud800"` in the name of a session, `1e400`
or a thousand lists in each other under a key that nobody asked for must not take the query out of sight. So texts are
kept with replacement characters, numbers are read as the guard reads them, and a value that cannot be read at all is
left out alone. All of it takes many times as long as reading JSON: it is for the lines that are refused.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from caponier.telemetry.chunk import Row
from caponier.telemetry.framing.json_objects import PARTS
from caponier.telemetry.plain_json import LONGEST
from caponier.telemetry.rejections import CUT, LEFT_OUT, NUMBER, TEXT

_FLATTEST: Final = 500
"""Lists and objects in one another that a parser is given: each level takes some of the machine's stack."""
_DEEPEST: Final = 6
"""Objects in one another of which a value is left out by itself."""
_TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
"""A text, the last perhaps without an end: of one that has none, each part would be looked at again."""
_ODD: Final = re.compile(rb"[\x00-\x1f\\]")
_CONTROL: Final = re.compile(rb"[\x00-\x1f]")
_HEX: Final = rb"[0-9a-fA-F]{2}"
_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB]%s\\u[dD][c-fC-F]%s|\\u(?P<code>%s%s)|(?P<bytes>(?:\\x%s)+)|\\(?P<other>.)"
    % (_HEX, _HEX, _HEX, _HEX, _HEX),
    re.DOTALL,
)
_KNOWN: Final = b'"\\/bfnrt'
_SURROGATES: Final = range(0xD800, 0xE000)
_KEY: Final = re.compile(rb'\s*("(?:[^"\\]|\\.)*+")\s*:\s*', re.DOTALL)


class OddRows(NamedTuple):
    """Objects of a line, and what is odd about them."""

    rows: list[Row]
    what: tuple[str, ...]
    """Of TEXT, NUMBER, LEFT_OUT and CUT."""


def odd_rows(line: bytes, *, may_break_off: bool = False) -> OddRows:
    """Return the object that a line is, or those of a list, without what cannot be read of them.

    Args:
        line: As it stands in the log.
        may_break_off: Whether the object may have no end: what stands before is read then.

    Raises:
        ValueError: If it is no object even so.
    """
    sound = _sound(line)
    what = (TEXT,) if sound != line else ()
    skimmed = _Skimmed(sound)
    if skimmed.is_small(0, len(sound)):
        try:
            return OddRows(_rows(orjson.loads(sound)), what)
        except ValueError:
            pass
        try:
            return OddRows(_rows(_loads(sound)), (*what, NUMBER))
        except (ValueError, RecursionError):
            pass
    rows = skimmed.rows(may_break_off)
    return OddRows(rows, (*what, CUT if skimmed.breaks_off else LEFT_OUT))


def _rows(value: Any) -> list[Row]:
    rows = value if isinstance(value, list) else [value]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("bad JSON: expected an object")
    return rows


def _loads(text: bytes) -> Any:
    """Read JSON with numbers that it has none for: what is too large is infinite, and what is no number missing."""
    return json.loads(text, parse_int=_whole, parse_constant=_constant)


def _whole(digits: str) -> int | float:
    # Of any length: one that Python refuses to count would else cost its row.
    return int(digits) if len(digits) <= LONGEST else float(digits)


def _constant(word: str) -> float | None:
    return None if word == "NaN" else float(word)


def _sound(line: bytes) -> bytes:
    """Return JSON whose texts are texts."""
    try:
        line.decode()
    except UnicodeDecodeError:
        line = line.decode("utf-8", "replace").encode()
    return _TEXT.sub(_sound_text, line)


def _sound_text(found: re.Match[bytes]) -> bytes:
    text = found[0]
    if _ODD.search(text) is None:
        return text
    return _CONTROL.sub(lambda one: b"\\u%04x" % one[0][0], _ESCAPE.sub(_sound_escape, text))


def _sound_escape(found: re.Match[bytes]) -> bytes:
    if (code := found["code"]) is not None:
        return rb"\ufffd" if int(code, 16) in _SURROGATES else found[0]
    if (held := found["bytes"]) is not None:
        # As nginx writes quotes, and what is no letter of ASCII.
        text = bytes.fromhex(held.replace(b"\\x", b"").decode()).decode("utf-8", "replace")
        return json.dumps(text)[1:-1].encode()
    other = found["other"]
    if other is None or other in _KNOWN:
        return found[0]
    return other if other == b"'" else b"\\\\" + other


class _Skimmed:
    """An object, or a list of them, of which the brackets are followed, so that each value is read by itself."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.breaks_off = False
        bare = np.frombuffer(_TEXT.sub(lambda found: b'"' * len(found[0]), text), np.uint8)
        opening = (bare == ord("{")) | (bare == ord("["))
        closing = (bare == ord("}")) | (bare == ord("]"))
        self._depth: NDArray[np.int64] = np.cumsum(opening.astype(np.int8) - closing.astype(np.int8), dtype=np.int64)
        self._commas = np.flatnonzero(bare == ord(","))
        self._brackets = np.flatnonzero(opening)
        self._left = PARTS

    def is_small(self, begin: int, end: int) -> bool:
        """Tell whether a part has as few lists and objects, and lies as flat, as a parser may be given."""
        levels = self._depth[begin:end]
        is_flat = not levels.size or int(levels.max() - levels[0]) < _FLATTEST
        return is_flat and self._size(begin, end) <= self._left

    def rows(self, may_break_off: bool) -> list[Row]:
        """Return the objects.

        Raises:
            ValueError: If there are none.
        """
        begin = len(self._text) - len(self._text.lstrip())
        first = self._text[begin : begin + 1]
        ends = np.flatnonzero(self._depth[begin:] == 0)
        end = begin + int(ends[0]) if ends.size else len(self._text)
        self.breaks_off = not ends.size
        if first not in (b"{", b"[") or self._text[end + 1 :].strip() or (self.breaks_off and not may_break_off):
            raise ValueError("bad JSON: no object that can be read")
        spans = [(begin, end)] if first == b"{" else [self._trimmed(*span) for span in self._parts(begin, end)]
        rows = [self._object(*span, 0) for span in spans]
        if not rows or not all(rows):
            raise ValueError("bad JSON: no object that can be read")
        return [row for row in rows if row]

    def _trimmed(self, begin: int, end: int) -> tuple[int, int]:
        """Return where the object begins and ends that stands between blanks."""
        part = self._text[begin : end + 1]
        return begin + len(part) - len(part.lstrip()), begin + len(part.rstrip()) - 1

    def _parts(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield where what stands between the commas of an object or a list begins, and its last byte."""
        inner = self._commas[np.searchsorted(self._commas, begin) : np.searchsorted(self._commas, end)]
        cuts = inner[self._depth[inner] == self._depth[begin]].tolist()
        yield from zip([begin + 1, *(cut + 1 for cut in cuts)], [*(cut - 1 for cut in cuts), end - 1], strict=True)

    def _object(self, begin: int, end: int, level: int) -> Row | None:
        """Return an object without the values that cannot be read; None where it is none, or nothing is left."""
        if self._text[begin : begin + 1] != b"{":
            return None
        held: dict[str, tuple[int, int]] = {}
        for first, last in self._parts(begin, end):
            found = _KEY.match(self._text, first, last + 1)
            if found is None:
                # A comma too many, or where the line breaks off.
                if self._text[first : last + 1].strip() and not (self.breaks_off and last + 1 >= end):
                    return None
                continue
            held[json.loads(found[1])] = (found.end(), last + 1)
        values = {key: self._value(*held[key], level) for key in sorted(held, key=lambda key: self._size(*held[key]))}
        row = {key: values[key] for key in held if values[key] is not None}
        return row or None

    def _size(self, begin: int, end: int) -> int:
        return int(np.subtract(*np.searchsorted(self._brackets, (end, begin))))

    def _value(self, begin: int, end: int, level: int) -> Any:
        """Read a value; None where that is not possible. Small ones come first, so that a large one costs no other."""
        is_whole = not (self.breaks_off and end >= len(self._text))
        if is_whole and self.is_small(begin, end):
            part = self._text[begin:end]
            try:
                value = _loads(part)
            except (ValueError, RecursionError):
                pass
            else:
                self._left -= self._size(begin, end)
                return value
        # What the line breaks off in may be the beginning of another value; of an object the first ones are whole.
        return self._object(begin, end - is_whole, level + 1) if level < _DEEPEST else None
