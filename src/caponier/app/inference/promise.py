"""Which false-alarm promise a baseline can keep, and which share of benign horizons a budget leaves for alerts."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from caponier.detect.calibration.baseline import DetectorBaseline, ModelBaseline
from caponier.detect.calibration.judging import FEWEST, MAX_BOUND
from caponier.detect.detector import EventDetector, Subject
from caponier.detect.registry import select
from caponier.engines.local import Plan
from caponier.records.alert_budget import AlertBudget

DEFAULT_BUDGET: Final = AlertBudget(per_week=2.0)


def limit_of(detector: EventDetector) -> float | None:
    """Return the score from which on a subject looks like an attacker to a detector, whatever the others do."""
    priors = detector.priors()
    return detector.suspect if detector.suspect is not None or priors is None else priors[1]


def bound_of(budget: AlertBudget, horizons_per_week: float | None) -> float:
    """Return the share of benign horizons that may raise an alert, over all detectors.

    Args:
        budget: What the user is ready to look at.
        horizons_per_week: Of all models; None where it is not known.
    """
    if budget.bound is not None:
        return min(budget.bound, MAX_BOUND)
    if budget.per_week is None or horizons_per_week is None:
        return MAX_BOUND
    return min(budget.per_week / max(1.0, horizons_per_week), MAX_BOUND)


def judged_by_caller(
    section: ModelBaseline, detectors: Sequence[EventDetector] | None = None
) -> list[DetectorBaseline]:
    """Return what the detectors learned that look at callers: the promise is about those, and cells are apart.

    Args:
        section: What was learned.
        detectors: Those that there are; all by default. Whoever is not among them counts as one that looks at callers.
    """
    known = select() if detectors is None else detectors
    apart = {detector.name for detector in known if Plan.kind_of(detector) is not Subject.PRINCIPAL}
    return [learned for name, learned in section.detectors.items() if name not in apart]


def promise_of(section: ModelBaseline, budget: AlertBudget = DEFAULT_BUDGET) -> str:
    """Say which false-alarm promise a section can keep, and which the alert budget asks for."""
    if section.warm:
        return f"{section.warm.own} principals of version {section.version}; nothing is promised, all is estimated"
    callers = judged_by_caller(section)
    n = min((len(detector.maxima.full) for detector in callers), default=0)
    aside = max((detector.maxima.aside for detector in callers), default=0)
    if n < FEWEST:
        return (
            f"{n} principals made {section.horizon} different queries; below {FEWEST} there is no promise, and scans "
            "use cold-start thresholds"
        )
    # As in a scan, the budget is spent by those alone that are judged by rank.
    ranked = sum(len(detector.maxima.full) >= FEWEST for detector in section.detectors.values())
    bound = bound_of(budget, section.horizons_per_week) / ranked
    kept = bound * (n + 1) >= 1 + aside
    needed = int(np.ceil((1 + aside) / bound)) - 1
    return (
        f"{n} principals made {section.horizon} different queries: at best {1 + aside} benign principal"
        f"{'s' if aside else ''} in {n + 1} {'are' if aside else 'is'} flagged a horizon, by each detector. "
        f"An alert budget of {budget} asks for 1 in {1 / bound:,.0f}: "
        + ("a promise" if kept else f"an estimate; a promise would need {needed:,} principals")
    )
