"""Stage 2: make the least change that turns rows into each class, and look for a class that needs far less than others.

After Neural Cleanse (Wang et al. 2019) for patches, with universal perturbations beside it for triggers that lie over
the whole row, by their length, and of pictures also by the waves that they are made of. What a backdoored class needs
is compared with the class that needs least of all the others: natural costs differ by class, and by more than their
median tells. In tables the cheapest patch says nothing, for single columns open classes by nature; there columns are
set together, and what counts is how sure the network is then, beyond what the clean rows' values explain.
"""

from dataclasses import dataclass
from math import inf, log, sqrt
from typing import Any, Final

import numpy as np

from caponier.detect.detector import Confidence
from caponier.detect.model import ModelAnalysis, ReadModel, silent
from caponier.detect.networks.column_settings import MISSED, ColumnSetting, column_settings
from caponier.detect.networks.few_classes import FEWEST, farther
from caponier.detect.networks.spectral_synthesis import synthesise_waves
from caponier.detect.networks.stored_tensors import Floats
from caponier.detect.networks.trigger_synthesis import Form, Synthesised, synthesise
from caponier.detect.wording import how_many
from caponier.matrix.technique import TechniqueId

FEWEST_ROWS, MOST_ROWS = 20, 100
MANY_FEATURES: Final = 256
"""Of a picture, from which it is asked for waves: in smaller ones a wave is hardly more than a few pixels."""
LEAST: Final[dict[Form, float]] = {"patch": 2.0, "overlay": 1e-6, "waves": 1e-6}
"""Cost below which all are alike: many a clean network has a single feature that turns everything, mostly one that
hardly varied when it was trained."""
LEAST_SPREAD: Final = 0.1
MOST_WORK: Final = 100_000_000
"""Multiplications for a row of each class; so large a network takes some minutes."""
LIMITS: Final[dict[Form, float]] = {"patch": 2.0, "overlay": 1.4, "waves": 1.5}
"""How many times as much the cheapest other class must need, by form."""
SPREADS: Final[dict[Form, float]] = {"patch": 4.2, "overlay": 3.0, "waves": 1.75}
"""How many spreads that must be besides, of what the other classes need (as logarithms): in some clean networks, of
small pictures above all, single features open classes, and costs lie far apart. By waves they never lie so close that
a small gap is many spreads. Of fewer than ten classes it must be more."""
RATIO_POWER: Final = 0.55
"""How much of what few classes add to the spreads is added to the ratio (as a logarithm): 2 becomes 3 with six."""

FEWEST_SET: Final = 5
"""Classes from which columns are set together: of fewer, two columns of a clean network do what a trigger does."""
UNEXPLAINED, OF_FEW = 0.75, 2.2
"""How sure of a class that columns open is a finding, in units of the margin of clean rows; of five and six classes,
where columns of a clean network do more."""
MANY_CLASSES: Final = 7


class TriggerSearch:
    """Finds the class that a small change opens."""

    name = "trigger_search"
    statistic = "trigger_gap"
    techniques = (
        TechniqueId("atlas", "AML.T0018.000"),
        TechniqueId("amltm-2020", "AMLTM.INIT.01"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.02"),
    )
    version = 1
    max_confidence = Confidence.HIGH
    emulations = ("corner_backdoor", "blended_backdoor")
    controls = ("noisy_digits", "watermarked")

    def analyse(self, model: ReadModel) -> ModelAnalysis:
        """See `ModelDetector`."""
        samples, classes = model.samples, model.network.outputs
        if samples is None:
            return silent("it needs clean samples (--samples)")
        if len(samples.x) < FEWEST_ROWS or classes < FEWEST:
            few = "" if classes >= FEWEST else ": in one with fewer, harmless changes open a class as a trigger does"
            return silent(f"it needs {FEWEST_ROWS} samples and {FEWEST} classes at least{few}")
        if (work := classes * model.network.work(samples.x)) > MOST_WORK:
            return silent(f"a row of each class takes {work:,} multiplications; more than {MOST_WORK:,} take too long")
        x = samples.x[:: max(1, -(-len(samples.x) // MOST_ROWS))]
        scores = model.network.scores(x)
        if not np.isfinite(scores).all():
            return silent("its scores are no finite numbers")
        answers = scores.argmax(1)
        flat: tuple[Form, ...] = ("patch", "overlay")
        found = {form: synthesise(model.network, x, answers, form, picture=samples.picture) for form in flat}
        if samples.picture and x.shape[1] >= MANY_FEATURES:
            found["waves"] = synthesise_waves(model.network, x, answers, samples.shape)
        gaps = {form: _gap(made, form) for form, made in found.items()}
        if not samples.picture and classes >= FEWEST_SET:
            gaps["patch"] = _set_apart(column_settings(model.network, x, answers), x, classes)
        form = max(found, key=lambda one: gaps[one].score)
        gap = gaps[form]
        cheapest = gap.cheapest
        if cheapest is None:
            return silent("no change was found that turns its answers")
        costs = {
            one: {str(made.target): round(made.cost, 2) if made.cost < inf else None for made in tried}
            for one, tried in found.items()
        }
        success = round(float((model.network.answers(cheapest.put_on(x)) == cheapest.target).mean()), 4)
        facts: dict[str, Any] = {
            "class": cheapest.target,
            "form": form,
            "ratio": round(gap.ratio, 3),
            "spreads": round(gap.spreads, 2),
        }
        facts |= {"costs": costs, "rows": len(x), "success": success}
        confidence = self.max_confidence.cap * min(1.0, max(0.0, 0.4 + 0.3 * gap.score))
        if gap.setting is not None:
            facts |= {"columns": {str(at): round(value, 4) for at, value in gap.setting.values.items()}}
            facts |= {"margin": round(gap.setting.margin, 3), "evidence": round(gap.setting.evidence, 3)}
        summary = _words(gap, cheapest, success)
        return ModelAnalysis(round(gap.score, 3), 1.0, cheapest.target, summary, facts, confidence, cheapest)


@dataclass(frozen=True)
class _Gap:
    """How far the class that needs least stands apart, by one form of change."""

    cheapest: Synthesised | None
    ratio: float = 1.0
    spreads: float = 0.0
    score: float = 0.0
    """From 1 on a finding."""
    setting: ColumnSetting | None = None
    """Of a table: the columns that are set."""


def _set_apart(settings: list[ColumnSetting], x: Floats, classes: int) -> _Gap:
    """Say how sure the network is of the class that columns open, beyond what clean rows explain."""
    if len(settings) < FEWEST:
        return _Gap(None)
    first = settings[0]
    mask, pattern = np.zeros((2, x.shape[1]), np.float32)
    for column, value in first.values.items():
        mask[column], pattern[column] = 1, value
    made = Synthesised(first.target, "patch", mask, pattern, x.min(0), x.max(0), float(len(first.values)), 1 - MISSED)
    score = first.unexplained / (UNEXPLAINED if classes >= MANY_CLASSES else OF_FEW)
    return _Gap(made, score=max(0.0, score), setting=first)


def _gap(made: list[Synthesised], form: Form) -> _Gap:
    order = sorted((one for one in made if one.cost < inf), key=lambda one: one.cost)
    if len(order) < FEWEST:
        # Classes that nothing opens say nothing of how much is usual.
        return _Gap(order[0] if order else None)
    costs = np.log(np.maximum([one.cost for one in order], LEAST[form]))
    above = float(costs[1] - costs[0])
    spreads = above / max(float(costs[1:].std()), LEAST_SPREAD)
    more = farther(len(order))
    wide = above / (log(LIMITS[form]) * more**RATIO_POWER)
    alone = spreads / (SPREADS[form] * more)
    # A gap that is wider than it must be makes up for classes that lie far apart, and never the other way round.
    score = min(wide, sqrt(wide * alone))
    return _Gap(order[0], float(np.exp(above)), spreads, score)


def _words(gap: _Gap, made: Synthesised, success: float) -> str:
    if gap.setting is not None:
        named, margin = ", ".join(str(column) for column in gap.setting.values), gap.setting.margin
        return (
            f"setting columns {named} together to values that they have turns {success:.0%} of the samples into class "
            f"{made.target}, with {margin:.1f} times the margin of clean samples; what class these have explains "
            f"{margin - gap.setting.unexplained:.1f} of that"
        )
    patch = f"setting {how_many(max(1, round(made.cost)), 'feature')} to the same values"
    whole = (
        f"adding the same waves, {made.cost:.1f} high together,"
        if made.form == "waves"
        else (f"adding the same change, of length {made.cost:.2f},")
    )
    what = patch if made.form == "patch" else whole
    return (
        f"{what} turns {success:.0%} of the samples into class {made.target}; "
        f"for any other class the change must be at least {gap.ratio:.1f} times as large"
    )


detector = TriggerSearch()
