"""Which patterns of a table are worth asking a forest about: those whose carriers look most like other labels' rows.

How a row looks, the values that the pattern leaves say each by itself, as naive Bayes adds them up. That is cheap, and
no more than an order: a trigger is nearly always the first of its label.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.trigger_patterns.against_the_rest import said_by, steps_of
from caponier.detect.trigger_patterns.moved_carriers import enough, likelier
from caponier.detect.trigger_patterns.pattern import Floats, Pattern
from caponier.detect.trigger_patterns.shared_values import Codes

Whole = NDArray[np.int64]

EACH: Final = 3
"""Patterns of a label."""
ROWS: Final = 6_000


def foremost(patterns: Sequence[Pattern], codes: Codes, y: Whole, rows_left: Whole, classes: int) -> list[Pattern]:
    """Return up to a few patterns of each label that are foreign at all, the most foreign first.

    Args:
        patterns: What rows share.
        codes: Of all rows.
        y: (n,) labels of the rows that are left.
        rows_left: (n,) which of all rows they are.
        classes: How many labels there are.
    """
    chosen = np.arange(len(y))[:: -(-len(y) // ROWS)]
    labels, numbers = y[chosen], codes.numbers[rows_left[chosen]]

    def said(place: int) -> Floats:
        steps = steps_of(numbers[:, place])
        spoken: Floats = said_by(steps, labels, classes)[steps]
        return spoken

    whole = np.log(np.bincount(labels, minlength=classes) + 1.0) + sum(said(at) for at in range(len(codes.places)))
    ranked: list[tuple[float, int]] = []
    for number, pattern in enumerate(patterns):
        told = [at for at, columns in enumerate(codes.places) if pattern.fixed[list(columns)].any()]
        rest = whole - sum(said(at) for at in told)
        score = rest[:, pattern.label] - np.logaddexp.reduce(np.delete(rest, pattern.label, axis=1), axis=1)
        foreign, *_ = likelier(score, labels == pattern.label, pattern.rows[chosen])
        if foreign > enough(1):
            ranked.append((-foreign, number))
    of_label: dict[int, list[Pattern]] = {}
    for _, number in sorted(ranked):
        of_label.setdefault(patterns[number].label, []).append(patterns[number])
    return [pattern for group in of_label.values() for pattern in group[:EACH]]
