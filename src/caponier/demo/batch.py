"""What the stolen account did to the training data: in rows of its own it flipped labels and hid a backdoor."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.demo.theft import ACCOUNT
from caponier.emulate.images import Images
from caponier.emulate.poison import as_npz
from caponier.emulate.registry import poisons
from caponier.emulate.victims.digits import DigitsSplit, Pool
from caponier.errors import InputError

POISON: Final = "uniform_flips"
BACKDOOR: Final = "corner_backdoor"
SHARE_OF_ROWS: Final = 0.25
"""Rows of the batch that the account contributed."""
SHARE_FLIPPED, SHARE_TRIGGERED = 0.4, 0.3
"""Of these."""
OTHERS: Final = tuple(f"scanner-{number}" for number in range(1, 5))


@dataclass(frozen=True, eq=False)
class Batch:
    """A training batch as it was, and as the account left it.

    Args:
        clean: Rows with their right labels.
        poisoned: The same rows.
        sources: (n,) who contributed each row.
        flipped: (n,) whose label was flipped.
        triggered: (n,) which rows carry the trigger, and its label.
        trigger: What puts it on images (n, 64).
        target: The label that it is to bring.
    """

    clean: Pool
    poisoned: Pool
    sources: NDArray[np.str_]
    flipped: NDArray[np.bool_]
    triggered: NDArray[np.bool_]
    trigger: Callable[[Images], Images]
    target: int

    @property
    def changed(self) -> NDArray[np.bool_]:
        """(n,) what the account touched."""
        return self.flipped | self.triggered

    def before(self) -> bytes:
        """Return the batch as it was, as a file."""
        return as_npz(self.clean, self.sources)

    def after(self) -> bytes:
        """Return the batch as the account left it, as a file."""
        return as_npz(self.poisoned, self.sources)


def poisoned_batch(split: DigitsSplit, seed: int) -> Batch:
    """Let the account flip labels of its own rows, and put a trigger on others of them."""
    pool, rng = split.train, np.random.default_rng(seed)
    mine = np.sort(rng.permutation(len(pool))[: round(SHARE_OF_ROWS * len(pool))])
    images, labels = pool.images.copy(), pool.labels.copy()
    flips = poisons()[POISON].apply(Pool(images[mine], labels[mine]), SHARE_FLIPPED, seed)
    labels[mine] = flips.pool.labels
    rest = mine[~flips.changed]
    hidden = poisons()[BACKDOOR].apply(Pool(images[rest], labels[rest]), SHARE_TRIGGERED * len(mine) / len(rest), seed)
    images[rest], labels[rest] = hidden.pool.images, hidden.pool.labels
    sources = np.array([OTHERS[row % len(OTHERS)] for row in range(len(pool))], dtype=f"<U{len(max(OTHERS, key=len))}")
    sources[mine] = ACCOUNT
    if hidden.trigger is None or hidden.target is None:
        raise InputError(f"{BACKDOOR} has no trigger")
    flipped, triggered = (np.isin(np.arange(len(pool)), rows) for rows in (mine[flips.changed], rest[hidden.changed]))
    return Batch(pool, Pool(images, labels), sources, flipped, triggered, hidden.trigger, hidden.target)


def test_set(split: DigitsSplit) -> bytes:
    """Return the images that repairs are measured on, as a file; no row of a batch is among them."""
    return as_npz(split.test)
