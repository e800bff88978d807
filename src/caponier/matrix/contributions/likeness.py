"""Whether two names or descriptions say nearly the same."""

import re
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

_NAMES: Final = 0.85
_TEXTS: Final = 0.6
_FEWEST_WORDS: Final = 6
_SMALL: Final = {"a", "an", "and", "by", "for", "from", "in", "of", "on", "or", "the", "through", "to", "via", "with"}
"""Words that tell no two things apart."""


def alike_names(one: str, other: str) -> bool:
    """Return whether two names are the same but for case, signs, order of words or a few letters."""
    words = _words(one), _words(other)
    if not all(words):
        return False
    if sorted(words[0]) == sorted(words[1]):
        return True
    matcher = SequenceMatcher(None, " ".join(words[0]), " ".join(words[1]), autojunk=False)
    return matcher.real_quick_ratio() >= _NAMES and matcher.quick_ratio() >= _NAMES and matcher.ratio() >= _NAMES


def alike_texts(one: str, other: str) -> bool:
    """Return whether two descriptions share most of their words."""
    first, second = set(_words(one)), set(_words(other))
    if min(len(first), len(second)) < _FEWEST_WORDS:
        return False
    return len(first & second) / len(first | second) >= _TEXTS


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    # Each text is held against every other one, so its words are looked for once.
    return tuple(word for word in re.findall(r"\w+", text.casefold()) if word not in _SMALL)
