"""Vectors of words in word2vec's binary form: how many and how long, then each word with its numbers."""

import re
from typing import Final

from caponier.detect.model_files.files.part import Budget, PartReport

_HEAD: Final = re.compile(rb"([1-9]\d{0,8}) ([1-9]\d{0,5})\n")
_LONGEST_HEAD: Final = 20
_WORD: Final = re.compile(rb"\n?([^\x00-\x20\x7f]{1,1000}) ")
_LONGEST: Final = 1_002
_WIDTH: Final = 4
_MOST: Final = 5_000_000


def read(content: memoryview, budget: Budget) -> PartReport | None:
    """Read vectors; None if these are none."""
    head = _HEAD.match(bytes(content[:_LONGEST_HEAD]))
    if head is None:
        return None
    count, length = int(head[1]), int(head[2])
    if count > _MOST or count * (length * _WIDTH + 2) > len(content):
        return None
    budget.look(len(content))
    part, at = PartReport("word2vec"), head.end()
    for _ in range(count):
        word = _WORD.match(bytes(content[at : at + _LONGEST]))
        if word is None:
            return None
        at += word.end() + length * _WIDTH
    if at > len(content):
        part.unknown.append(f"ends early: {at - len(content):,} bytes are missing")
    elif bytes(content[at : at + 2]) not in (b"", b"\n"):
        part.unknown.append(f"{len(content) - at:,} bytes follow the last word")
    return part
