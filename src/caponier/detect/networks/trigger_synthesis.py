"""Make, for each class, the least change that turns other rows into that class: of a backdoored one it is far less.

Two forms are looked for, because triggers come in two kinds. A *patch* sets few features of all rows to the same values
(mask and pattern, after Neural Cleanse: Wang et al. 2019); its cost is the number of features. An *overlay* adds little
to all features (a universal perturbation, Moosavi-Dezfooli et al. 2017; so are blended patterns and waves found); its
cost is its length. All classes are worked on at once, by gradients that are computed here.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from caponier.detect.networks.network import Network, loss_gradient
from caponier.detect.networks.stored_tensors import Floats

Form = Literal["patch", "overlay", "waves"]
STEPS: Final = 150
ROWS: Final = 16
"""Rows of each step, drawn anew."""
ENOUGH: Final = 0.95
"""Share of the rows that a change must turn before it counts."""
LASTING: Final = 0.6
"""Weight of the steps before in the share that a change turns."""
RATE: Final = {"patch": 0.4, "overlay": 0.03}
FIRST, STEP = {"patch": 2e-3, "overlay": 0.05}, 1.3
"""What a unit of cost weighs beside the loss at first, and the factor by which that moves."""


@dataclass(frozen=True, eq=False)
class Synthesised:
    """The least change that was found for one class.

    Args:
        target: The class that rows are turned into.
        form: `patch` or `overlay`.
        mask: (d,) how much of each feature is replaced, from 0 to 1; ones of an overlay.
        pattern: (d,) what features are set to, or what is added to them.
        low: (d,) least value of each feature.
        high: (d,) greatest value.
        cost: Features, or length in widths of a feature's range; infinite if no change turned the rows.
        success: Share of the rows that it turned.
    """

    target: int
    form: Form
    mask: Floats
    pattern: Floats
    low: Floats
    high: Floats
    cost: float
    success: float

    def put_on(self, x: Floats) -> Floats:
        """Return rows (n, d) with the change."""
        if self.form == "patch":
            return np.asarray(x + self.mask * (self.pattern - x), np.float32)
        moved: Floats = np.clip(x + self.pattern, self.low, self.high).astype(np.float32)
        return moved


@dataclass(eq=False)
class _Search:
    """The state of the search over all targets."""

    first: Floats
    """(t, d) of a patch: the mask before it is squeezed between 0 and 1; of an overlay: what is added."""
    second: Floats
    """(t, d) of a patch: the pattern before it is squeezed."""
    moments: list[Floats]
    weight: Floats
    """(t, 1) what a unit of cost weighs."""


def synthesise(
    network: Network,
    x: Floats,
    answers: NDArray[np.int64],
    form: Form,
    *,
    picture: bool,
    targets: NDArray[np.int64] | None = None,
    steps: int = STEPS,
    seed: int = 0,
) -> list[Synthesised]:
    """Return the least change for each target.

    Args:
        network: What is asked.
        x: (n, d) clean rows.
        answers: (n,) what it answers to them.
        form: Of the change.
        picture: Whether all features share one scale.
        targets: Classes; all by default.
        steps: Of the search.
        seed: Fixes rows and where the search begins.
    """
    chosen = np.arange(network.outputs) if targets is None else targets
    rng = np.random.default_rng(seed)
    low, high = x.min(0), x.max(0)
    if picture:
        low, high = np.full_like(low, low.min()), np.full_like(high, high.max())
    able = [int(target) for target in chosen if (answers != target).sum() >= 2]
    if not able:
        return []
    others = [np.flatnonzero(answers != target) for target in able]
    wanted = np.repeat(np.array(able), ROWS)
    width = np.maximum(high - low, 1e-9).astype(np.float32)
    search = _Search(
        np.full((len(able), x.shape[1]), -1.5 if form == "patch" else 0.0, np.float32),
        rng.normal(0, 0.5, (len(able), x.shape[1])).astype(np.float32),
        [np.zeros((len(able), x.shape[1]), np.float32) for _ in range(4)],
        np.full((len(able), 1), FIRST[form], np.float32),
    )
    lately = np.zeros(len(able))
    best = [Synthesised(t, form, low * 0, low * 0, low, high, float("inf"), 0.0) for t in able]
    for step in range(1, steps + 1):
        # Other rows each time: what turns only those that it was made on is no trigger.
        rows = np.stack([x[able_rows[rng.integers(len(able_rows), size=ROWS)]] for able_rows in others])
        mask, pattern, changed, inside = _changed(search, rows, form, low, high, width)
        scores, held = network.run(changed.reshape(-1, x.shape[1]))
        turned = (scores.argmax(1) == wanted).reshape(rows.shape[:2]).mean(1)
        costs = mask.sum(1) if form == "patch" else np.sqrt((search.first**2).sum(1))
        lately = LASTING * lately + (1 - LASTING) * turned
        for at in np.flatnonzero(np.minimum(turned, lately) >= ENOUGH):
            if costs[at] < best[at].cost:
                best[at] = Synthesised(
                    able[at], form, mask[at].copy(), pattern[at].copy(), low, high, float(costs[at]), float(turned[at])
                )
        # The mean is over all rows of all targets; each target's own is wanted.
        gradient, _ = network.back(held, loss_gradient(scores, wanted) * np.float32(len(able)))
        _move(search, gradient.reshape(rows.shape), rows, mask, pattern, inside, form, width, step)
        search.weight *= np.where(lately[:, None] >= ENOUGH, STEP, 1 / STEP).astype(np.float32)
    return best


def _squeezed(x: Floats) -> Floats:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x), np.float32)


def _changed(
    search: _Search, rows: Floats, form: Form, low: Floats, high: Floats, width: Floats
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Return masks and patterns (t, d), the changed rows (t, r, d), and where these are not cut off."""
    if form == "patch":
        mask = _squeezed(search.first)
        pattern: Floats = low + width * _squeezed(search.second)
        changed: Floats = rows + mask[:, None] * (pattern[:, None] - rows)
        return mask, pattern, changed, np.ones(rows.shape, bool)
    added = search.first * width
    raw = rows + added[:, None]
    inside: NDArray[np.bool_] = (raw > low) & (raw < high)
    return np.ones_like(added), added, np.clip(raw, low, high), inside


def _move(
    search: _Search,
    gradient: Floats,
    rows: Floats,
    mask: Floats,
    pattern: Floats,
    inside: NDArray[np.bool_],
    form: Form,
    width: Floats,
    step: int,
) -> None:
    """Take one step of Adam (Kingma, Ba 2015)."""
    if form == "patch":
        by_mask = (gradient * (pattern[:, None] - rows)).sum(1) + search.weight
        by_pattern = gradient.sum(1) * mask * width
        squeezed = _squeezed(search.second)
        slopes = [by_mask * mask * (1 - mask), by_pattern * squeezed * (1 - squeezed)]
    else:
        length = np.sqrt((search.first**2).sum(1, keepdims=True)) + np.float32(1e-6)
        slopes = [(gradient * inside).sum(1) * width + search.weight * search.first / length]
    for at, slope in enumerate(slopes):
        first, second = search.moments[2 * at], search.moments[2 * at + 1]
        first += np.float32(0.1) * (slope - first)
        second += np.float32(0.05) * (slope**2 - second)
        move = first / np.float32(1 - 0.9**step) / (np.sqrt(second / np.float32(1 - 0.95**step)) + np.float32(1e-8))
        part = search.first if at == 0 else search.second
        part -= np.float32(RATE[form]) * move
