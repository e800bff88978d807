"""Text beside a model: JSON, YAML, and everything else that is no program."""

import json
import re
from typing import Any, Final
from urllib.parse import unquote

from caponier.detect.model_files.files import keras
from caponier.detect.model_files.files.part import Part

_SAMPLE: Final = 1 << 16
_HARMLESS_TAGS: Final = frozenset(
    {"bool", "bytes", "complex", "dict", "float", "int", "list", "long", "none", "str", "tuple", "unicode"}
)
_TAG: Final = re.compile(r"(?:!!|tag:yaml\.org,2002:)python/([\w/]+)(?::([\w.]+))?")
_HANDLE: Final = re.compile("(?:^|[\n\r\x85\u2028\u2029])\ufeff?%TAG[ \t]")
"""A directive that gives tags other names; YAML knows five ways to end the line before it."""
_ESCAPED: Final = re.compile(r"!\S*%[0-9A-Fa-f]{2}")
_PROGRAM: Final = re.compile(r"#!|(import|from|def|class|async def|@)\s*\w")
_QUOTES: Final = ('"""', "'''")


def decode(content: memoryview, longest: int) -> str | None:
    """Return content as text; None if it is no text, or longer than a scan reads."""
    if len(content) > longest or b"\0" in bytes(content[:_SAMPLE]):
        return None
    try:
        text = bytes(content).decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def read(text: str) -> Part:
    """Judge a text."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _json(json.loads(text))
        except RecursionError:
            # Another reader may go deeper than this one.
            return Part("json", unknown=["is nested more deeply than a scan reads"])
        except ValueError:
            pass
    return _plain(text)


def _json(document: Any) -> Part:
    part = keras.read_config(document)
    if part is not None:
        return part
    part = Part("json")
    if isinstance(document, dict) and "auto_map" in document:
        part.unknown.append("has its loader run Python files that lie beside it (auto_map)")
    return part


def _plain(text: str) -> Part:
    part = Part("text")
    # The letters of a tag may be written as in an address, %70 for p.
    for match in _TAG.finditer(unquote(text) if _ESCAPED.search(text) else text):
        kind, target = match[1], match[2]
        if kind not in _HARMLESS_TAGS:
            part.kind = "yaml"
            part.unsafe.append(f"has YAML make a Python object: {kind}{f' {target}' if target else ''}")
    if _HANDLE.search(text):
        part.kind = "yaml"
        part.unknown.append("gives YAML tags other names, so what they make is not known")
    if _is_program(text):
        part.unknown.append("is a program, or holds one: it is run, not loaded")
    part.unsafe = list(dict.fromkeys(part.unsafe))[:5]
    return part


def _is_program(text: str) -> bool:
    """Return whether the first line that is neither empty nor a comment begins a script or a Python module."""
    rest = text.lstrip()
    while (rest.startswith("#") and not rest.startswith("#!")) or rest[:3] in _QUOTES:
        inside, end = (rest[1:], "\n") if rest.startswith("#") else (rest[3:], rest[:3])
        rest = inside.partition(end)[2].lstrip()
    return _PROGRAM.match(rest) is not None
