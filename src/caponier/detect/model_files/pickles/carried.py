"""Pickles that lie in a value: as bytes, or as a text in base64 or hexadecimal digits.

Nothing loads them with the file that holds them. But whoever reads the file gets at them by a key, and a pickle that
runs what no model needs has no other use there.
"""

import base64
import binascii
import re
from typing import Final

SHORTEST: Final = 12
"""No shorter bytes are a pickle that calls anything."""
HEADS: Final = frozenset(b"\x80g8ci(\xc2YaK")
"""What such a value begins with: a protocol, base64 or digits of one, a name, its base64, or a protocol as a text."""
_HEAD: Final = "(?:gA[I-Y]|Y[0-3]|aW|K[C-H])"
"""How base64 of a pickle begins."""
_BASE64: Final = re.compile(_HEAD.encode())
_ENCODED: Final = re.compile(_BASE64.pattern + rb"[A-Za-z0-9+/\s_-]{8,}={0,2}\s*\Z")
_RUN: Final = re.compile(
    r"(?<![\w+/-])(?:(?P<digits>80(?:0[2-5])(?:[0-9A-Fa-f]{2}){10,})"
    r"|" + _HEAD + r"[\w+/-]{20,}(?:\r?\n[ \t]{0,40}[A-Za-z0-9+/_-]{16,}(?![^\s=]))*={0,2})",
    re.ASCII,
)
"""Letters without a gap, over lines of the same kind; words of prose are shorter."""
_BLANK: Final = re.compile(r"\s+")
_MOST_RUNS: Final = 10_000
_DIGITS: Final = re.compile(rb"80(?:0[2-5])(?:[0-9A-Fa-f]{2}){8,}\Z")
_OLD: Final = re.compile(rb"\(?(?:[dl]p?\w{0,4}\n?)?[ci][A-Za-z_][\w.]{0,200}\n[A-Za-z_][\w.]{0,200}\n")
"""How a pickle of the first protocols begins that calls something: with the name of it."""
_LONGEST: Final = 16 << 20
"""Letters that are decoded of a longer text."""
_PROTOCOLS: Final = (b"\x80\2", b"\x80\3", b"\x80\4", b"\x80\5")


def pickled(value: memoryview) -> memoryview | None:
    """Return the pickle that a value is, or stands for; None if it does not look like one."""
    if len(value) < SHORTEST or value[0] not in HEADS:
        return None
    head = bytes(value[:420])
    if head[:2] in _PROTOCOLS or _OLD.match(head):
        return value
    if head[:2] == b"\xc2\x80":
        # Bytes in the second protocol are a text of Latin letters.
        try:
            return memoryview(str(value[:_LONGEST], "utf-8", "ignore").encode("latin-1"))
        except UnicodeError:
            return None
    return _decoded(bytes(value[:_LONGEST])) if head[:2] == b"80" or _BASE64.match(head) else None


def _decoded(value: bytes) -> memoryview | None:
    try:
        if _ENCODED.match(value):
            found = base64.b64decode(value.translate(bytes.maketrans(b"-_", b"+/")))
            return memoryview(found) if found[:2] in _PROTOCOLS or _OLD.match(found[:420]) else None
        return memoryview(bytes.fromhex(value.decode())) if _DIGITS.match(value) else None
    except (binascii.Error, ValueError):
        return None


def in_text(text: str) -> list[memoryview]:
    """Return the pickles that stand in a text, in base64 or digits, between whatever else is written there."""
    found = []
    for count, run in enumerate(_RUN.finditer(text)):
        if count == _MOST_RUNS:
            break
        letters = _BLANK.sub("", run[0])[:_LONGEST]
        whole = letters.rstrip("=")
        letters = whole if run["digits"] else whole[: len(whole) & ~3]
        if (inner := pickled(memoryview(letters.encode()))) is not None:
            found.append(inner)
    return found
