"""What came of one attack on one image."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

import numpy as np

from caponier.emulate.images import Images
from caponier.matrix.technique import TechniqueId


class Stop(StrEnum):
    """Why an attack ended."""

    FINISHED = "finished"
    """By its own plan."""
    BUDGET = "budget"
    """It had no queries left."""
    REFUSED = "refused"
    """The model's server no longer answered it."""


SLACK: Final = 1e-5
"""What float32 may add to a perturbation on the way."""


@dataclass(frozen=True)
class Within:
    """How much of a change an attack may make; whatever is misread within the bound is a success, nothing beyond is."""

    norm: Literal["l2", "linf"]
    bound: float

    def holds(self, change: Images) -> bool:
        """Tell whether a perturbation (64,) keeps to the bound."""
        size = np.linalg.norm(change) if self.norm == "l2" else np.abs(change).max()
        return bool(size <= self.bound + SLACK)


@dataclass(frozen=True, eq=False)
class AttackOutcome:
    """The result of one attack, judged by the answers that the model really gave.

    Args:
        name: Name of the emulation.
        techniques: What it shows, in each matrix.
        queries: Answered requests, one instance each.
        unique_queries: Different instances among them.
        success: Whether the adversarial image is at most half as far away as the first one that the attack held; of an
            attack with a bound (`within`), whether there is one within the bound.
        stop: Why it ended.
        first_query: Ordinal, from 1, of the first query that the model got wrong; None if it never did.
        start_distance: L2 distance from the original to that first query.
        first_distance: L2 distance from the original to the first adversarial image that the attack held after its
            initialisation, or to the first one within its bound; None if there was none.
        final_distance: L2 distance to the nearest adversarial image among all queries, or among those within the bound;
            None if there was none.
        original: The image under attack, shape (64,).
        adversarial: The nearest adversarial image, shape (64,); None if there was none.
        original_label: True class of the original.
        adversarial_label: The model's answer to the adversarial image.
        within: The bound that a success keeps to; None if it is judged by how near it came.
    """

    name: str
    techniques: tuple[TechniqueId, ...]
    queries: int
    unique_queries: int
    success: bool
    stop: Stop
    first_query: int | None
    start_distance: float | None
    first_distance: float | None
    final_distance: float | None
    original: Images
    adversarial: Images | None
    original_label: int
    adversarial_label: int | None
    within: Within | None = None

    @property
    def measure(self) -> Mapping[str, float]:
        """The figures behind `success`, by name."""
        found = {"first_distance": self.first_distance, "final_distance": self.final_distance}
        return {name: value for name, value in found.items() if value is not None}
