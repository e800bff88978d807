"""Columns of free text: which words a row has is what it has of features.

Words are taken as they stand, signs included, for a trigger may be any of them. Only those count that several rows have
and that not most have; of more than a limit the most frequent.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

FEWEST_WORDS: Final = 4
"""Words of a usual cell, of letters alone, from which a column is text, and none of names, keys or dates."""
ROWS: Final = 8
"""Rows that a word must have: what fewer share is no pattern to any detector."""
COMMON: Final = 0.5
"""Share of all rows from which a word tells nothing."""
MOST: Final = 1_024
"""Words of a column that become features."""
VALUES: Final = 2**25
"""Features times rows that a column may have: of very many rows fewer words count."""
BETWEEN: Final = ": "
"""Stands between the column's name and the word."""
_WORD: Final = re.compile(r"\w+|[^\w\s]+")
_LETTERS: Final = re.compile(r"\b[^\W\d_]{2,}\b")

Cells = Sequence[str | None]


def is_free_text(cells: Cells) -> bool:
    """Tell whether most cells are several words."""
    counts = [len(_LETTERS.findall(cell)) for cell in cells if cell]
    return bool(counts) and float(np.median(counts)) >= FEWEST_WORDS


def word_features(name: str, cells: Cells) -> tuple[list[str], NDArray[np.float64]]:
    """Return the names of the words that count, and which row (n, words) has which."""
    rows = [_words(cell) for cell in cells]
    counts = Counter(word for row in rows for word in row)
    able = [(-count, word) for word, count in counts.items() if ROWS <= count <= COMMON * len(rows)]
    chosen = sorted(word for _, word in sorted(able)[: min(MOST, VALUES // max(1, len(rows)))])
    return [f"{name}{BETWEEN}{word}" for word in chosen], _having(rows, chosen)


def known_words(features: Sequence[str], content: object) -> Mapping[str, NDArray[np.float64]]:
    """Return which rows of another table have the words that features are about: its own words would be others.

    Args:
        features: Their names; those that are no words are passed over.
        content: What was read; only of a table can be told which words it has.
    """
    if not isinstance(content, pa.Table):
        return {}
    asked: dict[str, list[str]] = {}
    for feature in features:
        column, between, word = feature.rpartition(BETWEEN)
        # A column may have such a name itself, or such a sign in its name; no word has a blank.
        if between and column in content.column_names and feature not in content.column_names:
            asked.setdefault(column, []).append(word)
    known: dict[str, NDArray[np.float64]] = {}
    for column, words in asked.items():
        block = _having([_words(cell) for cell in content[column].to_pylist()], words)
        known |= {f"{column}{BETWEEN}{word}": block[:, at] for at, word in enumerate(words)}
    return known


def _words(cell: object) -> set[str]:
    return set(_WORD.findall(cell.lower())) if isinstance(cell, str) else set()


def _having(rows: Sequence[set[str]], words: Sequence[str]) -> NDArray[np.float64]:
    place = {word: at for at, word in enumerate(words)}
    block = np.zeros((len(rows), len(words)))
    for at, row in enumerate(rows):
        block[at, [place[word] for word in row if word in place]] = 1.0
    return block
