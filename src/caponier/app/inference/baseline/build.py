"""Learn what benign traffic looks like, and find out which false-alarm promise it can keep."""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from caponier.app.inference.accounts import keys_joined
from caponier.app.inference.baseline.set_aside import NOTHING, Overrules, set_aside
from caponier.app.inference.baseline.training_rows import Rows, taken_as_they_stand, training_rows
from caponier.app.inference.load import feature_spec, lacking, load_events, scale_of, seeing
from caponier.app.inference.plan import enabled, unavailable
from caponier.app.inference.read_options import USUAL, ReadOptions
from caponier.app.progress import Progress, Silent
from caponier.app.workspace.workspace import read_salt
from caponier.detect.batch import EventBatch
from caponier.detect.calibration.baseline import Baseline, DetectorBaseline, ModelBaseline, digest_of
from caponier.detect.calibration.joint_tail import JointTail
from caponier.detect.calibration.judging import ALPHA, FEWEST, Gathered, Ranking
from caponier.detect.detector import EventDetector, Params, Signal, Subject, in_parts
from caponier.detect.registry import event_detectors
from caponier.detect.similarity.cells import Cells
from caponier.detect.traffic_profile.behaviour_clusters import BehaviourCluster, habits
from caponier.detect.traffic_profile.profile import TrafficProfile
from caponier.detect.training_sketch.near_rows import banded, opened, usual
from caponier.detect.training_sketch.sketch import CANARIES, OWN, Sketch, holds, plain_rows, sketch
from caponier.detect.training_sketch.slow_hits import GAIN, learned_gain
from caponier.engines.local import LOCAL, Engine, sample
from caponier.engines.plan import DAY_US, CalibratedDetector, Plan
from caponier.engines.profiles import ProfileBuilder
from caponier.engines.sampling import rate_of, sampled
from caponier.engines.shares import Share, bucket_of
from caponier.engines.spool import ModelSummary, Spool, caller_of, temporary_folder
from caponier.engines.subjects import columns_of
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.records.skip import Skip, in_words
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows

FOLDS: Final = 5
FIT_EVENTS: Final = 200_000
"""Events that detectors are fitted on; whole subjects are left out beyond it."""
FIT_QUERIES: Final = 1_000
"""First queries of each subject that detectors are fitted on."""
WEEK_US: Final = 7 * DAY_US
NEAREST: Final = 3
"""Benign subjects with the largest maxima that a report names for each detector."""


@dataclass(frozen=True)
class Tested:
    """What planted attackers showed."""

    off: Mapping[str, str] = field(default_factory=dict)
    """Why a detector cannot tell them, by its name."""
    not_run: str | None = None
    """Why nothing was planted."""


SelfTest = Callable[[ModelBaseline, Spool, ModelSummary], Tested]
"""Plants attackers into a log and scores them by the draft of a baseline."""


@dataclass
class BaselineReport:
    """A baseline, and what was left out of it."""

    baseline: Baseline
    rejected: RejectedRows
    skipped: list[Skip] = field(default_factory=list)
    """What was not used, and why."""
    notes: list[str] = field(default_factory=list)
    """Who was set aside, and why."""
    aside: dict[str, frozenset[str]] = field(default_factory=dict)
    """By model: the callers from whom nothing was learned."""
    nearest: dict[tuple[str, str], list["Near"]] = field(default_factory=dict)
    """By model and detector: the benign subjects with the largest maxima, largest first. A baseline holds no names."""


@dataclass(frozen=True)
class Near:
    """A benign subject with a large maximum."""

    name: str
    value: float
    habit: BehaviourCluster | None
    """How it asks, where that is known."""


@dataclass
class _Found:
    """What was gathered of one detector's scores."""

    kind: Subject
    """Whose they are."""
    gathered: Gathered = field(default_factory=Gathered)

    def nearest(self, habit: Mapping[str, BehaviourCluster], without: frozenset[str]) -> list[Near]:
        """Return those with the largest scores of all who were not set aside."""
        peaks = [(name, value) for name, value in self.gathered.peaks().items() if value and name not in without]
        best = heapq.nsmallest(NEAREST, peaks, key=lambda one: (-one[1], one[0]))
        return [Near(caller_of(name).in_words, value, habit.get(name)) for name, value in best]


@dataclass(frozen=True, eq=False)
class _TrainingInputs:
    """Who learns, and the sketch of the training set that some of them are given besides."""

    detectors: Sequence[EventDetector]
    sketch: Sketch
    rows: NDArray[np.float32] | None = None
    """Training rows (n, d), until the middle of benign queries is known."""
    salt: bytes = b""

    def beside(self, encoder: Encoder, benign: EventBatch) -> Self:
        """Add to the sketch what nearly a training row is told by."""
        if self.rows is None:
            return self
        return replace(self, sketch={**self.sketch, **banded(encoder.encode(self.rows), benign.query, self.salt)})

    def of(self, detector: EventDetector, own: EventBatch) -> Params:
        """Return what a detector learns from some subjects' own events, for the judgement of others.

        Canaries are left out: how high a score must be is not to depend on whether a thief is in the benign log.
        """
        kept = self.kept(detector, own)
        return opened({name: values for name, values in kept.items() if name != CANARIES}, self.salt)

    def kept(self, detector: EventDetector, own: EventBatch) -> Params:
        """Return what a baseline keeps of that: no key."""
        learned = detector.fit(own)
        if Signal.TRAINING_SET not in detector.needs:
            return learned
        if self.rows is None:
            return {**learned, **self.sketch}
        queries, _ = own.queries()
        usually = usual(opened(self.sketch, self.salt), queries, holds(self.sketch, queries.key), OWN)
        gain = np.array([learned_gain(self.sketch, queries.key, queries.offsets)])
        return {**learned, **self.sketch, **usually, GAIN: gain}


@dataclass(frozen=True, eq=False)
class _BuildOptions:
    """What every model in the logs is learned with; see `build_baseline`."""

    workspace: Workspace | None
    spec: FeatureSpec | None
    alpha: float
    salt: bytes
    detectors: Sequence[EventDetector]
    training_set: Rows | None
    canaries: Rows | None
    sampling: float | None
    overrules: Overrules
    self_test: SelfTest | None
    engine: Engine

    @property
    def trained(self) -> bool:
        """Whether there is anything to make a sketch of."""
        return self.training_set is not None or self.canaries is not None

    def spec_of(self, model: str) -> FeatureSpec | None:
        """Return what a model is said to take."""
        listed = self.workspace.model(model) if self.workspace else None
        return self.spec or (listed.features if listed else None)


def build_baseline(
    paths: Sequence[Path],
    *,
    workspace: Workspace | None = None,
    spec: FeatureSpec | None = None,
    alpha: float | None = None,
    overrules: Overrules = NOTHING,
    self_test: SelfTest | None = None,
    training_set: Rows | None = None,
    canaries: Rows | None = None,
    detectors: Sequence[EventDetector] | None = None,
    rejected: RejectedRows | None = None,
    options: ReadOptions = USUAL,
    engine: Engine = LOCAL,
    shared: Path | None = None,
    progress: Progress | None = None,
) -> BaselineReport:
    """Build a baseline from logs of benign traffic, a section for each model in them.

    Args:
        paths: Logs.
        workspace: Its inventory says what the models take; its salt keys the digests.
        spec: What the models take, in place of the inventory.
        alpha: Share of benign callers that may be flagged; the workspace's by default.
        overrules: What people know of callers in the logs.
        self_test: Tells which detectors can tell attackers from benign callers on these models.
        training_set: Rows (n, d) that the one model in the logs was trained on, on the scale of the logged inputs, or
            (n,) raw inputs; a salted sketch of them is kept, for the detection of membership inference.
        canaries: Records (c, d) that exist only where a thief finds them; they are sketched likewise.
        detectors: Who learns; by default all that the workspace does not disable.
        rejected: Takes the rows that cannot be used.
        options: How the logs are to be read.
        engine: Scores the callers: the local one, or one on a cluster. What is learned of a bounded sample of them,
            and the self-test, are this machine's.
        shared: Folder in which an engine's workers find the events; by default one for temporary files.
        progress: Told how far it is.

    Raises:
        InputError: If nothing in the logs can be used, or a training set does not belong to them, or has no salt.
    """
    watch, rejected = progress or Silent(), rejected if rejected is not None else RejectedRows()
    alpha = alpha or (workspace.detect.alpha if workspace else ALPHA)
    salt, learning = read_salt(workspace) if workspace else b"", enabled(workspace) if detectors is None else detectors
    sketched = (training_set, canaries)
    given = _BuildOptions(
        workspace, spec, alpha, salt, learning, *sketched, options.sampling, overrules, self_test, engine
    )
    report = BaselineReport(Baseline(), rejected)
    report.skipped += unavailable(event_detectors, workspace)
    # It may be asked on another machine, where nobody needs the detectors for it.
    said = replace(given, detectors=(), training_set=None, canaries=None, self_test=None, engine=LOCAL).spec_of
    with Spool(folder=temporary_folder(shared), joined=keys_joined(workspace)) as spool:
        each = engine.each
        read = load_events(spool, paths, rejected, watch, options=options, salt=salt, spec_of=said, each=each)
        _refuse_others(given, read)
        sections = tuple(_of_each(report, spool, read, given, watch))
    if not sections:
        reasons = "; ".join(in_words(report.skipped))
        raise InputError(f"no model in the logs can be learned ({reasons})", where=", ".join(map(str, paths)))
    return replace(report, baseline=Baseline(sections))


def _of_each(
    report: BaselineReport, spool: Spool, read: Sequence[ModelSummary], given: _BuildOptions, watch: Progress
) -> Iterator[ModelBaseline]:
    """Learn model by model: what is wrong with one costs no other its baseline.

    Raises:
        InputError: If it is the only one.
    """
    for summary in read:
        try:
            section = _of_model(report, spool, summary, given, watch)
        except InputError as wrong:
            if len(read) == 1:
                raise
            report.skipped.append(Skip(summary.model, wrong.what))
            continue
        if section is not None:
            yield section


def _refuse_others(given: _BuildOptions, read: Sequence[ModelSummary]) -> None:
    """Make sure that what is sketched belongs to one model.

    Raises:
        InputError: If the logs hold several.
    """
    if given.trained and len(read) > 1:
        names = ", ".join(summary.model for summary in read)
        what = "a training set is" if given.training_set is not None else "canaries are"
        raise InputError(f"{what} one model's, and the logs hold {names}", hint="Build one by one")


def _of_model(
    report: BaselineReport, spool: Spool, summary: ModelSummary, given: _BuildOptions, watch: Progress
) -> ModelBaseline | None:
    """Learn what benign traffic of one model looks like, or note why that cannot be."""
    known = feature_spec(summary, given.spec_of(summary.model))
    said = given.spec_of(summary.model)
    if known.kind == "none" and (said is None or said.kind != "none"):
        lack = 'no event has an input that can be read, so that the baseline looks at none (kind = "none")'
        report.skipped.append(Skip(f"{summary.model}: inputs", f"{lack}; log the inputs, or describe them"))
    speaking = _speaking(report, summary, given.detectors, known, given.trained)
    if not speaking:
        return None
    encoder = scale_of(summary, known, spool)
    if isinstance(encoder, str):
        report.skipped.append(Skip(summary.model, encoder))
        return None
    if order := taken_as_they_stand(given.training_set, encoder.spec):
        report.notes.append(f"{summary.model}: {order}")
    report.rejected.add(spool.wrong_lengths(summary.model, encoder.size))
    plan = Plan(summary.model, encoder, (), given.salt, columns_of(speaking))
    section = _section(report, spool, summary, plan, _lessons(speaking, encoder, given), given, watch)
    listed = given.workspace.model(summary.model) if given.workspace else None
    logged = sampled(spool, summary.model)
    return replace(section, sampling=rate_of(given.sampling, listed.sampling if listed else None, logged))


def _lessons(speaking: Sequence[EventDetector], encoder: Encoder, given: _BuildOptions) -> _TrainingInputs:
    """Return who learns, with a sketch if there is something to make it of and inputs are looked at."""
    if not given.trained or not encoder.size:
        return _TrainingInputs(speaking, {})
    trained, hidden = (
        None if those is None else training_rows(those, encoder.spec) for those in (given.training_set, given.canaries)
    )
    seen = sketch(trained, encoder.spec, given.salt, hidden)
    rows = None if trained is None else plain_rows(trained, encoder.spec)
    return _TrainingInputs(speaking, seen, rows, given.salt)


def _speaking(
    report: BaselineReport,
    summary: ModelSummary,
    detectors: Sequence[EventDetector],
    known: FeatureSpec,
    trained: bool,
) -> list[EventDetector]:
    """Return the detectors that find in the log what they need, and note the others."""
    if not trained:
        unsupported = [detector.name for detector in detectors if Signal.TRAINING_SET in detector.needs]
        report.notes += [f"{summary.model}: {name} is left out; it needs --training-set" for name in unsupported]
        detectors = [detector for detector in detectors if detector.name not in unsupported]
    if 0 < summary.feedbacks < FEWEST:
        # Ranks among callers who never send any would call whoever does rare.
        deaf = [detector.name for detector in detectors if Signal.FEEDBACK in detector.needs]
        lack = f"only {summary.feedbacks} events have feedback, and {FEWEST} are needed to learn from"
        report.notes += [f"{summary.model}: {name} does not run; {lack}" for name in deaf]
        detectors = [detector for detector in detectors if detector.name not in deaf]
    lost = summary.events - summary.attributed
    if summary.attributed and lost:
        report.skipped.append(Skip(f"{summary.model}: {lost:,} of {summary.events:,} events", "nobody is named"))
    able, skipped, notes = lacking(summary, detectors, known)
    report.skipped += skipped
    report.notes += notes
    speaking, blind = seeing(able, known)
    report.skipped += [Skip(f"{summary.model}: {name}", why) for name, why in blind.items()]
    return speaking


def _section(
    report: BaselineReport,
    spool: Spool,
    summary: ModelSummary,
    plan: Plan,
    lessons: _TrainingInputs,
    given: _BuildOptions,
    watch: Progress,
) -> ModelBaseline:
    watch.stage(f"Fitting {summary.model}")
    share = FIT_EVENTS / summary.events
    benign = sample(spool, plan, share, FIT_QUERIES)
    asked, _ = benign[0].queries()
    cells = _cells(asked, plan, summary)
    lessons = lessons.beside(plan.encoder, asked)
    canary_hits = _canary_hits(lessons.sketch, benign)
    builder = ProfileBuilder(TrafficProfile.blank(asked if plan.encoder.size else benign[0]))
    learned = _Learned()
    for kind in _parts(plan, lessons, cells):
        # Whoever is no benign caller is no part of what like queries are made of, either.
        part = replace(kind, without=learned.aside)
        if part.subject is Subject.BUCKET:
            benign = sample(spool, part, share, FIT_QUERIES)
        own = replace(lessons, detectors=[d for d in lessons.detectors if Plan.kind_of(d) is part.subject])
        watch.stage(f"Scoring {summary.model}", summary.attributed)
        seen = builder if part.subject is Subject.PRINCIPAL else None
        gathered = _cross_fitted(spool, part, own, benign, watch, seen, given.engine)
        if part.subject is Subject.PRINCIPAL:
            everybody = {name: one.gathered for name, one in gathered.items()}
            learned.aside, said = set_aside(summary.model, own.detectors, everybody, canary_hits, given.overrules)
            report.aside[summary.model] = learned.aside
            report.notes += [f"{summary.model}: {note}" for note in said]
        learned.add(part.subject, own, benign, gathered)
    profile, names = builder.profile(learned.aside)
    how = dict(zip(names, habits(profile), strict=True))
    report.nearest |= {(summary.model, name): one.nearest(how, learned.aside) for name, one in learned.found.items()}
    section = _written(summary, plan, learned, given, cells, profile)
    if given.self_test is None:
        return section
    watch.stage(f"Planting attacks on {summary.model}")
    return _tested(report, section, given.self_test(section, spool, summary), learned)


@dataclass
class _Learned:
    """What was learned of a model's benign subjects, kind by kind."""

    detectors: dict[str, DetectorBaseline] = field(default_factory=dict)
    tails: dict[Subject, JointTail] = field(default_factory=dict)
    found: dict[str, _Found] = field(default_factory=dict)
    aside: frozenset[str] = frozenset()

    def add(
        self, kind: Subject, own: _TrainingInputs, benign: tuple[EventBatch, list[str]], gathered: dict[str, _Found]
    ) -> None:
        """Rank the subjects of a kind, and fit its detectors on all who are not set aside."""
        lives = {name: one.gathered for name, one in gathered.items()}
        ranking = Ranking.of(lives, self.aside, odd_ones=kind is Subject.PRINCIPAL)
        kept = benign[0].only(np.array([name not in self.aside for name in benign[1]], bool))
        self.found |= gathered
        self.tails[kind] = ranking.tail
        for detector in own.detectors:
            params = own.kept(detector, kept)
            self.detectors[detector.name] = _learned(detector, params, gathered[detector.name], ranking, self.aside)


def _written(
    summary: ModelSummary,
    plan: Plan,
    learned: _Learned,
    given: _BuildOptions,
    cells: Cells | None,
    profile: TrafficProfile,
) -> ModelBaseline:
    span = max(DAY_US, summary.last_time - summary.first_time)
    principals = len(learned.tails.get(Subject.PRINCIPAL, ()))
    by = {one.name: one for one in given.detectors}
    return ModelBaseline(
        model=summary.model,
        version=summary.version,
        created=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        spec=plan.encoder.spec,
        knots=plan.encoder.knots,
        principals=principals,
        events=summary.events,
        # Traffic repeats by the day: a log of an hour is taken for all that a day brings.
        callers_per_week=max(1, principals) * WEEK_US / span,
        span=span,
        alpha=given.alpha,
        detectors={
            name: replace(one, allowed={digest_of(who): in_parts(by[name], value) for who, value in spared.items()})
            if (spared := given.overrules.benign.get((summary.model, name)))
            else one
            for name, one in learned.detectors.items()
        },
        tails=learned.tails,
        cells=cells,
        profile=profile,
    )


def _tested(
    report: BaselineReport,
    section: ModelBaseline,
    tested: Tested,
    learned: _Learned,
) -> ModelBaseline:
    """Switch off the detectors that cannot tell attackers, so that they do not count in anybody's evidence either."""
    if tested.not_run:
        report.notes.append(f"{section.model}: self-test not run: {tested.not_run}")
        return section
    detectors = {
        name: replace(one, off=tested.off[name]) if name in tested.off else one
        for name, one in section.detectors.items()
    }
    tails = section.tails
    if tested.off:
        kept = {
            name: one.gathered
            for name, one in learned.found.items()
            if name not in tested.off and one.kind is Subject.PRINCIPAL
        }
        tails = {**tails, Subject.PRINCIPAL: Ranking.of(kept, learned.aside).tail}
    return replace(section, detectors=detectors, tails=tails, tested=True)


def _cells(benign: EventBatch, plan: Plan, summary: ModelSummary) -> Cells | None:
    """Share out the queries of a model; a part of the benign ones says how, all of them how finely."""
    if not len(benign) or not plan.encoder.size:
        return None
    return Cells.fit(benign.query, summary.attributed)


def _canary_hits(seen: Sketch, benign: tuple[EventBatch, list[str]]) -> frozenset[str]:
    """Return who of the benign callers asked for a canary: either it is none, or they are not benign."""
    batch, names = benign
    return frozenset(names[at] for at in np.unique(batch.subject[holds(seen, batch.key, CANARIES)]).tolist())


def _parts(plan: Plan, lessons: _TrainingInputs, cells: Cells | None) -> list[Plan]:
    """Return a plan for each kind of subject that somebody learns about; there are no cells without inputs."""
    kinds = dict.fromkeys(Plan.kind_of(detector) for detector in lessons.detectors)
    return [
        replace(plan, subject=kind, cells=cells)
        for kind in sorted(kinds, key=list(Subject).index)
        if kind is Subject.PRINCIPAL or cells is not None
    ]


def _cross_fitted(
    spool: Spool,
    plan: Plan,
    lessons: _TrainingInputs,
    sampled: tuple[EventBatch, list[str]],
    watch: Progress,
    builder: ProfileBuilder | None,
    engine: Engine,
) -> dict[str, _Found]:
    """Return everybody's scores under what was learned from the other folds, by detector.

    Meanwhile callers sit for their profile, if they are asked to.
    """
    benign, names = sampled
    folds = np.array([_fold(name) for name in names], np.int64)
    found = {detector.name: _Found(plan.subject) for detector in lessons.detectors}
    for fold in range(FOLDS):
        # Fitted on the subjects outside a fold, so that the fold's own scores are those of strangers.
        others = folds != fold
        strangers = benign.only(others if others.any() else ~others)
        lines = tuple(CalibratedDetector(d, lessons.of(d, strangers)) for d in lessons.detectors)
        into = {name: one.gathered for name, one in found.items()}
        share = Share(16, FOLDS, fold, fold + 1)
        engine.gather(spool, replace(plan, lines=lines), share, into, watch.advance, builder)
    return found


def _fold(subject: str) -> int:
    return bucket_of(subject) // 16 % FOLDS


def _learned(
    detector: EventDetector, params: Params, found: _Found, ranking: Ranking, aside: frozenset[str]
) -> DetectorBaseline:
    peak = max((best for name, best in found.gathered.peaks().items() if name not in aside), default=0.0)
    return DetectorBaseline(detector.state_version, params, ranking.ranks[detector.name], peak)
