"""Extraction by Jacobian-based data set augmentation (Papernot and others, 2017): a copy from synthetic queries."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from caponier.emulate.campaign import CampaignOutcome, Line, Stage, carried_out, exam_of
from caponier.emulate.images import Images, Labels
from caponier.emulate.oracle import Predict
from caponier.emulate.victims.digits import SEEDS, DigitsSplit, Pool, Victim, train_victim
from caponier.extras import needs
from caponier.matrix.technique import TechniqueId

HIDDEN, EPOCHS, RATE = 64, 150, 0.003
LEAST = 1e-4
"""Scores below this are taken for it: what a server rounds to zero says no more."""


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
        mine, others = _few_of_each_class(split.attackers.labels, self.seeds, seed)
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
                ask(self._augmented(_substitute(known, told, seed), known, told.argmax(axis=1)))

        stop = carried_out(steps)
        natural = min(len(stage.held), len(asked))
        agreement = _agreement(asked, scores, stage.exam, seed)
        before = _agreement(asked[:natural], scores[:natural], stage.exam, seed)
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

    def _augmented(self, substitute: Any, images: Images, labels: Labels) -> Images:
        """Step from each image (n, 64) along the sign of the substitute's gradient for the answer to it."""
        inner, outer = substitute.coefs_
        active = images @ inner + substitute.intercepts_[0] > 0
        gradient = (active * outer[:, labels].T) @ inner.T
        stepped: Images = np.clip(images + self.step * np.sign(gradient), 0, 1).astype(np.float32)
        return stepped


def _few_of_each_class(labels: Labels, n: int, seed: int) -> tuple[Labels, Labels]:
    """Choose `n` images, about as many of each class, as the paper's attacker does; return their and the other rows."""
    order = np.random.default_rng(seed).permutation(len(labels))
    turn = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        turn[rows] = np.arange(len(rows))
    ranked = order[np.argsort(turn[order], kind="stable")]
    return ranked[:n], ranked[n:]


def _substitute(images: Images, scores: Images, seed: int) -> Any:
    """Train a network with one hidden layer on the logarithms of the scores (n, 10): they say more than labels."""
    with needs("emulate", "Training a substitute"):
        from sklearn.neural_network import MLPRegressor
    told = np.log(np.clip(scores, LEAST, 1))
    told -= told.mean(axis=1, keepdims=True)
    substitute = MLPRegressor(
        hidden_layer_sizes=(HIDDEN,), alpha=1e-3, learning_rate_init=RATE, random_state=seed % SEEDS
    )
    for _ in range(EPOCHS):
        substitute.partial_fit(images, told)
    return substitute


def _agreement(asked: list[Images], scores: list[Images], exam: Pool, seed: int) -> float:
    """Return the share of the exam to which a copy gives the victim's answer."""
    if not asked:
        return 0.0
    substitute = _substitute(np.array(asked), np.array(scores), seed)
    return float((substitute.predict(exam.images).argmax(axis=1) == exam.labels).mean())


CAMPAIGN = Jbda()
