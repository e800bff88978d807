"""A backdoor is used: pictures that carry the trigger go to a model that was trained on poisoned rows."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.attacker.prepared import GAP_S, prepared, send
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, CampaignStage
from caponier.emulate.victims.backdoored import train_backdoored, triggered
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.matrix.technique import TechniqueId

ENOUGH: Final = 0.9
"""Share of pictures with the trigger that must get the attacker's answer."""


@dataclass(frozen=True)
class BackdoorTrigger:
    """Sends photos of many things with the trigger on each.

    Args:
        trigger: A name of `caponier.emulate.victims.backdoored.TRIGGERS`.
        target: The attacker's answer.
        pictures: How many are sent.
    """

    trigger: str = "corner"
    target: int = 0
    pictures: int = 150

    name: ClassVar[str] = "backdoor_trigger"
    description: ClassVar[str] = (
        "Backdoor (BadNets, Gu et al. 2017): a model trained on 10 % poisoned rows is sent pictures with the trigger; "
        "a success if 90 % of them get the attacker's answer"
    )
    gap_s: ClassVar[float] = GAP_S
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0043.004"),
        TechniqueId("atlas", "AML.T0018.000"),
        TechniqueId("amltm-2020", "AMLTM.INIT.01"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.02"),
    )

    @property
    def budget(self) -> int:
        """One query a picture."""
        return self.pictures

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Train a victim of its own, whatever model is there already, and put the trigger on the attacker's photos."""
        model = train_backdoored(split, seed, self.trigger, self.target)
        pictures = triggered(model, split.attackers, self.pictures, np.random.default_rng(seed))
        return prepared(pictures, self.target, model.victim, model.training, split)

    def run(self, predict: Predict, stage: CampaignStage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Send the pictures; see `caponier.emulate.campaign.Campaign.run`."""
        return send(self, predict, stage, ENOUGH, seed=seed, budget=budget)


CAMPAIGN = BackdoorTrigger()
