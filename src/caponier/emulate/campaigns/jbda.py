"""Extraction by Jacobian-based data set augmentation (Papernot and others, 2017): a copy from synthetic queries."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.attacker.surrogate import Surrogate, agreement_of, few_of_each_class, train_surrogate
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, Line, Stage, carried_out, exam_of
from caponier.emulate.images import Images, Labels
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, train_victim
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class Jbda:
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
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0024.002"),
        TechniqueId("atlas", "AML.T0005.001"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.02"),
        TechniqueId("amltm-2020", "AMLTM.RECON.05.01"),
    )

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> Stage:
        """Give the attacker some images of its own, and let the copy be judged on others."""
        model = victim or train_victim(split.train, split.test, seed)
        mine, others = few_of_each_class(split.attackers.labels, self.seeds, seed)
        images, labels = split.attackers.images, split.attackers.labels
        return Stage(
            victim=model,
            training=split.train,
            held=Pool(images[mine], labels[mine]),
            member=np.zeros(len(mine), bool),
            exam=exam_of(Pool(images[others], labels[others]), model),
        )

    def run(self, predict: Predict, stage: Stage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Copy the model; see `caponier.emulate.campaign.Campaign.run`."""
        line = Line(predict, self.budget if budget is None else budget)
        asked: list[Images] = []
        scores: list[Images] = []

        def ask(images: Images) -> None:
            for image in images:
                scores.append(line.ask(image))
                asked.append(image)

        def steps() -> None:
            ask(stage.held.images)
            for _ in range(self.rounds):
                known, told = np.array(asked), np.array(scores)
                ask(self._augmented(train_surrogate(known, told, seed), known, told.argmax(axis=1)))

        stop = carried_out(steps)
        natural = min(len(stage.held), len(asked))
        agreement = agreement_of(asked, scores, stage.exam, seed)
        before = agreement_of(asked[:natural], scores[:natural], stage.exam, seed)
        return CampaignOutcome(
            name=self.name,
            techniques=self.techniques,
            queries=line.queries,
            unique_queries=line.unique_queries,
            success=agreement >= self.agreement,
            stop=stop,
            measure={
                "agreement": agreement,
                "agreement_of_natural": before,
                "natural": natural,
                "synthetic": len(asked) - natural,
            },
        )

    def _augmented(self, substitute: Surrogate, images: Images, labels: Labels) -> Images:
        """Step from each image (n, 64) along the sign of the substitute's gradient for the answer to it."""
        way = np.sign(substitute.gradients(images, labels))
        stepped: Images = np.clip(images + self.step * way, 0, 1).astype(np.float32)
        return stepped


CAMPAIGN = Jbda()
