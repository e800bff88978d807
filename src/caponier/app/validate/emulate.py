"""Carry out one emulation against one target, and clean up behind it."""

import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Final

import pyarrow.compute as pc
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from caponier.app.coverage.detectors import DetectorKind, EmulationCard, emulation
from caponier.app.progress import Progress, Silent
from caponier.app.validate.lab.attack_line import AttackEndpoint, open_line
from caponier.app.validate.lab.event_attack import AttackSummary, attack_image, campaign_stage, run_campaign, run_probe
from caponier.emulate.campaign import CampaignStage
from caponier.emulate.event_log import Deployment
from caponier.emulate.poison import as_npz, attempt
from caponier.emulate.registry import campaigns, files, poisons, probes, stories
from caponier.emulate.simulation.scenario import ATTACKER, SCENES
from caponier.emulate.victims.digits import DigitsSplit, Victim, load_digits_split, train_victim
from caponier.emulate.victims.digits import Kind as VictimKind
from caponier.errors import InputError
from caponier.formats.atomic_file import write_bytes

VICTIMS: Final[dict[str, VictimKind]] = {"digits-mlp": "mlp", "digits-forest": "forest"}
"""Models that an attack can be pointed at."""
LEARNER: Final = "digits-learner"
"""A model that learns from what its users send back: what an attack through feedback needs."""
SHARE: Final = 0.1
"""Share of the rows whose labels a poison changes."""
_SALT: Final = b"caponier emulate"
"""The keys of emulated attackers are in the program: there is nobody to hide."""


@dataclass(frozen=True)
class EmulationReport:
    """What came of an emulation."""

    name: str
    kind: DetectorKind
    target: str
    success: bool
    """By its own measure; no detector was asked."""
    measure: Mapping[str, float]
    """The figures behind `success`."""
    seconds: float
    queries: int | None = None
    """Answered requests, of an attack on a model."""
    stop: str | None = None
    files: tuple[Path, ...] = ()
    """What it left; none if it was not asked to leave anything."""


@dataclass(frozen=True)
class _Job:
    """What is to be done."""

    card: EmulationCard
    target: str
    folder: Path
    seed: int


def targets(card: EmulationCard) -> tuple[str, ...]:
    """Return what an emulation can be carried out against, its own choice first."""
    if card.kind is DetectorKind.EVENT:
        return (LEARNER,) if card.learner else tuple(VICTIMS)
    return {
        DetectorKind.DATASET: ("digits-training-set",),
        DetectorKind.ARTIFACT: ("model-files",),
        DetectorKind.LOG: ("security-log",),
    }[card.kind]


def emulate(
    name: str, *, target: str | None = None, out: Path | None = None, seed: int = 0, progress: Progress | None = None
) -> EmulationReport:
    """Carry out one emulation.

    A victim is trained for it and served on the loopback address until it is over; one that learns from feedback is
    played with in process. Without `out` everything that it writes is removed afterwards.

    Args:
        name: Of the emulation.
        target: One of `targets`; the first of them by default.
        out: A folder for its log or files; it is made if it is not there, and nothing in it is written over.
        seed: Fixes the emulation.
        progress: Told how far it is.

    Raises:
        InputError: If there is no such emulation or target, or its files are in the folder already.
        MissingExtraError: If the extra `emulate` is not installed.
    """
    card, watch = emulation(name), progress or Silent()
    if target is not None and target not in targets(card):
        raise InputError(f"{name} cannot be carried out against {target!r}", hint=f"Choose: {', '.join(targets(card))}")
    watch.stage(f"Emulating {name}")
    with tempfile.TemporaryDirectory(prefix="caponier-emulate-") as temporary, threadpool_limits(1, user_api="blas"):
        if out is not None:
            _make(out, name)
        report = _CARRIERS[card.kind](_Job(card, target or targets(card)[0], out or Path(temporary), seed))
    return report if out is not None else replace(report, files=())


def _make(out: Path, name: str) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        taken = [path for path in out.iterdir() if path.name == name or path.stem in (name, f"{name}-truth")]
    except OSError as failed:
        raise InputError(f"the folder cannot be used: {failed.strerror}", where=str(out)) from failed
    if taken:
        raise InputError("is there already", where=str(taken[0]), hint="Name another folder with --out.")


def _event(job: _Job) -> EmulationReport:
    """Attack a served model, and write the events that its server recorded."""
    if job.target == LEARNER:
        return _feedback(job)
    began, name = perf_counter(), job.card.name
    split = load_digits_split(job.seed)
    victim: Victim = train_victim(split.train, split.test, job.seed, VICTIMS[job.target])
    stage = campaign_stage(name, split, job.seed, victim) if name in campaigns() else None
    model = job.target
    if stage is not None and stage.victim is not victim:
        victim, model = stage.victim, f"digits-{stage.victim.kind}-{name}"
    with open_line(victim.predict_proba, Deployment(model, "1", "digits"), _SALT) as line:
        summary = _carried_out(job, line, victim, split, stage)
    data = io.BytesIO()
    pq.write_table(line.events(), data)
    path = job.folder / f"{name}.parquet"
    write_bytes(path, data.getvalue())
    seconds = perf_counter() - began
    return EmulationReport(
        name,
        DetectorKind.EVENT,
        model,
        summary.success,
        summary.measure,
        seconds,
        summary.queries,
        summary.stop.value,
        (path,),
    )


def _feedback(job: _Job) -> EmulationReport:
    """Teach a model something wrong among harmless users, in simulated time, and write all that was said."""
    began, name = perf_counter(), job.card.name
    course = SCENES[name].played(load_digits_split(job.seed), job.seed)
    outcome = SCENES[name].outcome(course)
    data = io.BytesIO()
    pq.write_table(course.events, data)
    path = job.folder / f"{name}.parquet"
    write_bytes(path, data.getvalue())
    asked = int(pc.sum(pc.starts_with(course.events["principal"], ATTACKER)).as_py() or 0)
    seconds = perf_counter() - began
    return EmulationReport(
        name, DetectorKind.EVENT, job.target, outcome.success, outcome.measure, seconds, queries=asked, files=(path,)
    )


def _carried_out(
    job: _Job, line: AttackEndpoint, victim: Victim, split: DigitsSplit, stage: CampaignStage | None
) -> AttackSummary:
    if stage is not None:
        return run_campaign(job.card.name, line, stage, job.seed)
    if job.card.name in probes():
        return run_probe(job.card.name, line, victim, job.seed)
    return attack_image(job.card.name, line, victim, split, job.seed)


def _dataset(job: _Job) -> EmulationReport:
    """Poison a training set, and write it with the truth beside it."""
    began, name = perf_counter(), job.card.name
    split = load_digits_split(job.seed)
    poisoned, outcome = attempt(poisons()[name], split.train, split.test, share=SHARE, seed=job.seed)
    path, truth = job.folder / f"{name}.npz", job.folder / f"{name}-truth.csv"
    write_bytes(path, as_npz(poisoned.pool))
    rows = zip(poisoned.changed, poisoned.pool.labels, poisoned.truth, strict=True)
    lines = [f"{row},{given},{right}" for row, (changed, given, right) in enumerate(rows) if changed]
    write_bytes(truth, "\n".join(["row,given,right", *lines, ""]).encode())
    return EmulationReport(
        name,
        DetectorKind.DATASET,
        job.target,
        outcome.success,
        outcome.measure,
        perf_counter() - began,
        files=(path, truth),
    )


def _artifact(job: _Job) -> EmulationReport:
    """Write files that run code when they are loaded; that they do is shown by their opcodes, never by loading one."""
    began, folder = perf_counter(), job.folder / job.card.name
    folder.mkdir()
    chosen = files()[job.card.name]
    paths = tuple(chosen.write(folder, folder.absolute() / "canary"))
    success = chosen.harmful and bool(paths)
    return EmulationReport(
        chosen.name,
        DetectorKind.ARTIFACT,
        job.target,
        success,
        {"files": len(paths)},
        perf_counter() - began,
        files=paths,
    )


def _log(job: _Job) -> EmulationReport:
    """Write the log of an attack among the usual work."""
    began, name = perf_counter(), job.card.name
    trace = stories.one(name).attack(job.seed)
    path = job.folder / f"{name}.jsonl"
    write_bytes(path, trace.to_json_lines())
    measure = {"events": float(len(trace.rows)), "malicious_events": float(len(trace.malicious)), **trace.measure}
    return EmulationReport(
        name, DetectorKind.LOG, job.target, trace.success, measure, perf_counter() - began, files=(path,)
    )


_CARRIERS: Final = {
    DetectorKind.EVENT: _event,
    DetectorKind.DATASET: _dataset,
    DetectorKind.ARTIFACT: _artifact,
    DetectorKind.LOG: _log,
}
