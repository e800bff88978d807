"""An adversarial patch, found with the model at hand, and pasted on whatever is then shown to the one in use."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.attacker.patch import find_patch
from caponier.emulate.attacker.prepared import GAP_S, prepared, send
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, CampaignStage
from caponier.emulate.images import CLASSES, Images, shots
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, train_victim
from caponier.formats.one_thread import one_thread
from caponier.matrix.technique import TechniqueId

ENOUGH: Final = 0.5
"""Share of pictures with the patch that must get the attacker's answer; without it a few in a hundred do."""


@dataclass(frozen=True)
class PastedPatch:
    """Finds a patch for every answer, and pastes the one that works best on photos of other things.

    Args:
        side: Of the patch, in pixels.
        pictures: How many are sent.
    """

    side: int = 3
    pictures: int = 150

    name: ClassVar[str] = "pasted_patch"
    description: ClassVar[str] = (
        "Adversarial patch (Brown et al. 2017): a square of a seventh of the image, found with the model at hand and "
        "pasted on many pictures; a success if half of them or more get the attacker's answer"
    )
    gap_s: ClassVar[float] = GAP_S
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0041"),
        TechniqueId("atlas", "AML.T0043"),
        TechniqueId("atlas", "AML.T0015"),
        TechniqueId("amltm-2020", "AMLTM.RECON.04"),
    )

    @property
    def budget(self) -> int:
        """One query a picture."""
        return self.pictures

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Find the patch and paste it on the attacker's photos."""
        model = victim or train_victim(split.train, split.test, seed)
        # Thousands of small questions: shared among cores, they take ten times as long on a busy machine.
        with one_thread():
            found = [self._pasted(model, split.attackers, target, seed) for target in range(CLASSES)]
        _, target, pictures = max(found, key=lambda one: one[0])
        return prepared(pictures, target, model, split.train, split)

    def run(self, predict: Predict, stage: CampaignStage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Send the pictures; see `caponier.emulate.campaign.Campaign.run`."""
        return send(self, predict, stage, ENOUGH, seed=seed, budget=budget)

    def _pasted(self, model: Victim, pool: Pool, target: int, seed: int) -> tuple[float, int, Images]:
        """Return how often the best patch for an answer works, the answer, and photos (n, 64) with it."""
        rng = np.random.default_rng((seed, target))
        others = pool.images[pool.labels != target]
        patch = find_patch(model.predict_proba, others, target, self.side, rng)
        photos = patch.paste(shots(others[rng.integers(len(others), size=self.pictures)], rng))
        return float((model.answers(photos) == target).mean()), target, photos


CAMPAIGN = PastedPatch()
