"""What came of one attack on one image."""

from dataclasses import dataclass
from enum import StrEnum

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


@dataclass(frozen=True, eq=False)
class AttackOutcome:
    """The result of one attack, judged by the answers that the model really gave.

    Args:
        name: Name of the emulation.
        techniques: What it shows, in each matrix.
        queries: Answered requests, one instance each.
        unique_queries: Different instances among them.
        success: Whether the adversarial image is at most half as far away as the first one that the attack held.
        stop: Why it ended.
        first_query: Ordinal, from 1, of the first query that the model got wrong; None if it never did.
        start_distance: L2 distance from the original to that first query.
        first_distance: L2 distance from the original to the first adversarial image that the attack held after its
            initialisation; None if there was none.
        final_distance: L2 distance to the nearest adversarial image among all queries; None if there was none.
        original: The image under attack, shape (64,).
        adversarial: The nearest adversarial image, shape (64,); None if there was none.
        original_label: True class of the original.
        adversarial_label: The model's answer to the adversarial image.
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
