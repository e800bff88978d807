"""Validate detection on the user's own log: emulated attacks on a copy of their model, planted into a copy of the log.

The log itself is only read; everything that is written lies in a folder that is removed.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

from caponier.app.inference.load import gap
from caponier.app.inference.plan import DetectionSettings
from caponier.app.inference.read_options import USUAL, ReadOptions
from caponier.app.planting.own_attacks import EXAM, HELD, QUERIES, AttackRun, AttackTarget, Run, carry_out, kinds, never
from caponier.app.planting.own_log import COLUMNS, LEARNED, SCANNED, OwnLog, OwnLogReading, read_own_log
from caponier.app.planting.own_model import EXAM as ANSWERS
from caponier.app.planting.own_model import LESSONS, InputScale, OwnModel, served_model, surrogate_model
from caponier.app.planting.planted_log import PlantedAttacker, attackers, plant
from caponier.app.planting.report import AlphaShown, Gap, OwnLogReport, false_alerts, shown_of_kinds
from caponier.app.planting.scan import PlantedScan, learn, scan_planted
from caponier.app.progress import Progress, Silent
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.calibration.judging import ALPHA
from caponier.emulate.attacker.black_box import evasion
from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.victims.client import RemoteError, RemoteModel
from caponier.engines.shares import EVERYBODY
from caponier.engines.spool import ModelSummary, Spool
from caponier.errors import InputError
from caponier.formats.suggest import did_you_mean, nearest
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.records.skip import Skip
from caponier.telemetry.rejections import RejectedRows

ALPHAS: Final = (0.001, 0.003, ALPHA, 0.03, 0.1)
"""Shares of benign callers at which the alarms are told."""
ATTACKERS: Final = 20
VARIED: Final = 8
"""Inputs of one caller that attackers may have come by; more where there are few callers."""
REQUEST_ROWS: Final = 32
FEWEST: Final = 3
"""Callers below which there is nobody to learn from and nobody to scan."""
NATURAL: Final = 30
"""Inputs below which attackers have nothing to begin with, and a copy nothing to be judged on."""
DRAWN: Final = 2**26
"""Most numbers of the inputs that are drawn from the log at a time: of large inputs fewer are drawn."""
PLANTED: Final = 2**28
"""Most numbers of all inputs that attackers may send: what is planted is held in memory."""


@dataclass(frozen=True)
class OwnModelServer:
    """A copy of the user's model behind the Open Inference Protocol.

    Raises:
        InputError: If the address holds a secret: it stands in the report, and in errors.
    """

    url: str
    key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if "@" in parts.netloc or parts.query:
            hint = "Give the key as CAPONIER_URL_KEY in the environment."
            raise InputError("the address of a model must hold no name, password or parameter", hint=hint)


@dataclass(frozen=True)
class Effort:
    """How much is done.

    Args:
        attackers: Of each kind.
        only: Kinds of attack; all by default.
        columns: What the log is imagined without, of `COLUMNS`.
        seed: Fixes everything.
    """

    attackers: int = ATTACKERS
    only: tuple[str, ...] = ()
    columns: tuple[str, ...] = tuple(COLUMNS)
    seed: int = 0


FULL: Final = Effort()


@dataclass(frozen=True, eq=False)
class _Work:
    """One validation on its way."""

    log: OwnLog
    model: OwnModel
    planted: Sequence[PlantedAttacker]
    terms: DetectionSettings
    folder: Path
    seed: int
    alpha: float

    @property
    def learns(self) -> bool:
        """Whether a baseline is learned from a part of the log."""
        return self.log.scanned is not EVERYBODY

    def seen(self, alphas: Sequence[float], without: str | None = None) -> PlantedScan:
        """Plant the attackers, learn, and scan; everything as if the log lacked a column.

        Raises:
            InputError: If nothing can be learned from such a log.
        """
        benign, users, planted = (self.folder / f"{name}-{without}.parquet" for name in ("benign", "users", "planted"))
        plant(self.log, self.planted, self.model.names, planted, without, self.seed)
        self.log.write(users, self.log.scanned, without)
        baseline, notes = self.terms.baseline, list[str]()
        if self.learns:
            self.log.write(benign, LEARNED, without)
            baseline, notes = learn(benign, self.log.spec, self.terms)
        scanned = scan_planted([users, planted], replace(self.terms, baseline=baseline), alphas)
        for path in (benign, users, planted):
            path.unlink(missing_ok=True)
        return replace(scanned, notes=(*notes, *scanned.notes))


def validate_log(
    paths: Sequence[Path],
    *,
    model: str | None = None,
    server: OwnModelServer | None = None,
    baseline: Baseline | None = None,
    workspace: Workspace | None = None,
    spec: FeatureSpec | None = None,
    alpha: float | None = None,
    effort: Effort = FULL,
    rejected: RejectedRows | None = None,
    options: ReadOptions = USUAL,
    progress: Progress | None = None,
) -> OwnLogReport:
    """Say what would have been caught in a user's own log.

    Args:
        paths: The log; it is only read.
        model: Name of the model; that of most events by default.
        server: A copy of the model to attack; without one a surrogate learns from the log's own answers.
        baseline: What benign traffic looks like; without one it is learned from most of the log's callers, and
            attackers are planted among the others.
        workspace: Its inventory, salt and alpha.
        spec: What the model takes, where the inventory does not say.
        alpha: Share of benign callers that may be flagged, in place of the baseline's.
        effort: How much is done.
        rejected: Takes the rows of the log that cannot be used.
        options: How the log is to be read.
        progress: Told how far it is.

    Raises:
        InputError: If the log, the baseline, the server or the names of attacks cannot be used.
        MissingExtraError: If the extra `emulate` is not installed.
    """
    began, watch, rejected = perf_counter(), progress or Silent(), rejected if rejected is not None else RejectedRows()
    # Fails before anything is begun where the extra is not there.
    evasion()
    terms = DetectionSettings.of(workspace, baseline)
    with Spool() as spool, tempfile.TemporaryDirectory(prefix="caponier-validate-") as folder:
        log, others = read_own_log(spool, paths, rejected, watch, OwnLogReading(model, spec, options), terms)
        if baseline is not None and log.scanned is not EVERYBODY:
            raise InputError("the baseline knows nothing of this model", where=log.summary.model)
        rejected.add(spool.wrong_lengths(log.summary.model, log.size))
        # Who names a model does not mean the others.
        skipped = [Skip(other, "is another model; name it with --model") for other in others if model is None]
        with copied(log, server, effort.seed, watch) as copy:
            runs, left = attacked(log, copy, effort, watch)
        planted = attackers(log, runs, effort.seed)
        report = _shown(
            _Work(log, copy, planted, terms, Path(folder), effort.seed, alpha or _alpha(terms, log)), effort, watch
        )
    return replace(
        report,
        attacked=server.url if server else "a surrogate",
        skipped=(*report.skipped, *left, *skipped),
        rejected=rejected.count,
        seconds=perf_counter() - began,
    )


def _alpha(terms: DetectionSettings, log: OwnLog) -> float:
    """Return the share of benign callers that is asked for: the baseline's, else the workspace's."""
    section = terms.section(log.summary.model, log.summary.version)
    if section:
        return section.alpha
    return terms.workspace.detect.alpha if terms.workspace else ALPHA


@contextmanager
def copied(log: OwnLog, server: OwnModelServer | None, seed: int, watch: Progress) -> Iterator[OwnModel]:
    """Reach the user's copy of the model, or train a surrogate.

    Raises:
        InputError: If nothing can be learned, nobody is left to be scanned, or the copy does not answer.
    """
    watch.stage("Reaching the model" if server else "Training a surrogate")
    scanned = log.callers(log.scanned)
    if len(scanned) < FEWEST:
        raise InputError(
            f"{len(scanned)} callers are left to plant attackers among",
            where=log.summary.model,
            hint="Take a log of more callers, or one that names them.",
        )
    # Held against answers to others than those whom a surrogate learns from, also where everybody is scanned.
    exam, lessons = (log.examples(share, _most(log, most)) for share, most in ((SCANNED, ANSWERS), (LEARNED, LESSONS)))
    if not len(exam.inputs) or not len(lessons.inputs):
        raise InputError(f"too few callers sent inputs of {log.size} values", where=log.summary.model)
    scale = InputScale.of(log.spec, lessons.inputs)
    if server is None:
        yield surrogate_model(lessons, scale, exam, seed)
        return
    try:
        with RemoteModel(server.url, server.key, log.summary.model) as remote:
            # Servers limit the size of a request.
            yield served_model(partial(remote.predict_proba, batch=REQUEST_ROWS), scale, exam)
    except (RefusedError, RemoteError) as failed:
        hint = "Attack a copy that answers everything: thousands of requests, without limits."
        raise InputError(failed.what, where=failed.where, hint=hint) from failed


def attacked(log: OwnLog, copy: OwnModel, effort: Effort, watch: Progress) -> tuple[list[AttackRun], list[Skip]]:
    """Carry out all attacks on the copy; return what came of them, and what cannot be attacked so.

    Raises:
        InputError: If there is too little to begin with, more than fits into memory, or no attack of a name.
        RefusedError: If the model turns an attacker away.
    """
    callers = max(1, len(log.callers(log.scanned)))
    natural = log.varied(log.scanned, max(VARIED, -(-HELD // callers)), _most(log, HELD + EXAM))
    if len(natural) < NATURAL:
        raise InputError(f"attackers need {NATURAL} inputs to begin with, not {len(natural)}", where=log.summary.model)
    target = AttackTarget(copy, copy.scale.unit(natural), QUERIES)
    known, skipped = kinds(target)
    chosen = _chosen(known, [*skipped, *never()], effort.only)
    if effort.only:
        skipped = [skip for skip in (*skipped, *never()) if skip.what in effort.only]
    if len(chosen) * effort.attackers * QUERIES * log.size > PLANTED:
        raise InputError(
            f"{effort.attackers} attackers of {len(chosen)} kind{'s' * (len(chosen) != 1)} with {QUERIES} inputs of "
            f"{log.size:,} values each do not fit into memory",
            where=log.summary.model,
            hint="Take fewer with --attackers or --only; log large pictures pooled, see docs/reference/input-kinds.md",
        )
    watch.stage("Attacking", len(chosen) * effort.attackers)
    return list(_runs(chosen, target, effort, watch)), skipped


def _most(log: OwnLog, rows: int) -> int:
    """Return how many inputs may be drawn of so many."""
    return min(rows, DRAWN // max(log.size, 1))


def _runs(chosen: Mapping[str, Run], target: AttackTarget, effort: Effort, watch: Progress) -> Iterator[AttackRun]:
    for kind, run in chosen.items():
        for turn in range(effort.attackers):
            yield carry_out(kind, run, target, effort.seed * 10_000 + turn)
            watch.advance(1)


def _chosen(known: Mapping[str, Run], skipped: Sequence[Skip], only: Sequence[str]) -> dict[str, Run]:
    """Return the attacks that are asked for.

    Raises:
        InputError: If there is none of a name, or none is left.
    """
    names = {*known, *(skip.what for skip in skipped)}
    for name in only:
        if name not in names:
            hint = did_you_mean(nearest(name, names), f"There are: {', '.join(sorted(names))}")
            raise InputError(f"there is no attack {name!r}", hint=hint)
    chosen = {name: run for name, run in known.items() if not only or name in only}
    if not chosen:
        reasons = "; ".join(f"{skip.what} {skip.reason}" for skip in skipped if skip.what in only)
        raise InputError(f"none of these attacks can be planted: {reasons}", hint=f"Choose of: {', '.join(known)}")
    return chosen


def _shown(work: _Work, effort: Effort, watch: Progress) -> OwnLogReport:
    """Scan with the attackers planted, once with all columns and once without each of them."""
    log, asked = work.log, work.alpha
    alphas = sorted({*ALPHAS, asked})
    watch.stage("Scanning", 1 + len(effort.columns))
    whole = work.seen(alphas)
    watch.advance(1)
    seen: dict[str, PlantedScan | None] = {}
    # A given baseline was built with all columns; what they are worth is told by learning without them.
    for column in effort.columns if work.learns else ():
        seen[column] = _without(work, column)
        watch.advance(1)
    able = {name: one for name, one in seen.items() if one is not None}
    return OwnLogReport(
        model=log.summary.model,
        attacked="",
        agreement=work.model.agreement,
        learned=len(log.callers(LEARNED)) if work.learns else 0,
        scanned=len(log.callers(log.scanned)),
        alpha=asked,
        kinds=shown_of_kinds(work.planted, whole, alphas.index(asked), able),
        alphas=tuple(
            AlphaShown(alpha, *false_alerts(work.planted, alarms))
            for alpha, alarms in zip(alphas, whole.alarms, strict=True)
        ),
        removed={
            name: None if one is None else false_alerts(work.planted, one.alarms[0])[1] for name, one in seen.items()
        },
        detectors=whole.detectors,
        lacking=_lacking(log.summary, work.terms),
        skipped=whole.skipped,
        notes=(*whole.notes, *_unenriched(log.summary)),
        rejected=0,
        seconds=0.0,
    )


def _unenriched(summary: ModelSummary) -> Iterator[str]:
    """Say that nobody asked the model more about what attackers sent."""
    if names := ", ".join(sorted(summary.enriched)):
        yield f"what is planted was not enriched: detectors that read {names} cannot see it"


def _without(work: _Work, column: str) -> PlantedScan | None:
    """Return what is seen where the log lacks a column; None if nothing can be learned then."""
    try:
        return work.seen([work.alpha], column)
    except InputError:
        return None


def _lacking(summary: ModelSummary, terms: DetectionSettings) -> tuple[Gap, ...]:
    """Say what the log lacks, and who would speak if it had it."""
    gaps: dict[str, list[str]] = {}
    for detector in terms.detectors:
        if advice := gap(summary, detector):
            gaps.setdefault(advice, []).append(detector.name)
    return tuple(Gap(advice, tuple(names)) for advice, names in gaps.items())
