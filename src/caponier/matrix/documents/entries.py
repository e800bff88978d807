"""Entries of the matrix as Caponier writes them (`caponier.matrix-entries/1`, `caponier.release/1`)."""

from collections.abc import Iterator, Mapping
from typing import Final

from caponier.formats.strict_json import JsonNode
from caponier.matrix.documents import ids
from caponier.matrix.documents.json_pieces import as_json_piece, json_piece
from caponier.matrix.documents.mention import Document, DocumentKind, Mention, Piece

VERSION_KEYS: Final[Mapping[str, str]] = {"caponier.matrix-entries/1": "matrix", "caponier.release/1": "version"}
"""By schema, the key that says of which version the entries are."""


def is_entries(root: JsonNode) -> bool:
    """Tell whether a JSON document holds entries of the matrix."""
    return root.text("schema") in VERSION_KEYS


def read(text: str, root: JsonNode) -> Document:
    """Return the tactics and techniques of the document."""
    version = root.text(VERSION_KEYS[root.text("schema") or ""]) or ""
    kind = next((kind for kind in (ids.ATLAS, ids.ATTACK, ids.FOUNDING) if version.startswith(kind)), None)
    mentions = tuple(mention for key in ("tactics", "techniques") for mention in _listed(root.get(key), key))
    return Document(DocumentKind.ENTRIES, text, mentions, (("", kind, version),) if kind else ())


def _listed(listed: JsonNode | None, key: str) -> Iterator[Mention]:
    for place, entry in enumerate(listed.items() if listed else []):
        written = json_piece(entry, "id")
        if written is not None:
            id_ = ids.canonical(written.value)
            yield Mention(
                id_,
                ids.kind_of(id_),
                ids.Role.TACTIC if key == "tactics" else ids.Role.TECHNIQUE,
                written,
                f"{key}[{place}]",
                name=json_piece(entry, "name"),
                tactics=tuple(_tactics(entry)),
                parent=json_piece(entry, "parent"),
            )


def _tactics(entry: JsonNode) -> Iterator[Piece]:
    """Yield the ids of an entry's tactics, which stand alone in one schema and beside their names in the other."""
    tactics = entry.get("tactics")
    for tactic in tactics.items() if tactics else []:
        piece = as_json_piece(tactic) or json_piece(tactic, "id")
        if piece is not None:
            yield piece
