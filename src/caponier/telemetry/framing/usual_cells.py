"""Rows of a table with more cells than columns: a text with a delimiter in it was written without quotes.

Which of the cells belong together is told by the others: a column of numbers holds a number here too, and one of names
most likely a name that it had before. Where two columns could be meant nothing is guessed.
"""

import re
from collections.abc import Sequence
from typing import Final

_NUMBER: Final = re.compile(r"[-+]?\d[\d.,]{0,40}(?:[eE][-+]?\d{1,3})?")
_MOMENT: Final = re.compile(r"\d{2,4}[-./]\d\d[-./]\d{2,4}(?:[T ]\S{0,30})?.{0,8}")
_ROWS: Final = 200
"""Rows by which it is known what a column holds."""
_MOST: Final = 200
"""Different texts of a column that are remembered."""


class UsualCells:
    """What the columns of a table hold.

    Args:
        width: Columns of the table.
    """

    def __init__(self, width: int) -> None:
        self._width, self._rows = width, 0
        self._kinds: list[set[str]] = [set() for _ in range(width)]
        self._texts: list[set[str]] = [set() for _ in range(width)]

    @property
    def is_learning(self) -> bool:
        """Whether more rows are to be seen."""
        return self._rows < _ROWS

    def see(self, cells: Sequence[str]) -> None:
        """Learn from a row that is as it should be; one with another number of cells says nothing."""
        if len(cells) != self._width:
            return
        self._rows += 1
        for cell, kinds, texts in zip(cells, self._kinds, self._texts, strict=True):
            if cell:
                kinds.add(_kind(cell))
                if len(texts) < _MOST:
                    texts.add(cell)

    def fitted(self, cells: list[str], delimiter: str) -> list[str]:
        """Return as many cells as there are columns, some put together; the same where that cannot be told.

        Args:
            cells: Of a row that has too many.
            delimiter: Goes between those that are put together.
        """
        more = len(cells) - self._width
        found: list[tuple[int, list[str]]] = []
        for place in range(self._width):
            end = place + more + 1
            made = [*cells[:place], delimiter.join(cells[place:end]), *cells[end:]]
            others = [at for at in range(self._width) if at != place]
            if "text" in self._kinds[place] and all(self._fits(at, made[at]) for at in others):
                found.append((sum(made[at] in self._texts[at] for at in others), made))
        found.sort(key=lambda one: -one[0])
        is_clear = bool(found) and (len(found) == 1 or found[0][0] > found[1][0])
        return found[0][1] if is_clear else cells

    def _fits(self, place: int, cell: str) -> bool:
        return not cell or "text" in self._kinds[place] or _kind(cell) in self._kinds[place]


def _kind(cell: str) -> str:
    if _MOMENT.fullmatch(cell):
        return "moment"
    return "number" if _NUMBER.fullmatch(cell) else "text"
