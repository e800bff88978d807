"""Caponier's own file of one version: everything that a release holds, so that a round trip loses nothing."""

import datetime
from dataclasses import fields
from typing import Any, Final, Literal

import orjson
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from caponier.errors import InputError
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.shipped import Shape, check_ids, check_once
from caponier.matrix.technique import Retirement, Tactic, Technique
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.versions.release import Countermeasure, Release

SCHEMA: Final = "caponier.release/1"


class ReleaseFile(Shape):
    """The file, key by key."""

    schema_: Literal["caponier.release/1"] = Field(alias="schema")
    version: str
    kind: Literal["amltm-2020", "atlas", "attack"]
    name: str
    released: datetime.date | None = None
    repository: str = ""
    format: str
    sha256: str = ""
    remarks: tuple[str, ...] = ()
    tactics: tuple[Tactic, ...]
    techniques: tuple[Technique, ...]
    studies: tuple[CaseStudy, ...] = ()
    retired: tuple[Retirement, ...] = ()
    countermeasures: tuple[Countermeasure, ...] = ()

    @model_validator(mode="after")
    def _ids_are_known(self) -> "ReleaseFile":
        check_ids(self.tactics, self.techniques, self.studies)
        check_once(self.retired)
        check_once(self.countermeasures)
        return self


def to_bytes(release: Release) -> bytes:
    """Write a release; the same release always gives the same bytes."""
    matrix = release.matrix
    plain = {
        "schema": SCHEMA,
        "version": matrix.version,
        "kind": matrix.kind,
        "name": matrix.name,
        "released": matrix.released,
        "repository": matrix.repository,
        "format": release.format,
        "sha256": release.sha256,
        "remarks": release.remarks,
        **{key: _LISTS[key].dump_python(getattr(matrix, key), mode="json") for key in _LISTS},
        "countermeasures": _COUNTERMEASURES.dump_python(release.countermeasures, mode="json"),
    }
    return orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def from_bytes(data: bytes, where: str) -> Release:
    """Read what `to_bytes` wrote.

    Args:
        data: The file's content.
        where: The file's name, for the message.

    Raises:
        InputError: If it is no such file.
    """
    try:
        return release_of(ReleaseFile.model_validate(orjson.loads(data)))
    except orjson.JSONDecodeError as wrong:
        raise InputError(f"this is not JSON: {wrong}", where=where) from None
    except ValidationError as wrong:
        raise InputError(complaint(wrong), where=where, hint="Export the version again, or correct the key.") from None


def release_of(file: ReleaseFile) -> Release:
    """Return the release that a checked file holds."""
    given = {f.name: getattr(file, f.name) for f in fields(Matrix) if f.init}
    return Release(Matrix(**given), file.format, file.sha256, file.countermeasures, file.remarks)


def complaint(wrong: ValidationError) -> str:
    """Say what is wrong with a document, first the place: `techniques.3.name: Field required`."""
    errors = wrong.errors()
    first = errors[0]
    place = ".".join(str(part) for part in first["loc"])
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    message = first["msg"].removeprefix("Value error, ")
    return f"{place}: {message}{more}" if place else f"{message}{more}"


_LISTS: Final[dict[str, TypeAdapter[Any]]] = {
    "tactics": TypeAdapter(tuple[Tactic, ...]),
    "techniques": TypeAdapter(tuple[Technique, ...]),
    "studies": TypeAdapter(tuple[CaseStudy, ...]),
    "retired": TypeAdapter(tuple[Retirement, ...]),
}
_COUNTERMEASURES: Final = TypeAdapter(tuple[Countermeasure, ...])
