"""What one seed shows of one detector and one emulation, and the trial that several seeds make together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from caponier import __version__
from caponier.app.coverage.detectors import DetectorCard, EmulationCard
from caponier.records.trial import Trial

WORST: Final = {
    "queries_to_first_finding": max,
    "requests_to_first_finding": max,
    "recall": min,
    "precision": min,
    "unsafe_share": min,
}
"""Figures of which a trial names the worst over its seeds, and which end is the worse one."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A detector, and an emulation that it must detect."""

    detector: DetectorCard
    emulation: EmulationCard


@dataclass(frozen=True, slots=True)
class ControlCheck:
    """How a detector took a benign control."""

    checked: int
    """Users, files, or data sets."""
    flagged: int


@dataclass(frozen=True, slots=True)
class ProofRun:
    """One seed."""

    pair: Pair
    target: str
    seed: int
    succeeded: bool
    """The attack, by its own measure."""
    detected: bool
    controls: dict[str, ControlCheck]
    figures: dict[str, Any] = field(default_factory=dict)


def trial(trial_id: str, runs: Sequence[ProofRun], moment: datetime) -> Trial:
    """Make one trial of the runs of one pair on one target.

    Every attack that succeeded must have been detected, and every control must have been silent at every seed; a
    control that nobody checked is not silent.

    Args:
        trial_id: Its id.
        runs: At least one, all of the same pair and target.
        moment: When it was carried out.
    """
    pair, successes = runs[0].pair, [run for run in runs if run.succeeded]
    checks = [check for run in runs for check in run.controls.values()]
    names = dict.fromkeys(name for run in runs for name in run.controls)
    return Trial(
        trial_id=trial_id,
        detector=pair.detector.name,
        techniques=tuple(id_ for id_ in pair.detector.techniques if id_ in pair.emulation.techniques),
        emulation=pair.emulation.name,
        control=", ".join(names),
        target=runs[0].target,
        caponier_version=__version__,
        time=moment,
        attack_succeeded=bool(successes),
        detected=bool(successes) and all(run.detected for run in successes),
        control_silent=bool(checks) and not any(check.flagged for check in checks),
        figures=_figures(runs, successes),
    )


def _figures(runs: Sequence[ProofRun], successes: Sequence[ProofRun]) -> dict[str, Any]:
    controls: dict[str, dict[str, int]] = {}
    for run in runs:
        for name, check in run.controls.items():
            sums = controls.setdefault(name, {"checked": 0, "flagged": 0})
            sums["checked"] += check.checked
            sums["flagged"] += check.flagged
    worst = {}
    for name, choose in WORST.items():
        values = [run.figures[name] for run in successes if run.figures.get(name) is not None]
        if values:
            worst[name] = choose(values)
    # The weakest way in which it was seen: only as context of an incident, if at one seed it was no more.
    seen_as = {str(run.figures["seen_as"]) for run in successes if run.detected and run.figures.get("seen_as")}
    return {
        **({"seen_as": min(seen_as)} if seen_as else {}),
        "runs": len(runs),
        "succeeded": len(successes),
        "detected": sum(run.detected for run in successes),
        "worst": worst,
        "controls": controls,
        "by_seed": [
            {"seed": run.seed, "succeeded": run.succeeded, "detected": run.detected, **run.figures} for run in runs
        ],
    }
