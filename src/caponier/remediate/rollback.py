"""Take a bad model version out of service and put the last good one back; and the way forward again."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from caponier.errors import InputError
from caponier.remediate.model_registry import ModelVersion, RegisteredModel, RegistryChange, VersionStatus, file_digest


@dataclass(frozen=True)
class RollbackPlan:
    """What a rollback, or its undoing, would change."""

    model: RegisteredModel
    leaves: ModelVersion
    """The version that is served now."""
    takes: ModelVersion
    """The version that will be served; its file has been verified."""
    undoes: RegistryChange | None = None


def plan_rollback(model: RegisteredModel, folder: Path, to: str | None = None) -> RollbackPlan:
    """Choose the version to go back to, and verify its file.

    Args:
        model: From the registry.
        folder: The registry's folder, which paths are relative to.
        to: The version to take; without it the last retired one before the active one.

    Raises:
        InputError: If nothing is active, there is nothing to go back to, or the file is not the registered one.
    """
    active = model.active
    if active is None:
        raise InputError(f"no version of {model.name} is active, so there is none to roll back")
    good = _last_good(model, active) if to is None else model.version(to)
    if good.version == active.version:
        raise InputError(f"version {good.version} of {model.name} is active already")
    if good.status is VersionStatus.QUARANTINED:
        hint = "Roll forward with --undo, or name another version."
        raise InputError(f"version {good.version} of {model.name} is quarantined", hint=hint)
    _verify(model, good, folder)
    return RollbackPlan(model, active, good)


def plan_undo(model: RegisteredModel, folder: Path) -> RollbackPlan:
    """Choose what the last rollback took out of service, and verify its file.

    Raises:
        InputError: If nothing was rolled back, the registry has changed since, or the file is not the registered one.
    """
    last = next((change for change in reversed(model.history) if not change.undone), None)
    if last is None:
        raise InputError(f"no rollback of {model.name} is left to undo")
    active, forward = model.active, model.version(last.bad)
    if active is None or active.version != last.good or forward.status is not VersionStatus.QUARANTINED:
        raise InputError(
            f"{model.name} has changed since the rollback from {last.bad} to {last.good}",
            hint="Choose a version with --to.",
        )
    _verify(model, forward, folder)
    return RollbackPlan(model, active, forward, undoes=last)


def carry_out(plan: RollbackPlan, *, author: str, time: datetime, remediation_id: str) -> RegisteredModel:
    """Return the model as it is after a plan."""
    # Only a rollback accuses what it leaves.
    after = VersionStatus.RETIRED if plan.undoes else VersionStatus.QUARANTINED
    model = plan.model.with_status({plan.leaves.version: after, plan.takes.version: VersionStatus.ACTIVE})
    if plan.undoes:
        undone = plan.undoes.model_copy(update={"undone": True})
        history = tuple(undone if change == plan.undoes else change for change in model.history)
    else:
        change = RegistryChange(
            time=time,
            author=author,
            bad=plan.leaves.version,
            good=plan.takes.version,
            remediation_id=remediation_id,
        )
        history = (*model.history, change)
    return model.model_copy(update={"history": history})


def _last_good(model: RegisteredModel, active: ModelVersion) -> ModelVersion:
    earlier = model.versions[: model.versions.index(active)]
    for version in reversed(earlier):
        if version.status is VersionStatus.RETIRED:
            return version
    raise InputError(
        f"there is no earlier good version of {model.name} than {active.version}",
        hint="Register one, or name a version with --to.",
    )


def _verify(model: RegisteredModel, version: ModelVersion, folder: Path) -> None:
    found = file_digest(folder / version.path)
    if found is None:
        raise InputError(f"the file of version {version.version} of {model.name} cannot be read", where=version.path)
    if found != version.sha256:
        raise InputError(
            f"the file of version {version.version} of {model.name} is not the one that was registered; "
            "nothing was changed",
            where=version.path,
            hint=f"Its SHA-256 is {found}; the registry says {version.sha256}. Restore it, or name another version.",
        )
