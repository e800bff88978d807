"""Extraction with natural images: nothing but photos such as customers send; only their number is unlike one's own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.attacker.extraction import Copying, Extraction
from caponier.emulate.campaign import CampaignStage
from caponier.emulate.images import shots
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim


@dataclass(frozen=True)
class NaturalExtraction(Extraction):
    """Sends photos of the attacker's images, one after the other, and trains a copy on the answers.

    Args:
        queries: Photos that it sends.
        agreement: Share of held-out images to which the copy must give the victim's answer.
        budget: Most queries altogether.
    """

    queries: int = 400
    agreement: float = 0.8
    budget: int = 400

    name: ClassVar[str] = "natural_extraction"
    description: ClassVar[str] = (
        "Natural extraction: copies the model with photos such as customers send; a success if the copy answers as the "
        "model does on four of five held-out images"
    )
    gap_s: ClassVar[float] = 1.0

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Give the attacker its images, and judge the copy on others."""
        order = np.random.default_rng(seed).permutation(len(split.attackers))
        held = Pool(split.attackers.images[order], split.attackers.labels[order])
        return CampaignStage.on(split, seed, victim, held)

    def take(self, copying: Copying, stage: CampaignStage, seed: int) -> None:
        """Ask for photo after photo; see `caponier.emulate.attacker.extraction.Extraction`."""
        rng, held = np.random.default_rng(seed), stage.held.images
        copying.ask(shots(held[turn % len(held)][None], rng)[0] for turn in range(self.queries))


CAMPAIGN = NaturalExtraction()
