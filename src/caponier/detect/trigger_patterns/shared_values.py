"""Values that many rows of one label share and few others have: cells of a table, or a patch of a picture.

A trigger in a table sets cells. Values that come together in rows of one label far more often than in the others are
candidates: pairs of them first, then whatever else all of those rows share. In a picture, whose neighbouring pixels go
together by nature, it is small squares that are compared as a whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.trigger_patterns.pattern import Floats, Mask, Pattern
from caponier.detect.trigger_patterns.scale import CHANNELS

FEWEST: Final = 8
"""Rows of a group."""
ATOMS: Final = 40
"""Values, each of one column, that are combined."""
PATTERNS, PICTURE_PATTERNS = 24, 8
"""Combinations of a label that are looked at further. To put one on a large picture costs more."""
LARGEST: Final = 3
"""Values of a table that are combined: several may be frequent, and seldom come together. Of others, two."""
SAME: Final = 0.8
"""Share that two groups have in common from which the second is not looked at."""
ELSEWHERE: Final = 0.02
"""Share of the other labels' rows that may carry a candidate by chance."""
ALL, NEARLY_ALL = 0.98, 0.95
"""Share of a group that has a further value, from which it belongs to the pattern; and the least such share, where so
many of the group may have its values by nature."""
COMMON: Final = 0.5
"""Share of all rows that have a value, from which it tells nothing."""
EACH: Final = 4
"""Values of a column, or contents of a square, that are ranked."""
CELLS: Final = 256
"""Pixels of a picture up to which each is compared by itself, too."""
SQUARES: Final = (2, 3, 4)
"""Sides of the squares of a picture; a larger patch is made of these."""
_MIX: Final = np.random.default_rng(0).random(max(SQUARES) ** 2 * CHANNELS)
"""Weights by which the content of a square becomes one number; two contents with one number are hardly possible."""


@dataclass(frozen=True, eq=False)
class Codes:
    """The values of all rows, numbered."""

    places: list[tuple[int, ...]]
    """Of each: its column, the columns of its words, or the pixels of its square."""
    numbers: NDArray[np.int32]
    """(n, places) equal numbers stand for equal values."""
    picture: bool
    text: bool = False
    """Whether columns are words of free text."""
    written: NDArray[np.int64] | None = None
    """(d,) equal numbers for columns of one value, and of its gaps; none if each is by itself."""

    def without(self, fixed: Mask) -> Mask:
        """Return (d,) which columns say nothing of some that are fixed."""
        return ~fixed if self.written is None else ~np.isin(self.written, self.written[fixed])

    def told_by(self, fixed: Mask) -> list[NDArray[np.int64]]:
        """Return the columns of each value that is fixed: those of one column of words, or of a number and its gaps."""
        kinds = np.arange(len(fixed)) if self.written is None else self.written.copy()
        for place in self.places:
            kinds[list(place)] = kinds[place[0]]
        return [np.flatnonzero(fixed & (kinds == kind)) for kind in np.unique(kinds[fixed])]


@dataclass(frozen=True, eq=False)
class _Value:
    columns: tuple[int, ...]
    """One of a table, or those of one column of words, or all of a square of a picture."""
    rows: Mask
    """(n,) which rows have it."""


def shared_values(
    codes: Codes, z: Floats, y: NDArray[np.int64], labels: list[int], rows_left: NDArray[np.int64], odd: Sequence[Mask]
) -> Iterator[Pattern]:
    """Yield the combinations of values that are most out of proportion in each label.

    Args:
        codes: Of all rows.
        z: (n, d) the rows that are left, on one scale, for the pattern.
        y: (n,) their labels.
        labels: Those with enough rows to be looked at.
        rows_left: (n,) which of all rows they are.
        odd: (n,) rows that seem out of place under their label, seen in several ways. What those share is looked at by
            itself, for a class has many values of its own, which are more frequent in it than any trigger.
    """
    most = PICTURE_PATTERNS if z.shape[1] > CELLS else PATTERNS
    for label in labels:
        own = y == label
        chosen: list[Mask] = []
        for speaking in (own, *(own & rows for rows in odd)):
            values = _out_of_proportion(codes, speaking, ~own, rows_left)
            for group in _groups(values, speaking, own, chosen, most, 2 if codes.picture or codes.text else LARGEST):
                yield _pattern(group, label, own, z)


def _groups(
    values: list[_Value], speaking: Mask, own: Mask, chosen: list[Mask], most: int, largest: int
) -> Iterator[tuple[_Value, ...]]:
    """Yield groups of values that are no view of one that was chosen."""
    found = [(chance, group) for chance, group in _combined(values, speaking, ~own, largest) if chance > 0]
    found.sort(key=lambda item: -item[0])
    limit = len(chosen) + most
    for _, group in found:
        if len(chosen) == limit:
            return
        # Most are the same few values over again, with one more.
        if not any(_same(_having(group) & own, other) for other in chosen):
            whole = _grown(group, values, speaking, ~own)
            chosen.append(_having(whole) & own)
            yield whole


def _pattern(group: tuple[_Value, ...], label: int, own: Mask, z: Floats) -> Pattern:
    rows = _having(group)
    fixed = np.zeros(z.shape[1], bool)
    fixed[[column for value in group for column in value.columns]] = True
    mine = rows & own
    added = np.where(fixed, z[int(np.flatnonzero(mine)[0])], 0.0)
    return Pattern(label, mine, added, fixed, np.inf, float(rows[~own].mean()))


def _same(rows: Mask, other: Mask) -> bool:
    return bool((rows & other).sum() >= SAME * (rows | other).sum())


def codes_of(
    x: Floats, shades: Floats, picture: NDArray[np.int64] | None, words: Sequence[tuple[int, ...]] = ()
) -> Codes:
    """Number the values of each column, and of a picture the contents of each small square.

    Args:
        x: (n, d) rows as they are.
        shades: (n, d) the same in a few shades, for squares.
        picture: (h, w, channels) where the numbers of each pixel are, if it is one. What looks like one may be a
            table: columns are compared, too.
        words: Places of columns that stand for one column of words.
    """
    places: list[tuple[int, ...]] = []
    columns: list[NDArray[np.int32]] = []
    if picture is None or x.shape[1] <= CELLS:
        told = {column for group in words for column in group}
        single = [column for column in range(x.shape[1]) if column not in told]
        places += [(column,) for column in single]
        columns += [_numbered(x[:, column]) for column in single]
        places += words
        columns += [_numbered(x[:, group] @ np.arange(1.0, len(group) + 1)) for group in words]
    if picture is not None:
        height, width = picture.shape[:2]
        for side in SQUARES:
            for row in range(height - side + 1):
                for column in range(width - side + 1):
                    square = picture[row : row + side, column : column + side].ravel()
                    places.append(tuple(square.tolist()))
                    columns.append(_numbered(shades[:, square] @ _MIX[: square.size]))
    return Codes(places, np.stack(columns, axis=1), picture is not None)


def _numbered(values: Floats) -> NDArray[np.int32]:
    return np.unique(values, return_inverse=True)[1].astype(np.int32)


def _out_of_proportion(codes: Codes, own: Mask, other: Mask, rows_left: NDArray[np.int64]) -> list[_Value]:
    """Return the values that are more frequent in rows than in other rows, the most surprising first."""
    n, m = int(own.sum()), int(other.sum())
    ranked: list[tuple[float, int, int]] = []
    if n < FEWEST:
        return []
    mine, others = codes.numbers[rows_left[own]], codes.numbers[rows_left[other]]
    for place in range(len(codes.places)):
        size = int(max(mine[:, place].max(), others[:, place].max())) + 1
        inside = np.bincount(mine[:, place], minlength=size)
        outside = np.bincount(others[:, place], minlength=size)
        expected = n * (outside + 1) / (m + 1)
        surprise = (inside - expected) / np.sqrt(expected + 1)
        surprise[(inside < FEWEST) | (inside + outside > COMMON * (n + m))] = 0
        best = np.argsort(-surprise, kind="stable")[:EACH]
        ranked += [(float(surprise[code]), place, int(code)) for code in best if surprise[code] > 0]
    ranked.sort(key=lambda item: (-item[0], item[1], item[2]))
    return [_Value(codes.places[place], codes.numbers[rows_left, place] == code) for _, place, code in ranked[:ATOMS]]


def _combined(values: list[_Value], own: Mask, other: Mask, most: int) -> Iterator[tuple[float, tuple[_Value, ...]]]:
    """Yield values and combinations of different columns, each with how far it is out of proportion.

    Values are combined with each other; what the other labels still have too often, with one more, up to so many.
    """
    n, m = int(own.sum()), int(other.sum())
    if not values:
        return
    having = np.stack([value.rows for value in values], axis=1).astype(np.float32)
    groups: list[tuple[int, ...]] = [()]
    for _ in range(most):
        masks = np.stack([having[:, group].min(axis=1, initial=1.0) for group in groups], axis=1)
        # Row and column: the rows that have both. Sums of ones are exact.
        inside, outside = masks[own].T @ having[own], masks[other].T @ having[other]
        expected = n * (outside + 1) / (m + 1)
        surprise = (inside - expected) / np.sqrt(expected + 1)
        wider, seen = list[tuple[float, tuple[int, ...]]](), set[tuple[int, ...]]()
        for row, at in np.argwhere(inside >= FEWEST).tolist():
            group = tuple(sorted((*groups[row], at)))
            columns = [column for one in group for column in values[one].columns]
            if group in seen or len(set(group)) <= len(groups[row]) or len(set(columns)) < len(columns):
                continue
            seen.add(group)
            rare = outside[row, at] <= ELSEWHERE * m
            if rare:
                yield float(surprise[row, at]), tuple(values[one] for one in group)
            if not rare or len(group) == 1:
                wider.append((float(surprise[row, at]), group))
        wider.sort(key=lambda item: (-item[0], item[1]))
        groups = [group for _, group in wider][:ATOMS]
        if not groups:
            return


def _grown(group: tuple[_Value, ...], values: list[_Value], own: Mask, other: Mask) -> tuple[_Value, ...]:
    """Add the values that all rows of the group share, but those that have the group's values by nature."""
    rows = _having(group)
    mine = rows & own
    natural = 1 + float(rows[other].mean()) * int(own.sum())
    size = int(mine.sum())
    least = size * min(ALL, max(NEARLY_ALL, 1 - natural / size))
    taken = {column for value in group for column in value.columns}
    for value in values:
        if not taken & set(value.columns) and int((mine & value.rows).sum()) >= least:
            group, mine = (*group, value), mine & value.rows
            taken |= set(value.columns)
    return group


def _having(group: tuple[_Value, ...]) -> Mask:
    rows: Mask = np.logical_and.reduce([value.rows for value in group])
    return rows
