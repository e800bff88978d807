"""NES (Ilyas, Engstrom, Athalye, Lin, 2018): a gradient estimated from scores of a cloud of samples."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from caponier.emulate.attack import QueryAttack
from caponier.emulate.caller.oracle import Oracle
from caponier.emulate.images import Images
from caponier.emulate.outcome import Within

BOUND: Final = Within("linf", 0.2)


@dataclass(frozen=True)
class NES(QueryAttack):
    """Projected gradient descent in L-infinity with an estimated gradient, untargeted, on one image.

    Args:
        pairs: Samples of one estimate, each with its mirror image.
        sigma: Standard deviation of the samples in each pixel.
        step: How far each pixel moves after an estimate.
        budget: Most queries.
        within: Success is an image that is misread within this bound.
    """

    pairs: int = 10
    sigma: float = 0.01
    step: float = 0.02
    budget: int = 1000
    within: Within = BOUND

    name: ClassVar[str] = "nes"
    description: ClassVar[str] = (
        "NES: estimates the gradient from the scores of a cloud of noisy copies, and follows it step by step"
    )

    def steps(self, oracle: Oracle, seed: int, start: Images | None) -> None:
        """Follow the slope; see `caponier.emulate.attack.QueryAttack.steps`."""
        del start
        rng = np.random.default_rng(seed)
        image, moved = oracle.original, True
        while oracle.nearest is None and moved:
            following = self._step(image, self._slope(oracle, image, rng), oracle.original)
            moved = not np.array_equal(following, image)
            oracle.answer(following)
            image = following

    def _slope(self, oracle: Oracle, image: Images, rng: np.random.Generator) -> Images:
        """Estimate where the score of the true class falls, (64,); what is fooled on the way is noted by the oracle."""
        cloud = rng.standard_normal((self.pairs, image.size), dtype=np.float32)
        ahead, behind = (oracle(_picture(image + way * self.sigma * cloud)) for way in (1, -1))
        # Of the logarithm: where the model is sure, the score itself hardly moves.
        change = np.log(_score(behind, oracle.label)) - np.log(_score(ahead, oracle.label))
        slope: Images = change @ cloud
        return slope

    def _step(self, image: Images, slope: Images, original: Images) -> Images:
        following = image + self.step * np.sign(slope)
        return _picture(np.clip(following, original - self.within.bound, original + self.within.bound))


def _score(scores: Images, label: int) -> Images:
    kept: Images = np.maximum(scores[:, label], np.finfo(np.float32).tiny)
    return kept


def _picture(values: Images) -> Images:
    within: Images = np.clip(values, 0, 1).astype(np.float32)
    return within


EMULATION = NES()
