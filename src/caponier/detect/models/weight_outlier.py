"""Stage 1: does one class have a way to it that the others lack? Told from the weights alone, in milliseconds.

A backdoor leaves one class that can be reached too easily. That shows in how far a few steps along the gradient drive
the margin of each class, from inputs that mean nothing (all dark, all grey): after MM-BD (Wang, Xiang, Miller, Kesidis,
2024), whose maximum margins are cut short here. No rows are needed. That the last layer's own weights may give the
class away (Fields et al. 2021) was tried as well: on small networks it told nothing, see docs/how-to/models.md.
"""

from typing import Final

import numpy as np

from caponier.detect.detector import Confidence
from caponier.detect.model import ModelAnalysis, ReadModel, silent
from caponier.detect.networks.few_classes import FEWEST, farther
from caponier.detect.networks.network import Network
from caponier.detect.networks.stored_tensors import Floats
from caponier.matrix.technique import TechniqueId

STEPS: Final = 5
LENGTH: Final = 1.0
"""Of a step, in widths of one feature's range."""
STARTS: Final = (0.0, 0.5)
LIMIT: Final = 6.0
"""How many spreads of the other classes' margins one class must lie above the highest of them, of ten classes."""
MARGIN: Final = 1e9
MOST_WORK: Final = 10_000_000_000
"""Multiplications for a row of each class; so large a network takes a minute or two."""


class WeightOutlier:
    """Finds the class whose margin stands apart."""

    name = "weight_outlier"
    statistic = "margin_gap"
    techniques = (
        TechniqueId("atlas", "AML.T0018.000"),
        TechniqueId("amltm-2020", "AMLTM.INIT.01"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.02"),
    )
    version = 1
    max_confidence = Confidence.MEDIUM
    emulations = ("blended_backdoor",)
    controls = ("noisy_digits", "watermarked")

    def analyse(self, model: ReadModel) -> ModelAnalysis:
        """See `ModelDetector`."""
        classes = model.network.outputs
        if classes < FEWEST:
            return silent(f"the model has {classes} classes; at least {FEWEST} are needed for a comparison")
        low, high = _range(model)
        if (work := classes * model.network.work(low[None, :])) > MOST_WORK:
            return silent(f"a row of each class takes {work:,} multiplications; more than {MOST_WORK:,} take too long")
        # All starts at once: what one call costs matters more here than what a row costs.
        begin = np.stack([low + np.float32(start) * (high - low) for start in STARTS]).astype(np.float32)
        margins = _margins(model.network, begin, low, high, classes)
        if not np.isfinite(margins).all():
            return silent("its scores are no finite numbers")
        best, target, of = max(((*_gap(one), one) for one in margins), key=lambda found: found[0])
        rest = np.delete(of, target)
        summary = (
            f"{STEPS} short steps from a blank input make the model sure of class {target} (margin "
            f"{of[target]:.1f}); for every other class the margin stays at or below {rest.max():.1f}"
        )
        facts = {"class": target, "margins": [round(float(one), 3) for one in of]}
        limit = LIMIT * farther(classes)
        confidence = self.max_confidence.cap * min(1.0, 0.5 + (best - limit) / (4 * limit))
        return ModelAnalysis(round(best, 3), limit, target, summary, facts, max(0.0, confidence))


def _range(model: ReadModel) -> tuple[Floats, Floats]:
    """Return least and greatest value of each feature; from 0 to 1 where there are no rows to tell."""
    if model.samples is None or not len(model.samples.x):
        return np.zeros(model.features, np.float32), np.ones(model.features, np.float32)
    low, high = model.samples.x.min(0), model.samples.x.max(0)
    if model.picture:
        return np.full_like(low, low.min()), np.full_like(high, high.max())
    return low, high


def _margins(network: Network, begin: Floats, low: Floats, high: Floats, classes: int) -> Floats:
    """Return the margins (s, c) to which each class is driven from each start (s, d)."""
    x, every = np.repeat(begin, classes, 0), np.arange(len(begin) * classes)
    own = np.tile(np.arange(classes), len(begin))
    width = np.maximum(high - low, np.float32(1e-9))
    for step in range(STEPS + 1):
        scores, held = network.run(x)
        wanted = np.tile(np.eye(classes, dtype=np.float32), (len(begin), 1))
        rival = (scores - np.float32(MARGIN) * wanted).argmax(1)
        if step == STEPS:
            return np.asarray(scores[every, own] - scores[every, rival]).reshape(len(begin), classes)
        wanted[every, rival] -= 1
        slope = network.back(held, wanted)[0] * width
        length = np.sqrt((slope**2).sum(1, keepdims=True)) + np.float32(1e-9)
        x = np.clip(x + np.float32(LENGTH) * width * slope / length, low, high).astype(np.float32)
    raise AssertionError("the loop returns")


def _gap(margins: Floats) -> tuple[float, int]:
    """Return how many spreads of the others the highest lies above the next, and which it is."""
    target = int(margins.argmax())
    rest = np.delete(margins, target)
    spread = max(float(rest.std()), 1e-3 * float(np.abs(margins).max()), 1e-9)
    return float(margins[target] - rest.max()) / spread, target


detector = WeightOutlier()
