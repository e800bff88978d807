"""Teach a small network to withstand small changes of its input: adversarial training, and the attack that measures it.

After Madry, Makelov, Schmidt, Tsipras, Vladu (2018): in each lot the rows are first moved, within epsilon a feature, to
where the network errs most, and it learns from those beside the rows as they are. The radius grows over the first half
of the lessons, for a network that meets the whole of it at once may learn nothing. Some steps of half the radius from a
random beginning are enough to learn from; what is measured is stronger.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.networks.network import Network, softmax
from caponier.detect.networks.stored_tensors import Floats
from caponier.remediate.adam import Adam

BATCH: Final = 64
RATE: Final = 2e-3
CLEAN: Final = 0.3
"""Weight of the rows as they are beside those that were moved."""
LESSON_STEPS: Final = 4
EXAM_STEPS, EXAM_STEP, RESTARTS = 20, 0.15, 2
"""Of the attack that measures: steps, their length in radii, and random beginnings."""


@dataclass(frozen=True)
class Ball:
    """How far a row may be moved: by so much a feature, and not out of the range of its values."""

    epsilon: float
    low: float
    high: float

    def moved(self, x: Floats, change: Floats) -> Floats:
        """Return rows (n, d) with a change, cut to what is allowed."""
        inside = np.clip(change, -self.epsilon, self.epsilon)
        return np.asarray(np.clip(x + inside, self.low, self.high), np.float32)


def attacked(
    network: Network,
    x: Floats,
    labels: NDArray[np.int64],
    ball: Ball,
    *,
    steps: int = EXAM_STEPS,
    length: float = EXAM_STEP,
    seed: int = 0,
    by_margin: bool = False,
) -> Floats:
    """Move rows by projected gradient descent to where the network errs most.

    Args:
        network: The victim; its gradients are known to the attacker.
        x: (n, d) rows.
        labels: (n,) their classes.
        ball: How far they may be moved.
        steps: How often.
        length: Of a step, in radii.
        seed: Fixes where it begins.
        by_margin: Follow the margin to the next class in place of the loss, whose gradient is nothing where the network
            is very sure (Carlini, Wagner 2017).

    Returns:
        (n, d) of each row what came last; see `withstood` for the best of several.
    """
    rng = np.random.default_rng(seed)
    moved = ball.moved(x, rng.uniform(-ball.epsilon, ball.epsilon, x.shape).astype(np.float32))
    own = np.eye(network.outputs, dtype=np.float32)[labels]
    for _ in range(steps):
        scores, held = network.run(moved)
        slope = _margin_slope(scores, own) if by_margin else softmax(scores) - own
        gradient = network.back(held, slope)[0]
        toward = np.asarray(np.sign(gradient), np.float32)
        moved = ball.moved(x, moved - x + np.float32(length * ball.epsilon) * toward)
    return moved


def withstood(
    network: Network, x: Floats, labels: NDArray[np.int64], ball: Ball, *, seed: int = 0
) -> NDArray[np.bool_]:
    """Return which rows (n,) are answered rightly however they were moved: by loss and margin, from several places."""
    left = np.asarray(network.answers(x) == labels, np.bool_)
    for restart in range(RESTARTS):
        for by_margin in (False, True):
            at = np.flatnonzero(left)
            if not len(at):
                return left
            made = attacked(network, x[at], labels[at], ball, seed=seed + restart, by_margin=by_margin)
            left[at] = network.answers(made) == labels[at]
    return left


def hardened(
    network: Network,
    x: Floats,
    labels: NDArray[np.int64],
    ball: Ball,
    lessons: int,
    *,
    seed: int = 0,
    told: Callable[[int], None] = lambda done: None,
) -> Network:
    """Return a copy of a network that was taught with moved rows; the network stays as it is.

    Args:
        network: What it begins with.
        x: (n, d) clean rows.
        labels: (n,) their classes.
        ball: How far rows are moved in the end.
        lessons: Lots of `BATCH` rows.
        seed: Fixes the rows drawn and where they are moved to.
        told: Called after each lot with how many are done.
    """
    rng, new = np.random.default_rng(seed), network.copy()
    adam = Adam.of(new, RATE, lessons)
    eye = np.eye(network.outputs, dtype=np.float32)
    for lesson in range(lessons):
        drawn = rng.integers(len(x), size=BATCH)
        grown = Ball(ball.epsilon * min(1.0, 2 * (lesson + 1) / lessons), ball.low, ball.high)
        rows, wanted = x[drawn], eye[labels[drawn]]
        hard = attacked(new, rows, labels[drawn], grown, steps=LESSON_STEPS, length=0.5, seed=lesson + seed * lessons)
        scores, held = new.run(np.concatenate([hard, rows]))
        slope = (softmax(scores) - np.concatenate([wanted, wanted])) / np.float32(BATCH)
        slope[:BATCH] *= np.float32(1 - CLEAN)
        slope[BATCH:] *= np.float32(CLEAN)
        adam.step(new, new.back(held, slope, weights=True)[1])
        told(lesson + 1)
    return new


def _margin_slope(scores: Floats, own: Floats) -> Floats:
    rival = np.where(own > 0, -np.inf, scores).argmax(1)
    return np.asarray(np.eye(scores.shape[1], dtype=np.float32)[rival] - own, np.float32)
