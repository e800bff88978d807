"""A detector as a third party would plug it in: `scripts/bench behaviour --with bench.machinery.outsider:Strangers`.

It knows nothing of Caponier but what a log is: `who`, `inputs`, `labels` and `times` of queries, in order of time.
"""

import numpy as np


class Strangers:
    """Callers of whom several queries in a row have pixel values that benign callers' queries seldom have."""

    row = 3

    def fit(self, benign):
        """Learn mean and spread of each pixel."""
        self.mean = benign.inputs.mean(axis=0)
        self.spread = benign.inputs.std(axis=0) + 0.02

    def scores(self, log):
        """Return the least distance from the mean among the last three queries of each query's caller."""
        away = np.sqrt((((log.inputs - self.mean) / self.spread) ** 2).mean(axis=1))
        found = np.zeros(len(log))
        for _, rows in log.callers():
            for at in range(self.row - 1, len(rows)):
                found[rows[at]] = away[rows[at - self.row + 1 : at + 1]].min()
        return found
