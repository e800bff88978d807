"""Pickles put together instruction by instruction, so that making a harmful one runs nothing."""

import pickle
import struct

PROTO_2 = pickle.PROTO + b"\x02"
PROTO_4 = pickle.PROTO + b"\x04"


def text(value: str) -> bytes:
    """Push a text."""
    raw = value.encode()
    return pickle.BINUNICODE + struct.pack("<I", len(raw)) + raw


def line(value: str) -> bytes:
    """Push a text as protocol 0 does: a line of its own, everything that would end or change it escaped."""
    escaped = value.replace("\\", "\\u005c")
    for character in "\0\n\r\x1a":
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    return pickle.UNICODE + escaped.encode("raw-unicode-escape") + b"\n"


def data(value: bytes) -> bytes:
    """Push bytes."""
    return pickle.BINBYTES + struct.pack("<I", len(value)) + value


def named(module: str, name: str) -> bytes:
    """Push what a module has under a name."""
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def called(function: bytes, *args: bytes) -> bytes:
    """Push what a function gives for arguments."""
    return function + pickle.MARK + b"".join(args) + pickle.TUPLE + pickle.REDUCE


def ended(*instructions: bytes, proto: bytes = PROTO_2) -> bytes:
    """Return the whole pickle."""
    return proto + b"".join(instructions) + pickle.STOP
