"""What is run over the events of a model, and from which score on it speaks: the same for a log and for a guard."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from caponier.app.inference.staleness import profile_of
from caponier.app.workspace.workspace import read_salt
from caponier.detect.calibration.baseline import Baseline, DetectorBaseline, ModelBaseline
from caponier.detect.calibration.judging import FEWEST
from caponier.detect.detector import EventDetector, Signal, Subject
from caponier.detect.registry import select
from caponier.detect.training_sketch.near_rows import opened
from caponier.detect.training_sketch.sketch import fits
from caponier.engines.plan import DAY_US, CalibratedDetector, Plan
from caponier.errors import InputError
from caponier.plugins import Plugins
from caponier.records.alert_budget import AlertBudget
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.records.skip import Skip
from caponier.telemetry.features import Encoder

DEFAULT_BUDGET: Final = AlertBudget(per_week=2.0)
"""False alerts a week of which a user wants to be told at once."""


@dataclass
class Diagnostics:
    """What cannot be done, and what is done with less than there could be."""

    skipped: list[Skip] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def enabled(workspace: Workspace | None) -> list[EventDetector]:
    """Return the detectors that a workspace does not disable; all without one.

    Raises:
        InputError: If it names a detector that does not exist.
    """
    return select(workspace.detect.disabled, workspace.detect.detectors) if workspace else select()


def unavailable(known: Plugins[Any], workspace: Workspace | None) -> list[Skip]:
    """List the detectors that lack an optional dependency and are not disabled."""
    disabled = workspace.detect.disabled if workspace else ()
    return [Skip(one.name, one.line) for one in known.unavailable() if one.name not in disabled]


@dataclass(frozen=True)
class DetectionSettings:
    """What detection goes by."""

    detectors: list[EventDetector]
    baseline: Baseline | None
    budget: AlertBudget
    workspace: Workspace | None
    salt: bytes

    @classmethod
    def of(
        cls,
        workspace: Workspace | None,
        baseline: Baseline | None = None,
        budget: AlertBudget | None = None,
        detectors: Sequence[EventDetector] | None = None,
    ) -> Self:
        """Take from the workspace what is not given; without one, all detectors.

        Raises:
            InputError: If its salt or one of its baselines cannot be read.
        """
        chosen = list(enabled(workspace) if detectors is None else detectors)
        if workspace is None:
            return cls(chosen, baseline, budget or DEFAULT_BUDGET, None, b"")
        if baseline is None:
            files = dict.fromkeys(model.baseline for model in workspace.models if model.baseline)
            baseline = Baseline(tuple(section for file in files for section in Baseline.load(file).models))
        return cls(chosen, baseline, budget or workspace.detect.alert_budget, workspace, read_salt(workspace))

    def section(self, model: str, version: str | None) -> ModelBaseline | None:
        """Return what benign traffic of a model looks like, if that is known."""
        return self.baseline.of(model, version) if self.baseline else None

    def described(self, model: str) -> FeatureSpec | None:
        """Return what the inventory says that a model takes."""
        listed = self.workspace.model(model) if self.workspace else None
        return listed.features if listed else None

    def spec(self, model: str, version: str | None = None) -> FeatureSpec | None:
        """Return what a model takes, as the inventory says or its baseline."""
        section = self.section(model, version)
        return self.described(model) or (section.spec if section else None)


@dataclass(frozen=True)
class ModelDetection:
    """One model, with what is run over its events."""

    plan: Plan
    section: ModelBaseline | None
    """What benign traffic of it looks like."""
    sure: bool = True
    """Whether what its ranks promise holds: for this version, and for as much of the traffic as they are of."""

    def line(self, detector: str) -> CalibratedDetector:
        """Return what a detector runs with."""
        return next(line for line in self.plan.lines if line.name == detector)


def plan_for(
    remarks: Diagnostics,
    model: str,
    version: str | None,
    encoder: Encoder,
    detectors: Sequence[EventDetector],
    terms: DetectionSettings,
) -> ModelDetection | None:
    """Return what is run over the events of a model, in a scan and in a guard; None if no detector can run.

    Args:
        remarks: Takes what cannot be done, and what the detectors lack.
        model: Name of the model.
        version: The version that most of its events are of.
        encoder: Scale of its inputs.
        detectors: Those that find in its events what they need.
        terms: What to go by.
    """
    section = terms.section(model, version)
    lines = lines_for(remarks, model, section, detectors, terms.salt)
    if not lines:
        return None
    sure = section is None or _sure(remarks, section, version)
    plan = Plan(
        model,
        encoder,
        tuple(lines),
        terms.salt,
        cells=section.cells if section else None,
        profile=profile_of(section, encoder),
        levels=levels_of(section) if section else {},
        tails=section.tails if section else {},
        span=section.span if section else DAY_US,
    )
    return ModelDetection(plan, section, sure)


def lines_for(
    remarks: Diagnostics, model: str, section: ModelBaseline | None, detectors: Sequence[EventDetector], salt: bytes
) -> list[CalibratedDetector]:
    """Return what each detector runs with that can run on a model; say of the others why not.

    Args:
        remarks: Takes what cannot be done, and what the detectors lack.
        model: Name of the model.
        section: What benign traffic of it looks like, if that is known.
        detectors: Those that find in its events what they need.
        salt: The workspace's.
    """
    lines = []
    for detector in _trained(remarks, model, detectors, section, salt):
        line = _line(detector, section, salt)
        if line is None:
            why = _off(detector, section)
            if why:
                # Switched off on purpose: that is no part of a scan that could not be done.
                remarks.notes.append(f"{model}: {detector.name} is off: it {why}")
            else:
                remarks.skipped.append(Skip(f"{model}: {detector.name}", _lack(detector, section)))
            continue
        lines.append(line)
        if line.ranks is None:
            lack = _lack(detector, section)
            remarks.notes.append(f"{model}: {detector.name} runs with built-in thresholds; {lack}")
    return lines


def levels_of(section: ModelBaseline, most: float = 1.0) -> dict[Subject, int]:
    """Return the evidence that at most the section's share of benign subjects of each kind reaches, and at most `most`.

    With the section's own share alone it is the evidence from which on a subject is told of.
    """
    return {kind: tail.level(min(most, section.alpha_of(kind))) for kind, tail in section.tails.items()}


def _sure(remarks: Diagnostics, section: ModelBaseline, version: str | None) -> bool:
    """Tell whether the ranks of a section are of this version of its model; note if not."""
    if section.version != version:
        versions = f"version {section.version or 'unknown'}, most events of version {version or 'unknown'}"
        remarks.notes.append(f"{section.model}: the baseline is of {versions}; build one for it, --from this one")
    if section.warm:
        own, old = section.warm.own, section.warm.version or "unknown"
        remarks.notes.append(
            f"{section.model}: ranks are those of version {old}, since only {own} callers are of this version"
        )
    return not section.warm and (not section.version or not version or section.version == version)


def refuse_other_input(section: ModelBaseline, known: FeatureSpec) -> None:
    """Make sure that a baseline was built for what a model is said to take.

    Raises:
        InputError: If it was built for another description.
    """
    # Whoever said the kind alone, or whose log did, said no other shape than the log's.
    if known.filled().digest() != section.spec.filled().digest():
        raise InputError(
            "the baseline was built for another description of the input",
            where=section.model,
            hint=f"Build it again, or describe the input as it was: {section.spec.model_dump_json(exclude_none=True)}",
        )


def _trained(
    remarks: Diagnostics,
    model: str,
    detectors: Sequence[EventDetector],
    section: ModelBaseline | None,
    salt: bytes,
) -> list[EventDetector]:
    """Leave out, and note, the detectors that need a sketch of the training set and have none that can be read."""
    speaking = []
    for detector in detectors:
        stored = section.detectors.get(detector.name) if section else None
        if Signal.TRAINING_SET not in detector.needs or (stored and fits(stored.params, salt)):
            speaking.append(detector)
            continue
        lack = "it needs a baseline that was built with --training-set"
        if stored:
            lack = "the baseline's sketch of the training set was made with another salt"
        remarks.notes.append(f"{model}: {detector.name} does not run; {lack}")
    return speaking


def _learned(detector: EventDetector, section: ModelBaseline | None) -> DetectorBaseline | None:
    """Return what the baseline knows for a detector, if it is of its version."""
    stored = section.detectors.get(detector.name) if section else None
    return stored if stored and stored.version == detector.state_version else None


def _line(detector: EventDetector, section: ModelBaseline | None, salt: bytes) -> CalibratedDetector | None:
    """Return what a detector runs with: ranks, else a limit for a cold start, else None."""
    stored = _learned(detector, section)
    if not _has_cells(detector, section) or (stored and stored.off):
        return None
    if stored and stored.ranks.n >= FEWEST:
        limit = max(float(detector.floor), stored.least)
        return CalibratedDetector(detector, opened(stored.params, salt), limit, stored.ranks, stored.allowed)
    priors = detector.priors()
    return (
        CalibratedDetector(detector, opened(priors[0], salt), max(priors[1], float(detector.floor))) if priors else None
    )


def _has_cells(detector: EventDetector, section: ModelBaseline | None) -> bool:
    """Tell whether like queries can be brought together, for a detector that looks at those."""
    return Plan.kind_of(detector) is not Subject.BUCKET or (section is not None and section.cells is not None)


def _off(detector: EventDetector, section: ModelBaseline | None) -> str | None:
    """Say why a detector was switched off for a model; None if it was not."""
    stored = _learned(detector, section)
    return stored.off if stored else None


def _lack(detector: EventDetector, section: ModelBaseline | None) -> str:
    """Say why a detector has no baseline to go by."""
    if section is None:
        return "this model has no baseline; build one with: caponier baseline build"
    stored = section.detectors.get(detector.name)
    if stored is None or not _has_cells(detector, section):
        return "the baseline was built without this detector; build it again"
    if stored.version != detector.state_version:
        return "the baseline was built with another version of this detector; build it again"
    whom = "groups of similar queries" if detector.subject is Subject.BUCKET else "benign callers"
    return f"it needs {FEWEST} {whom} to compare with, but the baseline has {stored.ranks.n}"
