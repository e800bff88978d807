"""Columns of a table that tell words: one column of words is one value to whoever wrote it, and is one value here."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.trigger_patterns.pattern import Floats
from caponier.telemetry.labelled_data.free_text import BETWEEN as TEXT_BETWEEN

BETWEEN: Final = "="
"""Stands between a column's name and the word."""
GAPS: Final = " is missing"
"""Ends the name of a column that tells where another, just before it, has no value."""


def word_columns(names: Sequence[str], x: Floats) -> list[tuple[int, ...]]:
    """Return the places of the columns of each column of words.

    They stand side by side, hold 0 and 1, and no row (n, d) has two of them; the names alone would prove nothing.

    Args:
        names: Of the columns (d,); there may be none.
        x: (n, d) rows.
    """
    named = groupby(range(len(names)), key=lambda at: names[at].partition(BETWEEN)[0] if BETWEEN in names[at] else at)
    groups = [tuple(places) for of, places in named if isinstance(of, str)]
    return [group for group in groups if len(group) > 1 and _one_at_most(x[:, group])]


def written_columns(names: Sequence[str], width: int) -> NDArray[np.int64]:
    """Return (width,) equal numbers for columns that were one to whoever wrote them: a value fills a gap."""
    written = np.arange(width)
    for at in range(1, len(names)):
        if names[at] == names[at - 1] + GAPS:
            written[at] = at - 1
    return written


def text_columns(names: Sequence[str]) -> list[int]:
    """Return the places of columns that say which words a text has."""
    return [at for at, name in enumerate(names) if TEXT_BETWEEN in name]


def _one_at_most(x: Floats) -> bool:
    return bool(((x == 0) | (x == 1)).all() and x.sum(axis=1).max(initial=0) <= 1)
