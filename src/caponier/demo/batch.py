"""What the stolen account did to the training data: it flipped labels in the rows that it contributed."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.demo.theft import ACCOUNT
from caponier.emulate.poison import as_npz
from caponier.emulate.registry import poisons
from caponier.emulate.victims.digits import DigitsSplit, Pool

POISON: Final = "uniform_flips"
SHARE_OF_ROWS: Final = 0.25
"""Rows of the batch that the account contributed."""
SHARE_FLIPPED: Final = 0.5
"""Of these."""
OTHERS: Final = tuple(f"scanner-{number}" for number in range(1, 5))


@dataclass(frozen=True, eq=False)
class Batch:
    """A training batch as it was, and as the account left it.

    Args:
        clean: Rows with their right labels.
        poisoned: The same rows.
        sources: (n,) who contributed each row.
        changed: (n,) whose label was flipped.
    """

    clean: Pool
    poisoned: Pool
    sources: NDArray[np.str_]
    changed: NDArray[np.bool_]

    def before(self) -> bytes:
        """Return the batch as it was, as a file."""
        return as_npz(self.clean, self.sources)

    def after(self) -> bytes:
        """Return the batch as the account left it, as a file."""
        return as_npz(self.poisoned, self.sources)


def poisoned_batch(split: DigitsSplit, seed: int) -> Batch:
    """Let the account flip labels of its own rows."""
    pool, rng = split.train, np.random.default_rng(seed)
    mine = np.sort(rng.permutation(len(pool))[: round(SHARE_OF_ROWS * len(pool))])
    own = poisons()[POISON].apply(Pool(pool.images[mine], pool.labels[mine]), SHARE_FLIPPED, seed)
    labels, changed = pool.labels.copy(), np.zeros(len(pool), bool)
    labels[mine], changed[mine] = own.pool.labels, own.changed
    sources = np.array([OTHERS[row % len(OTHERS)] for row in range(len(pool))], dtype=f"<U{len(max(OTHERS, key=len))}")
    sources[mine] = ACCOUNT
    return Batch(pool, Pool(pool.images, labels), sources, changed)


def test_set(split: DigitsSplit) -> bytes:
    """Return the images that repairs are measured on, as a file; no row of a batch is among them."""
    return as_npz(split.test)
