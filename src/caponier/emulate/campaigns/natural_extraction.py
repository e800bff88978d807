"""Extraction with natural images: nothing but photos such as customers send; only their number is unlike one's own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.attacker.surrogate import agreement_of
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, Line, Stage, carried_out, exam_of
from caponier.emulate.images import Images, shots
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, train_victim
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class NaturalExtraction:
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
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0024.002"),
        TechniqueId("atlas", "AML.T0005.001"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.02"),
        TechniqueId("amltm-2020", "AMLTM.RECON.05.01"),
    )

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> Stage:
        """Give the attacker its images, and judge the copy on others."""
        model = victim or train_victim(split.train, split.test, seed)
        order = np.random.default_rng(seed).permutation(len(split.attackers))
        held = Pool(split.attackers.images[order], split.attackers.labels[order])
        return Stage(model, split.train, held, np.zeros(len(held), bool), exam_of(split.test, model))

    def run(self, predict: Predict, stage: Stage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Copy the model; see `caponier.emulate.campaign.Campaign.run`."""
        line = Line(predict, self.budget if budget is None else budget)
        rng = np.random.default_rng(seed)
        asked: list[Images] = []
        scores: list[Images] = []

        def steps() -> None:
            for turn in range(self.queries):
                image = shots(stage.held.images[turn % len(stage.held)][None], rng)[0]
                scores.append(line.ask(image))
                asked.append(image)

        stop = carried_out(steps)
        agreement = agreement_of(asked, scores, stage.exam, seed)
        return CampaignOutcome(
            name=self.name,
            techniques=self.techniques,
            queries=line.queries,
            unique_queries=line.unique_queries,
            success=agreement >= self.agreement,
            stop=stop,
            measure={"agreement": agreement},
        )


CAMPAIGN = NaturalExtraction()
