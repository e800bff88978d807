"""The smallest model registry that allows a rollback: a JSON file of versions, each with the digest of its file."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from caponier.errors import InputError
from caponier.formats.strict_json import read_value

FILE_NAME: Final = "registry.json"
FILE_LIMIT: Final = 16 * 2**20
SCHEMA: Final = "caponier.registry/1"


class VersionStatus(StrEnum):
    """What a version is to whoever serves models."""

    ACTIVE = "active"
    QUARANTINED = "quarantined"
    """Not to be served; kept as evidence."""
    RETIRED = "retired"
    """Served once, and nothing is known against it."""


class _Noun(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelVersion(_Noun):
    """One version of a model."""

    version: str
    path: str
    """Of its file, relative to the registry's folder."""
    sha256: str
    status: VersionStatus


class RegistryChange(_Noun):
    """One rollback, so that it can be undone."""

    time: datetime
    author: str
    bad: str
    good: str
    remediation_id: str
    undone: bool = False


class RegisteredModel(_Noun):
    """A model with its versions, the oldest first, and what was rolled back."""

    name: str
    versions: tuple[ModelVersion, ...]
    history: tuple[RegistryChange, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        names = [version.version for version in self.versions]
        if len(set(names)) != len(names):
            raise ValueError(f"two versions of {self.name!r} have the same name")
        if sum(version.status is VersionStatus.ACTIVE for version in self.versions) > 1:
            raise ValueError(f"two versions of {self.name!r} are active")
        return self

    def version(self, name: str) -> ModelVersion:
        """Return a version.

        Raises:
            InputError: If there is none of that name.
        """
        for version in self.versions:
            if version.version == name:
                return version
        known = ", ".join(version.version for version in self.versions)
        raise InputError(f"there is no version {name!r} of {self.name}", hint=f"Versions: {known}")

    @property
    def active(self) -> ModelVersion | None:
        """The version that is served, if one is."""
        return next((version for version in self.versions if version.status is VersionStatus.ACTIVE), None)

    def with_status(self, changes: Mapping[str, VersionStatus]) -> "RegisteredModel":
        """Return the model with other statuses, by name of version."""
        versions = tuple(
            version.model_copy(update={"status": changes.get(version.version, version.status)})
            for version in self.versions
        )
        return RegisteredModel(name=self.name, versions=versions, history=self.history)


class Registry(_Noun):
    """All models of a registry file."""

    schema_: Literal["caponier.registry/1"] = SCHEMA
    models: tuple[RegisteredModel, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        names = [model.name for model in self.models]
        if len(set(names)) != len(names):
            raise ValueError("two models have the same name")
        return self

    def model(self, name: str) -> RegisteredModel:
        """Return a model.

        Raises:
            InputError: If there is none of that name.
        """
        for model in self.models:
            if model.name == name:
                return model
        known = ", ".join(model.name for model in self.models) or "none"
        raise InputError(f"there is no model {name!r} in the registry", hint=f"Models: {known}")

    def with_model(self, changed: RegisteredModel) -> "Registry":
        """Return the registry with a model in place of the one of its name, or added."""
        known = any(model.name == changed.name for model in self.models)
        models = [changed if model.name == changed.name else model for model in self.models]
        return Registry(models=tuple(models if known else [*models, changed]))

    def register(self, name: str, version: str, path: str, sha256: str) -> "Registry":
        """Return the registry with a new active version; the one that was active is retired.

        Raises:
            InputError: If the version is there already.
        """
        model = next((model for model in self.models if model.name == name), RegisteredModel(name=name, versions=()))
        if any(known.version == version for known in model.versions):
            raise InputError(f"version {version!r} of {name} is registered already")
        before = model.with_status({model.active.version: VersionStatus.RETIRED}) if model.active else model
        new = ModelVersion(version=version, path=path, sha256=sha256, status=VersionStatus.ACTIVE)
        return self.with_model(before.model_copy(update={"versions": (*before.versions, new)}))

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        plain = self.model_dump(mode="json")
        document = {"schema": plain.pop("schema_"), **plain}
        return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def registry_file(path: Path) -> Path:
    """Return the registry's file, where its folder was named."""
    return path / FILE_NAME if path.is_dir() else path


def parse_registry(data: bytes, where: str) -> Registry:
    """Read a registry.

    Raises:
        InputError: If the file is too large, or says something that cannot be meant.
    """
    if len(data) > FILE_LIMIT:
        raise InputError(f"the registry is larger than {FILE_LIMIT:,} bytes", where=where)
    try:
        plain = read_value(data.decode("utf-8"), where)
        if isinstance(plain, dict) and "schema" in plain:
            plain["schema_"] = plain.pop("schema")
        return Registry.model_validate(plain)
    except UnicodeDecodeError as wrong:
        raise InputError(f"this is not JSON: {wrong}", where=where) from wrong
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        key = ".".join(str(step) for step in first["loc"])
        raise InputError(f"{key + ': ' if key else ''}{first['msg']}", where=where) from wrong


def file_digest(path: Path) -> str | None:
    """Return the SHA-256 of a file, or None if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
