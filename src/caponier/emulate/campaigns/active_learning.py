"""Extraction by active learning: of what it has, the copier asks for what its copy is least sure of (Settles 2009).

For copying models so see Chandrasekaran and others (2020); the queries are natural images, each of them harmless.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.attacker.extraction import Copying, Extraction
from caponier.emulate.attacker.surrogate import few_of_each_class
from caponier.emulate.campaign import CampaignStage
from caponier.emulate.images import Labels, shots
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim


@dataclass(frozen=True)
class ActiveLearning(Extraction):
    """Trains a copy on the answers so far, and asks next for the images on which the copy's margin is least.

    Args:
        seeds: Images that it begins with, about as many of each class.
        batch: Images that it asks for before it trains anew.
        queries: Images that it asks for altogether, if it has as many.
        shots: Photos that the attacker has of each of its images.
        agreement: Share of held-out images to which the copy must give the victim's answer.
        budget: Most queries altogether.
    """

    seeds: int = 20
    batch: int = 10
    queries: int = 300
    shots: int = 10
    agreement: float = 0.85
    budget: int = 300

    name: ClassVar[str] = "active_learning"
    description: ClassVar[str] = (
        "Active learning: copies the model with natural images, always those that its copy is least sure of; a success "
        "if the copy answers as the model does on 85 % of held-out images"
    )
    gap_s: ClassVar[float] = 1.0

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Give the attacker many photos of its own images, and judge the copy on others."""
        rng = np.random.default_rng(seed)
        labels = np.tile(split.attackers.labels, self.shots)
        held = Pool(shots(np.tile(split.attackers.images, (self.shots, 1)), rng), labels)
        return CampaignStage.on(split, seed, victim, held)

    def take(self, copying: Copying, stage: CampaignStage, seed: int) -> None:
        """Ask for what the copy is least sure of; see `caponier.emulate.attacker.extraction.Extraction`."""
        left = np.ones(len(stage.held), bool)

        def ask(rows: Labels) -> None:
            left[rows] = False
            copying.ask(stage.held.images[rows])

        ask(few_of_each_class(stage.held.labels, self.seeds, seed)[0])
        while left.any() and copying.line.queries < self.queries:
            copy, unasked = copying.trained(), np.flatnonzero(left)
            ask(unasked[np.argsort(copy.margins(stage.held.images[unasked]), kind="stable")[: self.batch]])


CAMPAIGN = ActiveLearning()
