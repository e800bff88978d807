"""Where a decision-based attack begins: any image that the model gets wrong, and then the boundary next to it."""

import numpy as np

from caponier.emulate.caller.oracle import Oracle
from caponier.emulate.images import Images
from caponier.errors import InputError

NOISE_TRIALS = 100
BISECTION = 0.001
"""Share of the way to the original at which the search along the line ends, as in the attack's published code."""


def foothold(oracle: Oracle, rng: np.random.Generator, start: Images | None) -> Images | None:
    """Find an adversarial image (64,): `start` if given, else uniform noise; None if no noise is one.

    The attack library draws this noise from a generator that cannot be seeded, hence our own; the queries are alike.

    Raises:
        InputError: If `start` is given and the model answers to it as to the original.
    """
    if start is not None:
        if not oracle.fooled(oracle.answer(start)):
            raise InputError("The model's answer to the starting image is not an adversarial one")
        return start
    for _ in range(NOISE_TRIALS):
        noise = rng.uniform(0, 1, oracle.original.size).astype(np.float32)
        if oracle.fooled(oracle.answer(noise)):
            return noise
    return None


def bisect(oracle: Oracle, adversarial: Images) -> Images:
    """Walk from an adversarial image (64,) towards the original, by halves, up to the boundary."""
    near, far = 0.0, 1.0
    while far - near > BISECTION:
        middle = (near + far) / 2
        if oracle.fooled(oracle.answer(_between(oracle.original, adversarial, middle))):
            far = middle
        else:
            near = middle
    return _between(oracle.original, adversarial, far)


def _between(original: Images, adversarial: Images, share: float) -> Images:
    return ((1 - share) * original + share * adversarial).astype(np.float32)
