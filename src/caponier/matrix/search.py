"""Ranked search over the nouns of a matrix: whole words before beginnings, names before descriptions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

_WORD = re.compile(r"[a-z0-9]+")

N = TypeVar("N")


@dataclass(frozen=True, slots=True)
class Text:
    """What a noun can be found by."""

    id: str
    name: str
    description: str = ""
    labels: tuple[str, ...] = ()
    """Other ids, names of its tactics."""


def rank(entries: Sequence[tuple[N, Text]], words: Sequence[str]) -> tuple[N, ...]:
    """Return the nouns that match, best first.

    They must match every word; only if none does, those that match any word are returned.

    Args:
        entries: Each noun with what it can be found by.
        words: What to look for, in any case.
    """
    wanted = [word.casefold() for phrase in words for word in phrase.split()]
    if not wanted:
        return ()
    scored = [(noun, [_score(text, word) for word in wanted]) for noun, text in entries]
    hits = [(noun, sum(scores)) for noun, scores in scored if all(scores)]
    hits = hits or [(noun, sum(scores)) for noun, scores in scored if any(scores)]
    return tuple(noun for noun, _ in sorted(hits, key=lambda hit: -hit[1]))


def _score(text: Text, word: str) -> int:
    folded = [label.casefold() for label in text.labels]
    if word == text.id.casefold():
        return 100
    if word in folded:
        return 50
    return max(
        _in_text(text.name, word) * 5,
        _in_text(text.description, word) * 2,
        6 if "." in word and word in text.id.casefold() else 0,
        *(_in_text(label, word) for label in folded),
    )


def _in_text(text: str, word: str) -> int:
    """Score 4 for a whole word, 3 for its beginning, 1 for a part of it, which must have three letters at least."""
    found = _WORD.findall(text.casefold())
    if word in found:
        return 4
    # "labels" must find "label", and the other way round.
    stem = word.removesuffix("s") if len(word) > 3 else word
    if any(token.startswith(stem) for token in found):
        return 3
    return 1 if len(stem) > 2 and stem in text.casefold() else 0
