"""Text beside a model: JSON, YAML, and everything else that is no program."""

import json
import re
from typing import Any, Final

from caponier.detect.files import keras
from caponier.detect.files.part import Part

_SAMPLE: Final = 1 << 16
_HARMLESS_TAGS: Final = frozenset(
    {"bool", "bytes", "complex", "dict", "float", "int", "list", "long", "none", "str", "tuple", "unicode"}
)
_TAG: Final = re.compile(r"(?:!!|tag:yaml\.org,2002:)python/([\w/]+)(?::([\w.]+))?")
_HANDLE: Final = re.compile(r"^%TAG\s+(\S+)\s+tag:yaml\.org,2002:(\S*)", re.MULTILINE)
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
        except (ValueError, RecursionError):
            pass
    return _plain(text)


def _json(document: Any) -> Part:
    if keras.is_config(document):
        return keras.read_config(document)
    part = Part("json")
    if isinstance(document, dict) and "auto_map" in document:
        part.unknown.append("has its loader run Python files that lie beside it (auto_map)")
    return part


def _plain(text: str) -> Part:
    part = Part("text")
    for match in _TAG.finditer(text):
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
        if rest.startswith("#"):
            rest = rest.partition("\n")[2].lstrip()
        else:
            rest = rest[3:].partition(rest[:3])[2].lstrip()
    return _PROGRAM.match(rest) is not None
