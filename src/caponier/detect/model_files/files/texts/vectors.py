"""Vectors of words as text, as GloVe, fastText and word2vec write them: a word and its numbers, line by line.

Words are whatever people write, names of commands among them, and so such a file looks like many things. It is none of
them if every line of it is one word and as many broken numbers as any other: no shell makes anything of numbers for
names of files, and every other language refuses the whole.
"""

import re
from typing import Final

_HEAD: Final = re.compile(r"[1-9]\d{0,8} [1-9]\d{0,4}")
_NUMBER: Final = r"-?\d{1,9}(?:\.\d{1,20}(?:[eE]-?\d{1,3})?|[eE]-\d{1,3})"
_SIGNS: Final = r"\s\x00-\x1f$`|;&<>(){}\\/=%"
"""What means something to a shell, wherever in a word it stands: a word with a stroke in it is a place.

Marks of speech are none: between them, too, there are only words and numbers.
"""
_WORD: Final = rf"(?:[^{_SIGNS}\[\]#!*?~:@+-][^{_SIGNS}]{{0,59}}|</?\w{{1,20}}>|[.,!?:%*-])"
_LINE: Final = re.compile(rf"{_WORD}((?: {_NUMBER})+) ?")
_FEWEST_NUMBERS, _FEWEST_LINES = 4, 3


def are_vectors(text: str) -> bool:
    """Return whether a text is nothing but words with their numbers."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    start = 1 if lines and _HEAD.fullmatch(lines[0]) else 0
    count = 0
    for line in lines[start:]:
        match = _LINE.fullmatch(line)
        if match is None:
            return False
        here = match[1].count(" ")
        if here < _FEWEST_NUMBERS or (count and here != count):
            return False
        count = here
    return len(lines) - start >= _FEWEST_LINES
