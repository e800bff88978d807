"""Membership inference by a threshold on the model's confidence (Yeom and others, 2018; Salem and others, 2019)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.attacker.membership import Inquiry, Verdicts
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, CampaignStage, MeteredModel
from caponier.emulate.emulation import carried_out
from caponier.emulate.victims.digits import DigitsSplit, Victim


@dataclass(frozen=True)
class MembershipInference(Inquiry):
    """Asks for records one by one; those of which the model is surest are taken for its training data."""

    name: ClassVar[str] = "membership_inference"
    description: ClassVar[str] = (
        "Membership inference: asks for 100 records and takes those for training data of which the model is surest; a "
        "success if members and others are told apart with an AUC of 0.7"
    )

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Train a victim that leaks, whatever other victim there is, and mix members with images it never saw."""
        del victim
        return self.staged(split, seed)

    def run(self, predict: Predict, stage: CampaignStage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Tell members from others; see `caponier.emulate.campaign.Campaign.run`."""
        line = MeteredModel(predict, self.budget if budget is None else budget)
        found = Verdicts(np.random.default_rng(seed).permutation(len(stage.held)))

        def steps() -> None:
            found.values.extend(float(line.ask(stage.held.images[at])[stage.held.labels[at]]) for at in found.places)

        return found.outcome(self.name, self, stage, line, carried_out(steps))


CAMPAIGN = MembershipInference()
