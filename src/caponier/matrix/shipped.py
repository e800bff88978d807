"""The data files that ship with the package, read and checked.

Every file has a shape that forbids unknown keys. The nouns themselves are the shape of a row, so what has no field
there (a defence, a rank of risk) has no place in a file either.
"""

import datetime
from importlib.resources import files
from typing import Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from caponier.errors import CaponierError
from caponier.matrix.evidence import Grade, Study
from caponier.matrix.technique import Tactic, Technique

# The C loader is ten times faster, but not every PyYAML build has it.
_Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Shape(BaseModel):
    """A file or a row that has exactly the named keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MatrixFile(Shape):
    """One version of a matrix."""

    schema_: Literal["caponier.matrix/1"] = Field(alias="schema")
    version: str
    name: str
    released: datetime.date
    repository: str
    tactics: tuple[Tactic, ...]
    techniques: tuple[Technique, ...]

    @model_validator(mode="after")
    def _ids_are_known(self) -> Self:
        ids = [technique.id for technique in self.techniques]
        if len(set(ids)) < len(ids):
            raise ValueError("an id is there twice")
        known = {None, *ids}
        columns = {tactic.id for tactic in self.tactics}
        for technique in self.techniques:
            if not {technique.parent, technique.same_as} <= known or not {*technique.tactics} <= columns:
                raise ValueError(f"{technique.id} names an id that is not there")
        return self


class LaterStudy(Shape):
    """A study that shows an entry through ATLAS ids."""

    study: str
    through: tuple[str, ...]


class EvidenceRow(Shape):
    """The grade of an entry and the ids of the studies behind it."""

    id: str
    grade: Grade
    studies_2020: tuple[str, ...] = ()
    studies_later: tuple[LaterStudy, ...] = ()


class EvidenceFile(Shape):
    """Studies, and which entry each of them shows."""

    schema_: Literal["caponier.evidence/1"] = Field(alias="schema")
    matrix: str
    studies: tuple[Study, ...]
    techniques: tuple[EvidenceRow, ...]


class AttackNamesFile(Shape):
    """Names of ATT&CK Enterprise techniques by id."""

    schema_: Literal["caponier.attack-names/1"] = Field(alias="schema")
    techniques: dict[str, str]


S = TypeVar("S", bound=Shape)


def read(name: str, shape: type[S]) -> S:
    """Read the shipped file `name` and check that it has the shape.

    Raises:
        CaponierError: If the file is not of that shape: the installation is damaged.
    """
    return parse((files("caponier.matrix") / "data" / name).read_text(encoding="utf-8"), shape, name)


def parse(text: str, shape: type[S], name: str) -> S:
    """Check that YAML text has the shape; `name` is used in the message only.

    Raises:
        CaponierError: If the text is no YAML or has another shape.
    """
    try:
        return shape.model_validate(yaml.load(text, _Loader))  # noqa: S506 - a safe loader, chosen above
    except (yaml.YAMLError, ValidationError) as wrong:
        raise CaponierError(f"the file is damaged: {wrong}", where=name, mend="Reinstall caponier.") from wrong
