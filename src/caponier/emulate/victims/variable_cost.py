"""Models whose cost depends on the input, counted in steps; both tell by their scores how long an answer took.

*Settling*: a classifier's classes compete, the odds of the leading one growing by a quarter each step, until it has won
as clearly as is wanted. What is near the boundary between two classes takes long, and inputs made for it take longest.

*A committee* asks its members one by one until the lead is clear. Honest inputs can cost it as much as any: the worst
case is that all members are asked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from caponier.emulate.images import CLASSES, FEATURES, Images, shots
from caponier.emulate.victims.digits import Pool
from caponier.formats.one_thread import one_thread
from caponier.records.event import EVENT_SCHEMA

Steps: TypeAlias = Callable[[Images], npt.NDArray[np.int64]]
"""From scores (n, 10) to the steps (n,) that they took."""

GROWTH: Final = 1.25
WON: Final = 10.0
"""Logarithm of the odds at which a competition is over."""
PATIENCE: Final = 200
"""Steps after which it is broken off."""

MEMBERS: Final = 128
LEAD: Final = 5
"""Votes by which one class must be ahead of the next one."""
HIDDEN: Final = 256
"""Random features of each member (an extreme learning machine, Huang et al. 2006): cheap, and unlike the next."""
RIDGE: Final = 1.0
PHOTOS: Final = 2
"""Photos, for each training image, that a member learns from."""
ROWS: Final = 256
"""Rows that are asked for together."""


def settling_steps(scores: Images) -> npt.NDArray[np.int64]:
    """Return how many steps the competition between the classes takes, for scores (n, 10) of any classifier."""
    first, second = np.partition(scores.astype(np.float64), (-2, -1), axis=1)[:, [-1, -2]].T
    ahead = np.log(np.maximum(first, 1e-30)) - np.log(np.maximum(second, 1e-30))
    steps = np.ones(len(scores), np.int64)
    for _ in range(PATIENCE - 1):
        steps += ahead < WON
        ahead = ahead * GROWTH
    return steps


def voting_steps(scores: Images) -> npt.NDArray[np.int64]:
    """Return how many members a committee asked, for its shares of votes (n, 10).

    The lead grows by one vote at most, so that it is exactly what is needed when the committee stops early.
    """
    first, second = np.partition(scores.astype(np.float64), (-2, -1), axis=1)[:, [-1, -2]].T
    apart = np.maximum(first - second, LEAD / (2 * MEMBERS))
    steps: npt.NDArray[np.int64] = np.minimum(np.rint(LEAD / apart), MEMBERS).astype(np.int64)
    return steps


def billed(events: pa.Table, steps: Steps = settling_steps) -> pa.Table:
    """Return events with what each answer cost, as a server in front of the model would have logged it.

    Args:
        events: In the schema `caponier.event/1`; those without scores stay as they are.
        steps: How long an answer took.
    """
    column = events["scores"].combine_chunks()
    there = column.is_valid().to_numpy(zero_copy_only=False)
    costs = np.zeros(len(there))
    costs[there] = steps(column.flatten().to_numpy(zero_copy_only=False).reshape(-1, CLASSES))
    place = EVENT_SCHEMA.get_field_index("cost")
    return events.set_column(place, EVENT_SCHEMA.field("cost"), pa.array(costs, pa.float64(), mask=~there))


@dataclass(frozen=True, eq=False)
class Committee:
    """A trained committee.

    Args:
        inner: Random weights, shape (64, members * hidden).
        bias: Shape (members * hidden,).
        outer: What each member learned, shape (members, hidden, 10).
    """

    inner: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    outer: npt.NDArray[np.float32]

    def predict_proba(self, rows: Images) -> Images:
        """Return the share of votes for each class, images (n, 64) to scores (n, 10), float32."""
        return self.ask(rows)[0]

    def ask(self, rows: Images) -> tuple[Images, npt.NDArray[np.int64]]:
        """Answer rows (n, 64): the share of votes for each class (n, 10), and how many members were asked (n,)."""
        parts = [self._ask(rows[start : start + ROWS]) for start in range(0, max(len(rows), 1), ROWS)]
        return np.concatenate([scores for scores, _ in parts]), np.concatenate([steps for _, steps in parts])

    def _ask(self, rows: Images) -> tuple[Images, npt.NDArray[np.int64]]:
        n, members = len(rows), len(self.outer)
        with one_thread():
            hidden = np.maximum(rows @ self.inner + self.bias, 0).reshape(n, members, -1).transpose(1, 0, 2)
            votes = (hidden @ self.outer).argmax(axis=2).T
        counted = np.cumsum(votes[:, :, None] == np.arange(CLASSES), axis=1, dtype=np.int16)
        first, second = np.partition(counted, (CLASSES - 2, CLASSES - 1), axis=2)[:, :, [-1, -2]].transpose(2, 0, 1)
        clear = first - second >= LEAD
        clear[:, -1] = True
        last = clear.argmax(axis=1)
        scores = counted[np.arange(n), last] / (last[:, None] + 1)
        return scores.astype(np.float32), last + 1


def train_committee(pool: Pool, seed: int) -> Committee:
    """Train a committee on photos of a pool's images."""
    rng = np.random.default_rng(seed)
    inner = rng.standard_normal((FEATURES, MEMBERS * HIDDEN), np.float32) / np.float32(4)
    bias = rng.standard_normal(MEMBERS * HIDDEN, np.float32) / np.float32(2)
    places = range(0, MEMBERS * HIDDEN, HIDDEN)
    outer = [_member(pool, inner[:, at : at + HIDDEN], bias[at : at + HIDDEN], rng) for at in places]
    return Committee(inner, bias, np.stack(outer))


def _member(
    pool: Pool, inner: npt.NDArray[np.float32], bias: npt.NDArray[np.float32], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Let one member learn from photos of its own draw of the images: ridge regression of the classes, (hidden, 10)."""
    drawn = rng.integers(len(pool), size=PHOTOS * len(pool))
    photos = shots(pool.images[drawn], rng, shift_share=0.5)
    classes = np.where(pool.labels[drawn][:, None] == np.arange(CLASSES), 1.0, -1.0 / (CLASSES - 1))
    with one_thread():
        hidden = np.maximum(photos @ inner + bias, 0).astype(np.float64)
        weights = np.linalg.solve(hidden.T @ hidden + RIDGE * np.eye(HIDDEN), hidden.T @ classes)
    learned: npt.NDArray[np.float32] = weights.astype(np.float32)
    return learned
