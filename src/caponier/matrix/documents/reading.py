"""Tell a document's format by its name and its content, and read it within limits."""

import contextlib
import re
from pathlib import PurePath
from typing import Final

from caponier.errors import InputError
from caponier.formats.strict_json import JsonNode, read_nodes
from caponier.matrix.documents import csv_rows, entries, findings, layer, markdown, sigma, stix
from caponier.matrix.documents.mention import Document

BYTES: Final = 32 * 1024 * 1024
ENDINGS: Final = frozenset({".json", ".yml", ".yaml", ".csv", ".tsv", ".md", ".markdown"})
"""Files of a folder that may be documents."""

STDIN: Final = "-"
"""The name of standard input, whose format only its content tells."""

_RULE_KEYS: Final = re.compile(r"^(title|detection|correlation|filter|logsource)[ \t]*:", re.MULTILINE)
_CELLS: Final = re.compile(r"[,;\t]")
_JSON: Final = (
    (layer.is_layer, layer.read),
    (stix.is_bundle, stix.read),
    (findings.is_findings, findings.read),
    (entries.is_entries, entries.read),
)


def read(data: bytes, name: str) -> Document | None:
    """Return a document, or None if it is none of the formats.

    Args:
        data: The file's content: UTF-8, with or without a byte order mark.
        name: The file's name; its ending decides between formats that cannot be told apart. `-` is standard input: what
            is no JSON, no rule and no table is read as Markdown.

    Raises:
        InputError: If it is too large, no UTF-8, or not what its ending or its first letter says.
    """
    text = decoded(data, name)
    ending = PurePath(name).suffix.lower()
    if ending in {".md", ".markdown"}:
        return markdown.read(text, name)
    if ending in {".csv", ".tsv"}:
        return csv_rows.read(text, name)
    if ending in {".yml", ".yaml"}:
        return sigma.read(text, name)
    if ending == ".json" or text.lstrip("\ufeff \t\r\n")[:1] in {"{", "["}:
        return _json(text, name)
    return _streamed(text, name) if name == STDIN else None


def _streamed(text: str, name: str) -> Document | None:
    if {"title"} < set(_RULE_KEYS.findall(text)):
        return sigma.read(text, name)
    if _CELLS.search(text.lstrip("\ufeff").partition("\n")[0]):
        # A quotation mark may be left open in running text, but not in a table.
        with contextlib.suppress(InputError):
            if (table := csv_rows.read(text, name)) is not None:
                return table
    return markdown.read(text, name)


def decoded(data: bytes, name: str) -> str:
    """Return a document's text, its byte order mark included.

    Raises:
        InputError: If it is too large, or no UTF-8.
    """
    if len(data) > BYTES:
        raise InputError(f"is larger than {BYTES // 1024 // 1024} MiB", where=name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise InputError("this is not UTF-8", where=f"{name}:{line}", hint="Save the file as UTF-8.") from None


def tree(text: str, name: str) -> JsonNode:
    """Return the JSON of a document, after the byte order mark if there is one.

    Raises:
        InputError: If it is no JSON.
    """
    # A space in place of the mark keeps all places as they are.
    return read_nodes(" " + text[1:] if text.startswith("\ufeff") else text, name)


def _json(text: str, name: str) -> Document | None:
    root = tree(text, name)
    return next((read(text, root) for is_it, read in _JSON if is_it(root)), None)
