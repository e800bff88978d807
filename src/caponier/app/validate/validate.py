"""Carry out every emulation and its benign controls for real, and record which detector saw what."""

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import Final

from caponier.app.coverage.detectors import (
    DetectorCard,
    DetectorKind,
    detectors,
    emulations,
    refuse_unavailable,
    unavailable,
)
from caponier.app.inference.load import enrichments_of
from caponier.app.progress import Progress, Silent
from caponier.app.validate.lab.guarded_line import guarded
from caponier.app.validate.lab.proving_ground import ProvingGround, Scale
from caponier.app.validate.proofs.artifacts import prove_artifacts
from caponier.app.validate.proofs.datasets import prove_datasets
from caponier.app.validate.proofs.events import Guarded, prove_events
from caponier.app.validate.proofs.feedback import prove_feedback
from caponier.app.validate.proofs.logs import prove_logs
from caponier.app.validate.proofs.models import prove_models
from caponier.app.validate.proofs.proof import Pair, ProofRun, trial
from caponier.app.workspace.workspace import acting_user
from caponier.errors import InputError, MissingExtraError
from caponier.extras import needs
from caponier.formats.suggest import did_you_mean, nearest
from caponier.records.inventory import Workspace
from caponier.records.skip import Skip
from caponier.records.trial import Trial
from caponier.store import trials as stored
from caponier.store.database import open_store

FULL: Final = Scale()
QUICK: Final = Scale(seeds=(0,))


@dataclass(frozen=True)
class ValidationReport:
    """What a validation showed."""

    run_id: str
    trials: tuple[Trial, ...]
    skipped: tuple[Skip, ...]
    """What could not be done, and so shows nothing."""
    unproven: tuple[str, ...]
    """Detectors without any emulation."""
    seconds: float
    recorded: bool = False
    """Whether it is in the workspace's store."""

    @property
    def failed(self) -> tuple[Trial, ...]:
        """The trials in which a detector missed an attack or was not silent on a control."""
        return tuple(trial for trial in self.trials if trial.missed or not trial.control_silent)

    @property
    def inconclusive(self) -> tuple[Trial, ...]:
        """The trials whose attack did not succeed: they prove nothing."""
        return tuple(trial for trial in self.trials if not trial.attack_succeeded)


@dataclass
class _Session:
    """One validation on its way."""

    pairs: Sequence[Pair]
    guard: Guarded | None
    watch: Progress
    skipped: list[Skip] = field(default_factory=list)

    def of(self, kind: DetectorKind) -> list[Pair]:
        return [pair for pair in self.pairs if pair.detector.kind is kind]


def validate(
    *,
    only: Sequence[str] = (),
    scale: Scale = FULL,
    workspace: Workspace | None = None,
    guard: Guarded | None = guarded,
    progress: Progress | None = None,
) -> ValidationReport:
    """Validate detectors: each against its emulations, with its controls beside them.

    Everything happens in a folder that is removed afterwards, against victims that are trained for it and served on
    the loopback address.

    Args:
        only: Names of detectors or emulations; all by default.
        scale: How much is done.
        workspace: Whose store keeps the trials; without one they are only returned.
        guard: Put before the victims' servers; with None the servers record themselves.
        progress: Told how far it is.

    Raises:
        InputError: If a name in `only` is neither a detector nor an emulation.
        MissingExtraError: If the extra `emulate` is not installed.
    """
    began, moment, watch = perf_counter(), datetime.now(UTC), progress or Silent()
    with needs("emulate", "Validation"):
        import sklearn  # noqa: F401 - fails before anything is begun
        import uvicorn  # noqa: F401
    chosen = _chosen(only)
    session = _Session(list(_pairs(chosen, only)), guard, watch)
    session.skipped += _unknown(chosen)
    run_id = f"v-{secrets.token_hex(6)}"
    runs = [run for seed in scale.seeds for run in _proven(session, seed, scale)]
    found = tuple(
        trial(f"{run_id}-{number:03d}", group, moment) for number, group in enumerate(_grouped(runs, session.pairs))
    )
    if workspace:
        with open_store(workspace.store) as store, store.write() as connection:
            stored.add(connection, run_id, found, acting_user())
    skipped = tuple(dict.fromkeys(session.skipped))
    unproven = tuple(card.name for card in chosen if not card.emulations)
    return ValidationReport(run_id, found, skipped, unproven, perf_counter() - began, recorded=bool(workspace))


def _chosen(only: Sequence[str]) -> list[DetectorCard]:
    """Return the detectors to validate.

    Raises:
        InputError: If a name is neither a detector nor an emulation.
        MissingExtraError: If one lacks an optional dependency.
    """
    known = {card.name for card in detectors()} | {card.name for card in emulations()}
    refuse_unavailable(set(only) - known)
    for name in only:
        if name not in known:
            hint = did_you_mean(nearest(name, known), "List the emulations with: caponier emulate list")
            raise InputError(f"there is no detector and no emulation {name!r}", hint=hint)
    return [card for card in detectors() if not only or card.name in only or {*card.emulations} & {*only}]


def _pairs(chosen: Sequence[DetectorCard], only: Sequence[str]) -> Iterator[Pair]:
    known = {(card.kind, card.name): card for card in emulations()}
    for card in chosen:
        for name in card.emulations:
            if (card.kind.emulated_by, name) in known and (not only or card.name in only or name in only):
                yield Pair(card, known[card.kind.emulated_by, name])


def _unknown(chosen: Sequence[DetectorCard]) -> Iterator[Skip]:
    """List the emulations that a detector names and that are not there: a third party's may name anything."""
    known = {(card.kind, card.name) for card in emulations()}
    lacking = {one.name: one.line for one in unavailable()}
    for card in chosen:
        for name in card.emulations:
            if (card.kind.emulated_by, name) not in known:
                yield Skip(card.name, lacking.get(name, f"there is no emulation {name!r}"))


def _proven(session: _Session, seed: int, scale: Scale) -> Iterator[ProofRun]:
    """Build a world for a seed, prove everything in it, and remove it."""
    with tempfile.TemporaryDirectory(prefix="caponier-validate-") as folder:
        chosen = [one for pair in session.of(DetectorKind.EVENT) if (one := pair.detector.over_events)]
        asked = {name for detector in chosen for name in enrichments_of(detector)}
        ground = ProvingGround(Path(folder), seed, scale, tuple(sorted(asked)))
        steps = len({(pair.detector.kind, pair.emulation.name) for pair in session.pairs})
        session.watch.stage(f"Validating with seed {seed}", steps)
        yield from prove_logs(session.of(DetectorKind.LOG), ground, session.watch, session.skipped)
        if seed == scale.seeds[0]:
            # Files are the same whatever the seed.
            yield from prove_artifacts(session.of(DetectorKind.ARTIFACT), ground, session.watch, session.skipped)
        yield from prove_datasets(session.of(DetectorKind.DATASET), ground, session.watch)
        yield from prove_models(session.of(DetectorKind.MODEL), ground, session.watch)
        try:
            events = session.of(DetectorKind.EVENT)
            taught = [pair for pair in events if pair.emulation.learner]
            served = [pair for pair in events if not pair.emulation.learner]
            yield from prove_feedback(taught, ground, session.watch, session.skipped)
            yield from prove_events(served, ground, session.watch, session.skipped, session.guard)
        except MissingExtraError as missing:
            session.skipped.append(Skip("detectors over inference events", str(missing)))


def _grouped(runs: Sequence[ProofRun], pairs: Sequence[Pair]) -> Iterator[list[ProofRun]]:
    """Put the runs of one pair on one target together, in the order of the pairs."""
    places = {(pair.detector.name, pair.emulation.name): place for place, pair in enumerate(pairs)}

    def key(run: ProofRun) -> tuple[int, str]:
        return places[run.pair.detector.name, run.pair.emulation.name], run.target

    for _, group in groupby(sorted(runs, key=key), key):
        yield list(group)
