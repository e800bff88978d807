"""Denial of service by rate: the same few images as fast as the line takes them, until others wait."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, Line, Stage, carried_out, exam_of
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, train_victim
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

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> Stage:
        """Give the attacker a few images."""
        model = victim or train_victim(split.train, split.test, seed)
        chosen = np.random.default_rng(seed).permutation(len(split.attackers))[: self.images]
        return Stage(
            victim=model,
            training=split.train,
            held=Pool(split.attackers.images[chosen], split.attackers.labels[chosen]),
            member=np.zeros(len(chosen), bool),
            exam=exam_of(split.test, model),
        )

    def run(self, predict: Predict, stage: Stage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Send everything that the budget allows; see `caponier.emulate.campaign.Campaign.run`."""
        most = self.budget if budget is None else budget
        line = Line(predict, most)
        turns = np.random.default_rng(seed).integers(len(stage.held), size=max(most, 0))

        def steps() -> None:
            for turn in turns:
                line.ask(stage.held.images[turn])

        stop = carried_out(steps)
        return CampaignOutcome(
            name=self.name,
            techniques=self.techniques,
            queries=line.queries,
            unique_queries=line.unique_queries,
            success=line.queries == most,
            stop=stop,
            measure={"answered": line.queries / most},
        )


CAMPAIGN = Flood()
