"""Membership inference with shadow models (Shokri and others, 2017)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from caponier.emulate.attacker.membership import LEARNED, Inquiry, Verdicts
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, CampaignStage, MeteredModel
from caponier.emulate.emulation import carried_out
from caponier.emulate.images import Images, Labels
from caponier.emulate.victims.digits import DigitsSplit, Kind, Pool, Victim
from caponier.emulate.victims.leaking import train_leaking
from caponier.extras import needs

SHADOWS = 6
LEAST = 1e-4
"""Scores below are taken for this, so that they have a logarithm."""
SORTED = 3
"""Largest scores that the attack classifier is shown in order."""


@dataclass(frozen=True)
class ShadowMembership(Inquiry):
    """Learns on models of its own what the answers to members look like, then asks for each record once."""

    kind: Kind = "mlp"
    wrong: float = 0.4

    name: ClassVar[str] = "shadow_membership"
    description: ClassVar[str] = (
        "Membership inference with shadow models: trains six models like the victim on records of its own, learns from "
        "them what scores members get, and asks for 100 records once each; a success if members and others are told "
        "apart with an AUC of 0.7"
    )

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Train a victim that leaks, whatever other victim there is; the attacker holds records of its own as well."""
        del victim
        return self.staged(split, seed, holding=True)

    def run(self, predict: Predict, stage: CampaignStage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Tell members from others; see `caponier.emulate.campaign.Campaign.run`."""
        line = MeteredModel(predict, self.budget if budget is None else budget)
        rng = np.random.default_rng(seed)
        n = 2 * (self.candidates // 2)
        own = Pool(stage.held.images[n:], stage.held.labels[n:])
        likely = _attack_model(own, self.kind, rng)
        found = Verdicts(rng.permutation(min(n, len(stage.held))))

        def steps() -> None:
            for at in found.places:
                scores, label = line.ask(stage.held.images[at]), stage.held.labels[at : at + 1]
                found.values.append(float(likely(signs(scores[None], label))[0]))

        return found.outcome(self.name, self, stage, line, carried_out(steps))


def signs(scores: Images, labels: Labels) -> npt.NDArray[np.float64]:
    """Return what of scores (n, 10) tells members, (n, 6): the largest, the label's and its logarithm, the entropy."""
    kept = np.clip(scores.astype(np.float64), LEAST, 1)
    own = kept[np.arange(len(labels)), labels]
    entropy = -(kept * np.log(kept)).sum(axis=1)
    largest = np.sort(kept, axis=1)[:, : -SORTED - 1 : -1]
    return np.column_stack([largest, own, np.log(own), entropy])


def _attack_model(
    own: Pool, kind: Kind, rng: np.random.Generator
) -> Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]:
    """Train shadow models on halves of the attacker's records, and a classifier that tells their members."""
    with needs("emulate", "Training a classifier of members"):
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    shown, member = [], []
    half = min(LEARNED, len(own) // 2)
    for _ in range(SHADOWS):
        chosen = rng.permutation(len(own))[: 2 * half]
        images, labels, learned = own.images[chosen], own.labels[chosen], np.arange(2 * half) < half
        pool, rest = Pool(images[learned], labels[learned]), Pool(images[~learned], labels[~learned])
        shadow = train_leaking(pool, rest, int(rng.integers(2**31)), kind)
        shown.append(signs(shadow.predict_proba(images), labels))
        member.append(learned)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(np.concatenate(shown), np.concatenate(member))
    decide: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]] = model.decision_function
    return decide


CAMPAIGN = ShadowMembership()
