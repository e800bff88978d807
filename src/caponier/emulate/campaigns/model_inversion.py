"""Model inversion without gradients: climbs from noise to what the model takes for a class (Fredrikson et al. 2015).

What one climb finds is full of noise that the model does not mind; the mean of several shows what the class looks like.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import CampaignOutcome, CampaignStage, MeteredModel
from caponier.emulate.emulation import carried_out
from caponier.emulate.images import CLASSES, FEATURES, SIDE, Images
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim
from caponier.matrix.technique import TechniqueId

SURE: Final = 0.9
"""Score from which on the model is sure of a class."""
WIDTH: Final = 0.7
"""How far neighbouring pixels go together in a change, in pixels."""
DARKER: Final = 0.02
"""How much darker each try is: most of a picture is background, and what does not help is to fade away."""
PATIENCE: Final = 400
"""Queries after which a climb is given up."""


@dataclass(frozen=True)
class ModelInversion:
    """Changes an image at random, a little at a time, and keeps what raises one class's score.

    Args:
        climbs: Climbs from noise, all for one class.
        step: Standard deviation of the change in each pixel.
        until: Score at which a climb ends.
        likeness: Correlation with the mean image of the class from which on the class is given away; with 64 pixels
            chance stays below it in 19 of 20 cases.
        budget: Most queries altogether.
        shape: Of an image; of a record (n,), whose neighbouring numbers have nothing to do with each other.
        classes: How many the model tells apart.
    """

    climbs: int = 24
    step: float = 0.06
    until: float = 0.999
    likeness: float = 0.2
    budget: int = 24 * PATIENCE
    shape: tuple[int, ...] = (SIDE, SIDE)
    classes: int = CLASSES

    name: ClassVar[str] = "model_inversion"
    description: ClassVar[str] = (
        "Model inversion: climbs from noise to what the model takes for one class, again and again; a success if the "
        "model is sure of the finds, and their mean looks like the class"
    )
    gap_s: ClassVar[float] = 0.2
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0024.001"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.01.02"),
    )

    def stage(self, split: DigitsSplit, seed: int, victim: Victim | None = None) -> CampaignStage:
        """Give the attacker nothing but noise to begin with."""
        noise = np.random.default_rng(seed).random((self.climbs, FEATURES), dtype=np.float32)
        held = Pool(noise, np.zeros(self.climbs, np.int64))
        return CampaignStage.on(split, seed, victim, held)

    def run(self, predict: Predict, stage: CampaignStage, *, seed: int, budget: int | None = None) -> CampaignOutcome:
        """Find out what a class looks like; see `caponier.emulate.campaign.Campaign.run`."""
        line = MeteredModel(predict, self.budget if budget is None else budget)
        rng = np.random.default_rng(seed)
        search = _Search(line, int(rng.integers(self.classes)), rng, self)

        def steps() -> None:
            for noise in stage.held.images:
                search.climb(noise)

        stop = carried_out(steps)
        likeness = _likeness(search.found, stage.training.images[stage.training.labels == search.target])
        return line.outcome(
            self.name,
            self.techniques,
            stop,
            success=len(search.found) >= self.climbs / 2 and likeness >= self.likeness,
            measure={
                "likeness": likeness,
                "found": len(search.found),
                "queries_until_sure": search.sure_after or line.queries,
            },
        )


@dataclass
class _Search:
    """Climbs for one class: what they found, and after how many queries the model was sure of it first."""

    line: MeteredModel
    target: int
    rng: np.random.Generator
    how: ModelInversion
    found: list[Images] = field(default_factory=list)
    sure_after: int | None = None

    def climb(self, best: Images) -> None:
        """Climb from an image until the model is as sure as can be, or patience ends; keep what it is sure of."""
        last, score = self.line.queries + PATIENCE, self._score(best)
        while score < self.how.until and self.line.queries < last:
            moved = best * (1 - DARKER) + self.how.step * _smooth(self.rng, self.how.shape)
            tried: Images = np.clip(moved, 0, 1).astype(np.float32)
            told = self._score(tried)
            if told > score:
                best, score = tried, told
        if score > SURE:
            self.found.append(best)

    def _score(self, image: Images) -> float:
        score = float(self.line.ask(image)[self.target])
        if score > SURE and self.sure_after is None:
            self.sure_after = self.line.queries
        return score


def _blur(side: int) -> Images:
    """Return the weights (side, side) by which each pixel of a line takes part in its neighbours' changes."""
    places = np.arange(side)
    weights: Images = np.exp(-np.square(places[:, None] - places) / (2 * WIDTH**2)).astype(np.float32)
    return weights


def _smooth(rng: np.random.Generator, shape: tuple[int, ...]) -> Images:
    """Return a random change (d,) of standard deviation 1 in which neighbouring pixels go together, as strokes do."""
    change = rng.standard_normal(shape, dtype=np.float32)
    if len(shape) > 1:
        change = np.einsum("ih,hw...,wj->ij...", _blur(shape[0]), change, _blur(shape[1]), optimize=True)
    smooth: Images = (change / change.std()).ravel()
    return smooth


def _likeness(found: list[Images], images: Images) -> float:
    """Return how the mean of what was found correlates with the mean of a class's images (n, 64); 0 without any."""
    if not found:
        return 0.0
    return float(np.corrcoef(np.mean(found, axis=0), images.mean(axis=0))[0, 1])


CAMPAIGN = ModelInversion()
