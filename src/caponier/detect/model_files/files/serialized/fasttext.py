"""Models of fastText: settings, words with their counts, and two tables of numbers, read to the last byte."""

import re
import struct
from typing import Final

from caponier.detect.model_files.files.part import Budget, PartReport

MAGIC: Final = b"\xba\x16\x4f\x2f"
_VERSIONS: Final = (11, 12)
_SETTINGS: Final = struct.Struct("<12id")
_BEHIND_WORD: Final = 9
"""Bytes of a word's count and kind."""
_PAIR, _WIDTH, _CENTRES = 8, 4, 256
_WORD: Final = re.compile(rb"([^\x00-\x20]{1,4000})\0")
_LONGEST: Final = 4_001
_MOST: Final = 5_000_000


class _FastTextError(Exception):
    pass


class _Reader:
    def __init__(self, content: memoryview) -> None:
        self.content, self.at = content, len(MAGIC)

    def skip(self, count: int) -> int:
        """Pass over bytes, and return where they begin."""
        if count < 0 or self.at + count > len(self.content):
            raise _FastTextError
        self.at += count
        return self.at - count

    def numbers(self, form: str) -> tuple[int, ...]:
        """Return the next numbers."""
        width = struct.calcsize(form)
        return struct.unpack_from(form, self.content, self.skip(width))

    def number(self, form: str, *allowed: int) -> int:
        """Return the next number, one of those that are allowed."""
        (number,) = self.numbers(form)
        if allowed and number not in allowed:
            raise _FastTextError
        return number


def read(content: memoryview, budget: Budget) -> PartReport | None:
    """Read a model; None if this is none."""
    if bytes(content[: len(MAGIC)]) != MAGIC:
        return None
    part, reader = PartReport("fasttext"), _Reader(content)
    try:
        reader.number("<i", *_VERSIONS)
        reader.skip(_SETTINGS.size)
        _words(reader, budget)
        for _ in range(2):
            (_short_table if reader.number("<B", 0, 1) else _table)(reader)
    except _FastTextError:
        part.unknown.append("cannot be read as a model of fastText")
        return part
    if reader.at != len(content):
        part.unknown.append(f"{len(content) - reader.at:,} bytes follow the model")
    return part


def _words(reader: _Reader, budget: Budget) -> None:
    size, words, labels, _, pruned = reader.numbers("<3i2q")
    if not 0 <= size <= _MOST or words + labels != size or not -1 <= pruned <= _MOST:
        raise _FastTextError
    for _ in range(size):
        budget.fields_left -= 1
        word = _WORD.match(bytes(reader.content[reader.at : reader.at + _LONGEST]))
        if word is None or budget.fields_left < 0:
            raise _FastTextError
        reader.skip(word.end() + _BEHIND_WORD)
    reader.skip(_PAIR * max(0, pruned))


def _table(reader: _Reader) -> None:
    rows, columns = reader.numbers("<2q")
    if rows < 0 or columns < 0:
        raise _FastTextError
    reader.skip(rows * columns * _WIDTH)


def _short_table(reader: _Reader) -> None:
    """Pass over a table that was made smaller: codes, and what each stands for."""
    with_norms = reader.number("<B", 0, 1)
    rows, columns, codes = reader.numbers("<2qi")
    if rows < 0 or columns < 0:
        raise _FastTextError
    reader.skip(codes)
    _centres(reader)
    if with_norms:
        reader.skip(rows)
        _centres(reader)


def _centres(reader: _Reader) -> None:
    dimension, *_ = reader.numbers("<4i")
    reader.skip(dimension * _CENTRES * _WIDTH)
