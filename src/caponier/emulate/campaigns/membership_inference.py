"""Membership inference by a threshold on the model's confidence (Yeom and others, 2018; Salem and others, 2019)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from caponier.emulate.campaign import CampaignOutcome, Line, Stage, carried_out, exam_of
from caponier.emulate.images import CLASSES, Images, Labels
from caponier.emulate.oracle import Predict
from caponier.emulate.victims.digits import SEEDS, DigitsSplit, Pool, Victim
from caponier.extras import needs
from caponier.matrix.technique import TechniqueId

FEWEST = 50
"""Candidates below which nothing is claimed."""
LEARNED, TREES = 100, 20


@dataclass(frozen=True)
class MembershipInference:
    """Asks for records one by one; those of which the model is surest are taken for its training data.

    Args:
        candidates: Records that it asks for, half of them members.
        auc: Area under the curve from which on the members are told apart.
        budget: Most queries altogether.
    """

    candidates: int = 100
    auc: float = 0.7
    budget: int = 200

    name: ClassVar[str] = "membership_inference"
    description: ClassVar[str] = (
        "Membership inference: asks for 100 records and takes those for training data of which the model is surest; a "
        "success if members and others are told apart with an AUC of 0.7"
    )
    gap_s: ClassVar[float] = 0.5
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0024.000"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.01.01"),
    )

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> Stage:
        """Train a victim that leaks, whatever other victim there is, and mix members with images it never saw."""
        del victim
        rng = np.random.default_rng(seed)
        learned = Pool(split.train.images[:LEARNED], split.train.labels[:LEARNED])
        model = _leaking(learned, split.test, seed)
        half = min(self.candidates // 2, LEARNED, len(split.attackers))
        images = np.concatenate([learned.images[:half], split.attackers.images[:half]])
        labels = np.concatenate([learned.labels[:half], split.attackers.labels[:half]])
        order = rng.permutation(2 * half)
        return Stage(
            victim=model,
            training=learned,
            held=Pool(images[order], labels[order]),
            member=order < half,
            exam=exam_of(split.test, model),
        )

    def run(self, predict: Predict, stage: Stage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Tell members from others; see `caponier.emulate.campaign.Campaign.run`."""
        line = Line(predict, self.budget if budget is None else budget)
        order = np.random.default_rng(seed).permutation(len(stage.held))
        sure: list[float] = []

        def steps() -> None:
            # One by one: what was answered before a refusal counts.
            sure.extend(float(line.ask(stage.held.images[at])[stage.held.labels[at]]) for at in order)

        stop = carried_out(steps)
        auc = _auc(np.array(sure), stage.member[order[: len(sure)]])
        return CampaignOutcome(
            name=self.name,
            techniques=self.techniques,
            queries=line.queries,
            unique_queries=line.unique_queries,
            success=len(sure) >= FEWEST and auc >= self.auc,
            stop=stop,
            measure={"auc": auc, "candidates": len(sure)},
        )


def _auc(values: npt.NDArray[np.float64], member: npt.NDArray[np.bool_]) -> float:
    """Return how often a member's value is above another's, ties counted half; 0.5 if either kind is missing."""
    members, others = values[member], values[~member]
    if not len(members) or not len(others):
        return 0.5
    above = (members[:, None] > others).mean() + (members[:, None] == others).mean() / 2
    return float(above)


def _leaking(pool: Pool, held_out: Pool, seed: int) -> Victim:
    """Train a forest that knows its few images by heart: full trees, each image as it is, no noise."""
    predict_proba = _forest(pool.images, pool.labels, seed)
    right = predict_proba(held_out.images).argmax(axis=1) == held_out.labels
    return Victim("forest", predict_proba, float(right.mean()))


def _forest(images: Images, labels: Labels, seed: int) -> Callable[[Images], Images]:
    with needs("emulate", "Training a victim"):
        from sklearn.ensemble import RandomForestClassifier
    model = RandomForestClassifier(n_estimators=TREES, random_state=seed % SEEDS, n_jobs=1).fit(images, labels)

    def predict_proba(rows: Images) -> Images:
        scores = np.zeros((len(rows), CLASSES), np.float32)
        scores[:, model.classes_] = model.predict_proba(rows)
        return scores

    return predict_proba


CAMPAIGN = MembershipInference()
