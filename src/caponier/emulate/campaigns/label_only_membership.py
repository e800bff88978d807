"""Label-only membership inference: how much noise a label bears (Choquette-Choo and others; Li and Zhang, 2021)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.attacker.membership import Inquiry, Verdicts
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, CampaignStage, MeteredModel
from caponier.emulate.emulation import carried_out
from caponier.emulate.images import Images, shifted
from caponier.emulate.victims.digits import DigitsSplit, Kind, Victim

SIGMA = 0.1
"""Of the noise on a copy, where values are from 0 to 1."""
NOISY, MOVED = 6, 1
"""Copies of each record with noise, and of those with noise that are a pixel off besides."""


@dataclass(frozen=True)
class LabelOnlyMembership(Inquiry):
    """Asks for each record and copies of it; those whose label holds are taken for training data."""

    budget: int = 100 * (1 + NOISY + MOVED)
    kind: Kind = "mlp"
    wrong: float = 0.4

    name: ClassVar[str] = "label_only_membership"
    description: ClassVar[str] = (
        "Label-only membership inference: asks for 100 records, each with seven noisy or moved copies, and takes those "
        "for training data whose label on file holds; a success if members and others are told apart with an AUC of 0.7"
    )

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Train a victim that leaks, whatever other victim there is, and mix members with images it never saw."""
        del victim
        return self.staged(split, seed)

    def run(self, predict: Predict, stage: CampaignStage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Tell members from others; see `caponier.emulate.campaign.Campaign.run`."""
        line = MeteredModel(predict, self.budget if budget is None else budget)
        rng = np.random.default_rng(seed)
        found = Verdicts(rng.permutation(len(stage.held)))

        def holds(image: Images, label: int) -> bool:
            return int(line.ask(image).argmax()) == label

        def steps() -> None:
            for at in found.places:
                image, label = stage.held.images[at], int(stage.held.labels[at])
                # What the model gets wrong as it stands is no member, however its copies fare (the gap attack).
                known = holds(image, label)
                borne = sum([holds(copy, label) for copy in copies(image, rng)])
                found.values.append(float(known * (1 + borne)))

        return found.outcome(self.name, self, stage, line, carried_out(steps))


def copies(image: Images, rng: np.random.Generator) -> Images:
    """Return copies (k, 64) of an image (64,): all with noise, the last ones a pixel off as well."""
    same = np.tile(image, (NOISY + MOVED, 1))
    offsets = rng.integers(-1, 2, size=(len(same), 2))
    offsets[:NOISY] = 0
    noise = SIGMA * rng.standard_normal(same.shape, dtype=np.float32)
    made: Images = np.clip(shifted(same, offsets) + noise, 0, 1).astype(np.float32)
    return made


CAMPAIGN = LabelOnlyMembership()
