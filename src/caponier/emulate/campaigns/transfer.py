"""Offline evasion: adversarial images that were made on the attacker's own model, and are sent once.

What fools one model mostly fools another that learned the same task (Papernot et al. 2017), so that nothing has to be
asked: the victim sees the finished images alone.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt

from caponier.emulate.attacker.surrogate import Surrogate, train_surrogate
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, CampaignStage, MeteredModel
from caponier.emulate.emulation import carried_out
from caponier.emulate.images import CLASSES, Images, Labels, shots
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim
from caponier.matrix.technique import TechniqueId

PHOTOS: Final = 8
"""Of each image that the attacker holds, to train on."""
FEWEST: Final = 10
"""Answers before a share of them says anything."""
STEPS: Final = 20


@dataclass(frozen=True)
class Transfer:
    """Trains a model of its own, makes adversarial images on it, and sends each of them once.

    Args:
        size: Most that a pixel is changed, in units of the range.
        fooled: Share of the images sent that must be taken for something else.
        budget: Most queries altogether.
    """

    size: float = 0.25
    fooled: float = 0.6
    budget: int = 60

    name: ClassVar[str] = "transfer"
    description: ClassVar[str] = (
        "Adversarial images made on the attacker's own model by the fast gradient sign method (Goodfellow et al. 2015) "
        "and projected gradient descent (Madry et al. 2018), each sent once; a success if six of ten fool the model"
    )
    gap_s: ClassVar[float] = 30.0
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0043.002"),
        TechniqueId("atlas", "AML.T0015"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.01"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.01.V3"),
    )

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Give the attacker images with their true classes."""
        return CampaignStage.on(split, seed, victim, split.attackers)

    def run(self, predict: Predict, stage: CampaignStage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Make the images, then send them; see `caponier.emulate.campaign.Campaign.run`."""
        line, rng = MeteredModel(predict, self.budget if budget is None else budget), np.random.default_rng(seed)
        model = _own_model(stage.held, rng, seed)
        rows = rng.permutation(len(stage.held))
        # No more are made than can be sent; every other one in a single step.
        rows = rows[: self.budget if budget is None else budget]
        images, labels = stage.held.images[rows], stage.held.labels[rows]
        made = fgsm(model, images, labels, self.size)
        made[1::2] = pgd(model, images[1::2], labels[1::2], self.size)
        answers: list[int] = []

        def steps() -> None:
            answers.extend(int(line.ask(image).argmax()) for image in made)

        stop = carried_out(steps)
        fooled = float(np.mean(np.array(answers) != labels[: len(answers)])) if answers else 0.0
        return line.outcome(
            self.name,
            self.techniques,
            stop,
            success=len(answers) >= FEWEST and fooled >= self.fooled,
            measure={"fooled": fooled},
        )


def fgsm(model: Surrogate, images: Images, labels: Labels, size: float) -> Images:
    """Change each pixel of images (n, 64) by `size`, all at once, to where the model is surest of another class."""
    return _within(images + size * np.sign(_uphill(model, images, labels)))


def pgd(model: Surrogate, images: Images, labels: Labels, size: float) -> Images:
    """Do the same in small steps, never farther than `size` from where each pixel was."""
    made = images
    for _ in range(STEPS):
        step = made + 2.5 * size / STEPS * np.sign(_uphill(model, made, labels))
        made = _within(np.clip(step, images - size, images + size))
    return made


def _uphill(model: Surrogate, images: Images, labels: Labels) -> Images:
    """Return the gradient (n, 64) of how far the best other class is ahead of the true one."""
    logits = model.logits(images).copy()
    logits[np.arange(len(labels)), labels] = -np.inf
    other: Labels = logits.argmax(axis=1)
    gradient: Images = model.gradients(images, other) - model.gradients(images, labels)
    return gradient


def _within(images: npt.NDArray[Any]) -> Images:
    within: Images = np.clip(images, 0, 1).astype(np.float32)
    return within


def _own_model(held: Pool, rng: np.random.Generator, seed: int) -> Surrogate:
    """Train on photos of the held images, by their true classes: nothing is asked."""
    photos = shots(np.tile(held.images, (PHOTOS, 1)), rng, shift_share=0.5)
    return train_surrogate(photos, np.eye(CLASSES, dtype=np.float32)[np.tile(held.labels, PHOTOS)], seed)


CAMPAIGN = Transfer()
