"""Small made-up data sets in which the truth is known."""

import numpy as np

Rows = np.ndarray


def clouds(n: int, classes: int, d: int, seed: int) -> tuple[Rows, Rows]:
    """Rows around a centre for each class, with correlated columns."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    mix = rng.normal(0, 1, (d, d)) * np.linspace(1, 0.1, d)
    return rng.normal(0, 2, (classes, d))[y] + rng.normal(0, 1, (n, d)) @ mix.T * 0.3, y


def cells(n: int, classes: int, d: int, seed: int) -> tuple[Rows, Rows]:
    """A table of small whole numbers that hang on the class."""
    x, y = clouds(n, classes, d, seed)
    return np.round(x * 2), y
