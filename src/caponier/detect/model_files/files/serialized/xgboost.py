"""XGBoost's own binary form of before version 3: sizes, names, trees and notes, one after the other to the last byte.

It can name nothing to call: the names in it are looked up among XGBoost's own.
"""

import re
import struct
from collections.abc import Iterator
from typing import Final

from caponier.detect.model_files.files.part import Budget, PartReport
from caponier.detect.model_files.files.pickle_file import carries
from caponier.detect.model_files.pickles.carried import pickled

MAGIC: Final = b"binf"
_LEARNER, _FOREST, _TREE, _NODE, _STATISTIC, _WEIGHT = 136, 160, 148, 20, 16, 4
"""Bytes of what describes a model, its trees and each of them; of a node, of what was counted there, of a number."""
_NOTES, _METRICS = 12, 16
"""Where the description says whether notes and names of metrics follow."""
_LEAF_VECTOR: Final = 20
_MOST_TREES: Final = 100_000
_MOST_NOTES: Final = 10_000
_OBJECTIVE: Final = re.compile(rb"[\x05-\x28]\0{7}(?:binary|count|multi|rank|reg|survival):[a-z]")
"""How the name of what is learnt begins, behind its length: older boosters are told by nothing else."""
_LONGEST_OBJECTIVE: Final = 24
_WITH_STEP: Final = b"count:poisson"
"""An objective of which older versions keep one more number, as a text behind the notes."""


class _BoosterError(Exception):
    pass


class _Reader:
    def __init__(self, content: memoryview, at: int) -> None:
        self.content, self.at = content, at

    def take(self, count: int) -> memoryview:
        """Return the next bytes."""
        if count < 0 or self.at + count > len(self.content):
            raise _BoosterError
        self.at += count
        return self.content[self.at - count : self.at]

    def number(self, form: str) -> int:
        """Return the next number."""
        return int(struct.unpack(form, self.take(struct.calcsize(form)))[0])

    def text(self) -> memoryview:
        """Return the next text."""
        return self.take(self.number("<Q"))


def read(content: memoryview, budget: Budget) -> PartReport | None:
    """Read a booster; None if this is none."""
    start = len(MAGIC) if bytes(content[: len(MAGIC)]) == MAGIC else 0
    if not start and not _OBJECTIVE.match(bytes(content[_LEARNER : _LEARNER + _LONGEST_OBJECTIVE])):
        return None
    part, reader = PartReport("xgboost"), _Reader(content, start)
    try:
        values = list(_values(reader))
    except (_BoosterError, struct.error):
        part.unknown.append("cannot be read as a booster of XGBoost")
        return part
    if reader.at != len(content):
        part.unknown.append(f"{len(content) - reader.at:,} bytes follow the booster")
    carries([inner for value in values if (inner := pickled(value)) is not None], budget, part)
    return part


def _values(reader: _Reader) -> Iterator[memoryview]:
    """Step over a booster, and yield the texts in it."""
    learner = reader.take(_LEARNER)
    has_notes, has_metrics = (struct.unpack_from("<i", learner, at)[0] for at in (_NOTES, _METRICS))
    objective, kind = reader.text(), reader.text()
    yield objective
    if bytes(kind) == b"gblinear":
        reader.take(_LEARNER)
        reader.take(_WEIGHT * reader.number("<Q"))
    elif bytes(kind) in (b"gbtree", b"dart"):
        trees = _trees(reader)
        if trees and bytes(kind) == b"dart":
            reader.take(_WEIGHT * reader.number("<Q"))
    else:
        raise _BoosterError
    for _ in range(_few(reader.number("<Q"), _MOST_NOTES) if has_notes else 0):
        yield reader.text()
        yield reader.text()
    if bytes(objective) == _WITH_STEP and reader.at < len(reader.content):
        yield reader.text()
    for _ in range(_few(reader.number("<Q"), _MOST_NOTES) if has_metrics else 0):
        yield reader.text()


def _trees(reader: _Reader) -> int:
    trees = _few(struct.unpack_from("<i", reader.take(_FOREST))[0], _MOST_TREES)
    for _ in range(trees):
        tree = reader.take(_TREE)
        nodes, vector = (struct.unpack_from("<i", tree, at)[0] for at in (4, _LEAF_VECTOR))
        reader.take((_NODE + _STATISTIC) * nodes)
        if vector not in (0, 1):
            # Versions differ in whether numbers follow then.
            raise _BoosterError
    reader.take(_WEIGHT * trees)
    return trees


def _few(count: int, most: int) -> int:
    if not 0 <= count <= most:
        raise _BoosterError
    return count
