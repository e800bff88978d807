"""Whether the values of a pattern were put on rows together, or meet as often as they do by lot.

A rule that decides the label finds its values where they are: rows that have the one have the other about as often as
all rows. Whoever sets several cells puts them on the same rows, so that they meet many times as often.
"""

import numpy as np

from caponier.detect.trigger_patterns.pattern import Floats, Pattern
from caponier.detect.trigger_patterns.shared_values import Codes


def tied(codes: Codes, x: Floats, pattern: Pattern) -> float:
    """Return how many times as often as by lot the least tied of its values meets the others; 1 for a single value.

    Args:
        codes: Which columns tell one value.
        x: (n, d) rows of all labels.
        pattern: What some of them share, in the values of its first carrier.
    """
    if not pattern.rows.any():
        return 1.0
    same = x == x[int(np.flatnonzero(pattern.rows)[0])]
    having = [same[:, columns].all(axis=1) for columns in codes.told_by(pattern.fixed)]
    if len(having) < 2:
        return 1.0
    times = np.inf
    for at, one in enumerate(having):
        others = np.logical_and.reduce([other for number, other in enumerate(having) if number != at])
        times = min(times, float((one & others).mean()) / (float(one.mean()) * float(others.mean())))
    return times
