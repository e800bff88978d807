"""Numbers and nothing else, as Core ML's old samples, ncnn and lidars keep them: floats of four bytes to the last one.

No loader runs numbers. The file must be of such as models and measurements have; letters of any language are not, and
neither are instructions of a machine.
"""

import re
from typing import Final

import numpy as np

from caponier.detect.model_files.files.part import Budget, PartReport

_WIDTH, _SHORTEST = 4, 64
_STEP: Final = 1 << 22
_LARGEST, _SMALLEST = 1e6, 1e-9
_MOST_TINY, _LEAST_USUAL = 0.05, 0.25
"""Shares: of what lies between nothing and the smallest number, and of what lies between that and the largest."""
_LETTERS: Final = re.compile(rb"[\t\n\r -~]{24}|(?:\A|\n)[\t\r -~]{6,}(?:\n|\Z)")
"""Runs of letters that numbers have by chance less than once in ten billion, and lines of nothing but letters."""


def read(content: memoryview, budget: Budget) -> PartReport | None:
    """Read numbers; None if these are none."""
    if len(content) < _SHORTEST or len(content) % _WIDTH:
        return None
    budget.look(len(content))
    tiny = usual = 0
    for at in range(0, len(content), _STEP):
        piece = content[at : at + _STEP]
        if _LETTERS.search(content[max(0, at - _WIDTH * _SHORTEST) : at + _STEP]):
            return None
        sizes = np.abs(np.frombuffer(piece, dtype="<f4"))
        if not (sizes <= _LARGEST).all():
            return None
        tiny += int(((sizes > 0) & (sizes < _SMALLEST)).sum())
        usual += int((sizes >= _SMALLEST).sum())
    count = len(content) // _WIDTH
    known = tiny <= _MOST_TINY * count and usual >= _LEAST_USUAL * count
    return PartReport("numbers") if known else None
