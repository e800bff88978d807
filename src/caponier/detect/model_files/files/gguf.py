"""GGUF, in which llama.cpp keeps models: notes, among them chat templates, then tensors; read whole.

The layout is told in ggml's docs/gguf.md. Nothing in it runs but templates: programs for whoever fills them in.
"""

import struct
from typing import Final

from caponier.detect.model_files.files import templates
from caponier.detect.model_files.files.part import Budget, PartReport
from caponier.detect.model_files.files.spans import only_zeros

MAGIC: Final = b"GGUF"
_VERSIONS: Final = (2, 3)
_WIDTHS: Final = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_TEXT, _ARRAY, _WHOLE_NUMBER = 8, 9, 4
_BLOCKS: Final = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66), 17: (256, 74),
    18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2),
    26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
    40: (64, 36), 41: (128, 18),
}  # fmt: skip
"""Numbers in a block of a tensor's type, and the bytes that they take."""
_ALIGNMENT: Final = "general.alignment"
_DEFAULT_ALIGNMENT: Final = 32
_TEMPLATE: Final = "chat_template"
_MOST_SIDES, _DEEPEST, _LONGEST_KEY = 4, 4, 1 << 16
_MOST_BYTES: Final = 1 << 62


class _BrokenError(Exception):
    """The file cannot be read on, with what is wrong."""


def read(content: memoryview, budget: Budget) -> PartReport:
    """Judge a file: its templates, and whether its tensors are all that is behind its notes."""
    part = PartReport("gguf")
    try:
        spans, start = _Reader(content, budget, part).spans()
    except _BrokenError as wrong:
        part.unknown.append(str(wrong))
        return part
    at = start
    for begin, end in sorted(spans):
        if start + begin < at or not only_zeros(content[at : start + begin]):
            part.unknown.append("has tensors that overlap, or leave gaps")
            return part
        at = start + end
    if at > len(content):
        part.unknown.append("ends early: tensors are missing")
    elif not only_zeros(content[at:]):
        part.unknown.append("has more in it than its tensors")
    return part


class _Reader:
    """A position in a file."""

    def __init__(self, content: memoryview, budget: Budget, part: PartReport) -> None:
        self.content, self.budget, self.part, self.at = content, budget, part, len(MAGIC)
        self.alignment = _DEFAULT_ALIGNMENT

    def spans(self) -> tuple[list[tuple[int, int]], int]:
        """Return where each tensor lies, counted from the first one, and where that is.

        Raises:
            _BrokenError: If the notes, or what is said of a tensor, cannot be read.
        """
        if self._number("<I", 4) not in _VERSIONS:
            raise _BrokenError("is of a version of GGUF that is not read here")
        tensors, notes = self._number("<Q", 8), self._number("<Q", 8)
        for _ in range(notes):
            self._note()
        found = [self._tensor() for _ in range(tensors)]
        return found, self.at + -self.at % self.alignment

    def _take(self, count: int) -> memoryview:
        if self.at + count > len(self.content):
            raise _BrokenError("ends early, within its notes")
        self.at += count
        return self.content[self.at - count : self.at]

    def _number(self, form: str, width: int) -> int:
        return int(struct.unpack(form, self._take(width))[0])

    def _bytes(self) -> memoryview:
        self.budget.fields_left -= 1
        if self.budget.fields_left < 0:
            raise _BrokenError("has more notes than a scan reads")
        return self._take(self._number("<Q", 8))

    def _note(self) -> None:
        key = bytes(self._bytes()[:_LONGEST_KEY]).decode("utf-8", "replace")
        kind = self._number("<I", 4)
        if key == _ALIGNMENT:
            if kind != _WHOLE_NUMBER or (alignment := self._number("<I", 4)) not in (1 << n for n in range(3, 21)):
                raise _BrokenError("has an alignment that is none")
            self.alignment = alignment
        else:
            self._value(kind, key, 0)

    def _value(self, kind: int, key: str, depth: int) -> None:
        if kind in _WIDTHS:
            self._take(_WIDTHS[kind])
        elif kind == _TEXT:
            self._text(self._bytes(), key)
        elif kind == _ARRAY and depth < _DEEPEST:
            inner, count = self._number("<I", 4), self._number("<Q", 8)
            if inner in _WIDTHS:
                self._take(_WIDTHS[inner] * count)
                return
            for _ in range(count):
                self._value(inner, key, depth + 1)
        else:
            raise _BrokenError("has a note of a type that is not known")

    def _text(self, raw: memoryview, key: str) -> None:
        if len(raw) > self.budget.limits.text_bytes:
            raise _BrokenError("has a text that is longer than a scan reads")
        text = bytes(raw)
        if b"{{" in text or b"{%" in text:
            templates.judge(text.decode("utf-8", "replace"), self.part, self.budget, certain=_TEMPLATE in key)

    def _tensor(self) -> tuple[int, int]:
        self._bytes()
        sides = self._number("<I", 4)
        if sides > _MOST_SIDES:
            raise _BrokenError("has a tensor of more sides than there can be")
        count = 1
        for _ in range(sides):
            count *= self._number("<Q", 8)
        kind, begin = self._number("<I", 4), self._number("<Q", 8)
        if kind not in _BLOCKS:
            raise _BrokenError(f"has a tensor of a type that is not known ({kind})")
        numbers, size = _BLOCKS[kind]
        if count % numbers or count * size > _MOST_BYTES or begin > _MOST_BYTES or begin % self.alignment:
            raise _BrokenError("has a tensor whose size or place is none")
        return begin, begin + count // numbers * size
