"""Is a text beside an id the name of a technique, nearly so, or that of another one?"""

import difflib
from collections.abc import Container
from typing import Final

from caponier.matrix.documents.mention import Beside, Piece
from caponier.matrix.documents.words import folded

_ALIKE: Final = 0.84
"""Ratio (difflib) from which a text beside an id is a misspelt name and not something else."""
_WORDS: Final = 12
"""No technique's name has more words."""
_MARKS: Final = ".,;:!?()[]|\"'"


def says(text: str, own: str, beside: Beside) -> bool:
    """Tell whether a text says a name.

    Args:
        text: The text, folded.
        own: The name, folded.
        beside: How the text stands to the id.
    """
    if beside is Beside.AFTER:
        return text.startswith(own) and not text[len(own) : len(own) + 1].isalnum()
    if beside is Beside.BEFORE:
        return text.endswith(own) and not text[: -len(own)][-1:].isalnum()
    return text == own or text.endswith(f": {own}")


def told(text: str, names: Container[str], beside: Beside) -> str:
    """Return the longest of the names with which a text begins or ends; one of a single word only if it is all."""
    pieces = text.split()
    for length in range(min(len(pieces), _WORDS), 0, -1):
        part = pieces[:length] if beside is Beside.AFTER else pieces[-length:]
        name = " ".join(part).strip(_MARKS)
        if name in names and (length > 1 or len(pieces) == 1):
            return name
    return ""


def nearly(text: str, own: str, beside: Beside) -> bool:
    """Tell whether a text is the name, but for a few letters; names of one word are too short to tell."""
    count = len(own.split())
    if count < 2:
        return False
    words = " ".join(_beginning(text.split(), count, beside)).strip(_MARKS)
    if abs(len(words) - len(own)) > len(own) / 2:
        return False
    return words != own and difflib.SequenceMatcher(None, words, own).ratio() >= _ALIKE


def said(name: Piece, own: str, beside: Beside) -> str:
    """Return what a document says in the place of a name, at most 80 letters of it."""
    return " ".join(_beginning(name.value.split(), len(own.split()), beside))[:80]


def within(piece: Piece, name: str, beside: Beside) -> Piece | None:
    """Return the part of the text beside an id that is the name, or None if it is another text."""
    text = piece.value
    if beside in (Beside.SURE, Beside.MAYBE):
        return piece if folded(text) == folded(name) else None
    start = 0 if beside is Beside.AFTER else len(text) - len(name)
    part = text[max(start, 0) : max(start, 0) + len(name)]
    around = text[len(name) : len(name) + 1] if beside is Beside.AFTER else text[max(start - 1, 0) : max(start, 0)]
    if part.casefold() != name.casefold() or around.isalnum():
        return None
    return Piece(part, piece.start + start, piece.start + start + len(part), piece.form)


def _beginning(pieces: list[str], count: int, beside: Beside) -> list[str]:
    if beside is Beside.AFTER:
        return pieces[:count]
    return pieces[-count:] if beside is Beside.BEFORE else pieces
