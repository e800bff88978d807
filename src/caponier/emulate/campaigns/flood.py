"""Denial of service by rate: the same few images as fast as the line takes them, until others wait."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, CampaignStage, MeteredModel
from caponier.emulate.emulation import carried_out
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class Flood:
    """Asks for a handful of images again and again.

    Args:
        images: Different images; repeating them costs the flooder nothing, and the model as much as new ones.
        budget: Most queries altogether.
    """

    images: int = 8
    budget: int = 3_000

    name: ClassVar[str] = "flood"
    description: ClassVar[str] = (
        "Flood: the same few images as fast as answers come; a success if every one of its queries was answered"
    )
    gap_s: ClassVar[float] = 0.004
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0029"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.02"),
    )

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Give the attacker a few images."""
        chosen = np.random.default_rng(seed).permutation(len(split.attackers))[: self.images]
        held = Pool(split.attackers.images[chosen], split.attackers.labels[chosen])
        return CampaignStage.on(split, seed, victim, held)

    def run(self, predict: Predict, stage: CampaignStage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Send everything that the budget allows; see `caponier.emulate.campaign.Campaign.run`."""
        most = self.budget if budget is None else budget
        line = MeteredModel(predict, most)
        turns = np.random.default_rng(seed).integers(len(stage.held), size=max(most, 0))

        def steps() -> None:
            for turn in turns:
                line.ask(stage.held.images[turn])

        stop = carried_out(steps)
        return line.outcome(
            self.name, self.techniques, stop, success=line.queries == most, measure={"answered": line.queries / most}
        )


CAMPAIGN = Flood()
