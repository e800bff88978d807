"""What all campaigns share that ask whether records were trained on: victims that leak, candidates, and the judge."""

from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from caponier.emulate.campaign import CampaignOutcome, CampaignStage, MeteredModel, exam_of
from caponier.emulate.outcome import Stop
from caponier.emulate.victims.digits import DigitsSplit, Kind, Pool
from caponier.emulate.victims.leaking import mislabelled, train_leaking
from caponier.matrix.technique import TechniqueId

FEWEST: Final = 50
"""Candidates below which nothing is claimed."""
LEARNED: Final = 100
"""Records that a victim is trained on."""
TECHNIQUES: Final = (TechniqueId("atlas", "AML.T0024.000"), TechniqueId("amltm-2020", "AMLTM.EXFIL.01.01"))


@dataclass(frozen=True)
class Inquiry:
    """Candidates for membership, and the victim that may give them away.

    Args:
        candidates: Records that are asked for, half of them members.
        auc: Area under the curve from which on the members are told apart.
        budget: Most queries altogether.
        kind: Of the victim: `forest`, or `mlp` for an overfitted network.
        wrong: Share of all records, members or not, whose label on file is wrong.
    """

    candidates: int = 100
    auc: float = 0.7
    budget: int = 200
    kind: Kind = "forest"
    wrong: float = 0.0

    gap_s: ClassVar[float] = 0.5
    techniques: ClassVar[tuple[TechniqueId, ...]] = TECHNIQUES

    def staged(self, split: DigitsSplit, seed: int, *, holding: bool = False) -> CampaignStage:
        """Train a victim that leaks, and mix members with records that it never saw.

        Args:
            split: Pools of images that never meet.
            seed: Fixes the victim and the candidates.
            holding: Whether the attacker also holds records that are no candidates; they stand behind those.
        """
        rng = np.random.default_rng(seed)
        half = min(self.candidates // 2, LEARNED, len(split.attackers))
        order = rng.permutation(2 * half)
        learned = mislabelled(Pool(split.train.images[:LEARNED], split.train.labels[:LEARNED]), self.wrong, rng)
        own = mislabelled(split.attackers, self.wrong, rng)
        images = np.concatenate([learned.images[:half], own.images[:half]])[order]
        labels = np.concatenate([learned.labels[:half], own.labels[:half]])[order]
        model = train_leaking(learned, split.test, seed, self.kind)
        rest = slice(half, None if holding else half)
        held = Pool(np.concatenate([images, own.images[rest]]), np.concatenate([labels, own.labels[rest]]))
        return CampaignStage(
            victim=model,
            training=learned,
            held=held,
            member=np.concatenate([order < half, np.zeros(len(held) - 2 * half, bool)]),
            exam=exam_of(split.test, model),
        )


@dataclass(eq=False)
class Verdicts:
    """What a campaign holds of one candidate after the other; what was answered before a refusal counts."""

    places: npt.NDArray[np.int64]
    """Of the candidates among what is held, in the order in which they are asked for."""
    values: list[float] = field(default_factory=list)
    """The larger, the likelier is the candidate a member."""

    def outcome(
        self, name: str, inquiry: Inquiry, stage: CampaignStage, line: MeteredModel, stop: Stop
    ) -> CampaignOutcome:
        """Judge them."""
        auc = auc_of(np.array(self.values), stage.member[self.places[: len(self.values)]])
        return line.outcome(
            name,
            inquiry.techniques,
            stop,
            success=len(self.values) >= FEWEST and auc >= inquiry.auc,
            measure={"auc": auc, "candidates": len(self.values)},
        )


def auc_of(values: npt.NDArray[np.float64], member: npt.NDArray[np.bool_]) -> float:
    """Return how often a member's value is above another's, ties counted half; 0.5 if either kind is missing."""
    members, others = values[member], values[~member]
    if not len(members) or not len(others):
        return 0.5
    above = (members[:, None] > others).mean() + (members[:, None] == others).mean() / 2
    return float(above)
