"""What the readers of ATLAS files put right or add, from a shipped table that gives the reasons."""

from functools import cache
from typing import Literal

from pydantic import Field

from caponier.matrix.evidence import StudyType
from caponier.matrix.shipped import Shape, read


class AttackCorrection(Shape):
    """An ATT&CK id that does not fit the entry that refers to it."""

    id: str
    given: str
    right: str
    why: str


class _StudyTypes(Shape):
    why: str
    incident: frozenset[str]
    exercise: frozenset[str]


class _TacticName(Shape):
    id: str
    name: str


class _TacticNames(Shape):
    why: str
    rows: tuple[_TacticName, ...]


class _CorrectionsFile(Shape):
    schema_: Literal["caponier.atlas-corrections/1"] = Field(alias="schema")
    attack_references: tuple[AttackCorrection, ...]
    study_types: _StudyTypes
    tactics: _TacticNames


@cache
def _table() -> _CorrectionsFile:
    return read("atlas-corrections.yaml", _CorrectionsFile)


def attack_correction(id_: str, given: str) -> AttackCorrection | None:
    """Return the correction of an entry's ATT&CK id, if the file still has the one that does not fit."""
    return next((row for row in _table().attack_references if (row.id, row.given) == (id_, given)), None)


def study_type(id_: str) -> StudyType | None:
    """Return the type of a study of the first releases, whose files do not say it."""
    types = _table().study_types
    if id_ in types.incident:
        return StudyType.INCIDENT
    return StudyType.EXERCISE if id_ in types.exercise else None


def tactic_id(name: str) -> str | None:
    """Return the ATLAS id of a tactic of that name."""
    return next((row.id for row in _table().tactics.rows if row.name == name), None)
