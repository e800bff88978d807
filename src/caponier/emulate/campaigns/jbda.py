"""Extraction by Jacobian-based data set augmentation (Papernot and others, 2017): a copy from synthetic queries."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.attacker.extraction import Copying, Extraction
from caponier.emulate.attacker.surrogate import Surrogate, few_of_each_class
from caponier.emulate.campaign import CampaignStage
from caponier.emulate.images import Images, Labels
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim


@dataclass(frozen=True)
class Jbda(Extraction):
    """Trains a substitute on the model's answers, and asks next for what the substitute is most sensitive to.

    Args:
        seeds: Natural images that it begins with.
        step: Size of the step in each pixel, the paper's lambda.
        rounds: Rounds of augmentation, each of which doubles the number of queries.
        agreement: Share of held-out images to which the copy must give the victim's answer.
        budget: Most queries altogether.
    """

    seeds: int = 50
    step: float = 0.1
    rounds: int = 4
    agreement: float = 0.8
    budget: int = 800

    name: ClassVar[str] = "jbda"
    description: ClassVar[str] = (
        "Jacobian-based augmentation: copies the model with few natural images and many synthetic ones; a success if "
        "the copy answers as the model does on four of five held-out images"
    )
    gap_s: ClassVar[float] = 0.2

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Give the attacker some images of its own, and let the copy be judged on others."""
        mine, others = few_of_each_class(split.attackers.labels, self.seeds, seed)
        images, labels = split.attackers.images, split.attackers.labels
        held, exam = Pool(images[mine], labels[mine]), Pool(images[others], labels[others])
        return CampaignStage.on(split, seed, victim, held, exam)

    def take(self, copying: Copying, stage: CampaignStage, seed: int) -> None:
        """Ask for what the copy is most sensitive to; see `caponier.emulate.attacker.extraction.Extraction`."""
        del seed
        copying.ask(stage.held.images)
        for _ in range(self.rounds):
            known, told = np.array(copying.images), np.array(copying.scores)
            copying.ask(self._augmented(copying.trained(), known, told.argmax(axis=1)))

    def figures(self, copying: Copying, stage: CampaignStage) -> dict[str, float]:
        """Say what the synthetic images brought."""
        natural = min(len(stage.held), len(copying.images))
        return {
            "agreement_of_natural": copying.agreement(stage, natural),
            "natural": natural,
            "synthetic": len(copying.images) - natural,
        }

    def _augmented(self, substitute: Surrogate, images: Images, labels: Labels) -> Images:
        """Step from each image (n, 64) along the sign of the substitute's gradient for the answer to it."""
        way = np.sign(substitute.gradients(images, labels))
        stepped: Images = np.clip(images + self.step * way, 0, 1).astype(np.float32)
        return stepped


CAMPAIGN = Jbda()
