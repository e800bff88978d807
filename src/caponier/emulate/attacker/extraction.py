"""Extraction: a model is copied from its answers; attacks differ in what they ask for, and are judged alike."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.attacker.surrogate import Surrogate, agreement_of, train_surrogate
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, CampaignStage, MeteredModel
from caponier.emulate.emulation import carried_out
from caponier.emulate.images import Images
from caponier.matrix.technique import TechniqueId

EXTRACTION: Final = (
    TechniqueId("atlas", "AML.T0024.002"),
    TechniqueId("atlas", "AML.T0005.001"),
    TechniqueId("amltm-2020", "AMLTM.EXFIL.02"),
    TechniqueId("amltm-2020", "AMLTM.RECON.05.01"),
)


class Copying:
    """A copy in the making: what was asked for so far, and what the model said.

    Args:
        line: To the model.
        seed: Fixes how copies are trained.
    """

    def __init__(self, line: MeteredModel, seed: int) -> None:
        self.line = line
        self.seed = seed
        self.images: list[Images] = []
        self.scores: list[Images] = []

    def ask(self, images: Iterable[Images]) -> None:
        """Ask for images (64,), one after the other, and keep each answer."""
        for image in images:
            self.scores.append(self.line.ask(image))
            self.images.append(image)

    def trained(self) -> Surrogate:
        """Return a copy, trained on all answers so far."""
        return train_surrogate(np.array(self.images), np.array(self.scores), self.seed)

    def agreement(self, stage: CampaignStage, first: int | None = None) -> float:
        """Return how well a copy from the first answers, or all, agrees with the model on the stage's exam."""
        return agreement_of(self.images[:first], self.scores[:first], stage.exam, self.seed)


class Extraction(ABC):
    """The run of a campaign that copies a model; see `caponier.emulate.campaign.Campaign`."""

    techniques: ClassVar[tuple[TechniqueId, ...]] = EXTRACTION

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the emulation; the file is called the same."""

    @property
    @abstractmethod
    def budget(self) -> int:
        """Most queries it sends if nobody says otherwise."""

    @property
    @abstractmethod
    def agreement(self) -> float:
        """Share of held-out images to which the copy must give the victim's answer."""

    @abstractmethod
    def take(self, copying: Copying, stage: CampaignStage, seed: int) -> None:
        """Ask for whatever it takes."""

    def figures(self, copying: Copying, stage: CampaignStage) -> dict[str, float]:
        """Return further figures of its own."""
        del copying, stage
        return {}

    def run(self, predict: Predict, stage: CampaignStage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Copy the model; see `caponier.emulate.campaign.Campaign.run`."""
        copying = Copying(MeteredModel(predict, self.budget if budget is None else budget), seed)
        stop = carried_out(lambda: self.take(copying, stage, seed))
        agreed = copying.agreement(stage)
        measure = {"agreement": agreed, **self.figures(copying, stage)}
        return copying.line.outcome(self.name, self.techniques, stop, success=agreed >= self.agreement, measure=measure)
