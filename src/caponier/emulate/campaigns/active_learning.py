"""Extraction by active learning: of what it has, the copier asks for what its copy is least sure of (Settles 2009).

For copying models so see Chandrasekaran and others (2020); the queries are natural images, each of them harmless.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from caponier.emulate.attacker.surrogate import agreement_of, few_of_each_class, train_surrogate
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, Line, Stage, carried_out, exam_of
from caponier.emulate.images import Images, Labels, shots
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, train_victim
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class ActiveLearning:
    """Trains a copy on the answers so far, and asks next for the images on which the copy's margin is least.

    Args:
        seeds: Images that it begins with, about as many of each class.
        batch: Images that it asks for before it trains anew.
        queries: Images that it asks for altogether, if it has as many.
        shots: Photos that the attacker has of each of its images.
        agreement: Share of held-out images to which the copy must give the victim's answer.
        budget: Most queries altogether.
    """

    seeds: int = 20
    batch: int = 10
    queries: int = 300
    shots: int = 10
    agreement: float = 0.85
    budget: int = 300

    name: ClassVar[str] = "active_learning"
    description: ClassVar[str] = (
        "Active learning: copies the model with natural images, always those that its copy is least sure of; a success "
        "if the copy answers as the model does on 85 % of held-out images"
    )
    gap_s: ClassVar[float] = 1.0
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0024.002"),
        TechniqueId("atlas", "AML.T0005.001"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.02"),
        TechniqueId("amltm-2020", "AMLTM.RECON.05.01"),
    )

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> Stage:
        """Give the attacker many photos of its own images, and judge the copy on others."""
        model = victim or train_victim(split.train, split.test, seed)
        rng = np.random.default_rng(seed)
        labels = np.tile(split.attackers.labels, self.shots)
        held = Pool(shots(np.tile(split.attackers.images, (self.shots, 1)), rng), labels)
        return Stage(model, split.train, held, np.zeros(len(held), bool), exam_of(split.test, model))

    def run(self, predict: Predict, stage: Stage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Copy the model; see `caponier.emulate.campaign.Campaign.run`."""
        line = Line(predict, self.budget if budget is None else budget)
        asked: list[Images] = []
        scores: list[Images] = []
        left = np.ones(len(stage.held), bool)

        def ask(rows: Labels) -> None:
            left[rows] = False
            for image in stage.held.images[rows]:
                scores.append(line.ask(image))
                asked.append(image)

        def steps() -> None:
            ask(few_of_each_class(stage.held.labels, self.seeds, seed)[0])
            while left.any() and line.queries < self.queries:
                copy = train_surrogate(np.array(asked), np.array(scores), seed)
                unasked = np.flatnonzero(left)
                ask(unasked[np.argsort(copy.margins(stage.held.images[unasked]), kind="stable")[: self.batch]])

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


CAMPAIGN = ActiveLearning()
