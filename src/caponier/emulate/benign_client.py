"""What a habit of benign users is, and how many queries it is asked for."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from caponier.emulate.caller.pace import Pace
from caponier.emulate.emulation import Named
from caponier.emulate.images import Images
from caponier.errors import InputError


class BenignClient(Named, Protocol):
    """One way in which harmless users ask a model."""

    @property
    def pace(self) -> Pace:
        """How the requests follow each other."""
        ...

    def requests(self, images: Images, rng: np.random.Generator) -> Iterator[Images]:
        """Yield requests without end.

        Args:
            images: What users have to photograph, shape (m, 64).
            rng: Fixes the user.

        Yields:
            The rows of one request, shape (k, 64), values in 0..1.
        """
        ...


def queries(habit: BenignClient, images: Images, rng: np.random.Generator, n_unique: int) -> Iterator[Images]:
    """Yield a habit's requests until it has asked `n_unique` different rows, and not one more.

    Exact repeats are sent, and do not count; the last request is cut short where it would exceed the number.

    Raises:
        InputError: If the number is below 1, or there is nothing to photograph: a habit would go on for ever.
    """
    if n_unique < 1:
        raise InputError(f"A user asks for at least one row, not {n_unique}")
    if not len(images):
        raise InputError("Users have no image to photograph")
    seen: set[bytes] = set()
    for request in habit.requests(images, rng):
        for end, row in enumerate(request, 1):
            seen.add(row.tobytes())
            if len(seen) == n_unique:
                yield request[:end]
                return
        yield request
