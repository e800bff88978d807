"""Ranked search over the entries of a matrix: whole words before beginnings, names before descriptions."""

import re
from collections.abc import Iterable, Sequence

from caponier.matrix.technique import Technique

_WORD = re.compile(r"[a-z0-9]+")


def rank(entries: Sequence[tuple[Technique, Iterable[str]]], words: Sequence[str]) -> tuple[Technique, ...]:
    """Return the entries that match, best first.

    Entries must match every word; only if none does, those that match any word are returned.

    Args:
        entries: Each technique with further labels it can be found by: other ids, names of its tactics.
        words: What to look for, in any case.
    """
    wanted = [word.casefold() for phrase in words for word in phrase.split()]
    if not wanted:
        return ()
    scored = [(technique, [_score(technique, labels, word) for word in wanted]) for technique, labels in entries]
    hits = [(technique, sum(scores)) for technique, scores in scored if all(scores)]
    hits = hits or [(technique, sum(scores)) for technique, scores in scored if any(scores)]
    return tuple(technique for technique, _ in sorted(hits, key=lambda hit: -hit[1]))


def _score(technique: Technique, labels: Iterable[str], word: str) -> int:
    folded = [label.casefold() for label in labels]
    if word == technique.id.casefold():
        return 100
    if word in folded:
        return 50
    return max(
        _in_text(technique.name, word) * 5,
        _in_text(technique.description, word) * 2,
        6 if "." in word and word in technique.id.casefold() else 0,
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
