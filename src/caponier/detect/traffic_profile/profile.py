"""The profile of a model's benign traffic: how its callers ask, a row each and without names.

It tells which habits there are (`habits`), and whether later traffic is still like it (`drift`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.similarity.nearest_query import FAR
from caponier.detect.traffic_profile.profile_windows import (
    COUNTS,
    DIRECTIONS,
    STEP_UNITS,
    WINDOW,
    ProfileWindows,
    Sums,
    signs,
)

MOST_ANSWERS: Final = 16
"""The most frequent answers are told apart, the others counted together."""
MOST_CALLERS: Final = 5_000
"""Rows that are kept; of more callers, evenly many are left out."""
MOST: Final = 2.0**20
"""Beyond any trait: shares, quantised values and logarithms."""
TRAITS: Final = ("step", "flips", "repeats", "one answer", "pace", "quick", "together")
"""Columns before those of the inputs and of the answers."""

Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TrafficProfile:
    """What callers of one model are like."""

    width: int
    answers: NDArray[np.uint64]
    """(k,) codes of the answers that are told apart."""
    size: int
    """Different queries of a window."""
    rows: Values
    """(n, t) traits of callers who made a whole window, see `columns`; NaN where there is nothing to tell from."""
    spread: Values
    """(t,) how far single queries lie apart in a trait (standard deviation), or callers, where a query has none."""

    @classmethod
    def blank(cls, benign: EventBatch) -> Self:
        """Return a profile of nobody yet, with the answers that are frequent in a sample."""
        codes, counts = np.unique(benign.label[benign.label != 0], return_counts=True)
        frequent = np.sort(codes[np.argsort(-counts, kind="stable")[:MOST_ANSWERS]])
        none = np.zeros((0, len(TRAITS) + DIRECTIONS + len(frequent)), np.float32)
        width = benign.query.shape[1]
        return cls(width, frequent, WINDOW, none, _spread(benign, frequent))

    def windows(self) -> ProfileWindows:
        """Return what gathers windows of this kind."""
        return ProfileWindows(self.width, self.answers, self.size)

    def of(self, sums: Sums) -> tuple[Self, NDArray[np.int64]]:
        """Return the profile of the callers whose windows these are, and whom it holds: of very many evenly many."""
        chosen = np.arange(0, len(sums), -(-len(sums) // MOST_CALLERS) or 1)
        rows = self.traits(sums[chosen])
        known = np.isnan(self.spread) & np.isfinite(rows).any(axis=0)
        spread = self.spread.copy()
        spread[known] = np.nanstd(rows[:, known], axis=0)
        return replace(self, rows=rows, spread=spread), chosen

    def traits(self, sums: Sums) -> Values:
        """Return the traits (n, t) of callers from their windows (n, c)."""
        told = dict(zip(COUNTS, sums[:, : len(COUNTS)].T, strict=True))
        inputs, answers = np.split(sums[:, len(COUNTS) :], [DIRECTIONS], axis=1)
        answered = answers.sum(axis=1)
        gaps, steps, queries = told["gaps"], told["steps"], told["queries"]
        columns = (
            _share(told["step_sum"], steps * STEP_UNITS),
            _share(told["flips"], steps),
            1 - _share(queries, told["events"]),
            _share(answers[:, :-1].max(axis=1, initial=0), answered),
            _share(told["gap_bits"], gaps),
            _share(told["quick"], gaps),
            _share(told["together"], gaps),
            *_share(inputs.T, queries * max(self.width, 1)),
            *_share(answers[:, :-1].T, answered),
        )
        return np.stack(columns, axis=1).astype(np.float32)

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of each trait, in the order of the rows' columns."""
        inputs = ("level", *(f"direction {number}" for number in range(1, DIRECTIONS)))
        return (*TRAITS, *inputs, *(f"answer {number}" for number in range(1, len(self.answers) + 1)))

    def column(self, name: str) -> Values:
        """Return one trait of everybody, (n,)."""
        return self.rows[:, self.columns.index(name)]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what a file holds of it."""
        window = np.array([self.width, self.size])
        return {"rows": self.rows, "answers": self.answers, "glance": window, "spread": self.spread}

    @classmethod
    def read(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Read it back.

        Raises:
            KeyError: If an array is missing.
            ValueError: If the arrays are no profile.
        """
        rows, answers, window, spread = (arrays[name] for name in ("rows", "answers", "glance", "spread"))
        sound = (
            [rows.dtype.str, answers.dtype.str, window.dtype.str, spread.dtype.str] == ["<f4", "<u8", "<i8", "<f4"]
            and rows.ndim == 2
            and answers.ndim == 1
            and window.shape == (2,)
            and spread.shape == rows.shape[1:]
            and rows.shape[1] == len(TRAITS) + DIRECTIONS + len(answers)
            and window.min() >= 0
            and window[1] > 0
            and np.abs(np.nan_to_num(rows)).max(initial=0) < MOST
        )
        if not sound:
            raise ValueError("its profile of callers is none")
        return cls(int(window[0]), answers, int(window[1]), rows, spread)


def _spread(benign: EventBatch, answers: NDArray[np.uint64]) -> Values:
    """Return how far single queries of a sample lie apart in each trait; NaN in what only callers have."""
    spread = np.full(len(TRAITS) + DIRECTIONS + len(answers), np.nan)
    told = benign.label[benign.label != 0]
    step = benign.signals["squared"] < FAR
    if step.any():
        lengths = np.sqrt(benign.signals["squared"][step] / max(benign.query.shape[1], 1))
        spread[:2] = np.std(lengths), np.std(benign.signals["flip"][step])
    if len(benign):
        inputs = benign.query.astype(np.float32) @ signs(benign.query.shape[1]).astype(np.float32)
        spread[len(TRAITS) :][:DIRECTIONS] = np.std(inputs / max(benign.query.shape[1], 1), axis=0)
    if len(told):
        spread[len(TRAITS) + DIRECTIONS :] = np.std(told[:, None] == answers, axis=0)
    return spread.astype(np.float32)


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    none = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    share: NDArray[np.float64] = np.divide(part, whole, out=none, where=whole > 0)
    return share
