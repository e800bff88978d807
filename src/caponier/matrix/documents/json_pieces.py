"""Texts of a JSON document with their places, so that each can be replaced without touching the rest."""

from caponier.formats.strict_json import JsonNode
from caponier.matrix.documents.mention import Form, Piece


def json_piece(node: JsonNode, key: str) -> Piece | None:
    """Return a member that is text, with its place."""
    member = node.get(key)
    return as_json_piece(member) if member is not None else None


def as_json_piece(node: JsonNode) -> Piece | None:
    """Return a text with its place; None if it is no text."""
    return Piece(node.value, node.start, node.end, Form.JSON) if isinstance(node.value, str) else None
