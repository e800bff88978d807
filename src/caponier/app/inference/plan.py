"""What is run over the events of a model, and from which score on it speaks: the same for a log and for a guard."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from caponier.app.inference.promise import DEFAULT_BUDGET, bound_of, limit_of
from caponier.app.inference.staleness import portrait_of
from caponier.app.workspace.workspace import read_salt
from caponier.detect.calibration.baseline import Baseline, DetectorBaseline, ModelBaseline
from caponier.detect.calibration.judging import FEWEST, HORIZON, MAX_BOUND, Threshold, threshold
from caponier.detect.detector import EventDetector, Params, Signal, Subject, memory
from caponier.detect.registry import select
from caponier.detect.training_sketch.near_rows import opened
from caponier.detect.training_sketch.sketch import fits
from caponier.engines.local import Line, Plan
from caponier.errors import InputError
from caponier.plugins import Plugins
from caponier.records.alert_budget import AlertBudget
from caponier.records.finding import Basis
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.records.skip import Skip
from caponier.telemetry.features import Encoder

Lines = dict[str, tuple[Params, Threshold]]
"""What each detector runs with, by its name."""


@dataclass
class Remarks:
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
class Terms:
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
class Case:
    """One model, with what is run over its events."""

    plan: Plan
    detectors: dict[str, EventDetector]
    thresholds: dict[str, Threshold]

    @classmethod
    def of(cls, model: str, encoder: Encoder, lines: Lines, section: ModelBaseline | None, terms: Terms) -> Self:
        """Put together what is known of a model.

        Args:
            model: Its name.
            encoder: Scale of its inputs.
            lines: From `lines_of`.
            section: What benign traffic of it looks like.
            terms: What to go by.
        """
        horizon = terms.workspace.detect.horizon if terms.workspace else HORIZON
        known = {detector.name: detector for detector in terms.detectors}
        plan = Plan(
            model,
            encoder,
            section.horizon if section else horizon,
            tuple(Line(known[name], params, line.value) for name, (params, line) in lines.items()),
            terms.salt,
            cells=section.cells if section else None,
            portrait=portrait_of(section, encoder),
        )
        return cls(
            plan,
            known,
            {name: line for name, (_, line) in lines.items()},
        )


def lines_of(
    remarks: Remarks,
    model: str,
    version: str | None,
    detectors: Sequence[EventDetector],
    section: ModelBaseline | None,
    terms: Terms,
) -> Lines:
    """Return what each detector runs with; list those that cannot run, and what the others lack.

    Args:
        remarks: Takes what cannot be done.
        model: Name of the model.
        version: The version that most of its events are of.
        detectors: Those that find in its events what they need.
        section: What benign traffic of the model looks like.
        terms: What to go by.
    """
    detectors = _trained(remarks, model, detectors, section, terms.salt)
    ranked = {detector.name: found for detector in detectors if (found := _learned(detector, section))}
    total = bound_of(terms.budget, terms.baseline.horizons_per_week if terms.baseline else None)
    lines: Lines = {}
    for detector in detectors:
        # The budget is spent by those detectors alone that are judged by rank here.
        line = _line(detector, ranked.get(detector.name), total / max(1, len(ranked)))
        if line is None or not _has_cells(detector, section):
            lack = f"needs a baseline, but {_lack(detector, section)}"
            remarks.skipped.append(Skip(f"{model}: {detector.name}", lack))
            continue
        lines[detector.name] = (opened(line[0], terms.salt), line[1])
        _qualify(remarks, model, detector, section, line[1])
    if section and lines and section.version != version:
        versions = f"version {section.version or 'unknown'}, most events of version {version or 'unknown'}"
        remarks.notes.append(f"{model}: the baseline is of {versions}; build one for it, --from this one")
    if section and lines and section.warm:
        own, old = section.warm.own, section.warm.version or "unknown"
        remarks.notes.append(f"{model}: thresholds are estimates from version {old} and {own} principals of this one")
    other = section is not None and section.version and version and section.version != version
    return estimated(lines) if section and (section.warm or other) else lines


def by_rank(detector: EventDetector, learned: DetectorBaseline, bound: float) -> Threshold | None:
    """Return the threshold that the rank among benign maxima gives; None where these say too little.

    Where benign callers asked so little that the detector never remembered all that it can, nobody knows how high its
    scores get. Then only what looks like an attacker by itself is one; and nothing does if benign callers do already.
    """
    line, limit = threshold(learned.maxima, bound, detector.floor), limit_of(detector)
    if line is None or limit is None or not unremembered(learned):
        return line
    if learned.maxima.aside or learned.maxima.largest > limit:
        return None
    return replace(line, value=max(line.value, limit), basis=Basis.ESTIMATE)


def unremembered(learned: DetectorBaseline) -> bool:
    """Tell whether hardly a benign subject asked for so long that a detector remembered all that it can."""
    return learned.remembered is not None and learned.remembered < FEWEST


def estimated(lines: Lines) -> Lines:
    """Return thresholds above whatever benign subjects of another version reached, for they can promise nothing."""
    return {name: (params, estimate(line)) for name, (params, line) in lines.items()}


def estimate(line: Threshold) -> Threshold:
    """Return such a threshold."""
    if line.maxima is None:
        return line
    return replace(line, value=max(line.value, line.maxima.largest), basis=Basis.ESTIMATE)


def unpromised(lines: Lines) -> Lines:
    """Return the same thresholds where what they promise does not hold."""
    return {
        name: (params, replace(line, basis=Basis.ESTIMATE) if line.basis is Basis.PROMISE else line)
        for name, (params, line) in lines.items()
    }


def refuse_other_input(section: ModelBaseline, known: FeatureSpec) -> None:
    """Make sure that a baseline was built for what a model is said to take.

    Raises:
        InputError: If it was built for another description.
    """
    if known.digest() != section.spec.digest():
        raise InputError(
            "the baseline was built for another description of the input",
            where=section.model,
            mend=f"Build it again, or describe the input as it was: {section.spec.model_dump_json(exclude_none=True)}",
        )


def _qualify(
    remarks: Remarks, model: str, detector: EventDetector, section: ModelBaseline | None, line: Threshold
) -> None:
    """Note what makes a threshold less sure than a promise."""
    if line.basis is Basis.COLD_START:
        remarks.notes.append(f"{model}: {detector.name} runs with cold-start thresholds ({_lack(detector, section)})")
        return
    stored = _learned(detector, section)
    if stored and limit_of(detector) is not None and unremembered(stored):
        remarks.notes.append(f"{model}: {detector.name} finds only the loudest attacks; {_short(detector)}")
    if line.basis is Basis.ESTIMATE and stored and stored.back_test.failed:
        test = stored.back_test
        tested = f"{test.seen} of {test.of} benign principals passed where {test.expected:.1f} were expected"
        remarks.notes.append(f"{model}: estimates of {detector.name} are unreliable ({tested})")


def _trained(
    remarks: Remarks,
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
        lack = "was made with another salt" if stored else "is missing; build the baseline with --training-set"
        remarks.notes.append(f"{model}: {detector.name} does not run; the baseline's sketch of the training set {lack}")
    return speaking


def _learned(detector: EventDetector, section: ModelBaseline | None) -> DetectorBaseline | None:
    """Return what the baseline knows for a detector, if it can be used."""
    stored = section.detectors.get(detector.name) if section else None
    if stored is None or stored.version != detector.state_version or by_rank(detector, stored, MAX_BOUND) is None:
        return None
    return stored


def _line(detector: EventDetector, stored: DetectorBaseline | None, bound: float) -> tuple[Params, Threshold] | None:
    """Return the parameters and threshold of a detector: by rank, else for a cold start, else None."""
    line = by_rank(detector, stored, bound) if stored else None
    if stored and line:
        return stored.params, line
    priors = detector.priors()
    return (priors[0], Threshold(priors[1], Basis.COLD_START, bound, None)) if priors else None


def _has_cells(detector: EventDetector, section: ModelBaseline | None) -> bool:
    """Tell whether like queries can be brought together, for a detector that looks at those."""
    return Plan.kind_of(detector) is not Subject.BUCKET or (section is not None and section.cells is not None)


def _lack(detector: EventDetector, section: ModelBaseline | None) -> str:
    """Say why a detector has no baseline to go by."""
    if section is None:
        return "there is none for this model; build one with: caponier baseline build"
    stored = section.detectors.get(detector.name)
    if stored is None or not _has_cells(detector, section):
        return "it was built without this detector; build it again"
    if stored.version != detector.state_version:
        return "it is of another version of this detector; build it again"
    whom = "cells of like queries" if detector.subject is Subject.BUCKET else "benign principals"
    if len(stored.maxima.full) >= FEWEST:
        return _short(detector)
    return f"only {len(stored.maxima.full)} {whom} filled a horizon in it, and {FEWEST} are needed"


def _short(detector: EventDetector) -> str:
    """Say that benign callers asked too little for a detector."""
    back = f"it looks back {memory(detector)} {detector.counts.value}"
    return f"{back}, and too few benign callers asked for longer; learn from a longer log"
