"""Builds the pickles of public advisories from their rows in `tests/cases/advisories.yaml`, in two spellings."""

import shlex
import struct
from typing import Any

from bench.machinery.hostile.assembly import named, pickled, row, text


def build(call: list[Any], canary: str, *, stacked: bool) -> bytes:
    """Return a pickle that makes a call.

    Args:
        call: A module, a name and arguments; or a call that gives a function, and arguments.
        canary: The folder that is made.
        stacked: Whether names come from the stack, which a scanner must follow, or from the instruction itself.
    """
    return pickled(_call(call, canary, stacked), protocol=4)


def _call(call: list[Any], canary: str, stacked: bool) -> bytes:
    if isinstance(call[0], dict):
        function, args = _value(call[0], canary, stacked), call[1:]
    else:
        function, args = _name(call[0], call[1], stacked), call[2:]
    return function + row(*(_value(arg, canary, stacked) for arg in args)) + b"R"


def _name(module: str, name: str, stacked: bool) -> bytes:
    return text(module) + text(name) + b"\x93" if stacked else named(module, name)


def _value(value: Any, canary: str, stacked: bool) -> bytes:
    if isinstance(value, dict) and "call" in value:
        return _call(value["call"], canary, stacked)
    if isinstance(value, dict) and "name" in value:
        return _name(*value["name"], stacked)
    if isinstance(value, dict):
        return b"}"
    if isinstance(value, list):
        return b"](" + b"".join(_value(item, canary, stacked) for item in value) + b"e"
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    return b"N" if value is None else text(_words(str(value), canary))


def _words(words: str, canary: str) -> str:
    python = f"__import__('os').mkdir({canary!r})"
    return words.replace("PYTHON", python).replace("SHELL", f"mkdir {shlex.quote(canary)}").replace("CANARY", canary)
