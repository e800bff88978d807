"""Choose the version that an alias of a registered model goes back to, or forward again; the server's tags remember."""

from dataclasses import dataclass
from typing import Final

import orjson
from pydantic import TypeAdapter, ValidationError

from caponier.errors import InputError
from caponier.remediate.mlflow_server import MlflowModel, MlflowVersion
from caponier.remediate.model_registry import RegistryChange, VersionStatus

STATUS: Final = "caponier.status"
"""Tag of a version; `quarantined` if a rollback took it out of service."""
SHA256: Final = "caponier.sha256"
"""Tag of a version with the digest that its files must have."""
HISTORY: Final = "caponier.rollbacks."
"""Beginning of the tag of a model that holds the rollbacks of an alias."""


class AliasChange(RegistryChange):
    """One rollback of an alias."""

    bad_sha256: str | None = None
    """Of the files that were taken out of service: nothing else may be rolled forward to."""


_CHANGES: Final = TypeAdapter(tuple[AliasChange, ...])


@dataclass(frozen=True)
class AliasPlan:
    """What a rollback, or its undoing, would change."""

    model: MlflowModel
    alias: str
    leaves: MlflowVersion
    takes: MlflowVersion
    history: tuple[AliasChange, ...]
    undoes: AliasChange | None = None

    @property
    def expected(self) -> str | None:
        """The digest that the files must have, if anybody has said so."""
        return (self.undoes.bad_sha256 if self.undoes else None) or self.takes.tags.get(SHA256)


def plan_alias(model: MlflowModel, alias: str | None, *, to: str | None = None, undo: bool = False) -> AliasPlan:
    """Choose the version that an alias is to name.

    Args:
        model: As the server tells it.
        alias: The alias; None if the model has only one.
        to: The version; by default the one before that is ready and not quarantined.
        undo: Go forward to what the last rollback took out of service.

    Raises:
        InputError: If there is no such alias or version, or nothing to go back to.
    """
    chosen = _alias(model, alias)
    history, active = _history(model, chosen), model.version(model.aliases[chosen])
    if undo:
        last = next((change for change in reversed(history) if not change.undone), None)
        if last is None:
            raise InputError(f"no rollback of {model.name}@{chosen} is left to undo")
        if active.version != last.good:
            what = f"{model.name}@{chosen} has changed since the rollback from {last.bad} to {last.good}"
            raise InputError(what, hint="Choose a version with --to.")
        return AliasPlan(model, chosen, active, model.version(last.bad), history, last)
    good = _before(model, active) if to is None else model.version(to)
    if good.version == active.version:
        raise InputError(f"{model.name}@{chosen} is version {good.version} already")
    if _quarantined(good):
        hint = "Roll forward with --undo, or name another version."
        raise InputError(f"version {good.version} of {model.name} is quarantined", hint=hint)
    if good.status != "READY":
        raise InputError(f"version {good.version} of {model.name} is not ready: {good.status}")
    return AliasPlan(model, chosen, active, good, history)


def changed_history(plan: AliasPlan, change: AliasChange) -> str:
    """Return the tag that remembers a rollback, or that one was undone."""
    if plan.undoes:
        undone = plan.undoes.model_copy(update={"undone": True})
        changes = tuple(undone if one == plan.undoes else one for one in plan.history)
    else:
        changes = (*plan.history, change)
    return orjson.dumps([one.model_dump(mode="json") for one in changes]).decode()


def _alias(model: MlflowModel, asked: str | None) -> str:
    known = ", ".join(sorted(model.aliases)) or "none"
    if asked is None and len(model.aliases) == 1:
        return next(iter(model.aliases))
    if asked is None:
        what = f"{model.name} has {len(model.aliases)} aliases, so it does not say what is served"
        raise InputError(what, hint=f"Name one with --alias. There are: {known}")
    if asked not in model.aliases:
        raise InputError(f"{model.name} has no alias {asked!r}", hint=f"There are: {known}")
    return asked


def _history(model: MlflowModel, alias: str) -> tuple[AliasChange, ...]:
    told = model.tags.get(HISTORY + alias)
    try:
        return _CHANGES.validate_json(told) if told else ()
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]["msg"]
        what = f"the tag that remembers rollbacks cannot be read: {first}"
        raise InputError(what, where=f"{model.name}, tag {HISTORY}{alias}", hint="Take the tag away.") from wrong


def _before(model: MlflowModel, active: MlflowVersion) -> MlflowVersion:
    for version in reversed(model.versions[: model.versions.index(active)]):
        if version.status == "READY" and not _quarantined(version):
            return version
    what = f"there is no earlier version of {model.name} than {active.version} that is ready and not quarantined"
    raise InputError(what, hint="Register one, or name a version with --to.")


def _quarantined(version: MlflowVersion) -> bool:
    return version.tags.get(STATUS) == VersionStatus.QUARANTINED.value
