"""Put the last good version of a model back into service, or undo that."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from caponier.app.remediate.pinned_test_set import Figures, PinnedTestSet
from caponier.app.remediate.repaired_incident import repaired_incident
from caponier.app.workspace.workspace import acting_user
from caponier.errors import InputError
from caponier.formats.atomic_file import write_bytes
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from caponier.records.remediation import Remediation, RemediationKind
from caponier.remediate.measuring_command import measure
from caponier.remediate.model_registry import (
    ModelVersion,
    Registry,
    file_digest,
    parse_registry,
    registry_file,
)
from caponier.remediate.reference_model import load_reference_model
from caponier.remediate.rollback import RollbackPlan, carry_out, plan_rollback, plan_undo
from caponier.store import remediations
from caponier.store.database import open_store
from caponier.telemetry.labelled_data.dataset import Columns
from caponier.telemetry.labelled_data.datasets import read_bytes


@dataclass(frozen=True)
class Measurement:
    """How the two versions are to be measured."""

    test: Path
    columns: Columns | None = None
    test_sha256: str | None = None
    command: str | None = None
    """With `{model}` and `{test}`; without it only models that Caponier trained can be measured."""
    bad_too: bool = False
    """Whether the command may load the version that leaves service: it may be what runs an attacker's code."""


@dataclass(frozen=True)
class RolledBack:
    """What changed, and what could not be measured."""

    done: Remediation
    leaves: str
    """The version that was in service."""
    takes: str
    """The version that is in service now."""
    notes: tuple[str, ...] = ()
    stage: Stage | None = None
    """Where the incident is now, if it moved on."""


def read_registry(path: Path) -> tuple[Path, Registry]:
    """Read a registry, given its file or its folder.

    Raises:
        InputError: If it cannot be read.
    """
    file = registry_file(path)
    return file, parse_registry(read_bytes(file), str(file))


def rollback_model(
    registry: Path,
    model: str,
    *,
    to: str | None = None,
    undo: bool = False,
    measurement: Measurement | None = None,
    workspace: Workspace | None = None,
    incident_id: str | None = None,
) -> RolledBack:
    """Make an earlier version active and quarantine the one that was, or undo the last time that this was done.

    Args:
        registry: Its file or folder.
        model: The model's name there.
        to: The version to go back to; by default the last good one.
        undo: Roll forward again instead.
        measurement: Measures both versions on a pinned test set.
        workspace: Where the remediation is recorded.
        incident_id: What the remediation belongs to.

    Raises:
        InputError: If there is nothing to go back to, or its file is not the one that was registered; then nothing was
            changed.
    """
    file, known = read_registry(registry)
    read_as = known.to_bytes()
    chosen = known.model(model)
    plan = plan_undo(chosen, file.parent) if undo else plan_rollback(chosen, file.parent, to)
    before, after, digest, notes = _measured(plan, file.parent, measurement)
    author, now, remediation_id = acting_user(), datetime.now(UTC), f"r-{secrets.token_hex(10)}"
    changed = known.with_model(carry_out(plan, author=author, time=now, remediation_id=remediation_id))
    done = Remediation(
        remediation_id=remediation_id,
        kind=RemediationKind.ROLLBACK,
        incident_id=incident_id,
        subject=f"{model} {plan.leaves.version}",
        kept=str(file.parent / plan.leaves.path),
        produced=f"{model} {plan.takes.version}",
        measured_on=digest,
        before=before,
        after=after,
        author=author,
        created=now,
        details=_details(plan, file),
    )
    if read_registry(file)[1].to_bytes() != read_as:
        raise InputError("the registry was changed by somebody else meanwhile; try again", where=str(file))
    _commit(file, read_as, changed, done, workspace)
    return rolled_back(done, plan.leaves.version, plan.takes.version, notes, workspace, undo=undo)


def rolled_back(
    done: Remediation, leaves: str, takes: str, notes: Sequence[str], workspace: Workspace | None, *, undo: bool
) -> RolledBack:
    """Move the incident on if a rollback is proven, and return what it did."""
    # Only the good version need be measured: the bad one may run an attacker's code when it is loaded.
    after = done.after.get("accuracy")
    proven = after is not None and after >= done.before.get("accuracy", 0.0) and not undo
    return RolledBack(done, leaves, takes, tuple(notes), repaired_incident(workspace, done) if proven else None)


def _details(plan: RollbackPlan, file: Path) -> dict[str, Any]:
    return {
        "registry": str(file),
        "from": plan.leaves.version,
        "to": plan.takes.version,
        "sha256": {"from": plan.leaves.sha256, "to": plan.takes.sha256},
        "undoes": plan.undoes.remediation_id if plan.undoes else None,
    }


def _commit(file: Path, old: bytes, changed: Registry, done: Remediation, workspace: Workspace | None) -> None:
    """Write the registry and the record, or neither."""
    if workspace is None:
        write_bytes(file, changed.to_bytes())
        return
    with open_store(workspace.store) as store:
        try:
            with store.write() as connection:
                remediations.add(connection, done)
                write_bytes(file, changed.to_bytes())
        except BaseException:
            with suppress(InputError):
                write_bytes(file, old)
            raise


def _measured(plan: RollbackPlan, folder: Path, how: Measurement | None) -> tuple[Figures, Figures, str, list[str]]:
    if how is None:
        return {}, {}, "", ["no test set was given, so nothing was measured"]
    test = PinnedTestSet.read(how.test, how.columns, how.test_sha256)
    figures: list[Figures] = []
    notes: list[str] = []
    for version, trusted in ((plan.leaves, how.bad_too or plan.undoes is not None), (plan.takes, True)):
        try:
            measuring = _measuring(version, folder, test, how, trusted=trusted)
        except InputError as cannot:
            if version is plan.takes and how.command:
                raise
            notes.append(f"version {version.version} was not measured: {cannot.what}")
            figures.append({})
        else:
            figures.append(measuring())
    return figures[0], figures[1], test.digest, notes


def _measuring(
    version: ModelVersion, folder: Path, test: PinnedTestSet, how: Measurement, *, trusted: bool
) -> Callable[[], Figures]:
    """Return what measures a version.

    Raises:
        InputError: If it must not or cannot be measured.
    """
    path = folder / version.path
    if how.command is None:
        data = read_bytes(path)
        if hashlib.sha256(data).hexdigest() != version.sha256:
            raise InputError("its file is not the one that was registered", where=str(path))
        reference = load_reference_model(data, str(path))
        return lambda: test.accuracy(reference)
    if not trusted:
        raise InputError("a command would have to load it; allow that with --measure-bad")
    if file_digest(path) != version.sha256:
        raise InputError("its file is not the one that was registered", where=str(path))
    command = how.command
    return lambda: measure(command, {"model": str(path), "test": str(test.dataset.path)})
