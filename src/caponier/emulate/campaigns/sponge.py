"""Denial of service by cost: inputs that make a model work as long as it can, found by asking."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, CampaignStage, MeteredModel
from caponier.emulate.emulation import carried_out
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim
from caponier.emulate.victims.variable_cost import Steps, settling_steps
from caponier.matrix.technique import TechniqueId

DEAR: Final = 5.0
"""Times the usual cost that a sponge must cost."""
HALVINGS: Final = 20
GRAIN: Final = 1e-6
"""Standard deviation of what is added to a sponge to make another one."""


@dataclass(frozen=True)
class Sponge:
    """Halves the way between two images of different classes, again and again, to where the model cannot decide.

    A model that works until it is sure tells by its scores how long it took, so that nothing but its answers is needed.

    Args:
        searches: Sponges that are looked for.
        budget: Most queries altogether.
        steps: How many steps an answer took.
    """

    searches: int = 4
    budget: int = 150
    steps: Steps = settling_steps

    name: ClassVar[str] = "sponge"
    description: ClassVar[str] = (
        "Sponge examples (Shumailov et al. 2021): inputs on which a model stays undecided; a success if those that it "
        "sends after the search cost five times the usual or more, in the median"
    )
    gap_s: ClassVar[float] = 1.0
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0029"),
        TechniqueId("atlas", "AML.T0034.001"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.02"),
    )

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Give the attacker some images."""
        return CampaignStage.on(split, seed, victim, split.attackers)

    def run(self, predict: Predict, stage: CampaignStage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Find sponges, then send them and more of their kind; see `caponier.emulate.campaign.Campaign.run`."""
        line, rng = MeteredModel(predict, self.budget if budget is None else budget), np.random.default_rng(seed)
        meter = _Meter(line, self.steps)
        stop = carried_out(lambda: self._send(meter, stage.held, rng, line))
        usual = float(np.median(self.steps(stage.victim.predict_proba(stage.exam.images))))
        after = meter.costs[meter.searched :] if meter.searched else []
        times = float(np.median(after)) / usual if after else 0.0
        return line.outcome(
            self.name,
            self.techniques,
            stop,
            success=times >= DEAR,
            measure={"times_usual": times, "searching": float(meter.searched or line.queries)},
        )

    def _send(self, meter: "_Meter", held: Pool, rng: np.random.Generator, line: MeteredModel) -> None:
        """Search first, then send what is like the dearest that was found, until the budget is spent."""
        for _ in range(self.searches):
            meter.search(held.images, rng)
        found = meter.dearest(self.searches)
        meter.searched = len(meter.costs)
        while line.left:
            meter.ask(_another(found[rng.integers(len(found))], rng))


class _Meter:
    """Asks, and keeps what each answer cost.

    Args:
        line: To the model.
        steps: How many steps an answer took.
    """

    def __init__(self, line: MeteredModel, steps: Steps) -> None:
        self._line, self._steps = line, steps
        self._images: list[Images] = []
        self.costs: list[int] = []
        self.searched = 0
        """Queries of the search, once it is over."""

    def ask(self, image: Images) -> int:
        """Ask for an image (64,) and return the answer."""
        scores = self._line.ask(image)
        self._images.append(image)
        self.costs.append(int(self._steps(scores[None])[0]))
        return int(scores.argmax())

    def search(self, images: Images, rng: np.random.Generator) -> None:
        """Halve the way between two images (n, 64) that are answered differently."""
        first, second = images[rng.choice(len(images), 2, replace=False)]
        answer = self.ask(first)
        while self.ask(second) == answer:
            second = images[rng.integers(len(images))]
        for _ in range(HALVINGS):
            middle = ((first + second) / 2).astype(np.float32)
            if self.ask(middle) == answer:
                first = middle
            else:
                second = middle

    def dearest(self, n: int) -> list[Images]:
        """Return the n images that cost most."""
        ranked = np.argsort(self.costs, kind="stable")[::-1]
        return [self._images[place] for place in ranked[:n]]


def _another(image: Images, rng: np.random.Generator) -> Images:
    """Change an image (64,) by next to nothing: the same bytes again might be answered from a cache."""
    changed: Images = np.clip(image + GRAIN * rng.standard_normal(len(image)), 0, 1).astype(np.float32)
    return changed


CAMPAIGN = Sponge()
